import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import * as PermitLimit from "../../src/liveness/PermitLimit.ts"

/** Waits for the one permit, and gives it back at once when it has it. */
const waitFor = (permits: Effect.Semaphore) =>
  Effect.uninterruptibleMask((restore) =>
    Effect.zipRight(PermitLimit.take(permits, { limit: "5 seconds", onTimeout: () => "too late", restore }), permits.release(1)))

const yields = (count: number) => Effect.repeatN(Effect.yieldNow(), count)

const settle = yields(100)

const isFree = (permits: Effect.Semaphore) => Effect.map(permits.withPermitsIfAvailable(1)(Effect.void), Option.isSome)

/** Has somebody hold the permit for so long, and for so many turns of other fibers more. */
const held = (permits: Effect.Semaphore, turns: number) =>
  Effect.fork(permits.withPermits(1)(Effect.zipRight(Effect.sleep("5 seconds"), yields(turns))))

describe("PermitLimit", () => {
  it.effect("takes what is free or becomes free in time, and fails when it is too late", () =>
    Effect.gen(function*() {
      const permits = yield* Effect.makeSemaphore(1)
      yield* waitFor(permits)
      yield* permits.take(1)
      const [early, late] = [yield* Effect.fork(waitFor(permits)), yield* Effect.fork(Effect.zipRight(Effect.sleep("1 second"), waitFor(permits)))]
      yield* TestClock.adjust("4 seconds")
      yield* permits.release(1)
      assert.isTrue(Exit.isSuccess(yield* Fiber.await(early)))
      assert.isTrue(Exit.isSuccess(yield* Fiber.await(late)))
      yield* permits.take(1)
      const never = yield* Effect.fork(Effect.flip(waitFor(permits)))
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* Fiber.join(never), "too late")
      yield* permits.release(1)
      assert.isTrue(yield* isFree(permits))
    }))

  it.effect("loses no permit that is granted when the time is over, however close that is", () =>
    Effect.forEach(Array.from({ length: 40 }, (_, turns) => turns), (turns) =>
      Effect.gen(function*() {
        const permits = yield* Effect.makeSemaphore(1)
        yield* held(permits, turns)
        yield* settle
        const waiting = yield* Effect.fork(waitFor(permits))
        yield* settle
        yield* TestClock.adjust("5 seconds")
        yield* Fiber.await(waiting)
        yield* settle
        assert.isTrue(yield* isFree(permits), `${turns} turns later`)
      }), { discard: true }))

  it.effect("loses no permit that is granted when who waits is interrupted, however close that is", () =>
    Effect.forEach(Array.from({ length: 40 }, (_, turns) => turns), (turns) =>
      Effect.gen(function*() {
        const permits = yield* Effect.makeSemaphore(1)
        yield* permits.take(1)
        const waiting = yield* Effect.fork(waitFor(permits))
        yield* settle
        yield* permits.release(1)
        yield* yields(turns)
        yield* Fiber.interrupt(waiting)
        yield* settle
        assert.isTrue(yield* isFree(permits), `${turns} turns later`)
      }), { discard: true }))
})
