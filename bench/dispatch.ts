/** What a run costs beyond its tasks: a chain of 100 and a fan-out of 1,000 tasks that complete at once. */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { AgamemnonClient, EmbeddedAgamemnon, WorkflowExecutor, WorkflowSpec } from "telemachy"
import * as Figure from "./Figure.ts"

const workflow = (name: string, count: number, blockedBy: (position: number) => ReadonlyArray<string>) => ({
  metadata: { name },
  agents: [{ name: "worker", program: "none" }],
  teams: [{
    name: "team",
    agents: ["worker"],
    tasks: Array.from({ length: count }, (_, position) => ({
      subject: `task ${position}`,
      description: "nothing to do",
      assign_to: "worker",
      blocked_by: blockedBy(position)
    }))
  }],
  teardown: "always"
})

const run = (input: unknown) =>
  Effect.gen(function*() {
    const spec = yield* WorkflowSpec.decode(input)
    const server = yield* EmbeddedAgamemnon.make()
    const layer = WorkflowExecutor.layer().pipe(Layer.provide(AgamemnonClient.layer(server)))
    const [time] = yield* Effect.timed(Effect.provide(WorkflowExecutor.execute(spec), layer))
    return { time: Duration.toMillis(time), requests: yield* server.requests }
  }).pipe(Effect.scoped)

/** One request to an embedded Agamemnon and its answer: the least that anything can cost. */
const roundTrip = Effect.gen(function*() {
  const server = yield* EmbeddedAgamemnon.make()
  const client = yield* AgamemnonClient.make(server)
  yield* Effect.replicateEffect(client.ping, 50, { discard: true })
  const [time] = yield* Effect.timed(Effect.replicateEffect(client.ping, 200, { discard: true }))
  return Duration.toMillis(time) / 200
}).pipe(Effect.scoped)

const figures = Effect.gen(function*() {
  const trip = yield* roundTrip
  const chain = yield* run(workflow("chain", 100, (position) => (position === 0 ? [] : [`task ${position - 1}`])))
  const fanOut = yield* run(workflow("fan-out", 1000, () => []))
  const critical = `critical path: submit and read each task once, ${trip.toFixed(1)} ms a request`
  yield* Figure.report("dispatch", [
    { name: "chain of 100, wall time", value: chain.time, unit: "ms", against: 200 * trip, limit: critical },
    { name: "chain of 100, requests", value: chain.requests, unit: "requests", against: 200, limit: "submit and read each task once" },
    { name: "fan-out of 1,000, wall time", value: fanOut.time, unit: "ms", against: 1000 * trip, limit: `submit each task once, ${trip.toFixed(1)} ms a request, one at a time` },
    { name: "fan-out of 1,000, requests", value: fanOut.requests, unit: "requests", against: 1000, limit: "submit each task once" },
    { name: "peak memory of this process", value: process.resourceUsage().maxRSS / 1024, unit: "MB", against: 300, limit: "the limit for 10,000 tasks" }
  ])
})

figures.pipe(Effect.provide([NodeContext.layer, NodeHttpClient.layer]), NodeRuntime.runMain)
