/** The figures of a benchmark: one line each, and a JSON file with all of them. */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** A measured value beside the limit or the peer that it is compared with. */
export const Figure = Schema.Struct({
  name: Schema.String,
  value: Schema.Number,
  unit: Schema.String,
  /** What it is compared with, in the same unit, measured or computed in the same run. */
  against: Schema.Number,
  /** What that is. */
  limit: Schema.String
})
export interface Figure extends Schema.Schema.Type<typeof Figure> {}

/** A figure in the file of its benchmark. */
export const Row = Schema.Struct({ benchmark: Schema.String, ...Figure.fields, ratio: Schema.Number })
export interface Row extends Schema.Schema.Type<typeof Row> {}

/** A number as exact as it is worth. */
export const rounded = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3))

/** Prints figures and writes them to `bench/results/NAME.json`. */
export const report = Effect.fn("Figure.report")(function*(benchmark: string, figures: ReadonlyArray<Figure>) {
  const files = yield* FileSystem.FileSystem
  for (const { against, limit, name, unit, value } of figures) {
    const ratio = against === 0 ? "" : `, ratio ${(value / against).toFixed(2)}`
    yield* Console.log(`${benchmark} ${name}: ${rounded(value)} ${unit} against ${rounded(against)} ${unit} (${limit})${ratio}`)
  }
  yield* files.makeDirectory("bench/results", { recursive: true })
  const rows = figures.map((figure) => ({ benchmark, ...figure, ratio: figure.value / figure.against }))
  yield* files.writeFileString(`bench/results/${benchmark}.json`, `${JSON.stringify(rows, null, 2)}\n`)
})
