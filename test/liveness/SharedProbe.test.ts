import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Ref from "effect/Ref"
import * as TestClock from "effect/TestClock"
import * as SharedProbe from "../../src/liveness/SharedProbe.ts"

/** A probe that takes a second, fails the first so many times, and counts what becomes of it. */
const probed = (failures = 0) =>
  Effect.gen(function*() {
    const sent = yield* Ref.make(0)
    const interrupted = yield* Ref.make(0)
    const ask = yield* SharedProbe.make(
      Ref.updateAndGet(sent, (count) => count + 1).pipe(
        Effect.tap(() => Effect.sleep("1 second")),
        Effect.filterOrFail((count) => count > failures, () => "no answer"),
        Effect.onInterrupt(() => Ref.update(interrupted, (count) => count + 1))
      )
    )
    return { ask, sent, interrupted }
  })

describe("a shared probe", () => {
  it.effect("is sent once for a thousand who ask at once", () =>
    Effect.gen(function*() {
      const { ask, sent } = yield* probed()
      const all = yield* Effect.fork(Effect.all(Array.from({ length: 1000 }, () => ask), { concurrency: "unbounded" }))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(new Set(yield* Fiber.join(all)), new Set([1]))
      assert.strictEqual(yield* Ref.get(sent), 1)
    }))

  it.effect("is sent anew when the last has ended, however late those who waited for it are", () =>
    Effect.gen(function*() {
      const { ask } = yield* probed()
      const [first, second] = [yield* Effect.fork(ask), yield* Effect.fork(ask)]
      yield* TestClock.adjust("1 second")
      const third = yield* Effect.fork(ask)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([yield* Fiber.join(first), yield* Fiber.join(second), yield* Fiber.join(third)], [1, 1, 2])
    }))

  it.effect("that fails is sent once more for those who asked after it was sent, and for them only", () =>
    Effect.gen(function*() {
      const { ask, sent } = yield* probed(1)
      const first = yield* Effect.fork(Effect.either(ask))
      yield* TestClock.adjust("900 millis")
      const late = yield* Effect.fork(Effect.either(Effect.all([ask, ask], { concurrency: "unbounded" })))
      yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual(yield* Fiber.join(first), Either.left("no answer"))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(Either.getOrThrow(yield* Fiber.join(late)), [2, 2])
      assert.strictEqual(yield* Ref.get(sent), 2)
    }))

  it.effect("fails for those who asked late, too, when the second one fails", () =>
    Effect.gen(function*() {
      const { ask, sent } = yield* probed(2)
      yield* Effect.fork(Effect.either(ask))
      yield* TestClock.adjust("900 millis")
      const late = yield* Effect.fork(Effect.either(ask))
      yield* TestClock.adjust("1100 millis")
      assert.deepStrictEqual(yield* Fiber.join(late), Either.left("no answer"))
      assert.strictEqual(yield* Ref.get(sent), 2)
    }))

  it.effect("goes on while one waits for it, and is interrupted with the last", () =>
    Effect.gen(function*() {
      const { ask, interrupted } = yield* probed()
      const first = yield* Effect.fork(ask)
      yield* TestClock.adjust("100 millis")
      const second = yield* Effect.fork(ask)
      yield* TestClock.adjust("100 millis")
      yield* Fiber.interrupt(first)
      assert.strictEqual(yield* Ref.get(interrupted), 0)
      yield* Fiber.interrupt(second)
      yield* Effect.yieldNow()
      assert.strictEqual(yield* Ref.get(interrupted), 1)
    }))
})
