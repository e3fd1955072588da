import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as TestClock from "effect/TestClock"
import * as Race from "../../src/liveness/Race.ts"
import * as TimeLimit from "../../src/liveness/TimeLimit.ts"
import * as AtStep from "../support/AtStep.ts"
import * as ProbedBackend from "../support/ProbedBackend.ts"
import { isRunning } from "../support/ProbedBackend.ts"

const options = { limit: "30 seconds", onTimeout: () => "too late" } as const

describe.each([
  { name: "within", within: TimeLimit.within(options) },
  { name: "withinOwnTime", within: TimeLimit.withinOwnTime(options) }
])("TimeLimit.$name", ({ within }) => {
  it.effect("fails what takes longer, and leaves alone what does not", () =>
    Effect.gen(function*() {
      const late = yield* Effect.fork(Effect.flip(within(Effect.never)))
      yield* TestClock.adjust("29999 millis")
      assert.isTrue(yield* isRunning(late))
      yield* TestClock.adjust("1 milli")
      assert.strictEqual(yield* Fiber.join(late), "too late")
      assert.strictEqual(yield* within(Effect.succeed(1)), 1)
      assert.strictEqual(yield* Effect.flip(within(Effect.fail("no"))), "no")
      assert.deepStrictEqual(yield* Effect.exit(within(Effect.die("bug"))), Exit.die("bug"))
    }))

  it.effect("logs no failure, which it answers", () =>
    Effect.gen(function*() {
      const logged: Array<unknown> = []
      const logger = Logger.make(({ message }) => void logged.push(message))
      yield* Effect.exit(within(Effect.fail("no"))).pipe(
        Effect.zipRight(Effect.exit(Race.first([Effect.fail("no"), Effect.never]))),
        Effect.provide(Logger.replace(Logger.defaultLogger, logger)),
        Logger.withMinimumLogLevel(LogLevel.All)
      )
      assert.deepStrictEqual(logged, [])
    }))

  it.effect("ends a wait in a finalizer", () =>
    Effect.gen(function*() {
      const closed: Array<string> = []
      const fiber = yield* Effect.fork(Effect.scoped(Effect.addFinalizer(() =>
        Effect.map(Effect.flip(within(Effect.never)), (why) => closed.push(why)))))
      yield* TestClock.adjust("29999 millis")
      assert.deepStrictEqual(closed, [])
      yield* TestClock.adjust("1 milli")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(closed, ["too late"])
    }))

  it.effect("ends a wait that cannot be interrupted", () =>
    Effect.gen(function*() {
      const fiber = yield* Effect.fork(Effect.flip(within(Effect.uninterruptible(Effect.never))))
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), "too late")
    }))

  it.effect("is interrupted with whoever waits, and interrupts the effect", () =>
    Effect.gen(function*() {
      const begun = yield* Effect.makeLatch()
      const interrupted = yield* Effect.makeLatch()
      const wait = Effect.onInterrupt(Effect.zipRight(begun.open, Effect.never), () => interrupted.open)
      const fiber = yield* Effect.fork(within(wait))
      yield* begun.await
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(fiber)))
      yield* interrupted.await
    }))

  it.effect("lets a sibling that has failed interrupt it at once, and is over when its effect is", () =>
    Effect.gen(function*() {
      const all = { concurrency: "unbounded" } as const
      const ended: Array<string> = []
      const never = Effect.onInterrupt(Effect.never, () => Effect.sync(() => ended.push("interrupted")))
      const failing = within(Effect.delay(Effect.fail("no"), "1 second"))
      const pair = yield* Effect.fork(Effect.flip(Effect.forEach([within(never), failing], (each) => each, all)))
      const nested = yield* Effect.fork(
        Effect.flip(Effect.forEach([1], () => Effect.all([within(within(never)), failing], all), all))
      )
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([yield* isRunning(pair), yield* isRunning(nested)], [false, false])
      assert.deepStrictEqual(ended, ["interrupted", "interrupted"])
    }))

  it.effect("is not interrupted where nothing may be", () =>
    Effect.gen(function*() {
      const done: Array<string> = []
      const work = Effect.delay(Effect.sync(() => done.push("work")), "1 second")
      const fiber = yield* Effect.fork(Effect.uninterruptible(within(work)))
      yield* Effect.yieldNow()
      yield* Fiber.interruptFork(fiber)
      yield* TestClock.adjust("1 second")
      yield* Fiber.await(fiber)
      assert.deepStrictEqual(done, ["work"])
    }))
})

describe("after a standstill of the process", () => {
  it.effect("the limit has passed, and of its own time most is left", () =>
    Effect.gen(function*() {
      const loop = yield* ProbedBackend.blockableClock
      const limited = yield* Effect.forEach([TimeLimit.within(options), TimeLimit.withinOwnTime(options)], (within) =>
        Effect.fork(Effect.withClock(Effect.flip(within(Effect.never)), loop.clock)))
      yield* TestClock.adjust(0)
      yield* loop.block("1 minute")
      assert.deepStrictEqual(yield* Effect.forEach(limited, isRunning), [false, true])
    }))
})

describe("TimeLimit.awaitOpen", () => {
  it.effect("waits until somebody opens the latch, and opens it when the limit is over", () =>
    Effect.gen(function*() {
      const latch = yield* Effect.makeLatch()
      const opened = yield* Effect.fork(TimeLimit.awaitOpen(latch, "30 seconds"))
      yield* TestClock.adjust("1 second")
      assert.isTrue(yield* isRunning(opened))
      yield* latch.open
      yield* Fiber.join(opened)
      // The limit of a wait that is over concerns nobody.
      yield* latch.close
      const late = yield* Effect.fork(TimeLimit.awaitOpen(latch, "30 seconds"))
      yield* TestClock.adjust("29999 millis")
      assert.isTrue(yield* isRunning(late))
      yield* TestClock.adjust("1 milli")
      yield* Fiber.join(late)
    }))

  for (const what of ["interrupted", "delayed"] as const) {
    it.effect(`ends, and leaves nothing that opens the latch later, at whichever step it is ${what}`, () =>
      AtStep.sweep({ what }, (happening) =>
        Effect.gen(function*() {
          const latch = yield* Effect.makeLatch()
          const waiting = yield* Effect.forkDaemon(happening(TimeLimit.awaitOpen(latch, "30 seconds")))
          yield* TestClock.adjust("1 second")
          yield* latch.open
          yield* Fiber.await(waiting)
          yield* latch.close
          yield* TestClock.adjust("1 minute")
          const next = yield* Effect.fork(latch.await)
          yield* TestClock.adjust("1 second")
          assert.isTrue(yield* isRunning(next))
          yield* Fiber.interrupt(next)
        })))
  }
})
