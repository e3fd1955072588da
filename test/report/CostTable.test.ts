import { assert, describe, it } from "@effect/vitest"
import * as CostTable from "../../src/report/CostTable.ts"
import * as Style from "../../src/report/Style.ts"

describe("CostTable", () => {
  it("adds money exactly, and counts what is unknown", () => {
    const sum = [{ usd: 0.1 }, { usd: 0.2, inputTokens: 1, outputTokens: 2 }, undefined].reduce(CostTable.add, CostTable.none)
    assert.deepStrictEqual(sum, { attempts: 3, usd: 0.3, inputTokens: 1, outputTokens: 2, unknown: { usd: 1, tokens: 2 } })
  })

  it("says how much of the money was reckoned", () => {
    const sum = [{ usd: 0.1 }, { usd: 0.2, inputTokens: 1, outputTokens: 2, isReckoned: true }].reduce(CostTable.add, CostTable.none)
    assert.deepInclude(sum, { usd: 0.3, reckonedUsd: 0.2 })
    const all = CostTable.add(CostTable.none, { usd: 0.2, inputTokens: 1, outputTokens: 2, isReckoned: true })
    const lines = CostTable.render("agent", new Map([["a", sum], ["b", all]]), CostTable.together(sum, all), { style: Style.plain, width: 80 })
    assert.deepStrictEqual(lines.map((line) => line.slice(0, 36).trimEnd()), [
      "AGENT  ATTEMPTS  USD                   TOKENS".slice(0, 36).trimEnd(),
      "a      2         0.30 (0.20 reckoned)",
      "b      1         0.20 (reckoned)",
      "total  3         0.50 (0.40 reckoned)"
    ].map((line) => line.slice(0, 36).trimEnd()))
  })

  it("never says of what is unknown that it is nothing", () => {
    const silent = CostTable.add(CostTable.none, undefined)
    const lines = CostTable.render("agent", new Map([["quiet", silent]]), silent, { style: Style.plain, width: 80 })
    assert.deepStrictEqual(lines, ["AGENT  ATTEMPTS  USD      TOKENS", "quiet  1         unknown  unknown", "total  1         unknown  unknown"])
  })
})
