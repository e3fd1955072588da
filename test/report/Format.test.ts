import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as fc from "effect/FastCheck"
import { count, duration, lastLines, oneLine } from "../../src/report/Format.ts"

describe("Format", () => {
  it("counts one and many", () => {
    assert.deepStrictEqual([count(0, "task"), count(1, "task"), count(1234, "task")], ["0 tasks", "1 task", "1,234 tasks"])
  })

  it("writes durations as short as is still exact enough", () => {
    const cases: ReadonlyArray<[Duration.DurationInput, string]> = [
      [0, "0.0s"],
      ["349 millis", "0.3s"],
      ["59 seconds", "59.0s"],
      ["59990 millis", "1m 00s"],
      ["184 seconds", "3m 04s"],
      ["3599 seconds", "59m 59s"],
      ["2 hours", "2h 00m"],
      ["90061 seconds", "25h 01m"]
    ]
    for (const [input, expected] of cases) assert.strictEqual(duration(Duration.decode(input)), expected)
  })

  it("takes from foreign text everything that could move a cursor or break a line", () => {
    assert.strictEqual(oneLine("\u001b[31mred\u001b[0m\r\nand\u0007\u2028more\u009b2J"), "red and more")
    assert.strictEqual(oneLine("agent \u202egnp.exe\u2069"), "agent  gnp.exe")
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => !/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u.test(oneLine(text))))
  })

  it("quotes the last lines, without empty ones", () => {
    assert.deepStrictEqual(lastLines("one\r\n\n two\rthree\n\u001b[1mfour\u001b[0m\n", 3), ["two", "three", "four"])
  })
})
