import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as LeftoverCost from "../../src/server/LeftoverCost.ts"

const since = DateTime.unsafeMake("2026-11-30T10:00:00Z")
const now = DateTime.unsafeMake("2026-11-30T12:30:00Z")
const priced = { usdPerHour: 0.4, since, now }
const agent = { kind: "agent", reused: false } as const

describe("what a leftover has cost", () => {
  it("is the price of an agent for the time since its run ended", () => {
    assert.strictEqual(LeftoverCost.of(agent, priced), 1)
  })

  it("is nothing by a clock that is behind", () => {
    assert.strictEqual(LeftoverCost.of(agent, { ...priced, since: now, now: since }), 0)
  })

  it("is not known without a price or a time, nor of what is no agent of the run", () => {
    const unknown = [
      LeftoverCost.of(agent, { ...priced, usdPerHour: undefined }),
      LeftoverCost.of(agent, { ...priced, since: undefined }),
      LeftoverCost.of({ kind: "team", reused: false }, priced),
      LeftoverCost.of({ kind: "workspace", reused: false }, priced),
      LeftoverCost.of({ kind: "agent", reused: true }, priced)
    ]
    assert.deepStrictEqual(unknown, [undefined, undefined, undefined, undefined, undefined])
  })
})
