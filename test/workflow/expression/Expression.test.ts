import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as Expression from "../../../src/workflow/expression/Expression.ts"

const faultOf = (source: string) =>
  Either.match(Expression.parse(source), {
    onLeft: ({ end, expected, found, start }) => ({ at: source.slice(start, end), found, expected }),
    onRight: () => undefined
  })

describe("Expression", () => {
  it.each([
    "inputs.ticket",
    "a && b || !c",
    "contains(a, 'x') == true",
    "fromJSON('[1, 2]')[0] >= 1.5",
    "\n  inputs.a ==\n  'two\nlines' && b"
  ])("reads %j", (source) => {
    assert.isUndefined(faultOf(source))
  })

  it.each([
    ["", "", "an empty expression", "an expression"],
    ["inputs.", "", "the end of the expression", "the rest of it"],
    ["a ==", "==", "nothing behind \"==\"", "a value there"],
    ["a b", "b", "\"b\"", "an expression"],
    ["a && \"x\"", "\"x\"", "\"\\\"x\\\"\"", "text in single quotes"],
    ["a == 'x", "'x", "an open '", "a ' that closes it ('' is a quote within a text)"],
    ["a = b", "=", "\"=\"", "an expression"],
    ["(a", "(a", "nothing behind \"a\"", "a value there"],
    ["contains(a)", "contains", "too few values for contains", "as many as it takes"],
    ["toJSON(a, b)", "toJSON", "too many values for toJSON", "as many as it takes"]
  ])("says what is wrong with %j, at %j", (source, at, found, expected) => {
    const fault = faultOf(source)
    assert.deepStrictEqual({ found: fault?.found, expected: fault?.expected }, { found, expected })
    if (source !== "(a") assert.strictEqual(fault?.at, at)
  })

  it.each([
    ["that is too long", `'${"x".repeat(21_000)}'`],
    ["of too many parts", Array.from({ length: 600 }, () => "1").join("==")],
    ["that is too deep", `${"(".repeat(60)}1${")".repeat(60)}`]
  ])("refuses an expression %s", (_, source) => {
    assert.isDefined(faultOf(source))
  })

  it("finds each token again, also behind a text of two lines", () => {
    const source = "\n a == 'x\ny' && a ==\n bb"
    const { spanOf, root } = Either.getOrThrow(Expression.parse(source))
    const [, last] = "args" in root && Array.isArray(root.args) ? root.args : []
    const { end, start } = spanOf(last.right.name)
    assert.strictEqual(source.slice(start, end), "bb")
  })
})
