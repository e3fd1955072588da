/**
 * Compares what does not depend on the machine with the limits in
 * `bench/limits.json`: requests, statements and synced writes per task, the heap
 * of a run that waits, and how much of the command is run, in how many steps of
 * its fibers. Ends with 1 when something is above its limit.
 */
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Command from "@effect/platform/Command"
import * as FileSystem from "@effect/platform/FileSystem"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Arr from "effect/Array"
import * as Console from "effect/Console"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Number from "effect/Number"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { AgamemnonClient, EmbeddedAgamemnon, type RunEvent, SqlRunStore, WorkflowExecutor, WorkflowSpec } from "telemachy"
import * as Table from "../src/report/Table.ts"
import * as Bench from "./Bench.ts"
import * as Figure from "./Figure.ts"
import * as Statements from "./Statements.ts"

/** What a figure may be at most, by its name, and in which unit. */
const Limits = Schema.parseJson(Schema.Record({
  key: Schema.String,
  value: Schema.Struct({ most: Schema.Number, unit: Schema.String })
}))

/** Runs a workflow with a journal in a file, and answers what that cost per task. */
const perTask = (shape: Bench.Shape, count: number) =>
  Effect.gen(function*() {
    const directory = yield* Effect.flatMap(FileSystem.FileSystem, (files) => files.makeTempDirectoryScoped())
    const file = `${directory}/runs.db`
    const spec = yield* WorkflowSpec.decodeUnknown(Bench.workflow(shape, shape, count))
    const server = yield* EmbeddedAgamemnon.make()
    const { tracer, count: spans } = Statements.counter()
    const layer = WorkflowExecutor.layer().pipe(
      Layer.provide([AgamemnonClient.layer(server), SqlRunStore.layerFile(file)])
    )
    return yield* Effect.gen(function*() {
      const { execute } = yield* WorkflowExecutor.WorkflowExecutor
      const before = yield* Statements.hold(file)
      const statementsBefore = spans("sql.execute")
      yield* execute(spec)
      const after = yield* Statements.commits(file)
      return {
        [`${shape} of ${count}: requests per task`]: (yield* server.requests) / count,
        [`${shape} of ${count}: statements per task`]: (spans("sql.execute") - statementsBefore) / count,
        [`${shape} of ${count}: synced writes per task`]: (after - before) / count
      }
    }).pipe(Effect.provide(layer), Effect.withTracer(tracer))
  }).pipe(Effect.scoped)

/** The statements per task of many runs at once, which write together. */
const statementsTogether = (runs: number, tasks: number) =>
  Effect.gen(function*() {
    const directory = yield* Effect.flatMap(FileSystem.FileSystem, (files) => files.makeTempDirectoryScoped())
    const server = yield* EmbeddedAgamemnon.make()
    const { tracer, count: spans } = Statements.counter()
    const layer = WorkflowExecutor.layer().pipe(
      Layer.provide([AgamemnonClient.layer(server), SqlRunStore.layerFile(`${directory}/runs.db`)])
    )
    const specs = yield* Effect.forEach(Arr.range(1, runs), (number) =>
      WorkflowSpec.decodeUnknown(Bench.workflow(`together ${number}`, "layers", tasks)))
    yield* Effect.forEach(specs, (spec) => WorkflowExecutor.execute(spec), { concurrency: "unbounded", discard: true }).pipe(
      Effect.provide(layer),
      Effect.withTracer(tracer)
    )
    return { [`${runs} runs of ${tasks}: statements per task`]: spans("sql.execute") / (runs * tasks) }
  }).pipe(Effect.scoped)

/** The requests per task to an Agamemnon that tells nothing of its tasks, as one elsewhere without NATS. */
const polledRequests = (count: number) =>
  Effect.gen(function*() {
    const spec = yield* WorkflowSpec.decodeUnknown(Bench.workflow("polled", "chain", count))
    const server = yield* EmbeddedAgamemnon.make()
    const client = AgamemnonClient.layer({ url: server.url, apiKey: server.apiKey })
    yield* Effect.provide(WorkflowExecutor.execute(spec), Layer.provide(WorkflowExecutor.layer(), client))
    return { [`chain of ${count}, polled: requests per task`]: (yield* server.requests) / count }
  }).pipe(Effect.scoped)

