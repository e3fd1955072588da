import { assert, describe, it } from "@effect/vitest"
import stringWidth from "string-width"
import * as DisplayWidth from "../../src/report/DisplayWidth.ts"

describe("DisplayWidth", () => {
  it("is that of string-width for every single character and for each with another behind it", () => {
    for (let code = 0x20; code < 0x10000; code += 1) {
      if (code >= 0xd800 && code < 0xe000) continue
      const sign = String.fromCharCode(code)
      assert.strictEqual(DisplayWidth.of(sign), stringWidth(sign), code.toString(16))
      if (code < 0x2800) assert.strictEqual(DisplayWidth.of(`a${sign}✔`), stringWidth(`a${sign}✔`), code.toString(16))
    }
  })

  it("is that of what is shown of colors, emoji, wide characters and combined ones", () => {
    for (const [text, width] of [["", 0], ["\u001b[32m✔\u001b[39m", 1], ["✔️", 2], ["👩‍👩‍👧", 2], ["日本", 4], ["e\u0301", 1], ["χαῖρε", 5]] as const) {
      assert.strictEqual(DisplayWidth.of(text), width, text)
    }
  })
})
