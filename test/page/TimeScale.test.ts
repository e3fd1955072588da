import { assert, describe, it } from "@effect/vitest"
import * as TimeScale from "../../src/page/TimeScale.ts"

const scale = TimeScale.make(1000, 11_000)

describe.concurrent("TimeScale", () => {
  it("places times as parts of a line, and none outside of it", () => {
    assert.deepStrictEqual([0, 1000, 6000, 11_000, 99_000].map((time) => TimeScale.at(scale, time)), [0, 0, 0.5, 1, 1])
  })

  it("gives what is short a width, also at the end, and what lasts the rest of the line", () => {
    assert.deepStrictEqual(TimeScale.part(scale, 6000, undefined), { left: 0.5, width: 0.5 })
    assert.isAbove(TimeScale.part(scale, 2000, 2000).width, 0)
    const { left, width } = TimeScale.part(scale, 11_000, 11_000)
    assert.isAtMost(left + width, 1)
    assert.isAbove(width, 0)
  })

  it("has a length though nothing is known, or the clock was set back", () => {
    assert.deepStrictEqual([TimeScale.make(undefined, 5), TimeScale.make(9, 5)], [{ from: 5, to: 6 }, { from: 5, to: 6 }])
  })

  it("is marked at round times, and not at too many", () => {
    assert.deepStrictEqual(TimeScale.ticks(scale).map((tick) => tick - 1000), [0, 2000, 4000, 6000, 8000])
    for (const length of [1, 999, 60_000, 86_400_000, 86_400_000 * 400]) {
      assert.isAtMost(TimeScale.ticks({ from: 0, to: length }).length, 9)
    }
  })
})