setFlagsFromString("--expose-gc")
const collect: () => void = runInNewContext("gc")

const heapAfterCollection = Effect.sync(() => {
  collect()
  collect()
  return process.memoryUsage().heapUsed
})

/** The heap of this process while something is run that has told so many events of a kind, in bytes. */
const heapWhile = (tag: RunEvent.Tag, count: number, specs: ReadonlyArray<WorkflowSpec.WorkflowSpec>) =>
  Effect.gen(function*() {
    const { events, execute } = yield* WorkflowExecutor.WorkflowExecutor
    const told = Stream.filter(yield* events, ({ _tag }) => _tag === tag)
    const running = yield* Effect.forkScoped(Effect.forEach(specs, (spec) => execute(spec), { concurrency: "unbounded", discard: true }))
    yield* Stream.runDrain(Stream.take(told, count))
    // What is still being said and written of that ends meanwhile.
    yield* Effect.sleep("2 seconds")
    const heap = yield* heapAfterCollection
    yield* Fiber.interrupt(running)
    return heap
  }).pipe(Effect.scoped)

/** An executor with a journal in a file. */
const executorOn = <E>(client: Layer.Layer<AgamemnonClient.AgamemnonClient, E, HttpClient.HttpClient>) =>
  Effect.map(Effect.flatMap(FileSystem.FileSystem, (files) => files.makeTempDirectoryScoped()), (directory) =>
    WorkflowExecutor.layer().pipe(Layer.provide([client, SqlRunStore.layerFile(`${directory}/runs.db`)])))

/** The heap of this process while so many runs wait for their tasks. */
const heapOf = (runs: number) =>
  Effect.gen(function*() {
    const server = yield* EmbeddedAgamemnon.make({ workers: false })
    const specs = yield* Effect.forEach(Arr.range(1, runs), (number) =>
      WorkflowSpec.decodeUnknown({ ...Bench.workflow(`idle ${number}`, "chain", 1), teardown: "never" }))
    return yield* Effect.provide(heapWhile("task.submitted", runs, specs), yield* executorOn(AgamemnonClient.layer(server)))
  }).pipe(Effect.scoped)

const idle = { few: 20, many: 120 }

const heapPerRun = Effect.gen(function*() {
  // What is loaded, compiled and kept at the first time belongs to no run.
  yield* heapOf(idle.few)
  const few = yield* heapOf(idle.few)
  const many = yield* heapOf(idle.many)
  return { "heap per run that waits": (many - few) / (idle.many - idle.few) / 1024 }
})

/** The heap of this process while a run waits for a gate after so many tasks, which an Agamemnon in another process has completed. */
const heapAfter = (tasks: number) =>
  Effect.gen(function*() {
    const client = Layer.succeed(AgamemnonClient.AgamemnonClient, yield* Bench.served)
    const flow = Bench.workflow("ended", "fan-out", tasks)
    const teams = flow.teams.map((team) => {
      const gate = { subject: "gate", approve: "Go on?", blocked_by: team.tasks.map(({ subject }) => subject) }
      return { ...team, tasks: [...team.tasks, gate] }
    })
    const spec = yield* WorkflowSpec.decodeUnknown({ ...flow, teams })
    return yield* Effect.provide(heapWhile("gate.asked", 1, [spec]), yield* executorOn(client))
  }).pipe(Effect.scoped)

const ended = { few: 300, many: 1300 }

const heapPerTask = Effect.gen(function*() {
  const few = yield* heapAfter(ended.few)
  const many = yield* heapAfter(ended.many)
  return { "heap per task that has ended": (many - few) / (ended.many - ended.few) / 1024 }
})

