import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as Template from "../../../src/workflow/expression/Template.ts"

const sources = (text: string) =>
  Either.map(Template.parse(text), (parts) => parts.flatMap((part) => (part._tag === "Expression" ? [[part.source, part.start]] : [])))

describe("Template", () => {
  it.each(["", "plain", "$X ${HOME} $(date) {{ x }} $ {{ x }}", "}} {{", "100 %"])("takes %j for text", (text) => {
    assert.isFalse(Template.isTemplate(text))
    assert.deepStrictEqual(Template.parse(text), Either.right(text === "" ? [] : [{ _tag: "Literal", text }]))
  })

  it("takes a text apart, and knows where each expression begins", () => {
    assert.deepStrictEqual(Template.parse("a ${{ b }}${{c}} $d"), Either.right([
      { _tag: "Literal", text: "a " },
      { _tag: "Expression", source: "b", start: 6 },
      { _tag: "Expression", source: "c", start: 13 },
      { _tag: "Literal", text: " $d" }
    ]))
  })

  it.each([
    ["${{ '}}' }}", [["'}}'", 4]]],
    ["${{ 'it''s }}' }}", [["'it''s }}'", 4]]],
    ["${{ format('{{0}}', 'x') }}!", [["format('{{0}}', 'x')", 4]]],
    ["${{ '${{' }}", [["'${{'", 4]]],
    ["${{  }}", [["", 3]]]
  ])("closes %s behind its quotes", (text, expected) => {
    assert.deepStrictEqual(sources(text), Either.right(expected))
  })

  it("takes no more expressions than a person writes", () => {
    assert.isTrue(Either.isRight(Template.parse("${{a}}".repeat(200))))
    assert.deepStrictEqual(Template.parse("${{a}}".repeat(201)), Either.left({
      start: 1200,
      end: 1203,
      found: "more than 200 expressions",
      expected: "fewer in one text"
    }))
  })

  it.each([
    ["ab ${{ inputs.x", 3],
    ["${{ a }} ${{ b }", 9],
    ["${{ 'a }}", 0]
  ])("says where %s is left open", (text, start) => {
    assert.deepStrictEqual(Template.parse(text), Either.left({
      start,
      end: start + 3,
      found: "an open ${{",
      expected: "a }} that closes it"
    }))
  })
})
