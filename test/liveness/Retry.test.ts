import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FastCheck from "effect/FastCheck"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/TestClock"
import * as Retry from "../../src/liveness/Retry.ts"

/** Whether each attempt fails with something that passes, with something that does not, or succeeds. */
const attempts = FastCheck.array(FastCheck.constantFrom("passing", "lasting", "well"), { minLength: 1, maxLength: 6 })

/** Fails as it is told, attempt for attempt, and notes when each is made. */
const scripted = (script: ReadonlyArray<string>) => {
  const made: Array<number> = []
  const effect = Effect.clockWith((clock) =>
    Effect.suspend(() => {
      const outcome = script[made.length] ?? "well"
      made.push(clock.unsafeCurrentTimeMillis())
      return outcome === "well" ? Effect.succeed(made.length) : Effect.fail(outcome)
    }))
  return { effect, made }
}

describe("Retry", () => {
  const options = {
    while: (failure: string) => failure === "passing",
    schedule: Schedule.intersect(Schedule.exponential("1 second"), Schedule.recurs(3))
  }

  it.effect.prop("does what Effect.retry does, when it does it", [attempts], ([script]) =>
    Effect.gen(function*() {
      const outcomes = yield* Effect.forEach([Retry.retry<string>(options), (effect: Effect.Effect<number, string>) => Effect.retry(effect, options)], (retry) =>
        Effect.gen(function*() {
          const { effect, made } = scripted(script)
          const fiber = yield* Effect.fork(Effect.exit(retry(effect)))
          yield* TestClock.adjust(Duration.minutes(1))
          const exit = yield* Fiber.join(fiber)
          return [Exit.isSuccess(exit), String(exit), made.map((time) => time - (made[0] ?? 0))]
        }))
      assert.deepEqual(outcomes[0], outcomes[1])
    }))

  it.effect("can be run more than once", () =>
    Effect.gen(function*() {
      const { effect, made } = scripted(["passing", "well", "passing", "well"])
      const retried = Retry.retry<string>({ ...options, schedule: Schedule.recurs(3) })(effect)
      assert.deepEqual([yield* retried, yield* retried], [2, 4])
      assert.strictEqual(made.length, 4)
    }))
})
