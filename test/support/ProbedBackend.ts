import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import type { Heartbeat } from "../../src/liveness/Heartbeat.ts"

/** What a backend does with a ping: it answers, refuses at once, or says nothing. */
export type Answer = "answers" | "refuses" | "hangs"

export type Backend = ReturnType<typeof make>

/** A backend that a test makes answer or not, and that knows when it was asked and when its asker hung up. */
export const make = (answer: (ping: number, now: number) => Answer) => {
  const asked: Array<number> = []
  const hungUp: Array<number> = []
  const ping = Effect.gen(function*() {
    const now = yield* Clock.currentTimeMillis
    asked.push(now)
    const answers = answer(asked.length, now)
    if (answers === "refuses") return yield* Effect.fail("connection refused")
    if (answers === "hangs") return yield* Effect.never
  }).pipe(Effect.onInterrupt(() => Effect.map(Clock.currentTimeMillis, (now) => hungUp.push(now))))
  return { ping, asked, hungUp }
}

/** Answers in this order; the last of them holds from then on. */
export const inOrder = (...answers: Arr.NonEmptyReadonlyArray<Answer>) => (ping: number): Answer =>
  answers[ping - 1] ?? Arr.lastNonEmpty(answers)

/** So many seconds after the test began. */
export const at = (seconds: number) => DateTime.unsafeMake(seconds * 1000)

/** Waits, in a fiber of its own, for a heartbeat to give up. */
export const lossOf = (heartbeat: Heartbeat) => Effect.fork(Effect.flip(heartbeat.lost))

/** Whether a fiber has not ended yet. */
export const isRunning = (fiber: Fiber.RuntimeFiber<unknown, unknown>) => Effect.map(Fiber.poll(fiber), Option.isNone)

export type Journal = ReturnType<typeof makeJournal>

/** Writes down what happens, each with the second in which it did. */
export const makeJournal = () => {
  const entries: Array<string> = []
  const write = (entry: string) =>
    Effect.map(Clock.currentTimeMillis, (now): void => {
      entries.push(`${now / 1000}s ${entry}`)
    })
  return { entries, write }
}

/** Layer that writes down what is logged, with the module that it comes from. */
export const recordLog = (lines: Array<string>): Layer.Layer<never> =>
  Logger.add(Logger.make<unknown, void>(({ annotations, logLevel, message }) => {
    const module = [...annotations].find(([key]) => key === "module")?.[1]
    lines.push(`${logLevel.label} ${String(module)}: ${Arr.ensure(message).join(" ")}`)
  }))

/** A clock that a test can set while its timers go on as before. */
export const settableClock = Effect.map(Effect.clock, (timers) => {
  let wall = 0
  let monotonic = 0
  const clock: Clock.Clock = {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    sleep: (duration) => timers.sleep(duration),
    currentTimeMillis: Effect.map(timers.currentTimeMillis, (now) => now + wall),
    currentTimeNanos: Effect.map(timers.currentTimeNanos, (now) => now + BigInt(monotonic) * 1_000_000n),
    unsafeCurrentTimeMillis: () => timers.unsafeCurrentTimeMillis() + wall,
    unsafeCurrentTimeNanos: () => timers.unsafeCurrentTimeNanos() + BigInt(monotonic) * 1_000_000n
  }
  return {
    clock,
    /** Sets the wall clock alone, forward or back, as when a machine wakes up or hears the right time. */
    setWall: (byMillis: number) => Effect.sync(() => void (wall += byMillis)),
    /** Lets time pass in which this process does not run. */
    standStill: (millis: number) =>
      Effect.sync(() => {
        wall += millis
        monotonic += millis
      })
  }
})

/** A turn of the real loop. */
const turn = Effect.async<void>((resume) => void setImmediate(() => resume(Effect.void)))

/** A clock whose event loop a test can block: the timers that expire meanwhile are late, and each fires once. */
export const blockableClock = Effect.gen(function*() {
  const timers = yield* Effect.clock
  const turning = yield* Effect.makeLatch(true)
  const clock: Clock.Clock = {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    // A new timer fires in the next turn at the earliest.
    sleep: (duration) => Effect.zipRight(timers.sleep(duration), turning.await),
    currentTimeMillis: timers.currentTimeMillis,
    currentTimeNanos: timers.currentTimeNanos,
    unsafeCurrentTimeMillis: () => timers.unsafeCurrentTimeMillis(),
    unsafeCurrentTimeNanos: () => timers.unsafeCurrentTimeNanos()
  }
  return {
    clock,
    /** Blocks the loop for so long, and then lets it turn once: the timers that are due, then its sockets. */
    block: (duration: Duration.DurationInput) =>
      turning.close.pipe(
        Effect.zipRight(TestClock.adjust(duration)),
        Effect.zipRight(turning.release),
        Effect.zipRight(turn),
        Effect.zipRight(turn),
        Effect.zipRight(TestClock.adjust(0))
      ),
    /** Lets it turn from now on. */
    unblock: Effect.zipRight(turning.open, TestClock.adjust(0))
  }
})
