import { assert, describe, it } from "@effect/vitest"
import * as DotEnv from "../../src/cli/DotEnv.ts"

/** Texts of a `.env`, each with the value of `KEY` and whether it is cut. */
const values: ReadonlyArray<readonly [text: string, value: string, isCut: boolean]> = [
  ["KEY='s3cr$et'", "s3cr$et", false],
  ["KEY=$PATH:${KEY}:$(date)", "$PATH:${KEY}:$(date)", false],
  ["export KEY = value # a comment", "value", false],
  ["KEY=\"two\nlines\"", "two\nlines", false],
  ["KEY='two\nlines'", "two\nlines", false],
  ["KEY=\"two\\nlines\"", "two\nlines", false],
  ["KEY=`it's`", "it's", false],
  ["KEY='abc#def'", "abc#def", false],
  ["KEY='abc'#a comment", "abc", false],
  ["KEY=abc # see x#y", "abc", false],
  ["KEY=one\nKEY=two", "two", false],
  ["\ufeffKEY=value\r\nOTHER=1\r\n", "value", false],
  ["KEY=abc#def", "abc", true],
  ["KEY=#def", "", true],
  ["KEY=a b#c", "a b", true],
  ["KEY='abc#def", "'abc", true]
]

describe("DotEnv", () => {
  for (const [text, value, isCut] of values) {
    it(`reads ${JSON.stringify(text)}${isCut ? ", and tells that it is cut" : ""}`, () => {
      const dotEnv = DotEnv.parse(text)
      assert.strictEqual(dotEnv.values.get("KEY"), value)
      assert.strictEqual(dotEnv.isCut("KEY"), isCut)
    })
  }

  it("tells on which line a variable is set, and not where one looks like it", () => {
    const { lineOf } = DotEnv.parse("# KEY=0\nOTHER=1\n\nKEY=1\r\n export KEY: 2\nTEXT=\"\nKEY=3\n\"\nMY_KEY=4\n#KEY=5\n")
    assert.deepStrictEqual(["OTHER", "KEY", "TEXT", "MY_KEY"].map(lineOf), [2, 5, 6, 9])
  })
})
