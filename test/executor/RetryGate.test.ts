import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import * as RetryGate from "../../src/executor/RetryGate.ts"
import * as ProbedBackend from "../support/ProbedBackend.ts"

describe("RetryGate", () => {
  it.effect("is closed for a second after a failure, also when the clock is set back meanwhile", () =>
    Effect.gen(function*() {
      const { clock, setWall } = yield* ProbedBackend.settableClock
      const gate = RetryGate.make()
      const close = Effect.withClock(gate.close, clock)
      yield* TestClock.adjust("1 minute")
      assert.isTrue(yield* close)
      assert.isFalse(yield* close)
      const waiting = yield* Effect.fork(Effect.withClock(gate.wait, clock))
      yield* setWall(-3_600_000)
      yield* TestClock.adjust("999 millis")
      assert.isTrue(Option.isNone(yield* Fiber.poll(waiting)))
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(waiting)
      assert.isTrue(yield* close)
    }))
})
