/** A line of a file with signs under the part of it that something is said about. */
import * as Arr from "effect/Array"
import * as DisplayWidth from "./DisplayWidth.ts"
import * as Format from "./Format.ts"

/** The part of a line: its columns count from 1 in units of UTF-16, as editors count them. */
export interface Marked {
  readonly line: number
  readonly column: number
  /** The column behind it; a single sign is put under a part whose end is elsewhere. */
  readonly endColumn?: number | undefined
}

/** How an excerpt is laid out. */
export interface Options {
  /** Columns of the terminal. */
  readonly width: number
  /** Columns that the numbers of lines take, for several excerpts under each other. */
  readonly numberWidth: number
  /** Paints the number of the line and the bar beside it. */
  readonly paintMargin: (text: string) => string
  /** Paints the signs under the marked part. */
  readonly paintMark: (text: string) => string
}

/** As wide as a line is made where nothing breaks it. */
const widest = 120

/** A character as it is shown, with the columns that it takes and where it stands in the line. */
interface Cell {
  readonly text: string
  readonly width: number
  readonly offset: number
}

const tabWidth = 4

const ellipsis: Cell = { text: "…", width: 1, offset: -1 }

/** Made when there is something to show: it takes milliseconds, and most commands show no excerpt. */
const makeSegmenter = () => new Intl.Segmenter("en", { granularity: "grapheme" })

// More of a line than this is not shown on either side, and segmenting a line of megabytes takes seconds.
const farthest = 500

/** The characters of a line around a place in it, as they are shown. */
const cellsOf = (line: string, column: number): ReadonlyArray<Cell> => {
  const from = Math.max(0, column - 1 - farthest)
  const cells: Array<Cell> = from === 0 ? [] : [{ ...ellipsis, offset: from - 1 }]
  let total = 0
  for (const { index, segment } of makeSegmenter().segment(line.slice(from, column - 1 + farthest))) {
    const text = segment === "\t" ? " ".repeat(tabWidth - total % tabWidth) : Format.visible(segment)
    const width = DisplayWidth.of(text)
    cells.push({ text, width, offset: from + index })
    total += width
  }
  return cells
}

const widthOf = (cells: ReadonlyArray<Cell>): number => cells.reduce((sum, { width }) => sum + width, 0)

/** So many cells, from the beginning on, as fit into a number of columns. */
const fitting = (cells: Iterable<Cell>, width: number): number => {
  let left = width
  let count = 0
  for (const cell of cells) {
    left -= cell.width
    if (left < 0) break
    count++
  }
  return count
}

/** The cells that are shown when there is not room for all: those around the marked one, more of them behind it. */
const around = (cells: ReadonlyArray<Cell>, marked: number, width: number): ReadonlyArray<Cell> => {
  if (widthOf(cells) <= width) return cells
  const before = Arr.reverse(cells.slice(0, marked))
  const room = Math.max(1, width - 2)
  const behind = widthOf(cells.slice(marked))
  const first = marked - fitting(before, Math.max(Math.floor(room / 3), room - behind))
  const shown = cells.slice(first, first + fitting(cells.slice(first), room))
  const isCut = first + shown.length < cells.length
  return [...(first > 0 ? [ellipsis] : []), ...shown, ...(isCut ? [ellipsis] : [])]
}

/** Renders the line of a text that something is said about, and the signs under it. */
export const render = (line: string, place: Marked, { numberWidth, paintMargin, paintMark, width }: Options): ReadonlyArray<string> => {
  const start = place.column - 1
  const end = Math.max(start + 1, (place.endColumn ?? place.column) - 1)
  const cells = cellsOf(line, place.column)
  // A part that begins inside of a character begins with it. What is missing at the end of a line stands behind it.
  const behind = cells.findIndex(({ offset }) => offset > start)
  const marked = start >= line.length ? cells.length : Math.max(0, (behind === -1 ? cells.length : behind) - 1)
  const number = String(place.line).padStart(numberWidth)
  const shown = around(cells, marked, Math.min(width, widest) - numberWidth - 4)
  const isMarked = (cell: Cell) => cell.offset >= (cells[marked]?.offset ?? start) && cell.offset < end
  const indent = shown.findIndex(isMarked)
  const signs = "^".repeat(Math.max(1, widthOf(shown.filter(isMarked))))
  const blank = " ".repeat(widthOf(indent === -1 ? shown : shown.slice(0, indent)))
  return [
    `${paintMargin(` ${number} |`)} ${shown.map(({ text }) => text).join("")}`.trimEnd(),
    `${paintMargin(` ${" ".repeat(numberWidth)} |`)} ${blank}${paintMark(signs)}`
  ]
}
