/** Many runs at once in one process, and a fan-out, on an Agamemnon in another process: their time, and the memory of the client. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Command from "@effect/platform/Command"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as TestPostgres from "../test/support/TestPostgres.ts"
import * as Bench from "./Bench.ts"
import * as ClientProcess from "./ClientProcess.ts"
import * as Figure from "./Figure.ts"
import * as Requests from "./Requests.ts"

const rounds = 3
const runs = 300
const tasks = 10
const fanOut = 1000

const measure = (work: typeof ClientProcess.Work.Type) =>
  Schema.encode(ClientProcess.Work)(work).pipe(
    Effect.flatMap((argument) =>
      Command.string(Command.make("npx", "tsx", "bench/ClientProcess.ts", argument).pipe(Command.stderr("inherit")))),
    Effect.flatMap(Schema.decode(ClientProcess.Measured))
  )

const figures = Effect.gen(function*() {
  const { url } = yield* Bench.served
  const directory = yield* Effect.flatMap(FileSystem.FileSystem, (files) => files.makeTempDirectoryScoped())
  const journals: ReadonlyArray<readonly [name: string, database: string | null, limit: number]> = [
    ["without a journal", null, 1.3],
    ["with a file", `${directory}/runs.db`, 2],
    ...(TestPostgres.isMissing
      ? []
      : [["with PostgreSQL", Redacted.value(yield* TestPostgres.database("telemachy_together")), 2] as const])
  ]
  const measured = yield* Effect.forEach(Arr.makeBy(rounds, (round) => round), (round) =>
    Effect.gen(function*() {
      const [alone] = yield* Effect.timed(Requests.ofShape(url, "fan-out", runs * tasks))
      const each = yield* Effect.forEach(journals, ([name, database]) =>
        measure({ url, name: `${name} ${round}`, runs, shape: "layers", tasks, database }))
      const wide = yield* Effect.forEach(journals, ([name, database]) =>
        measure({ url, name: `wide ${name} ${round}`, runs: 1, shape: "fan-out", tasks: fanOut, database }))
      return { alone: Duration.toMillis(alone), each, wide }
    }))
  const against = Bench.median(measured.map(({ alone }) => alone))
  yield* Figure.report("together", journals.flatMap(([name, , limit], position): ReadonlyArray<Figure.Figure> => {
    const of = (figure: (measured: typeof ClientProcess.Measured.Type, alone: number) => number, which: "each" | "wide" = "each") =>
      Bench.median(measured.flatMap((round) => Arr.map(Arr.fromNullable(round[which][position]), (each) => figure(each, round.alone))))
    const title = `${runs} runs of ${tasks} tasks at once, ${name}`
    return [
      {
        name: title,
        value: of(({ time }, alone) => time / alone) * against,
        unit: "ms",
        against,
        limit: `${(runs * tasks).toLocaleString("en")} requests, ${Requests.connections} at once; median of ratios; the limit is ${limit}`
      },
      {
        name: `${title}, peak heap`,
        value: of(({ heap }) => heap),
        unit: "MB",
        against: 120,
        limit: `the limit; ${of(({ heapBefore }) => heapBefore).toFixed(0)} MB of it before they start, with TypeScript's loader`
      },
      {
        name: `fan-out of ${fanOut.toLocaleString("en")}, ${name}, memory above the start`,
        value: of(({ memory, memoryBefore }) => memory - memoryBefore, "wide"),
        unit: "MB",
        against: 60,
        limit: "the limit; of the client alone"
      }
    ]
  }))
}).pipe(Effect.scoped)

figures.pipe(Effect.provide(Bench.layer), NodeRuntime.runMain)
