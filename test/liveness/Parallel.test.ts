import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as TestClock from "effect/TestClock"
import * as Parallel from "../../src/liveness/Parallel.ts"
import * as AtStep from "../support/AtStep.ts"

describe("Parallel", () => {
  it.effect("does all at once, and answers in their order", () =>
    Effect.gen(function*() {
      const answer = yield* Effect.fork(Parallel.forEach([3, 1, 2], (seconds) => Effect.as(Effect.sleep(`${seconds} seconds`), seconds)))
      yield* TestClock.adjust("2999 millis")
      assert.isNull(answer.unsafePoll())
      yield* TestClock.adjust("1 milli")
      assert.deepStrictEqual(yield* Fiber.join(answer), [3, 1, 2])
      assert.deepStrictEqual(yield* Parallel.all<never, never, never>([]), [])
    }))

  it.effect("needs no fiber for one", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* Parallel.all<FiberId.FiberId, never, never>([Effect.fiberId]), [yield* Effect.fiberId])
    }))

  it.effect("fails as the first that fails, when the others have ended, and dies as the first that dies", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const slowToEnd = Effect.onInterrupt(Effect.never, () => Effect.zipRight(Effect.sleep("1 second"), Effect.sync(() => log.push("ended"))))
      const failing = yield* Effect.fork(Effect.flip(Parallel.all([slowToEnd, Effect.delay(Effect.fail("no"), "1 second"), slowToEnd, Effect.void])))
      yield* TestClock.adjust("1999 millis")
      assert.isNull(failing.unsafePoll())
      yield* TestClock.adjust("1 milli")
      assert.deepStrictEqual([yield* Fiber.join(failing), log], ["no", ["ended", "ended"]])
      const throwing = (): Effect.Effect<never> => { throw "bug" }
      assert.deepStrictEqual(yield* Effect.exit(Parallel.forEach([1, 2], (one) => (one === 1 ? Effect.never : throwing()))), Exit.die("bug"))
    }))

  for (const what of ["interrupted", "delayed"] as const) {
    it.effect(`ends all of its effects, at whichever step it is ${what}`, () =>
      Effect.gen(function*() {
        yield* AtStep.sweep({ what }, (happening) =>
          Effect.gen(function*() {
            let under = 0
            const over = yield* Deferred.make<void>()
            const held = Effect.acquireUseRelease(Effect.sync(() => under += 1), () => Deferred.await(over), () => Effect.sync(() => under -= 1))
            const all = yield* Effect.forkDaemon(happening(Parallel.all([held, held, held])))
            yield* TestClock.adjust("1 second")
            if (what === "delayed") yield* Deferred.succeed(over, undefined)
            else all.unsafeInterruptAsFork(FiberId.none)
            yield* Fiber.await(all)
            assert.strictEqual(under, 0)
          }))
      }))
  }
})
