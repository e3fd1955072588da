/** What single steps cost, against one request and its answer. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { AgamemnonClient, EmbeddedAgamemnon } from "telemachy"
import * as Bench from "./Bench.ts"
import * as Figure from "./Figure.ts"

const timeOf = <A, E, R>(effect: Effect.Effect<A, E, R>, rounds: number) =>
  Effect.map(
    Effect.replicateEffect(Effect.map(Effect.timed(effect), ([time]) => Duration.toMillis(time)), rounds),
    Bench.median
  )

const figures = Effect.gen(function*() {
  const trip = yield* Bench.roundTrip
  const server = yield* EmbeddedAgamemnon.make()
  const client = yield* AgamemnonClient.make(server)
  const ping = yield* timeOf(client.ping, 200)

  const team = yield* client.createTeam("team", [], new Set())
  yield* Effect.forEach(Arr.makeBy(100, (position) => `task ${position}`), (subject) =>
    client.createTask(team.id, { subject, description: "" }, new Set()))
  const poll = yield* timeOf(client.listTasks(team.id), 50)

  const make = Effect.forEach(Arr.makeBy(10, (position) => `agent ${position}`), (name) =>
    Effect.map(client.createAgent({ name, program: "none" }, new Set()), ({ id }) => id))
  const teardowns = yield* Effect.replicateEffect(
    Effect.flatMap(make, (ids) =>
      Effect.map(
        Effect.timed(Effect.forEach(ids, client.deleteAgent, { concurrency: "unbounded", discard: true })),
        ([time]) => Duration.toMillis(time)
      )),
    20
  )
  const unit = "ms"
  const limit = `one request and its answer, ${trip.toFixed(2)} ms`
  yield* Figure.report("micro", [
    { name: "a ping", value: ping, unit, against: trip, limit },
    { name: "a poll of 100 tasks", value: poll, unit, against: trip, limit },
    { name: "the removal of 10 agents", value: Bench.median(teardowns), unit, against: 10 * trip, limit: "ten of them" }
  ])
}).pipe(Effect.scoped)

figures.pipe(Effect.provide(Bench.layer), NodeRuntime.runMain)
