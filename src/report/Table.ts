/** Cells under each other, in columns as wide as their content and together no wider than the terminal. */
import cliTruncate from "cli-truncate"
import stringWidth from "string-width"

/** How a table is laid out. */
export interface Options {
  /** Columns of the terminal. */
  readonly width: number
  /** The cell of each row that gives way when there is not enough room. Defaults to the first. */
  readonly flexible?: number | undefined
}

const narrowest = 12
const gap = "  "

/** Cuts text off where a line of so many columns ends. */
export const cut = (text: string, width: number): string => {
  if (stringWidth(text) <= width) return text
  const shortened = cliTruncate(text, Math.max(1, width))
  // A character of two columns at the edge is let through.
  return stringWidth(shortened) <= width ? shortened : cliTruncate(text, Math.max(1, width - 1))
}

const fill = (text: string, width: number): string => text + " ".repeat(Math.max(0, width - stringWidth(text)))

/** Renders rows, one line each. */
export const render = (
  rows: ReadonlyArray<ReadonlyArray<string>>,
  { flexible = 0, width }: Options
): ReadonlyArray<string> => {
  const widths: Array<number> = []
  for (const row of rows) {
    row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, stringWidth(cell))))
  }
  const total = widths.reduce((sum, each) => sum + each, gap.length * (widths.length - 1))
  const given = widths[flexible] ?? 0
  if (total > width) widths[flexible] = Math.max(Math.min(given, narrowest), given - (total - width))
  return rows.map((row) => {
    const cells = row.map((cell, column) => fill(cut(cell, widths[column] ?? 0), widths[column] ?? 0))
    return cut(cells.join(gap).trimEnd(), width)
  })
}
