import { assert, describe, it } from "@effect/vitest"
import * as Words from "../../src/page/Words.ts"

describe.concurrent("Words", () => {
  it("say how long something took as short as is exact enough", () => {
    const written = [0, 4200, 59_949, 59_960, 184_000, 3_599_600, 18_720_000, 273_600_000].map(Words.lasted)
    assert.deepStrictEqual(written, ["0.0s", "4.2s", "59.9s", "1m 00s", "3m 04s", "1h 00m", "5h 12m", "3d 04h"])
    assert.strictEqual(Words.lasted(-5), "0.0s")
  })

  it("say how long ago something was, and nothing of the future", () => {
    assert.deepStrictEqual([-1000, 59_999, 60_000, 7_200_000, 180_000_000].map(Words.ago), ["0s ago", "59s ago", "1m ago", "2h ago", "2d ago"])
  })

  it("count and list", () => {
    assert.deepStrictEqual([Words.count(1, "task"), Words.count(12_000, "task"), Words.count(2, "branch", "branches")], ["1 task", "12,000 tasks", "2 branches"])
    assert.deepStrictEqual([[], ["a"], ["a", "b"], ["a", "b", "c"]].map(Words.listed), ["", "a", "a and b", "a, b and c"])
  })

  it("say money to the cent, and what is less than that", () => {
    assert.deepStrictEqual([0, 1.239, 0.00042, 1234].map(Words.usd), ["$0.00", "$1.24", "$0.00042", "$1234.00"])
  })

  it("say the time of a day, with the day when that is another", () => {
    const time = Date.UTC(2026, 4, 3, 7, 8, 9)
    assert.strictEqual(Words.clock(time, time + 1000, "UTC"), "07:08:09")
    assert.strictEqual(Words.clock(time, time + 86_400_000, "UTC"), "2026-05-03 07:08:09")
  })
})
