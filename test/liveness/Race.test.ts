import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as TestClock from "effect/TestClock"
import * as Race from "../../src/liveness/Race.ts"
import * as AtStep from "../support/AtStep.ts"

describe("Race", () => {
  it.effect("ends as the first that ends, when the others have", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const slowToEnd = Effect.onInterrupt(Effect.never, () => Effect.zipRight(Effect.sleep("1 second"), Effect.sync(() => log.push("ended"))))
      const race = yield* Effect.fork(Race.first([slowToEnd, Effect.as(Effect.sleep("1 second"), "first"), Effect.sleep("2 seconds"), slowToEnd]))
      yield* TestClock.adjust("1999 millis")
      assert.isNull(race.unsafePoll())
      yield* TestClock.adjust("1 milli")
      assert.deepStrictEqual([yield* Fiber.join(race), log], ["first", ["ended", "ended"]])
    }))

  it.effect("takes the first one in the list of those that end at the same moment", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* Race.first([Effect.succeed(1), Effect.succeed(2)]), 1)
    }))

  it.effect("fails as the first that fails, and dies as the first that dies", () =>
    Effect.gen(function*() {
      const failing = Race.unless(Effect.fail("no" as const), Effect.never)
      assert.strictEqual(yield* Effect.flip(failing(Effect.never)), "no")
      assert.strictEqual(yield* failing(Effect.succeed(1)), 1)
      assert.deepStrictEqual(yield* Effect.exit(Race.first([Effect.never, Effect.die("bug")])), Exit.die("bug"))
      assert.deepStrictEqual(yield* Effect.exit(Race.first([Effect.sleep("1 second"), Effect.interrupt])).pipe(Effect.map(Exit.isInterrupted)), true)
    }))

  it.effect("needs no fiber where there is nothing to race with", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* Race.first<FiberId.FiberId, never, never>([Effect.fiberId, Effect.never]), yield* Effect.fiberId)
      const none = yield* Effect.fork(Race.first<never, never, never>([]))
      yield* TestClock.adjust("1 hour")
      assert.isNull(none.unsafePoll())
      yield* Fiber.interrupt(none)
    }))

  for (const what of ["interrupted", "delayed"] as const) {
    it.effect(`ends all of its effects, at whichever step it is ${what}`, () =>
      Effect.gen(function*() {
        yield* AtStep.sweep({ what }, (happening) =>
          Effect.gen(function*() {
            let under = 0
            const over = yield* Deferred.make<void>()
            const held = <A>(use: Effect.Effect<A>) =>
              Effect.acquireUseRelease(Effect.sync(() => under += 1), () => use, () => Effect.sync(() => under -= 1))
            const race = yield* Effect.forkDaemon(happening(Race.first([held(Effect.never), held(Deferred.await(over)), held(Effect.never)])))
            yield* TestClock.adjust("1 second")
            if (what === "delayed") yield* Deferred.succeed(over, undefined)
            else race.unsafeInterruptAsFork(FiberId.none)
            yield* Fiber.await(race)
            assert.strictEqual(under, 0)
          }))
      }))
  }
})
