/**
 * The last lines of a terminal, which are drawn again and again: over what was
 * drawn before, below what is written meanwhile.
 */
import { createLogUpdate } from "log-update"
import * as DisplayWidth from "./DisplayWidth.ts"

/** Lines that are drawn again and again. */
export interface ScreenFrame {
  /** Draws the lines instead of those before. None of them may be wider than the terminal. */
  readonly draw: (text: string) => void
  /** Writes text above the lines. */
  readonly writeAbove: (text: string) => void
  /** Takes the lines away, and gives the terminal back as it was. */
  readonly remove: () => void
  /** Forgets what was drawn, which somebody else has written over. */
  readonly forget: () => void
}

const escape = (code: string): string => `\u001b[${code}`

const hideCursor = escape("?25l")
const showCursor = escape("?25h")
// Terminals do not agree on the width of every character: a line that is wider than was thought must not become two.
const withoutWrapping = (text: string): string => `${escape("?7l")}${text}${escape("?7h")}`

/** How many rows lines take in a terminal that breaks them anew when it becomes narrower. */
const rowsOf = (text: string, columns: number): number =>
  text === "" ? 0 : text.split("\n").reduce((rows, line) => rows + Math.max(1, Math.ceil(DisplayWidth.of(line) / columns)), 0)

const erase = (rows: number): string => `${rows === 0 ? "" : escape(`${rows}A`)}\r${escape("J")}`

/** What is drawn on. */
export type Terminal = NodeJS.WritableStream & { readonly columns: number; readonly rows: number }

/** Draws on a terminal. */
export const make = (terminal: Terminal): ScreenFrame => {
  const framed: Terminal = Object.create(terminal, {
    write: { value: (text: string) => terminal.write(withoutWrapping(text)) }
  })
  const update = createLogUpdate(framed, { showCursor: true })
  let drawn = ""
  let columns = terminal.columns

  const forget = () => {
    update.done()
    drawn = ""
  }

  const clear = () => {
    terminal.write(erase(rowsOf(drawn, terminal.columns)))
    forget()
  }

  const draw = (text: string) => {
    if (columns !== terminal.columns) clear()
    columns = terminal.columns
    if (drawn === "") terminal.write(hideCursor)
    update(text)
    drawn = text
  }

  return {
    draw,
    writeAbove: (text) => {
      const before = drawn
      if (before !== "") clear()
      terminal.write(`${text}\n`)
      if (before !== "") draw(before)
    },
    remove: () => {
      if (drawn === "") return
      clear()
      terminal.write(showCursor)
    },
    forget
  }
}
