import { assert, describe, it } from "@effect/vitest"
import * as fc from "effect/FastCheck"
import stringWidth from "string-width"
import * as Table from "../../src/report/Table.ts"

describe("Table", () => {
  it("puts cells under each other, by the columns that they take", () => {
    assert.deepStrictEqual(
      Table.render([["χαῖρε", "a", "x"], ["日本", "bb", ""], ["\u001b[31mred\u001b[0m", "c", "y"]], { width: 80 }),
      ["χαῖρε  a   x", "日本   bb", "\u001b[31mred\u001b[0m    c   y"]
    )
  })

  it("lets the flexible cell give way where the terminal ends", () => {
    assert.deepStrictEqual(
      Table.render([["a subject that is rather long", "completed"]], { width: 30 }),
      ["a subject that is …  completed"]
    )
  })

  it("lets columns give way in their order, and one again after the others", () => {
    const yielding = [{ column: 2, least: 6 }, { column: 1, least: 3 }, { column: 2, least: 2 }, { column: 0, least: 4 }]
    const row = (width: number) => Table.render([["subject", "worker", "after this"]], { width, yielding })
    assert.deepStrictEqual([27, 24, 20, 16, 14].map((width) => row(width)[0]), [
      "subject  worker  after this",
      "subject  worker  after …",
      "subject  wo…  after…",
      "subject  wo…  a…",
      "subj…  wo…  a…"
    ])
  })

  it("never writes a line that is wider than the terminal", () => {
    const cell = fc.string({ unit: fc.constantFrom("a", "b", " ", "ü", "日", "本", "χ", "👍🏽", "👩‍💻", "🇬🇷", "☎️", "e\u0301"), maxLength: 40 })
    fc.assert(
      fc.property(fc.array(fc.array(cell, { minLength: 3, maxLength: 3 }), { maxLength: 5 }), fc.integer({ min: 1, max: 60 }), (rows, width) =>
        Table.render(rows, { width }).every((line) => stringWidth(line) <= width))
    )
  })
})
