/** What goes on beside the tasks of a run. */
import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Background from "../../src/executor/Background.ts"

describe("Background", () => {
  it.scoped("is over with the first failure of what it does, as that has failed", () =>
    Effect.gen(function*() {
      const { over, run } = yield* Background.make<string>()
      yield* run(Effect.void)
      const fails = yield* Effect.makeLatch()
      yield* run(Effect.zipRight(fails.await, Effect.fail("first")))
      yield* Effect.yieldNow()
      expect(yield* Deferred.isDone(over)).toBe(false)
      yield* fails.open
      expect(yield* Effect.flip(Deferred.await(over))).toBe("first")
      yield* run(Effect.fail("second"))
      expect(yield* Effect.flip(Deferred.await(over))).toBe("first")
    }))

  it.scoped("is over with a defect, and not with the interruption of one", () =>
    Effect.gen(function*() {
      const { over, run } = yield* Background.make<never>()
      yield* Fiber.interrupt(yield* run(Effect.never))
      expect(yield* Deferred.isDone(over)).toBe(false)
      yield* run(Effect.die("a bug"))
      expect(yield* Effect.exit(Deferred.await(over))).toEqual(Exit.die("a bug"))
    }))

  it.effect("ends all that it does with its scope, in regions that can not be interrupted as well", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const { over, run } = yield* Scope.extend(Background.make<never>(), scope)
      const fibers = [yield* run(Effect.never), yield* Effect.uninterruptible(run(Effect.never))]
      yield* Scope.close(scope, Exit.void)
      for (const fiber of fibers) expect(Exit.isInterrupted(yield* Fiber.await(fiber))).toBe(true)
      expect(yield* Deferred.isDone(over)).toBe(false)
    }))
})
