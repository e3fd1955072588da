import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import * as TestClock from "effect/TestClock"
import * as ConcurrencyLimit from "../../src/liveness/ConcurrencyLimit.ts"
import * as TimeLimit from "../../src/liveness/TimeLimit.ts"
import * as AtStep from "../support/AtStep.ts"

const yields = (count: number) => Effect.repeatN(Effect.yieldNow(), count)

const isFree = (permits: ConcurrencyLimit.ConcurrencyLimit) => Effect.map(permits.runIfFree(Effect.void), Option.isSome)

/** Waits for the one permit no longer than five seconds, and gives it back at once when it has it. */
const inTime = (permits: ConcurrencyLimit.ConcurrencyLimit) =>
  Effect.uninterruptibleMask((restore) =>
    Effect.zipRight(
      permits.take((turn) => restore(TimeLimit.within({ limit: "5 seconds", onTimeout: () => "too late" })(turn))),
      permits.release
    ))

describe("ConcurrencyLimit", () => {
  it.effect("runs no more than its limit at once, in the order of arrival", () =>
    Effect.gen(function*() {
      const connections = ConcurrencyLimit.make(2)
      const order: Array<number> = []
      let running = 0
      let most = 0
      yield* Effect.forEach(Array.from({ length: 2000 }, (_, n) => n), (n) =>
        connections.run(Effect.gen(function*() {
          order.push(n)
          most = Math.max(most, ++running)
          yield* Effect.yieldNow()
          running -= 1
        })), { concurrency: "unbounded" })
      assert.strictEqual(most, 2)
      assert.deepStrictEqual(order, Arr.sort(order, Order.number))
    }))

  it.effect("gets every permit back when those who hold them and those who wait are interrupted together", () =>
    Effect.gen(function*() {
      const connections = ConcurrencyLimit.make(3)
      for (let round = 0; round < 50; round += 1) {
        const fibers = yield* Effect.forEach(
          Array.from({ length: 20 }),
          () => Effect.fork(connections.run(Effect.never))
        )
        yield* Effect.yieldNow()
        yield* Fiber.interruptAll(fibers)
      }
      const open = yield* Deferred.make<void>()
      const holders = yield* Effect.forEach([1, 2, 3], () => Effect.fork(connections.run(Deferred.await(open))))
      yield* Effect.yieldNow()
      const fourth = yield* Effect.fork(connections.run(Effect.succeed("ran")))
      yield* Effect.yieldNow()
      assert.isTrue((yield* Fiber.poll(fourth))._tag === "None")
      yield* Deferred.succeed(open, undefined)
      yield* Fiber.joinAll(holders)
      assert.strictEqual(yield* Fiber.join(fourth), "ran")
    }))

  for (const isBusy of [false, true]) {
    it.effect(`gets a permit back from whoever is interrupted, at whichever step, ${isBusy ? "after it has waited" : "having waited for nobody"}`, () =>
      AtStep.sweep({ what: "interrupted" }, (happening) =>
        Effect.gen(function*() {
          const connections = ConcurrencyLimit.make(1)
          const others = yield* Deferred.make<void>()
          if (isBusy) yield* Effect.fork(connections.run(Deferred.await(others)))
          yield* Effect.yieldNow()
          const one = yield* Effect.fork(happening(connections.run(Effect.yieldNow())))
          yield* Effect.yieldNow()
          yield* Deferred.succeed(others, undefined)
          yield* Fiber.await(one)
          const next = yield* Effect.fork(connections.run(Effect.void))
          yield* Effect.repeatN(Effect.yieldNow(), 20)
          assert.isNotNull(next.unsafePoll())
        })))
  }

  it.effect("loses no permit that is granted when who waits is interrupted, however close that is", () =>
    Effect.forEach(Array.from({ length: 40 }, (_, turns) => turns), (turns) =>
      Effect.gen(function*() {
        const permits = ConcurrencyLimit.make(1)
        const over = yield* Deferred.make<void>()
        yield* Effect.fork(permits.run(Deferred.await(over)))
        const waiting = yield* Effect.fork(Effect.zipRight(Effect.yieldNow(), permits.run(yields(10))))
        yield* yields(20)
        yield* Deferred.succeed(over, undefined)
        yield* yields(turns)
        yield* Fiber.interrupt(waiting)
        yield* yields(20)
        assert.isTrue(yield* isFree(permits), `${turns} turns later`)
      }), { discard: true }))

  it.effect("takes what is free or becomes free in time, and fails when it is too late", () =>
    Effect.gen(function*() {
      const permits = ConcurrencyLimit.make(1)
      yield* inTime(permits)
      yield* permits.take((turn) => turn)
      const [early, late] = [yield* Effect.fork(inTime(permits)), yield* Effect.fork(Effect.zipRight(Effect.sleep("1 second"), inTime(permits)))]
      yield* TestClock.adjust("4 seconds")
      yield* permits.release
      assert.isTrue(Exit.isSuccess(yield* Fiber.await(early)))
      assert.isTrue(Exit.isSuccess(yield* Fiber.await(late)))
      yield* permits.take((turn) => turn)
      const never = yield* Effect.fork(Effect.flip(inTime(permits)))
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* Fiber.join(never), "too late")
      yield* permits.release
      assert.isTrue(yield* isFree(permits))
    }))

  it.effect("loses no permit that is granted when the time is over, however close that is", () =>
    Effect.forEach(Array.from({ length: 40 }, (_, turns) => turns), (turns) =>
      Effect.gen(function*() {
        const permits = ConcurrencyLimit.make(1)
        yield* Effect.fork(permits.run(Effect.zipRight(Effect.sleep("5 seconds"), yields(turns))))
        yield* yields(100)
        const waiting = yield* Effect.fork(inTime(permits))
        yield* yields(100)
        yield* TestClock.adjust("5 seconds")
        yield* Fiber.await(waiting)
        yield* yields(100)
        assert.isTrue(yield* isFree(permits), `${turns} turns later`)
      }), { discard: true }))

  it.effect("takes no permit for a wait that begins when its time is over", () =>
    Effect.gen(function*() {
      const permits = ConcurrencyLimit.make(1)
      const late = yield* Effect.makeLatch()
      yield* permits.take((turn) => turn)
      yield* Effect.flip(permits.take((turn) => Effect.zipRight(Effect.forkDaemon(Effect.zipRight(late.await, turn)), Effect.fail("over"))))
      yield* late.open
      yield* yields(20)
      yield* permits.release
      assert.isTrue(yield* isFree(permits))
    }))

  it.effect("runs what there is a permit for now, and nothing else", () =>
    Effect.gen(function*() {
      const permits = ConcurrencyLimit.make(1)
      const inside = yield* permits.runIfFree(permits.runIfFree(Effect.succeed(1)))
      assert.deepStrictEqual(inside, Option.some(Option.none()))
      yield* Effect.exit(permits.runIfFree(Effect.fail("no")))
      assert.isTrue(yield* isFree(permits))
    }))

  it.effect("gives the permit of an effect that fails or dies to the next", () =>
    Effect.gen(function*() {
      const connections = ConcurrencyLimit.make(1)
      yield* Effect.exit(connections.run(Effect.fail("no")))
      yield* Effect.exit(connections.run(Effect.die("bug")))
      assert.strictEqual(yield* connections.run(Effect.succeed(1)), 1)
    }))
})
