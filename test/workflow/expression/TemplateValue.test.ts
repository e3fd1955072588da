import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Schema from "effect/Schema"
import * as TemplateValue from "../../../src/workflow/expression/TemplateValue.ts"

const contexts = {
  inputs: { ticket: "ABC-1", depth: 2, big: 1e21, dry: false, files: ["a", "b"], nothing: null, map: { a: { b: 1 } } }
}

const AnyText = Schema.String
const PlainText = Schema.String.pipe(Schema.filter((text) => !text.includes("${{")))

describe("TemplateValue", () => {
  it.prop("a text without an expression is itself", [PlainText], ([text]) => {
    assert.deepStrictEqual(TemplateValue.evaluate(text, contexts), Either.right(text))
  })

  it.prop("a value is there as it is, whatever it contains", [
    FastCheck.oneof(FastCheck.string({ unit: "binary" }), FastCheck.constantFrom("${{ inputs.ticket }}", "'", "}}", "${{", "\u0000")),
    PlainText,
    PlainText
  ], ([value, before, after]) => {
    const text = `${before}\${{ inputs.value }}${after}`
    assert.deepStrictEqual(TemplateValue.evaluateText(text, { inputs: { value } }), Either.right(before + value + after))
  })

  it.prop("a text in quotes is itself", [AnyText], ([text]) => {
    const source = `\${{ '${text.replaceAll("'", "''")}' }}`
    if (source.length > 20_000) return
    assert.deepStrictEqual(TemplateValue.evaluate(source, {}), Either.right(text))
  })

  it.prop("a value that is all of a text keeps its type", [Schema.JsonNumber, Schema.Array(Schema.String)], ([number, list]) => {
    const values = { inputs: { number, list } }
    assert.deepStrictEqual(TemplateValue.evaluate("${{ inputs.number }}", values), Either.right(number))
    assert.deepStrictEqual(TemplateValue.evaluate("${{ inputs.list }}", values), Either.right(list))
  })

  it.each([
    ["${{ inputs.depth }}", 2],
    ["${{ inputs.depth }} ", "2 "],
    ["${{ inputs.big }}", 1e21],
    ["${{ inputs.dry }}${{ inputs.nothing }}", "false"],
    ["${{ inputs.nothing }}", null],
    ["${{ inputs.map }}", { a: { b: 1 } }],
    ["${{ inputs.MAP.a['B'] }}", 1],
    ["${{ inputs.files.* }}", ["a", "b"]],
    ["${{ inputs.nothing || 'else' }}", "else"],
    ["${{ format('{0} {{x}} {1}', inputs.ticket, join(inputs.files, '+')) }}", "ABC-1 {x} a+b"],
    ["${{ 'it''s ''quoted''' }}", "it's 'quoted'"],
    ["${{ fromJSON('[1]')[0] }}", 1],
    ["say ${{ '${{' }} x }}", "say ${{ x }}"]
  ])("evaluates %s", (text, expected) => {
    assert.deepStrictEqual(TemplateValue.evaluate(text, contexts), Either.right(expected))
  })

  it.each([
    ["x ${{ inputs[inputs.ticket] }}", "inputs[inputs.ticket]", "a map has nothing at \"ABC-1\""],
    ["${{ inputs.files[2] }}", "inputs.files[2]", "a list has nothing at \"2\""],
    ["${{ inputs.files['x'] }}", "inputs.files['x']", "a list has nothing at \"x\""],
    ["${{ inputs.nothing.x }}", "inputs.nothing.x", "nothing (null) has nothing at \"x\""],
    ["${{ fromJSON('{') }}", "fromJSON('{')", "Error parsing JSON when evaluating fromJson"],
    ["${{ format('{9}', 'x') }}", "format('{9}', 'x')", "references more arguments than were supplied"]
  ])("fails on %s", (text, at, why) => {
    const fault = Either.getOrThrow(Either.flip(TemplateValue.evaluate(text, contexts)))
    assert.strictEqual(text.slice(fault.start, fault.end), at)
    assert.include(fault.expected, why)
  })

  it.each([["files", "a list"], ["map", "a map"]])("writes no %s into a text", (name, found) => {
    const fault = Either.getOrThrow(Either.flip(TemplateValue.evaluateText(`x \${{ inputs.${name} }}`, contexts)))
    assert.strictEqual(fault.found, found)
    assert.include(fault.expected, `toJSON(inputs.${name})`)
  })
})
