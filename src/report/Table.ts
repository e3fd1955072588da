/** Cells under each other, in columns as wide as their content and together no wider than the terminal. */
import cliTruncate from "cli-truncate"
import * as DisplayWidth from "./DisplayWidth.ts"

/** How a table is laid out. */
export interface Options {
  /** Columns of the terminal. */
  readonly width: number
  /** What gives way when there is not enough room, in this order. Defaults to the first column. */
  readonly yielding?: ReadonlyArray<Yield> | undefined
}

/** A column that can be narrower. One that is named again gives way again, after those between. */
export interface Yield {
  readonly column: number
  /** As narrow as it becomes before the next gives way. */
  readonly least: number
}

/** How narrow a column becomes that nothing can be read without. */
export const narrowest = 12

const gap = "  "

/** Cuts text off where a line of so many columns ends. */
export const cut = (text: string, width: number): string => {
  if (DisplayWidth.of(text) <= width) return text
  const shortened = cliTruncate(text, Math.max(1, width))
  // A character of two columns at the edge is let through.
  return DisplayWidth.of(shortened) <= width ? shortened : cliTruncate(text, Math.max(1, width - 1))
}

const fill = (text: string, width: number): string => text + " ".repeat(Math.max(0, width - DisplayWidth.of(text)))

/** How wide the columns of rows are, and no narrower than those of rows before them. */
export const widths = (rows: ReadonlyArray<ReadonlyArray<string>>, before: ReadonlyArray<number> = []): ReadonlyArray<number> => {
  const found = [...before]
  for (const row of rows) {
    row.forEach((cell, column) => (found[column] = Math.max(found[column] ?? 0, DisplayWidth.of(cell))))
  }
  return found
}

/** Renders rows in columns of these widths, one line each. */
export const renderWith = (
  rows: ReadonlyArray<ReadonlyArray<string>>,
  wanted: ReadonlyArray<number>,
  { width, yielding = [{ column: 0, least: narrowest }] }: Options
): ReadonlyArray<string> => {
  const widths = [...wanted]
  // A column that is empty takes no room at the end.
  while (widths.at(-1) === 0) widths.pop()
  let excess = widths.reduce((sum, each) => sum + each, gap.length * (widths.length - 1)) - width
  for (const { column, least } of yielding) {
    const given = widths[column] ?? 0
    const less = Math.min(Math.max(0, excess), Math.max(0, given - least))
    if (less > 0) widths[column] = given - less
    excess -= less
  }
  return rows.map((row) => {
    const cells = row.map((cell, column) => fill(cut(cell, widths[column] ?? 0), widths[column] ?? 0))
    return cut(cells.join(gap).trimEnd(), width)
  })
}

/** Renders rows, one line each. */
export const render = (rows: ReadonlyArray<ReadonlyArray<string>>, options: Options): ReadonlyArray<string> =>
  renderWith(rows, widths(rows), options)
