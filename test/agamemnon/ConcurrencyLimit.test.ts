import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Order from "effect/Order"
import * as ConcurrencyLimit from "../../src/agamemnon/ConcurrencyLimit.ts"
import * as AtStep from "../support/AtStep.ts"

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

  it.effect("gives the permit of an effect that fails or dies to the next", () =>
    Effect.gen(function*() {
      const connections = ConcurrencyLimit.make(1)
      yield* Effect.exit(connections.run(Effect.fail("no")))
      yield* Effect.exit(connections.run(Effect.die("bug")))
      assert.strictEqual(yield* connections.run(Effect.succeed(1)), 1)
    }))
})
