import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/TestClock"
import * as AgamemnonError from "../../src/agamemnon/AgamemnonError.ts"
import { retrying, RequestRetry } from "../../src/agamemnon/RequestRetry.ts"
import * as SharedList from "../../src/agamemnon/SharedList.ts"

/** A list that takes a second to read, and shows how often that was begun. */
const slow = (fails: (reads: number) => boolean = () => false) => {
  let reads = 0
  const read = Effect.suspend(() => {
    const mine = reads += 1
    const failure = AgamemnonError.fromTransport({ method: "GET", path: "/v1/agents" }, "reset")
    return Effect.delay(fails(mine) ? Effect.fail(failure) : Effect.succeed([mine]), "1 second")
  })
  return { list: SharedList.make(retrying(read)), reads: () => reads }
}

const ask = <A, E>(list: Effect.Effect<A, E>, times: number) =>
  Effect.tap(Effect.replicateEffect(Effect.fork(list), times), () => Effect.yieldNow({ priority: 1 }))

describe("SharedList", () => {
  it.effect("is read by who asks alone, each time", () =>
    Effect.gen(function*() {
      const { list, reads } = slow()
      for (const expected of [1, 2]) {
        const fiber = yield* Effect.fork(list)
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* Fiber.join(fiber), [expected])
      }
      assert.strictEqual(reads(), 2)
    }))

  it.effect("is read once for all who ask while others read it, and begun after each of them has asked", () =>
    Effect.gen(function*() {
      const { list, reads } = slow()
      const first = yield* ask(list, 100)
      yield* TestClock.adjust("500 millis")
      // The one for these is begun when that for the others has ended.
      const second = yield* ask(list, 100)
      yield* TestClock.adjust("2 seconds")
      const answers = yield* Effect.forEach([...first, ...second], Fiber.join)
      assert.deepStrictEqual(answers.map(([read]) => read), [1, ...Array.from({ length: 99 }, () => 2), ...Array.from({ length: 100 }, () => 3)])
      assert.strictEqual(reads(), 3)
    }))

  it.effect("is read alone by each for whom it could not be read together, as often as it is repeated for each", () =>
    Effect.gen(function*() {
      const { list, reads } = slow((reads) => reads === 2 || reads === 3)
      const told: Array<string> = []
      const patient = Effect.provideService(list, RequestRetry, {
        schedule: Schedule.spaced("1 second"),
        onFailure: ({ message }) => Effect.sync(() => told.push(message))
      })
      const fibers = yield* ask(patient, 3)
      yield* TestClock.adjust("5 seconds")
      assert.lengthOf(yield* Effect.forEach(fibers, Fiber.join), 3)
      // Of the one that was read together nobody is told.
      assert.lengthOf(told, 1)
      assert.strictEqual(reads(), 5)
    }))

  it.effect("lets nobody wait for what another one repeats, or for one who has gone", () =>
    Effect.gen(function*() {
      const never = yield* Deferred.make<never>()
      let reads = 0
      const list = SharedList.make(Effect.suspend(() => ((reads += 1) === 1 ? Deferred.await(never) : Effect.succeed([reads]))))
      const stuck = yield* Effect.fork(list)
      yield* Effect.yieldNow()
      assert.deepStrictEqual(yield* list, [2])
      const gone = yield* Effect.fork(list)
      yield* Fiber.interrupt(gone)
      assert.lengthOf(yield* list, 1)
      yield* Fiber.interrupt(stuck)
      const before = reads
      assert.deepStrictEqual(yield* list, [before + 1])
    }))
})
