import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import * as SignsOfLife from "../../src/embedded/SignsOfLife.ts"

describe("SignsOfLife", () => {
  it.effect("tells of the first sign in each second of the clock, also when the clock is set back", () =>
    Effect.gen(function*() {
      const told: Array<number> = []
      const sign = yield* SignsOfLife.make(Effect.map(Clock.currentTimeMillis, (time) => void told.push(time)))
      for (const time of [10_400, 10_400, 10_999, 11_000, 11_600, 14_999, 15_000, 9_500]) {
        yield* TestClock.setTime(time)
        sign()
      }
      assert.deepStrictEqual(told, [10_400, 11_000, 14_999, 15_000, 9_500])
    }))
})
