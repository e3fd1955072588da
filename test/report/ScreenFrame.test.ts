import { PassThrough } from "node:stream"
import { assert, describe, it } from "@effect/vitest"
import * as ScreenFrame from "../../src/report/ScreenFrame.ts"
import * as TerminalScreen from "../support/TerminalScreen.ts"

/** A terminal of so many columns, and what was written to it. */
const make = (columns = 40) => {
  const terminal = Object.assign(new PassThrough(), { columns, rows: 24, isTTY: true })
  const frame = ScreenFrame.make(terminal)
  let written = ""
  const read = () => {
    const now = String(terminal.read() ?? "")
    // As a terminal takes the end of a line.
    written += now.replaceAll("\n", "\r\n")
    return now
  }
  const screen = () => {
    read()
    return TerminalScreen.after(written)
  }
  return { frame, read, screen, terminal }
}

const escape = String.fromCodePoint(27)

describe("ScreenFrame", () => {
  it("draws over what it has drawn, below what is written meanwhile, and leaves nothing", () => {
    const { frame, screen } = make()
    frame.draw("one\ntwo\nthree")
    frame.draw("one\n2")
    assert.deepStrictEqual(screen(), ["one", "2"])
    frame.writeAbove("said")
    assert.deepStrictEqual(screen(), ["said", "one", "2"])
    frame.draw("1\n2")
    assert.deepStrictEqual(screen(), ["said", "1", "2"])
    frame.remove()
    assert.deepStrictEqual(screen(), ["said"])
    frame.writeAbove("and more")
    assert.deepStrictEqual(screen(), ["said", "and more"])
  })

  it("hides the cursor while it draws, and breaks no line that a terminal finds too wide, but those above", () => {
    const { frame, read } = make()
    frame.draw("one")
    assert.strictEqual(read().indexOf(`${escape}[?25l`), 0)
    frame.writeAbove("x".repeat(100))
    const text = read()
    assert.include(text, `${"x".repeat(100)}\n`)
    const [, , after = ""] = /^(.*)x{100}\n(.*)$/su.exec(text) ?? []
    assert.match(after, /\[\?7l.*one.*\[\?7h/su)
    frame.remove()
    assert.isTrue(read().endsWith(`${escape}[?25h`))
    frame.remove()
    assert.strictEqual(read(), "")
  })

  it("erases all rows that its lines have become in a terminal that is narrower now", () => {
    const { frame, read, terminal } = make(40)
    frame.draw(`${"x".repeat(35)}\nshort\n${"界".repeat(15)}`)
    read()
    terminal.columns = 20
    frame.draw("narrow")
    assert.include(read(), `${escape}[5A\r${escape}[J`)
  })

  it("draws anew where others have written", () => {
    const { frame, read, screen, terminal } = make()
    frame.draw("one\ntwo")
    frame.remove()
    terminal.write("the shell\n")
    frame.forget()
    frame.draw("one\ntwo")
    assert.deepStrictEqual(screen(), ["the shell", "one", "two"])
    terminal.write("the shell\n")
    frame.forget()
    read()
    frame.draw("one\n2")
    assert.deepStrictEqual(screen(), ["the shell", "one", "two", "the shell", "one", "2"])
  })
})
