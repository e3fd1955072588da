import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as WholeNumber from "../../src/run/WholeNumber.ts"

describe("WholeNumber", () => {
  it.prop("is written as Intl writes it", { number: Schema.Int }, ({ number }) => {
    assert.strictEqual(WholeNumber.grouped(number), number.toLocaleString("en"))
  })

  it("has its thousands apart", () => {
    assert.deepStrictEqual([0, 999, 1000, 12345, 1234567, -1000].map(WholeNumber.grouped), ["0", "999", "1,000", "12,345", "1,234,567", "-1,000"])
  })
})
