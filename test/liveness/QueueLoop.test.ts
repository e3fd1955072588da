import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as TestClock from "effect/TestClock"
import * as QueueLoop from "../../src/liveness/QueueLoop.ts"
import { isRunning } from "../support/ProbedBackend.ts"

describe("QueueLoop", () => {
  it.effect("takes what comes, one after the other, until one is the last", () =>
    Effect.gen(function*() {
      const queue = yield* Queue.unbounded<number>()
      const taken: Array<number> = []
      const take = (each: number) => Effect.delay(Effect.sync(() => taken.push(each)), "1 second")
      const loop = yield* Effect.fork(QueueLoop.until(queue, (each) => each === 3, take))
      yield* Queue.offerAll(queue, [1, 2])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(taken, [1])
      yield* Queue.offerAll(queue, [3, 4])
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(loop)
      assert.deepStrictEqual([taken, yield* Queue.takeAll(queue).pipe(Effect.map((left) => [...left]))], [[1, 2, 3], [4]])
    }))

  it.effect("takes for ever, until something fails or the queue is shut down", () =>
    Effect.gen(function*() {
      const queue = yield* Queue.unbounded<number>()
      const failing = yield* Effect.fork(QueueLoop.forEach(queue, (each) => each < 1000 ? Effect.void : Effect.fail(each)))
      yield* Queue.offerAll(queue, Array.from({ length: 1000 }, (_, each) => each))
      yield* TestClock.adjust("1 second")
      assert.isTrue(yield* isRunning(failing))
      yield* Queue.offer(queue, 1000)
      assert.deepStrictEqual(yield* Fiber.await(failing), Exit.fail(1000))
      const shut = yield* Effect.fork(QueueLoop.forEach(queue, () => Effect.void))
      yield* TestClock.adjust("1 second")
      yield* Queue.shutdown(queue)
      assert.isTrue(Exit.isInterrupted(yield* Fiber.await(shut)))
    }))

  it.effect("lets others have their turn, however much there is to take", () =>
    Effect.gen(function*() {
      const queue = yield* Queue.unbounded<number>()
      let isOver = false
      // Whatever is taken brings another one.
      const busy = yield* Effect.fork(QueueLoop.until(queue, () => isOver, (each) => Queue.offer(queue, each)))
      yield* Queue.offer(queue, 1)
      yield* Effect.yieldNow()
      isOver = true
      yield* Fiber.join(busy)
    }))
})
