/**
 * Runs every benchmark, each in a process of its own, prints one table, and
 * writes it to `bench/results/all.json`; with `--write` also into the page on
 * performance. With `--check`, only compares what does not depend on the machine
 * with its limits; with `--peers`, only measures other durable engines beside this.
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Command from "@effect/platform/Command"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Reference from "../scripts/Reference.ts"
import * as Table from "../src/report/Table.ts"
import * as Figure from "./Figure.ts"

const benchmarks = ["start", "programs", "detect", "dispatch", "served", "together", "recovery", "store", "micro", "many", "large", "page", "hosts"]

const Rows = Schema.parseJson(Schema.Array(Figure.Row))

const measure = Effect.fn("measure")(function*(benchmark: string) {
  yield* Console.error(`measuring ${benchmark}`)
  const code = yield* Command.exitCode(Command.make("npx", "tsx", `bench/${benchmark}.ts`).pipe(Command.stderr("inherit")))
  if (code !== 0) return yield* Effect.dieMessage(`the benchmark ${benchmark} has failed`)
  const files = yield* FileSystem.FileSystem
  return yield* Effect.flatMap(files.readFileString(`bench/results/${benchmark}.json`), Schema.decode(Rows))
})

const cells = ({ against, limit, name, ratio, unit, value }: Figure.Row) => [
  name,
  `${Figure.rounded(value)} ${unit}`,
  `${Figure.rounded(against)} ${unit}: ${limit}`,
  ratio.toFixed(2)
]

const line = (parts: ReadonlyArray<string>) => `| ${parts.join(" | ")} |`

const table = (rows: ReadonlyArray<Figure.Row>): string =>
  [["what", "measured", "against", "ratio"], ["---", "---", "---", "---"], ...rows.map(cells)].map(line).join("\n")

/** Puts the table into its place in the page. */
const write = Effect.fn("write")(function*(rows: ReadonlyArray<Figure.Row>) {
  const files = yield* FileSystem.FileSystem
  const page = "docs/performance.md"
  const text = yield* files.readFileString(page)
  yield* files.writeFileString(page, Reference.fill(text, { figures: table(rows) }))
})

const main = Effect.gen(function*() {
  const files = yield* FileSystem.FileSystem
  const rows = (yield* Effect.forEach(benchmarks, measure)).flat()
  yield* files.writeFileString("bench/results/all.json", `${JSON.stringify(rows, null, 2)}\n`)
  const lines = Table.render([["WHAT", "MEASURED", "AGAINST", "RATIO"], ...rows.map(cells)], { width: Number.POSITIVE_INFINITY })
  yield* Effect.forEach(lines, (line) => Console.log(line), { discard: true })
  if (process.argv.includes("--write")) yield* write(rows)
})

const flags = ["--check", "--peers", "--write"]
const unknown = process.argv.slice(2).filter((argument) => !flags.includes(argument))

if (unknown.length > 0) {
  process.exitCode = 2
  await Effect.runPromise(Console.error(`unknown: ${unknown.join(" ")}; there are ${flags.join(", ")}`))
}
else if (process.argv.includes("--check")) await import("./check.ts")
else if (process.argv.includes("--peers")) await import("./peers.ts")
else main.pipe(Effect.provide(NodeContext.layer), NodeRuntime.runMain)
