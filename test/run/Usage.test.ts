import { assert, describe, it } from "@effect/vitest"
import * as Usage from "../../src/run/Usage.ts"

const problem = (reported: unknown) => Usage.read(reported).usageProblem

describe("the usage of a task", () => {
  it("is read as its worker has written it, and what else is there is left alone", () => {
    assert.deepStrictEqual(Usage.read({ usd: 0.25, input_tokens: 1200, output_tokens: 34, model: "m" }), {
      usage: { usd: 0.25, inputTokens: 1200, outputTokens: 34 }
    })
    assert.deepStrictEqual(Usage.read("{\"usd\": 0}"), { usage: { usd: 0 } })
    assert.deepStrictEqual(Usage.read({ output_tokens: 0 }), { usage: { outputTokens: 0 } })
  })

  it("is unknown when nothing is reported", () => {
    assert.deepStrictEqual([Usage.read(undefined), Usage.read(null)], [{}, {}])
  })

  it("is unknown when it can not be read, and it is said why", () => {
    assert.strictEqual(problem({ usd: "much", input_tokens: -1 }),
      "usage.usd is \"much\", not a number from 0; usage.input_tokens is the number -1, not a whole number from 0 to 1000000000")
    assert.strictEqual(problem({ usd: Number.NaN }), "usage.usd is the number NaN, not a number from 0 to 1000000")
    assert.strictEqual(problem({ cost: 1 }), "usage is a map, not a map with usd, input_tokens or output_tokens")
    assert.strictEqual(problem("about 3 dollars"), "usage is \"about 3 dollars\", not a map with usd, input_tokens or output_tokens")
    assert.strictEqual(problem([1]), "usage is a list, not a map with usd, input_tokens or output_tokens")
    assert.isUndefined(Usage.read({ usd: -1 }).usage)
  })
})
