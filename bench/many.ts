/** What many runs in one process cost: time, memory and requests, against one run and the rate of the backend. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { EmbeddedAgamemnon, WorkflowExecutor, WorkflowSpec } from "telemachy"
import * as Bench from "./Bench.ts"
import * as Figure from "./Figure.ts"

const tasks = 10

/** Runs so many workflows of ten tasks at once, on one Agamemnon in this process. */
const runAll = (count: number) =>
  Effect.gen(function*() {
    const specs = yield* Effect.forEach(Arr.makeBy(count, (position) => position), (position) =>
      WorkflowSpec.decodeUnknown(Bench.workflow(`flow ${position}`, "layers", tasks)))
    const server = yield* EmbeddedAgamemnon.make()
    const all = Effect.flatMap(WorkflowExecutor.WorkflowExecutor, ({ execute }) =>
      Effect.forEach(specs, (spec) => execute(spec), { concurrency: "unbounded", discard: true }))
    const [time] = yield* Effect.timed(Effect.provide(all, Bench.executorOn(server)))
    return { time: Duration.toMillis(time), requests: yield* server.requests }
  }).pipe(Effect.scoped)

const figures = Effect.gen(function*() {
  const rate = yield* Bench.requestRate
  const none = yield* Bench.peakMemory
  const hundred = yield* runAll(100)
  const thousand = yield* runAll(1000)
  const memory = yield* Bench.peakMemory
  const atThatRate = (requests: number) => (requests / rate) * 1000
  yield* Figure.report("many", [
    {
      name: "1,000 runs of 10 tasks, wall time",
      value: thousand.time,
      unit: "ms",
      against: atThatRate(thousand.requests),
      limit: `its requests at ${rate.toFixed(0)} a second, which the embedded Agamemnon answers to one client in the same process`
    },
    {
      name: "1,000 runs, requests per task",
      value: thousand.requests / (1000 * tasks),
      unit: "requests",
      against: 2,
      limit: "submit each task and read it once"
    },
    {
      name: "from 100 to 1,000 runs, wall time",
      value: thousand.time / hundred.time,
      unit: "times",
      against: 10,
      limit: "ten times as many runs"
    },
    {
      name: "1,000 runs, peak memory per run",
      value: (memory - none) / 1000,
      unit: "MB",
      against: none,
      limit: `this process before, ${none.toFixed(0)} MB; the Agamemnon, its journal and all tasks are in the same process`
    }
  ])
})

figures.pipe(Effect.provide(Bench.layer), NodeRuntime.runMain)
