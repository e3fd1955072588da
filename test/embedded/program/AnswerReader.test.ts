import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as AnswerReader from "../../../src/embedded/program/AnswerReader.ts"
import { ProgramAdapter, type ProgramInput } from "../../../src/embedded/program/ProgramAdapter.ts"

type Output = NonNullable<ProgramInput["output"]>

/** What is read of these chunks. */
const answer = (output: Output, ...chunks: ReadonlyArray<string>) => {
  const { output: decoded } = Schema.decodeSync(ProgramAdapter)({ command: "x", output })
  assert.isDefined(decoded)
  const { end, write } = AnswerReader.make(decoded)
  for (const chunk of chunks) write(Buffer.from(chunk))
  return Option.getOrUndefined(end())
}

const json: Output = { format: "json", result: "out.*.text", usage: { input_tokens: ["in", "more.*"] }, failure: [{ at: "bad" }] }
const lines: Output = {
  format: "lines",
  result: { at: "text", when: { type: "answer" } },
  session: "id",
  usage: { usd: "cost" },
  failure: [{ at: "end", not: "well" }]
}

describe("AnswerReader", () => {
  it("reads one value of JSON, wherever it is cut, and what stands before it is none of it", () => {
    const written = JSON.stringify({ out: [{ text: "first" }, { text: "é last" }, { text: " " }], in: 1, more: { a: 2, b: 3, c: "4" } }, undefined, 1)
    const expected = { result: "é last", usage: { input_tokens: 6 }, hasFailed: false }
    assert.deepStrictEqual(answer(json, written), expected)
    assert.deepStrictEqual(answer(json, ...written), expected)
    assert.deepStrictEqual(answer(json, `  ( O)> ready\n  L L {x\n`, written), expected)
  })

  it("reads values in lines, of which the last result counts, and all that was used", () => {
    const written = [
      { type: "answer", text: "first", id: "s1", cost: 0.25 },
      { type: "thought", text: "no", cost: 0.5 },
      { type: "answer", text: "last", end: "well" }
    ].map((each) => JSON.stringify(each)).join("\n")
    const expected = { result: "last", session: "s1", usage: { usd: 0.75 }, hasFailed: false }
    assert.deepStrictEqual(answer(lines, written), expected)
    assert.deepStrictEqual(answer(lines, ...`noise\n\n${written}\n`), expected)
  })

  it("finds signs of a failure", () => {
    const failed = (output: Output, value: unknown) => answer(output, JSON.stringify(value))?.hasFailed
    for (const bad of [true, "why", 1, { why: "x" }]) assert.isTrue(failed(json, { bad }), String(bad))
    for (const bad of [false, null, ""]) assert.isFalse(failed(json, { bad }), String(bad))
    assert.isFalse(failed(json, {}))
    assert.isTrue(failed(lines, { end: "badly" }))
    assert.isFalse(failed(lines, { end: "well" }))
    assert.isFalse(failed(lines, { type: "answer" }))
  })

  it("has nothing to say of what is no JSON", () => {
    assert.isUndefined(answer(json, "I am done."))
    assert.isUndefined(answer(json))
    assert.isUndefined(answer(lines, "{ not\n\"text\"\n[1]\n"))
  })

  it("reads no property that every object has", () => {
    assert.deepStrictEqual(answer({ format: "json", result: "constructor.name" }, "{}"), { hasFailed: false })
  })

  it("leaves out a line that is longer than anybody reads", () => {
    const long = "x".repeat(17 * 1024 * 1024)
    assert.deepStrictEqual(answer(lines, `{"type":"answer","text":"${long}"}\n{"type":"answer","text":"short"}\n`)?.result, "short")
  })
})
