/** What a run costs beyond its tasks: a chain of 100 and a fan-out of 1,000 tasks that complete at once. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { EmbeddedAgamemnon, WorkflowExecutor, WorkflowSpec } from "telemachy"
import * as Bench from "./Bench.ts"
import * as Figure from "./Figure.ts"

const run = (input: unknown) =>
  Effect.gen(function*() {
    const spec = yield* WorkflowSpec.decode(input)
    const server = yield* EmbeddedAgamemnon.make()
    const [time] = yield* Effect.timed(Effect.provide(WorkflowExecutor.execute(spec), Bench.executorOn(server)))
    return { time: Duration.toMillis(time), requests: yield* server.requests }
  }).pipe(Effect.scoped)

const figures = Effect.gen(function*() {
  const trip = yield* Bench.roundTrip
  const chain = yield* run(Bench.workflow("chain", "chain", 100))
  const fanOut = yield* run(Bench.workflow("fan-out", "fan-out", 1000))
  const critical = `critical path: submit and read each task once, ${trip.toFixed(1)} ms a request`
  yield* Figure.report("dispatch", [
    { name: "chain of 100, wall time", value: chain.time, unit: "ms", against: 200 * trip, limit: critical },
    { name: "chain of 100, requests", value: chain.requests, unit: "requests", against: 200, limit: "submit and read each task once" },
    { name: "fan-out of 1,000, wall time", value: fanOut.time, unit: "ms", against: 1000 * trip, limit: `submit each task once, ${trip.toFixed(1)} ms a request, one at a time` },
    { name: "fan-out of 1,000, requests", value: fanOut.requests, unit: "requests", against: 1000, limit: "submit each task once" },
    { name: "peak memory of this process", value: yield* Bench.peakMemory, unit: "MB", against: 300, limit: "the limit for 10,000 tasks" }
  ])
})

figures.pipe(Effect.provide(Bench.layer), NodeRuntime.runMain)
