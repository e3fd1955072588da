import { assert, describe, it } from "@effect/vitest"
import stringWidth from "string-width"
import * as Excerpt from "../../src/report/Excerpt.ts"

const plain = (text: string) => text

const options = { width: 80, numberWidth: 2, paintMargin: plain, paintMark: plain }

const render = (line: string, column: number, endColumn?: number, width = 80) =>
  Excerpt.render(line, { line: 7, column, endColumn }, { ...options, width })

/** Columns before the signs, and how many signs there are. */
const signsOf = ([, signs = ""]: ReadonlyArray<string>) => ({ before: signs.indexOf("^"), count: signs.split("^").length - 1 })

describe("Excerpt", () => {
  it("puts a run of signs under a part of a line, beside the number of the line", () => {
    assert.deepStrictEqual(render("metadata: { nmae: x }", 13, 17), [
      "  7 | metadata: { nmae: x }",
      "    |             ^^^^"
    ])
  })

  it("puts one sign where it is not known what ends in the line", () => {
    assert.deepStrictEqual(render("agents: []", 9), ["  7 | agents: []", "    |         ^"])
  })

  it("puts the sign behind the end of a line where something is missing", () => {
    assert.deepStrictEqual(render("name: \"x", 9), ["  7 | name: \"x", "    |         ^"])
  })

  it.each([
    ["Chinese", "名前: 値段x", "値段"],
    ["a skin tone", "👍🏽: 👩‍💻x", "👩‍💻"],
    ["a flag", "🇬🇷 a b", "a"],
    ["combining characters", "e\u0301e\u0301 b", "b"]
  ])("places the signs by the columns that %s takes", (_, line, part) => {
    const column = line.indexOf(part) + 1
    assert.deepStrictEqual(signsOf(render(line, column, column + part.length)), {
      before: 6 + stringWidth(line.slice(0, column - 1)),
      count: stringWidth(part)
    })
  })

  it("shows tabs as spaces, up to the next stop", () => {
    assert.deepStrictEqual(render("a:\tb\tc", 6, 7), ["  7 | a:  b   c", "    |         ^"])
  })

  it("shows control characters as pictures, and those that turn text around as a sign", () => {
    assert.deepStrictEqual(render("a\u001b[31m\u202eb\u0007c\u007f\u009bd", 11, 12), [
      "  7 | a␛[31m�b␇c␡�d",
      "    |           ^"
    ])
  })

  it("begins with the whole character where a part begins inside of it", () => {
    assert.deepStrictEqual(signsOf(render("👩‍💻 x", 3, 4)), { before: 6, count: 2 })
  })

  it("cuts a long line around the part, and keeps within the terminal", () => {
    const line = `${"a".repeat(1000)}HERE${"b".repeat(1000)}`
    const [quoted = "", signs = ""] = render(line, 1001, 1005, 60)
    assert.strictEqual(quoted.length, 60)
    assert.match(quoted, /^ {2}7 \| …a+HEREb+…$/)
    assert.strictEqual(quoted.slice(signs.indexOf("^"), signs.lastIndexOf("^") + 1), "HERE")
  })

  it("shows the end of a long line when the part is there, and the beginning when it is there", () => {
    const [end = "", signs = ""] = render(`${"a".repeat(500)}HERE`, 501, 505, 60)
    assert.match(end, /^ {2}7 \| …a+HERE$/)
    assert.strictEqual(signs.indexOf("^"), end.indexOf("HERE"))
    const [beginning = ""] = render(`HERE${"a".repeat(500)}`, 1, 5, 60)
    assert.match(beginning, /^ {2}7 \| HEREa+…$/)
  })

  it("cuts wide characters at the terminal's edge without moving the signs", () => {
    const line = `${"界".repeat(300)}X${"界".repeat(300)}`
    const [quoted = "", signs = ""] = render(line, 301, 302, 41)
    assert.isAtMost(stringWidth(quoted), 41)
    assert.strictEqual(signs.indexOf("^"), stringWidth(quoted.slice(0, quoted.indexOf("X"))))
  })

  it("marks no more of a part that is longer than the line than is shown", () => {
    const { count } = signsOf(render("x".repeat(3_000_000), 1_000_000, 2_000_000, 60))
    assert.isAtMost(count, 60)
    assert.isAtLeast(count, 30)
  })

  it("cuts at 120 columns where nothing breaks a line", () => {
    const [quoted = ""] = render("x".repeat(500), 1, 2, Number.POSITIVE_INFINITY)
    assert.isAtMost(quoted.length, 120)
    assert.isAtLeast(quoted.length, 115)
  })

  it("keeps to a terminal that is narrower than the number of the line", () => {
    assert.strictEqual(render("metadata", 1, 2, 3).length, 2)
  })
})
