import { randomUUID } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Chunk from "effect/Chunk"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
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

/** Waits for something that sockets bring about, while the clock stands still. */
const untilSo = (isSo: Effect.Effect<boolean>) =>
  Effect.repeat(Effect.zipRight(Effect.promise(() => new Promise(setImmediate)), isSo), { until: (each) => each })

/** Whether somebody who has asked for a slot in vain waits for the clock, to ask again. */
const isWaiting = Effect.map(TestClock.sleeps(), Chunk.isNonEmpty)

describe("LocalSlots", () => {
  it.scoped("let no more work at once than there are, over all that share them, and the rest when there is room", () =>
    Effect.gen(function*() {
      const options = { limit: 2, scope: randomUUID() }
      // Two processes have nothing in common but the scope.
      const [one, other] = [LocalSlots.make(options, "linux"), LocalSlots.make(options, "linux")]
      const { atWork, most, until } = work()
      const end = yield* Deferred.make<void>()
      const fibers = yield* Effect.forEach([one, other, one, other, one], ({ within }) => Effect.fork(within(until(end))))
      yield* untilSo(Effect.sync(() => atWork() === 2))
      for (let times = 0; times < 3; times++) {
        yield* untilSo(isWaiting)
        yield* TestClock.adjust("200 millis")
      }
      yield* untilSo(isWaiting)
      assert.strictEqual(most(), 2)
      yield* Deferred.succeed(end, undefined)
      const all = yield* Effect.fork(Effect.forEach(fibers, Fiber.join))
      yield* untilSo(Effect.zipRight(TestClock.adjust("200 millis"), Effect.map(Fiber.status(all), ({ _tag }) => _tag === "Done")))
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
      yield* eventually(Effect.all([Fiber.status(second), Fiber.status(third)]), (all) => all.every(({ _tag }) => _tag === "Suspended"))
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
