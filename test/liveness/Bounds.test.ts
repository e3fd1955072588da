import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as fc from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Heartbeat from "../../src/liveness/Heartbeat.ts"
import { isRunning, lossOf } from "../support/ProbedBackend.ts"
import * as VirtualClock from "../support/VirtualClock.ts"

const settings = fc.record({
  interval: fc.integer({ min: 20, max: 20_000 }),
  /** In intervals, and often exactly one. */
  timeout: fc.oneof(fc.double({ min: 0.05, max: 3, noNaN: true }), fc.constant(1)),
  threshold: fc.integer({ min: 1, max: 4 }),
  /** How long an answer takes, as a part of the timeout. */
  slowness: fc.double({ min: 0, max: 0.99, noNaN: true }),
  /** When the outage begins, and when the work suspects something, in intervals. */
  outage: fc.double({ min: 0, max: 2.5, noNaN: true }),
  suspicions: fc.array(fc.double({ min: 0, max: 5, noNaN: true }), { maxLength: 3 }),
  /** What becomes of each ping in the outage. */
  failures: fc.array(fc.constantFrom("refuses" as const, "hangs" as const), { minLength: 4, maxLength: 4 })
}).map(({ failures, interval, outage, slowness, suspicions, threshold, timeout }) => {
  const limit = Math.ceil(timeout * interval)
  return {
    failures,
    interval,
    threshold,
    timeout: limit,
    lag: Math.floor(slowness * limit),
    outage: Math.floor(outage * interval),
    suspicions: suspicions.map((time) => Math.floor(time * interval))
  }
})

type Settings = typeof settings extends fc.Arbitrary<infer A> ? A : never

/** Watches a backend that is out from the outage on, for so long. */
const watch = (
  { failures, interval, lag, outage, suspicions, threshold, timeout }: Settings,
  isOut: (time: number) => boolean
) =>
  Effect.gen(function*() {
    const failed: Array<number> = []
    let lastAnswer = 0
    const probe = Effect.gen(function*() {
      const sent = yield* Clock.currentTimeMillis
      if (!isOut(sent)) {
        // An answer that the outage overtakes is lost with its connection.
        yield* Effect.sleep(sent < outage ? Math.min(lag, outage - sent) : lag)
        const now = yield* Clock.currentTimeMillis
        if (!isOut(now)) {
          lastAnswer = now
          failed.length = 0
          return
        }
      }
      failed.push(sent)
      if (failures[failed.length - 1] === "hangs") yield* Effect.never
      yield* Effect.fail("refused")
    })
    const heartbeat = yield* Heartbeat.make({ probe, interval, timeout, failureThreshold: threshold })
    yield* Effect.forEach(suspicions, (time) => Effect.fork(Effect.delay(heartbeat.suspect, time)))
    return { lost: yield* lossOf(heartbeat), failed, lastAnswer: () => lastAnswer }
  })

/** A ping at the very beginning, answered before the outage. */
const suspectedAtOnce: Settings = {
  failures: ["refuses", "refuses", "refuses", "refuses"],
  interval: 421,
  threshold: 2,
  timeout: 421,
  lag: 0,
  outage: 1,
  suspicions: [0]
}

const runs = { fastCheck: { numRuns: 50 } }

/** Runs a test on a clock whose time passes when it says so. */
const onClock = <A, E, R>(test: (pass: VirtualClock.VirtualClock["pass"]) => Effect.Effect<A, E, R>) => {
  const { clock, pass } = VirtualClock.make()
  return Effect.withClock(test(pass), clock)
}

describe("the bounds of a heartbeat", () => {
  it.scoped.prop("a loss is noticed neither late nor early", [settings], ([generated]) =>
    onClock(Effect.fnUntraced(function*(pass) {
      const { interval, outage, threshold, timeout } = generated
      const { failed, lastAnswer, lost } = yield* watch(generated, (time) => time >= outage)
      const silence = interval + (threshold - 1) * Math.max(interval, timeout) + timeout
      yield* pass(outage + silence)
      assert.isFalse(yield* isRunning(lost), "noticed in the end")
      const error = yield* Fiber.join(lost)
      // A ping that took an interval or longer is followed at once: by one more, at the moment of the loss.
      assert.include(timeout >= interval ? [threshold, threshold + 1] : [threshold], failed.length)
      assert.strictEqual(error.lastAnswer?.epochMillis, lastAnswer())
      assert.isAtMost(error.lostAt.epochMillis, lastAnswer() + silence)
      assert.isAtLeast(error.lostAt.epochMillis, (failed[0] ?? Number.NaN) + (threshold - 1) * interval)
    })), runs)

  it.scoped.prop("an outage shorter than the pings that must fail is tolerated", [settings], ([generated]) =>
    onClock(Effect.fnUntraced(function*(pass) {
      const { interval, outage, threshold, timeout } = generated
      const length = (threshold - 1) * interval
      const isOut = (time: number) => time >= outage && time < outage + length
      const { lost } = yield* watch({ ...generated, lag: 0 }, isOut)
      yield* pass(outage + length + 2 * Math.max(interval, timeout))
      assert.isTrue(yield* isRunning(lost))
    })), { fastCheck: { ...runs.fastCheck, examples: [[suspectedAtOnce]] } })
})
