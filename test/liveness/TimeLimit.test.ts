import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import * as TimeLimit from "../../src/liveness/TimeLimit.ts"

const limited = TimeLimit.within({ limit: "5 seconds", onTimeout: () => "too long" })

describe("TimeLimit.within", () => {
  it.effect("answers what the effect answers, in time", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* limited(Effect.succeed(1)), 1)
      assert.strictEqual(yield* Effect.flip(limited(Effect.fail("no"))), "no")
    }))

  it.effect("ends a wait in a finalizer", () =>
    Effect.gen(function*() {
      const closed: Array<string> = []
      const fiber = yield* Effect.fork(Effect.scoped(Effect.addFinalizer(() =>
        Effect.map(Effect.flip(limited(Effect.never)), (why) => closed.push(why)))))
      yield* TestClock.adjust("4 seconds")
      assert.deepStrictEqual(closed, [])
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(closed, ["too long"])
    }))

  it.effect("ends a wait that cannot be interrupted", () =>
    Effect.gen(function*() {
      const fiber = yield* Effect.fork(Effect.flip(limited(Effect.uninterruptible(Effect.never))))
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), "too long")
    }))

  it.effect("is interrupted with whoever waits, and interrupts the effect", () =>
    Effect.gen(function*() {
      const begun = yield* Effect.makeLatch()
      const interrupted = yield* Effect.makeLatch()
      const wait = Effect.onInterrupt(Effect.zipRight(begun.open, Effect.never), () => interrupted.open)
      const fiber = yield* Effect.fork(limited(wait))
      yield* begun.await
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(fiber)))
      yield* interrupted.await
    }))
})
