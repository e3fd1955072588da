/** The figures of a benchmark: one line each, and a JSON file with all of them. */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"

/** A measured value beside the limit or the peer that it is compared with. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** What it is compared with, in the same unit, measured or computed in the same run. */
  readonly against: number
  /** What that is. */
  readonly limit: string
}

const rounded = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3))

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
