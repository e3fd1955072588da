import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as TestClock from "effect/TestClock"
import * as Connectivity from "../../src/liveness/Connectivity.ts"

const lastAnswer = DateTime.unsafeMake("2026-01-01T00:00:00Z")
const alive = Connectivity.Alive({ lastAnswer })
const suspect = Connectivity.Suspect({ lastAnswer, failures: 1 })
const lost = Connectivity.Lost({ lastAnswer, failures: 2 })

describe("Connectivity", () => {
  it.effect("is alive at first", () =>
    Effect.gen(function*() {
      const ref = yield* Connectivity.make(lastAnswer)
      assert.deepStrictEqual(yield* SubscriptionRef.get(ref), alive)
    }))

  it("is told apart by its tag", () => {
    const say = Connectivity.match({
      Alive: () => "alive",
      Suspect: ({ failures }) => `suspect after ${failures}`,
      Lost: ({ failures }) => `lost after ${failures}`
    })
    assert.deepStrictEqual([alive, suspect, lost].map(say), ["alive", "suspect after 1", "lost after 2"])
    assert.deepStrictEqual([alive, suspect, lost].map(Connectivity.is("Suspect")), [false, true, false])
  })

  it("is a value: two states that say the same are equal", () => {
    assert.isTrue(Equal.equals(suspect, Connectivity.Suspect({ lastAnswer, failures: 1 })))
    assert.isFalse(Equal.equals(suspect, Connectivity.Suspect({ lastAnswer, failures: 2 })))
    assert.isFalse(Equal.equals(suspect, Connectivity.Lost({ lastAnswer, failures: 1 })))
  })

  it.effect("shows who watches it the state of now and every change after it", () =>
    Effect.gen(function*() {
      const ref = yield* Connectivity.make(lastAnswer)
      yield* SubscriptionRef.set(ref, suspect)
      const watcher = yield* ref.changes.pipe(Stream.take(3), Stream.runCollect, Effect.fork)
      yield* TestClock.adjust(0)
      yield* SubscriptionRef.set(ref, alive)
      yield* SubscriptionRef.set(ref, lost)
      assert.deepStrictEqual(Chunk.toReadonlyArray(yield* Fiber.join(watcher)), [suspect, alive, lost])
    }))

  describe("awaitLost", () => {
    it.effect("waits through everything but the loss", () =>
      Effect.gen(function*() {
        const ref = yield* Connectivity.make(lastAnswer)
        const waiters = yield* Effect.forEach([1, 2], () => Effect.fork(Connectivity.awaitLost(ref)))
        const waiting = Effect.map(Effect.forEach(waiters, Fiber.poll), (polls) => polls.map(Option.isNone))
        for (const state of [suspect, alive, suspect]) {
          yield* SubscriptionRef.set(ref, state)
          yield* TestClock.adjust("1 hour")
          assert.deepStrictEqual(yield* waiting, [true, true])
        }
        yield* SubscriptionRef.set(ref, lost)
        yield* Fiber.joinAll(waiters)
      }))

    it.effect("returns at once when the backend is lost already", () =>
      Effect.gen(function*() {
        const ref = yield* Connectivity.make(lastAnswer)
        yield* SubscriptionRef.set(ref, lost)
        yield* Connectivity.awaitLost(ref)
      }))

    it.effect("can be interrupted", () =>
      Effect.gen(function*() {
        const ref = yield* Connectivity.make(lastAnswer)
        const waiter = yield* Effect.fork(Connectivity.awaitLost(ref))
        yield* TestClock.adjust(0)
        const exit = yield* Fiber.interrupt(waiter)
        assert.isTrue(exit._tag === "Failure")
      }))
  })
})
