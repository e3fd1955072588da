/**
 * Runs workflows at once on an Agamemnon in another process, in a process of its
 * own, so that its memory is that of a client alone. Started by `together.ts`, and
 * writes what it has measured to standard output.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Arr from "effect/Array"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { AgamemnonClient, SqlRunStore, WorkflowExecutor, WorkflowSpec } from "telemachy"
import * as Bench from "./Bench.ts"

/** What is to be run, and where. */
export const Work = Schema.parseJson(Schema.Struct({
  url: Schema.String,
  name: Schema.String,
  runs: Schema.Number,
  shape: Schema.Literal("chain", "fan-out", "layers"),
  tasks: Schema.Number,
  /** The journal, or none. */
  database: Schema.NullOr(Schema.String)
}))

/** What was measured: milliseconds, and megabytes of heap and of memory, before and at most. */
export const Measured = Schema.parseJson(Schema.Struct({
  time: Schema.Number,
  heapBefore: Schema.Number,
  heap: Schema.Number,
  memoryBefore: Schema.Number,
  memory: Schema.Number
}))

/** The heap in use, with what has not been collected yet, in megabytes. */
const heap = Effect.sync(() => process.memoryUsage().heapUsed / 2 ** 20)

const journalOf = (database: string) =>
  database.startsWith("postgres:") ? SqlRunStore.layerPostgres(Redacted.make(database)) : SqlRunStore.layerFile(database)

const program = Effect.gen(function*() {
  const { database, name, runs, shape, tasks, url } = yield* Schema.decodeUnknown(Work)(process.argv[2])
  const client = yield* AgamemnonClient.make({ url, apiKey: Redacted.make("bench") })
  const executor = WorkflowExecutor.layer().pipe(Layer.provide(Layer.succeed(AgamemnonClient.AgamemnonClient, client)))
  const context = yield* Layer.build(database === null ? executor : Layer.provide(executor, journalOf(database)))
  const run = (flow: string, count: number) =>
    Effect.flatMap(WorkflowSpec.decodeUnknown(Bench.workflow(`${name} ${flow}`, shape, count)), (spec) =>
      Effect.provide(WorkflowExecutor.execute(spec), context))
  // A small one, which loads and compiles what the others need.
  yield* run("first", 5)
  const [heapBefore, memoryBefore] = [yield* heap, yield* Bench.peakMemory]
  let highest = heapBefore
  const watch = Effect.delay(Effect.map(heap, (now) => (highest = Math.max(highest, now))), "10 millis")
  yield* Effect.forkScoped(Effect.forever(watch))
  const all = Effect.forEach(Arr.makeBy(runs, String), (flow) => run(flow, tasks), { concurrency: "unbounded", discard: true })
  const [time] = yield* Effect.timed(all)
  yield* Console.log(yield* Schema.encode(Measured)({
    time: Duration.toMillis(time),
    heapBefore,
    heap: highest,
    memoryBefore,
    memory: yield* Bench.peakMemory
  }))
}).pipe(Effect.scoped)

// Others import the schemas.
if (process.argv[1]?.endsWith("ClientProcess.ts") === true) program.pipe(Effect.provide(Bench.layer), NodeRuntime.runMain)