const Range = Schema.Struct({ startOffset: Schema.Number, endOffset: Schema.Number, count: Schema.Number })
const Script = Schema.Struct({
  url: Schema.String,
  functions: Schema.Array(Schema.Struct({ functionName: Schema.String, ranges: Schema.Array(Range) }))
})
const Coverage = Schema.parseJson(Schema.Struct({ result: Schema.Array(Script) }))

/** How many characters of a script were run. What is within something else is told of after it. */
const runOf = ({ functions }: typeof Script.Type): number => {
  const ranges = functions.flatMap(({ ranges }) => ranges)
  const marks = new Uint8Array(ranges.reduce((length, { endOffset }) => Math.max(length, endOffset), 0))
  for (const { count, endOffset, startOffset } of ranges) marks.fill(count > 0 ? 1 : 0, startOffset, endOffset)
  return marks.reduce((sum, mark) => sum + mark, 0)
}

/** How many steps fibers took: before each of them, Effect asks whether it is time for others. */
const stepsOf = ({ functions }: typeof Script.Type): number =>
  Number.sumAll(functions.filter(({ functionName }) => functionName === "shouldYield").map(({ ranges: [whole] }) => whole?.count ?? 0))

/** What is run by some arguments: how much of the command and of what it carries, in kilobytes, and how many steps. */
const runBy = (args: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    const directory = yield* files.makeTempDirectoryScoped()
    yield* Command.make("node", "dist/bin.js", ...args).pipe(
      Command.env({ NODE_V8_COVERAGE: directory, NODE_DISABLE_COMPILE_CACHE: "1", TELEMACHY_DATABASE_URL: "memory:" }),
      Command.stdout("pipe"),
      Command.string
    )
    const reports = yield* Effect.forEach(yield* files.readDirectory(directory), (name) =>
      Effect.flatMap(files.readFileString(`${directory}/${name}`), Schema.decode(Coverage)))
    const scripts = reports.flatMap(({ result }) => result).filter(({ url }) => !url.startsWith("node:"))
    return {
      [`run by ${args[0]}`]: Number.sumAll(scripts.map(runOf)) / 1024,
      [`steps of ${args[0]}`]: Number.sumAll(scripts.map(stepsOf))
    }
  }).pipe(Effect.scoped)

const started = Effect.map(
  Effect.forEach([["--help"], ["plan", "workflows/hello.yaml"], ["run", "workflows/hello.yaml"]], runBy),
  (figures) => Object.assign({}, ...figures)
)

const main = Effect.gen(function*() {
  const files = yield* FileSystem.FileSystem
  const limits = yield* Effect.flatMap(files.readFileString("bench/limits.json"), Schema.decode(Limits))
  const figures: Readonly<Record<string, number>> = Object.assign(
    {},
    yield* started,
    yield* perTask("chain", 100),
    yield* perTask("fan-out", 300),
    yield* statementsTogether(40, 10),
    yield* polledRequests(100),
    yield* heapPerRun,
    yield* heapPerTask
  )
  const names = [...new Set([...Object.keys(limits), ...Object.keys(figures)])]
  const rows = names.map((name) => {
    const value = figures[name]
    const limit = limits[name]
    // Nothing at all means that it is no longer counted.
    const isWithin = value !== undefined && value > 0 && limit !== undefined && value <= limit.most
    const most = limit === undefined ? "no limit in bench/limits.json" : `${limit.most} ${limit.unit}`
    return { isWithin, cells: [name, value === undefined ? "not measured" : Figure.rounded(value), most, isWithin ? "" : "EXCEEDED"] }
  })
  const table = Table.render([["WHAT", "MEASURED", "AT MOST", ""], ...rows.map(({ cells }) => cells)], { width: Infinity })
  yield* Effect.forEach(table, (line) => Console.log(line), { discard: true })
  if (rows.some(({ isWithin }) => !isWithin)) return yield* new TooMuch()
})

/** Something is above its limit, has none, or is no longer counted. */
class TooMuch extends Data.TaggedError("TooMuch") {}

main.pipe(Effect.provide(Bench.layer), NodeRuntime.runMain({ disableErrorReporting: true }))
