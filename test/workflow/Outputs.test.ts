import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as fc from "effect/FastCheck"
import * as Outputs from "../../src/workflow/Outputs.ts"

const declared = { files: "list", summary: "string", count: "number", done: "boolean" } as const
const whole = { files: ["a.ts"], summary: "ok", count: 2, done: true }

describe("Outputs", () => {
  it("are what a program has written, where a line stands for any type", () => {
    assert.deepStrictEqual(Outputs.read(declared, { outputs: whole }), Either.right(whole))
    assert.deepStrictEqual(
      Outputs.read(declared, { outputs: { files: "[\"a.ts\"]", summary: "ok", count: "2", done: "true" }, result: "{}" }),
      Either.right(whole)
    )
  })

  it("are otherwise the last object in the result: in a fenced block, or all of it", () => {
    const block = (value: unknown) => `\`\`\`json\n${JSON.stringify(value)}\n\`\`\`\n`
    for (const result of [JSON.stringify(whole), ` ${JSON.stringify(whole)}\n`, `Done.\n${block({ files: [] })}and\n${block(whole)}Bye.`, `${block(whole)}\`\`\`\nno object\n\`\`\``]) {
      assert.deepStrictEqual(Outputs.read(declared, { result }), Either.right(whole), result)
    }
  })

  it("are told of in words where one is missing or of another type", () => {
    const read = (outputs: unknown) => Either.getOrElse(Either.flip(Outputs.read(declared, { outputs })), () => "")
    assert.strictEqual(read({ ...whole, files: "a.ts", count: "two" }), "output files is text, not a list; output count is text, not a number")
    assert.strictEqual(read({ files: [], summary: 3, done: null }), "output summary is a number, not a text; output count is missing; output done is nothing (null), not true or false")
    assert.strictEqual(read(undefined), "output files is missing; output summary is missing; output count is missing; output done is missing")
    assert.strictEqual(Either.getOrElse(Either.flip(Outputs.read({ ["constructor"]: "string" } as const, { result: "{}" })), () => ""), "output constructor is missing")
  })

  it("are read from any result without a failure", () => {
    fc.assert(fc.property(fc.string(), fc.jsonValue(), (result, outputs) => {
      Outputs.read(declared, { result, outputs })
    }))
  })

  it("are asked for in one paragraph", () => {
    assert.strictEqual(
      Outputs.request({ files: "list", done: "boolean" }),
      "\n\nWhen you are done, end your answer with a fenced block of JSON that holds one object with \"files\" (a list), \"done\" (true or false)."
    )
  })
})
