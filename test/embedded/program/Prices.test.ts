import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as Prices from "../../../src/embedded/program/Prices.ts"
import * as ProgramsFile from "../../../src/cli/ProgramsFile.ts"
import * as Usage from "../../../src/run/Usage.ts"

const prices: Prices.Prices = {
  big: { input: 3, output: 15, cached: 0.3 },
  plain: { input: 2, output: 8 },
  codex: { input: 1, output: 1 }
}

const reckon = (usage: unknown, model: string | undefined = "big", program = "codex") =>
  Usage.read(Prices.reckoned(prices, { model, program }, usage)).usage

const tokens = { input_tokens: 1_000_000, output_tokens: 100_000, cached_tokens: 400_000 }

describe("Prices", () => {
  it("reckon what tokens have cost, those of a cache apart, and say that it is reckoned", () => {
    assert.deepStrictEqual(reckon(tokens), { usd: 3.42, inputTokens: 1_000_000, outputTokens: 100_000, cachedTokens: 400_000, isReckoned: true })
    // Without a price of their own they cost what others cost.
    assert.strictEqual(reckon(tokens, "plain")?.usd, 2.8)
    assert.strictEqual(reckon({ input_tokens: 1, output_tokens: 0, cached_tokens: 5 })?.usd, 0)
    assert.strictEqual(reckon(JSON.stringify(tokens))?.usd, 3.42)
  })

  it("are those under the name of the program, when no model is said", () => {
    assert.strictEqual(Usage.read(Prices.reckoned(prices, { model: undefined, program: "codex" }, tokens)).usage?.usd, 1.1)
  })

  it("leave alone what is reported, and what is not known", () => {
    assert.deepStrictEqual(reckon({ ...tokens, usd: 1 })?.usd, 1)
    assert.isUndefined(reckon(tokens, "other")?.usd)
    assert.isUndefined(reckon(tokens, "toString")?.usd)
    assert.isUndefined(reckon({ input_tokens: 1 })?.usd)
    const broken = { input_tokens: -1, output_tokens: 1 }
    assert.strictEqual(Prices.reckoned(prices, { model: "big", program: "codex" }, broken), broken)
  })

  it("are read from the configuration file, and what is wrong is said where it is", () => {
    const read = ProgramsFile.parse("prices:\n  big: {input: 3, output: 15, cached: 0.3}\n", "config.yaml")
    assert.deepStrictEqual(Either.getOrThrow(read), { adapters: {}, prices: { big: { input: 3, output: 15, cached: 0.3 } } })
    const wrong = Either.flip(ProgramsFile.parse("prices:\n  big: {input: -3, output: free, chached: 1}\n  small: 3\n  other: {input: 1}\n", "config.yaml"))
    const { message } = Either.getOrThrow(wrong)
    assert.include(message, "config.yaml:2:16 prices.big.input: found the number -3, expected US dollars for a million tokens")
    assert.include(message, "config.yaml:2:28 prices.big.output: found \"free\", expected US dollars for a million tokens")
    assert.match(message, /config\.yaml:2:34 prices\.big\.chached: found an unknown key, .*did you mean "cached"/)
    assert.include(message, "config.yaml:3:10 prices.small: found the number 3, expected a map with the keys input, output and cached")
    assert.include(message, "prices.other.output: found nothing, expected US dollars for a million tokens")
  })
})
