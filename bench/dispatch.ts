/** What a run costs beyond its tasks: a chain of 100 and a fan-out of 1,000 tasks that complete at once. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import { AgamemnonClient, EmbeddedAgamemnon, WorkflowExecutor, WorkflowSpec } from "telemachy"
import * as Bench from "./Bench.ts"
import * as Figure from "./Figure.ts"

/** How many requests a client has under way at once. */
const connections = 6

const run = (input: unknown) =>
  Effect.gen(function*() {
    const spec = yield* WorkflowSpec.decodeUnknown(input)
    const server = yield* EmbeddedAgamemnon.make()
    const [time] = yield* Effect.timed(Effect.provide(WorkflowExecutor.execute(spec), Bench.executorOn(server)))
    return { time: Duration.toMillis(time), requests: yield* server.requests }
  }).pipe(Effect.scoped)

const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.timed(effect), ([time]) => Duration.toMillis(time))

/** How long a ping takes while a thousand tasks are being submitted, which an ordinary request waits seconds for. */
const underLoad = Effect.gen(function*() {
  const client = yield* Bench.served
  const spec = yield* WorkflowSpec.decodeUnknown(Bench.workflow("load", "fan-out", 1000))
  const layer = WorkflowExecutor.layer().pipe(Layer.provide(Layer.succeed(AgamemnonClient.AgamemnonClient, client)))
  const pings = yield* Ref.make<ReadonlyArray<number>>([])
  const sample = Effect.flatMap(timed(client.ping), (time) => Ref.update(pings, (times) => [...times, time]))
  const idle = Bench.median(yield* Effect.replicateEffect(timed(client.ping), 50))
  yield* sample.pipe(Effect.delay("20 millis"), Effect.forever, Effect.forkScoped)
  yield* Effect.provide(Effect.flatMap(WorkflowExecutor.WorkflowExecutor, ({ execute }) => execute(spec)), layer)
  return { idle, ping: Bench.median(yield* Ref.get(pings)) }
}).pipe(Effect.scoped)

const figures = Effect.gen(function*() {
  const trip = yield* Bench.roundTrip
  const chain = yield* run(Bench.workflow("chain", "chain", 100))
  const fanOut = yield* run(Bench.workflow("fan-out", "fan-out", 1000))
  const load = yield* underLoad
  const critical = `critical path: submit and read each task once, ${trip.toFixed(1)} ms a request`
  yield* Figure.report("dispatch", [
    { name: "chain of 100, wall time", value: chain.time, unit: "ms", against: 200 * trip, limit: critical },
    { name: "chain of 100, requests", value: chain.requests, unit: "requests", against: 200, limit: "submit and read each task once" },
    { name: "fan-out of 1,000, wall time", value: fanOut.time, unit: "ms", against: 1000 * trip, limit: `submit each task once, ${trip.toFixed(1)} ms a request, one at a time` },
    { name: "fan-out of 1,000, requests", value: fanOut.requests, unit: "requests", against: 1000, limit: "submit each task once" },
    {
      name: "a ping while 1,000 tasks are submitted",
      value: load.ping,
      unit: "ms",
      against: load.idle * (1 + connections),
      limit: `a ping of before, ${load.idle.toFixed(1)} ms, behind the ${connections} requests under way, which that Agamemnon answers one by one; medians`
    },
    { name: "peak memory of client and server", value: yield* Bench.peakMemory, unit: "MB", against: 300, limit: "the limit for 10,000 tasks" }
  ])
})

figures.pipe(Effect.provide(Bench.layer), NodeRuntime.runMain)
