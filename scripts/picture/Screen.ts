/** The screen of a terminal after what was written to it, as far as the command writes it: moves, erasures, and colors. */

/** How a character looks. */
export interface Look {
  readonly color: "plain" | "faint" | "red" | "green" | "yellow" | "blue" | "magenta" | "cyan"
  readonly bold: boolean
}

/** A character, and how it looks. */
export interface Cell extends Look {
  readonly text: string
}

export type Screen = ReadonlyArray<ReadonlyArray<Cell>>

const plain: Look = { color: "plain", bold: false }

const blank: Cell = { ...plain, text: " " }

const escape = String.fromCodePoint(27)

const token = new RegExp(`${escape}\\[([0-9;?]*)([A-Za-z])|\\r|\\n|[^\\r\\n${escape}]`, "gu")

const colors: Readonly<Record<number, Look["color"]>> = {
  31: "red", 32: "green", 33: "yellow", 34: "blue", 35: "magenta", 36: "cyan", 39: "plain", 90: "faint", 94: "blue", 95: "magenta", 96: "cyan"
}

const styled = (look: Look, code: number): Look => {
  if (code === 0) return plain
  if (code === 1) return { ...look, bold: true }
  if (code === 22) return { ...look, bold: false }
  const color = colors[code]
  return color === undefined ? look : { ...look, color }
}

/** Makes a screen to write to, which is as high as it is written. */
export const make = () => {
  const rows: Array<Array<Cell>> = [[]]
  let [row, column] = [0, 0]
  let look = plain
  const rowAt = (index: number): Array<Cell> => {
    while (rows.length <= index) rows.push([])
    return rows[index] ?? []
  }
  return {
    write: (text: string): void => {
      for (const [found, parameter = "", letter] of text.matchAll(token)) {
        const count = Number(parameter) || 1
        if (letter === "A") row = Math.max(0, row - count)
        else if (letter === "B") row += count
        else if (letter === "G") column = count - 1
        else if (letter === "K") rowAt(row).splice(parameter === "2" ? 0 : column)
        else if (letter === "J") {
          rows.splice(row + 1)
          rowAt(row).splice(column)
        } else if (letter === "m") look = parameter.split(";").reduce((before, code) => styled(before, Number(code)), look)
        else if (letter !== undefined) continue
        else if (found === "\r") column = 0
        else if (found === "\n") row += 1
        else {
          const cells = rowAt(row)
          while (cells.length < column) cells.push(blank)
          cells[column++] = { ...look, text: found }
        }
      }
    },
    /** What is on it now, without the lines at its end that are empty. */
    look: (): Screen => {
      const seen = rows.map((cells) => [...cells])
      while (seen.length > 0 && textOf(seen.at(-1) ?? []).trim() === "") seen.pop()
      return seen
    }
  }
}

/** The text of a line. */
export const textOf = (cells: ReadonlyArray<Cell>): string => cells.map(({ text }) => text).join("")

/** A screen with other texts in its lines, which look as those did. */
export const mapLines = (screen: Screen, change: (line: string) => string): Screen =>
  screen.map((cells) => {
    const changed = [...change(textOf(cells))]
    return changed.map((text, index) => ({ ...(cells[index] ?? cells.at(-1) ?? blank), text }))
  })
