import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import * as Deadline from "../../src/agamemnon/Deadline.ts"

const within = Deadline.within("30 seconds", () => "too late")

describe("Deadline", () => {
  it.effect("fails what takes longer, and leaves alone what does not", () =>
    Effect.gen(function*() {
      const late = yield* Effect.fork(Effect.flip(within(Effect.never)))
      yield* TestClock.adjust("29999 millis")
      assert.isTrue((yield* Fiber.poll(late))._tag === "None")
      yield* TestClock.adjust("1 milli")
      assert.strictEqual(yield* Fiber.join(late), "too late")
      assert.strictEqual(yield* within(Effect.succeed(1)), 1)
      assert.strictEqual(yield* Effect.flip(within(Effect.fail("no"))), "no")
      assert.isTrue(Exit.isFailure(yield* Effect.exit(within(Effect.die("bug")))))
    }))

  it.effect("lets a sibling that has failed interrupt it at once, and is over when its effect is", () =>
    Effect.gen(function*() {
      const all = { concurrency: "unbounded" } as const
      const ended: Array<string> = []
      const never = Effect.onInterrupt(Effect.never, () => Effect.sync(() => ended.push("interrupted")))
      const failing = within(Effect.delay(Effect.fail("no"), "1 second"))
      const pair = yield* Effect.fork(Effect.flip(Effect.forEach([within(never), failing], (each) => each, all)))
      const nested = yield* Effect.fork(
        Effect.flip(Effect.forEach([1], () => Effect.all([within(within(never)), failing], all), all))
      )
      yield* TestClock.adjust("1 second")
      const fibers = [yield* Fiber.poll(pair), yield* Fiber.poll(nested)]
      assert.deepStrictEqual(fibers.map(({ _tag }) => _tag), ["Some", "Some"])
      assert.deepStrictEqual(ended, ["interrupted", "interrupted"])
    }))

  it.effect("is not interrupted where nothing may be", () =>
    Effect.gen(function*() {
      const done: Array<string> = []
      const work = Effect.delay(Effect.sync(() => done.push("work")), "1 second")
      const fiber = yield* Effect.fork(Effect.uninterruptible(within(work)))
      yield* Effect.yieldNow()
      yield* Fiber.interruptFork(fiber)
      yield* TestClock.adjust("1 second")
      yield* Fiber.await(fiber)
      assert.deepStrictEqual(done, ["work"])
    }))
})
