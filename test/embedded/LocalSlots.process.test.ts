import { randomUUID } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as LocalSlots from "../../src/embedded/LocalSlots.ts"
import { eventually } from "../support/HttpQuestion.ts"

/** Work that goes on until it is told to end, and how much of it is under way. */
const work = () => {
  let atWork = 0
  let most = 0
  return {
    atWork: () => atWork,
    most: () => most,
    until: (end: Deferred.Deferred<void>) =>
      Effect.acquireUseRelease(
        Effect.sync(() => {
          atWork += 1
          most = Math.max(most, atWork)
        }),
        () => Deferred.await(end),
        () => Effect.sync(() => atWork -= 1)
      )
  }
}

describe("LocalSlots", () => {
  it.scopedLive("let no more work at once than there are, over all that share them, and the rest when there is room", () =>
    Effect.gen(function*() {
      const options = { limit: 2, scope: randomUUID() }
      // Two processes have nothing in common but the scope.
      const [one, other] = [LocalSlots.make(options, "linux"), LocalSlots.make(options, "linux")]
      const { atWork, most, until } = work()
      const end = yield* Deferred.make<void>()
      const fibers = yield* Effect.forEach([one, other, one, other, one], ({ within }) => Effect.fork(within(until(end))))
      yield* eventually(Effect.sync(atWork), (count) => count === 2)
      yield* Effect.sleep("500 millis")
      assert.strictEqual(most(), 2)
      yield* Deferred.succeed(end, undefined)
      yield* Effect.forEach(fibers, Fiber.join)
      assert.deepStrictEqual([atWork(), most()], [0, 2])
    }))

  it.scopedLive("are given back by what is interrupted, at work or waiting", () =>
    Effect.gen(function*() {
      const { within } = LocalSlots.make({ limit: 1, scope: randomUUID() }, "linux")
      const { atWork, until } = work()
      const never = yield* Deferred.make<void>()
      const first = yield* Effect.fork(within(until(never)))
      yield* eventually(Effect.sync(atWork), (count) => count === 1)
      const second = yield* Effect.fork(within(until(never)))
      const third = yield* Effect.fork(within(Effect.succeed("done")))
      yield* Effect.sleep("300 millis")
      yield* Fiber.interrupt(second)
      yield* Fiber.interrupt(first)
      assert.strictEqual(yield* Fiber.join(third), "done")
    }))

  it.scopedLive("are those of one process where the system has none for all", () =>
    Effect.gen(function*() {
      const options = { limit: 1, scope: randomUUID() }
      const { atWork, most, until } = work()
      const end = yield* Deferred.make<void>()
      const [one, other] = [LocalSlots.make(options, "darwin"), LocalSlots.make(options, "darwin")]
      const fibers = yield* Effect.forEach([one, one, other], ({ within }) => Effect.fork(within(until(end))))
      yield* eventually(Effect.sync(atWork), (count) => count === 2)
      yield* Deferred.succeed(end, undefined)
      yield* Effect.forEach(fibers, Fiber.join)
      assert.strictEqual(most(), 2)
    }))
})
