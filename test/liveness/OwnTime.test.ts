import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import * as OwnTime from "../../src/liveness/OwnTime.ts"
import * as ProbedBackend from "../support/ProbedBackend.ts"
import { isRunning } from "../support/ProbedBackend.ts"

/** Sleeps on a loop that a test can block. */
const sleeper = (duration: Duration.DurationInput) =>
  Effect.gen(function*() {
    const loop = yield* ProbedBackend.blockableClock
    const begin = yield* Clock.currentTimeMillis
    const fiber = yield* OwnTime.sleep(duration).pipe(
      Effect.zipRight(Effect.map(Clock.currentTimeMillis, (end) => end - begin)),
      Effect.withClock(loop.clock),
      Effect.fork
    )
    yield* TestClock.adjust(0)
    return { ...loop, fiber }
  })

/** Blocks the loop so long in each turn, and counts the turns until the sleeper is awake. */
const turnsOf = (slice: Duration.DurationInput, duration: Duration.DurationInput) =>
  Effect.gen(function*() {
    const { block, fiber, unblock } = yield* sleeper(duration)
    let turns = 0
    for (; (yield* isRunning(fiber)) && turns < 1000; turns += 1) yield* block(slice)
    yield* unblock
    return { turns, time: yield* Fiber.join(fiber) }
  })

/** A clock whose timers are late and fire one after the other, while the loop stands at them and looks at no socket. */
const timersOnly = (late: number): Clock.Clock => {
  let now = 0
  return {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    sleep: (duration) => Effect.sync(() => void (now += Duration.toMillis(duration) + late)),
    currentTimeMillis: Effect.sync(() => now),
    currentTimeNanos: Effect.sync(() => BigInt(now) * 1_000_000n),
    unsafeCurrentTimeMillis: () => now,
    unsafeCurrentTimeNanos: () => BigInt(now) * 1_000_000n
  }
}

/** Counts how often the loop has looked at its sockets. */
const looks = Effect.acquireRelease(
  Effect.sync(() => {
    const counter = { count: 0, next: setImmediate(() => look()) }
    const look = () => {
      counter.count += 1
      counter.next = setImmediate(look)
    }
    return counter
  }),
  (counter) => Effect.sync(() => clearImmediate(counter.next))
)

describe("OwnTime.sleep", () => {
  it.effect.each([0, 1, 3, 20, 333, 5000])("takes %d ms on a loop that turns in time", (millis) =>
    Effect.gen(function*() {
      const { fiber } = yield* sleeper(millis)
      if (millis > 0) yield* TestClock.adjust(millis - 1)
      assert.strictEqual(yield* isRunning(fiber), millis > 0)
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* Fiber.join(fiber), millis)
    }))

  it.effect.each([20, 95, 100, 101, 190, 200])("takes less than twice a second on a loop that is blocked for %d ms each turn", (slice) =>
    Effect.gen(function*() {
      const { time } = yield* turnsOf(slice, "1 second")
      assert.isAtLeast(time, 1000)
      assert.isBelow(time, 2000)
    }))

  it.effect.each(["400 millis", "10 seconds", "1 hour"] as const)("leaves eight turns and one more when each of them takes %s", (slice) =>
    Effect.gen(function*() {
      const { turns } = yield* turnsOf(slice, "1 second")
      assert.strictEqual(turns, 9)
    }))

  it.effect("counts an hour of standing still as an eighth of the time", () =>
    Effect.gen(function*() {
      const { block, fiber, unblock } = yield* sleeper("8 seconds")
      yield* block("1 hour")
      yield* unblock
      yield* TestClock.adjust("6999 millis")
      assert.isTrue(yield* isRunning(fiber))
      yield* TestClock.adjust("1 millis")
      assert.isFalse(yield* isRunning(fiber))
    }))

  it.scoped("counts no turn in which several timers fire and the loop looks at no socket", () =>
    Effect.gen(function*() {
      const counter = yield* looks
      yield* OwnTime.sleep("1 second").pipe(Effect.withClock(timersOnly(200)))
      assert.isAtLeast(counter.count, 8)
    }))
})
