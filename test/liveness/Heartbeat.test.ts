import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as TestClock from "effect/TestClock"
import * as Connectivity from "../../src/liveness/Connectivity.ts"
import * as Heartbeat from "../../src/liveness/Heartbeat.ts"
import * as ProbedBackend from "../support/ProbedBackend.ts"
import { at, isRunning, lossOf } from "../support/ProbedBackend.ts"

/** Lets every fiber run until it waits for time to pass. */
const settle = TestClock.adjust(0)

/** Watches a backend that answers like this. */
const watch = (answer: (ping: number, now: number) => ProbedBackend.Answer) =>
  Effect.gen(function*() {
    const backend = ProbedBackend.make(answer)
    const heartbeat = yield* Heartbeat.make({ probe: backend.ping, interval: "10 seconds", timeout: "2 seconds" })
    return { ...backend, heartbeat, lost: yield* lossOf(heartbeat) }
  })

/** Watches a backend that hangs, by a clock that can be set. */
const watchWithClock = (options: { readonly timeout: Duration.DurationInput; readonly failureThreshold: number }) =>
  Effect.gen(function*() {
    const clock = yield* ProbedBackend.settableClock
    const backend = ProbedBackend.make(ProbedBackend.inOrder("hangs"))
    const lines: Array<string> = []
    const heartbeat = yield* Heartbeat.make({ probe: backend.ping, interval: "10 seconds", ...options }).pipe(
      Effect.withClock(clock.clock),
      Effect.provide(ProbedBackend.recordLog(lines))
    )
    return { ...backend, ...clock, heartbeat, lines, lost: yield* lossOf(heartbeat) }
  })

/** Waits for the error of a backend that refuses every ping, or of another. */
const lose = (options: Partial<Heartbeat.Options<unknown, never>>) =>
  Effect.gen(function*() {
    const heartbeat = yield* Heartbeat.make({ probe: Effect.fail("refused"), interval: "10 seconds", ...options })
    const lost = yield* lossOf(heartbeat)
    yield* TestClock.adjust("1 hour")
    return yield* Fiber.join(lost)
  })

class Silent extends Schema.TaggedError<Silent>()("Silent", { host: Schema.String }) {
  override get message(): string {
    return `${this.host} is silent`
  }
}

describe("Heartbeat", () => {
  describe("counting", () => {
    it.scoped("one failed ping does not trip the threshold", () =>
      Effect.gen(function*() {
        const backend = ProbedBackend.make(ProbedBackend.inOrder("refuses", "answers"))
        const heartbeat = yield* Heartbeat.make({ probe: backend.ping, interval: "10 seconds" })
        const lost = yield* lossOf(heartbeat)
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(
          yield* SubscriptionRef.get(heartbeat.connectivity),
          Connectivity.Suspect({ lastAnswer: at(0), failures: 1 })
        )
        yield* TestClock.adjust("5 minutes")
        assert.isTrue(yield* isRunning(lost))
        assert.deepStrictEqual(
          yield* SubscriptionRef.get(heartbeat.connectivity),
          Connectivity.Alive({ lastAnswer: at(310) })
        )
      }))

    it.scoped("two failed pings in a row do", () =>
      Effect.gen(function*() {
        const backend = ProbedBackend.make(ProbedBackend.inOrder("answers", "refuses"))
        const heartbeat = yield* Heartbeat.make({ probe: backend.ping, interval: "10 seconds" })
        const lost = yield* lossOf(heartbeat)
        yield* TestClock.adjust("29999 millis")
        assert.isTrue(yield* isRunning(lost))
        yield* TestClock.adjust("1 millis")
        assert.strictEqual((yield* Fiber.join(lost)).consecutiveFailures, 2)
        assert.deepStrictEqual(
          yield* SubscriptionRef.get(heartbeat.connectivity),
          Connectivity.Lost({ lastAnswer: at(10), failures: 2 })
        )
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(backend.asked, [10_000, 20_000, 30_000])
      }))

    it.scoped("an answer sets the count back to zero", () =>
      Effect.gen(function*() {
        const backend = ProbedBackend.make((ping) => ping % 3 === 0 ? "answers" : "refuses")
        const heartbeat = yield* Heartbeat.make({ probe: backend.ping, interval: "10 seconds", failureThreshold: 3 })
        const lost = yield* lossOf(heartbeat)
        yield* TestClock.adjust("2 minutes")
        assert.lengthOf(backend.asked, 12)
        assert.isTrue(yield* isRunning(lost))
      }))

    it.scoped("a threshold of one gives up with the first failed ping", () =>
      Effect.gen(function*() {
        const backend = ProbedBackend.make(ProbedBackend.inOrder("answers", "refuses"))
        const heartbeat = yield* Heartbeat.make({ probe: backend.ping, interval: "10 seconds", failureThreshold: 1 })
        const lost = yield* lossOf(heartbeat)
        yield* TestClock.adjust("20 seconds")
        assert.strictEqual(
          (yield* Fiber.join(lost)).message,
          "connectivity lost, no answer for 10s: a ping failed because connection refused"
        )
      }))

    it.scoped("shows who watches it each state in order", () =>
      Effect.gen(function*() {
        const backend = ProbedBackend.make(ProbedBackend.inOrder("refuses", "answers", "refuses"))
        const heartbeat = yield* Heartbeat.make({ probe: backend.ping, interval: "10 seconds" })
        const seen = yield* heartbeat.connectivity.changes.pipe(
          Stream.takeUntil(Connectivity.is("Lost")),
          Stream.runCollect,
          Effect.fork
        )
        yield* TestClock.adjust("40 seconds")
        assert.deepStrictEqual(Chunk.toReadonlyArray(yield* Fiber.join(seen)), [
          Connectivity.Alive({ lastAnswer: at(0) }),
          Connectivity.Suspect({ lastAnswer: at(0), failures: 1 }),
          Connectivity.Alive({ lastAnswer: at(20) }),
          Connectivity.Suspect({ lastAnswer: at(20), failures: 1 }),
          Connectivity.Lost({ lastAnswer: at(20), failures: 2 })
        ])
      }))

    it.scoped("says in the log what failed and what was restored", () => {
      const lines: Array<string> = []
      const answers = ProbedBackend.inOrder("answers", "refuses", "answers", "answers", "refuses", "refuses", "answers")
      return Effect.gen(function*() {
        yield* Heartbeat.make({ probe: ProbedBackend.make(answers).ping, interval: "1 second", failureThreshold: 3 })
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(lines, [
          "INFO Heartbeat: ping failed: connection refused",
          "INFO Heartbeat: connectivity restored after 1 failure",
          "INFO Heartbeat: ping failed: connection refused",
          "INFO Heartbeat: ping failed: connection refused",
          "INFO Heartbeat: connectivity restored after 2 failures"
        ])
      }).pipe(Effect.provide(ProbedBackend.recordLog(lines)))
    })
  })

  describe("rhythm", () => {
    it.scoped("asks every 15 seconds, waits 5, and gives up after 2 failures, unless told otherwise", () =>
      Effect.gen(function*() {
        const backend = ProbedBackend.make(ProbedBackend.inOrder("answers", "hangs"))
        const heartbeat = yield* Heartbeat.make({ probe: backend.ping })
        const lost = yield* lossOf(heartbeat)
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(backend.asked, [15_000, 30_000, 45_000])
        assert.deepStrictEqual(backend.hungUp, [35_000, 50_000])
        assert.deepStrictEqual((yield* Fiber.join(lost)).lostAt, at(50))
      }))

    it.scoped("the first ping is sent after one interval", () =>
      Effect.gen(function*() {
        const backend = ProbedBackend.make(ProbedBackend.inOrder("answers"))
        yield* Heartbeat.make({ probe: backend.ping, interval: "10 seconds" })
        yield* TestClock.adjust("9999 millis")
        assert.deepStrictEqual(backend.asked, [])
        yield* TestClock.adjust("1 millis")
        assert.deepStrictEqual(backend.asked, [10_000])
      }))

    it.scoped("counts from the start of one ping to the start of the next", () =>
      Effect.gen(function*() {
        const backend = ProbedBackend.make(ProbedBackend.inOrder("answers"))
        const probe = Effect.zipLeft(backend.ping, Effect.sleep("3 seconds"))
        yield* Heartbeat.make({ probe, interval: "10 seconds" })
        yield* TestClock.adjust("35 seconds")
        assert.deepStrictEqual(backend.asked, [10_000, 20_000, 30_000])
      }))

    it.scoped("a ping that takes as long as the interval, or longer, is followed by the next at once", () =>
      Effect.gen(function*() {
        for (const seconds of [10, 14]) {
          const start = yield* DateTime.now
          const backend = ProbedBackend.make(ProbedBackend.inOrder("hangs"))
          const scope = yield* Scope.make()
          yield* Heartbeat.make({
            probe: backend.ping,
            interval: "10 seconds",
            timeout: Duration.seconds(seconds),
            failureThreshold: 4
          }).pipe(Scope.extend(scope))
          yield* TestClock.adjust("1 minute")
          yield* Scope.close(scope, Exit.void)
          assert.deepStrictEqual(
            backend.asked.slice(0, 4).map((time) => time - start.epochMillis),
            [0, 1, 2, 3].map((pings) => 10_000 + pings * seconds * 1000)
          )
        }
      }))

    it.scoped("a hung probe is cut by the timeout", () =>
      Effect.gen(function*() {
        const backend = ProbedBackend.make(ProbedBackend.inOrder("hangs"))
        const heartbeat = yield* Heartbeat.make({ probe: backend.ping, interval: "10 seconds", timeout: "2 seconds" })
        const lost = yield* lossOf(heartbeat)
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(backend.hungUp, [12_000, 22_000])
        const error = yield* Fiber.join(lost)
        assert.strictEqual(error.lastError, "no answer came within 2s")
        assert.deepStrictEqual(error.lostAt, at(22))
      }))

    it.scoped("so is a probe that cannot be interrupted", () =>
      Effect.gen(function*() {
        const answer = yield* Deferred.make<void>()
        const heartbeat = yield* Heartbeat.make({
          probe: Effect.uninterruptible(Deferred.await(answer)),
          interval: "10 seconds",
          timeout: "2 seconds"
        })
        const lost = yield* lossOf(heartbeat)
        yield* TestClock.adjust("1 hour")
        const hangs = yield* isRunning(lost)
        yield* Deferred.succeed(answer, undefined)
        assert.isFalse(hangs)
        assert.deepStrictEqual((yield* Fiber.join(lost)).lostAt, at(22))
      }))
  })

  describe("suspicion", () => {
    it.scoped("brings a ping now, and the next one interval after that", () =>
      Effect.gen(function*() {
        const { asked, heartbeat } = yield* watch(() => "answers")
        yield* TestClock.adjust("4 seconds")
        yield* heartbeat.suspect
        yield* TestClock.adjust("20 seconds")
        assert.deepStrictEqual(asked, [4000, 14_000, 24_000])
      }))

    it.scoped("does not shorten the outage that is tolerated", () =>
      Effect.gen(function*() {
        const { asked, heartbeat, lost } = yield* watch(() => "refuses")
        yield* TestClock.adjust("4 seconds")
        yield* heartbeat.suspect
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(asked, [4000, 14_000])
        assert.deepStrictEqual((yield* Fiber.join(lost)).lostAt, at(14))
      }))

    it.scoped("changes nothing while a ping has failed", () =>
      Effect.gen(function*() {
        const { asked, heartbeat } = yield* watch(ProbedBackend.inOrder("refuses", "answers"))
        yield* TestClock.adjust("10 seconds")
        for (let second = 11; second < 20; second += 1) {
          yield* heartbeat.suspect
          yield* TestClock.adjust("1 second")
        }
        assert.deepStrictEqual(asked, [10_000])
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(asked, [10_000, 20_000])
      }))

    it.scoped("changes nothing while a ping is under way", () =>
      Effect.gen(function*() {
        const { asked, heartbeat, hungUp } = yield* watch(ProbedBackend.inOrder("hangs", "answers"))
        yield* TestClock.adjust("11 seconds")
        yield* heartbeat.suspect
        yield* TestClock.adjust("9 seconds")
        assert.deepStrictEqual(asked, [10_000, 20_000])
        assert.deepStrictEqual(hungUp, [12_000])
      }))

    it.scoped("changes nothing after the loss", () =>
      Effect.gen(function*() {
        const { asked, heartbeat } = yield* watch(() => "refuses")
        yield* TestClock.adjust("1 minute")
        yield* heartbeat.suspect
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(asked, [10_000, 20_000])
      }))

    it.scoped("brings one ping, however many requests failed at once", () =>
      Effect.gen(function*() {
        const { asked, heartbeat, hungUp } = yield* watch(ProbedBackend.inOrder("hangs", "answers"))
        yield* TestClock.adjust("4 seconds")
        yield* Effect.forEach(Array.from({ length: 100 }), () => Effect.zipLeft(heartbeat.suspect, Effect.yieldNow()), {
          concurrency: "unbounded"
        })
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(asked, [4000])
        assert.deepStrictEqual(hungUp, [])
        yield* TestClock.adjust("9 seconds")
        assert.deepStrictEqual(asked, [4000, 14_000])
      }))

    it.scoped("brings a ping each time that requests fail while pings are answered", () =>
      Effect.gen(function*() {
        const { asked, heartbeat } = yield* watch(() => "answers")
        for (const _ of [1, 2, 3]) {
          yield* TestClock.adjust("4 seconds")
          yield* heartbeat.suspect
        }
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(asked, [4000, 8000, 12_000, 22_000])
      }))
  })

  describe("a process that stood still", () => {
    it.scoped("does not count the ping during which the machine slept", () =>
      Effect.gen(function*() {
        const { asked, heartbeat, lines, lost, setWall } = yield* watchWithClock({ timeout: "2 seconds", failureThreshold: 1 })
        yield* TestClock.adjust("11 seconds")
        yield* setWall(3_600_000)
        yield* TestClock.adjust("8 seconds")
        assert.isTrue(yield* isRunning(lost))
        assert.isTrue(Connectivity.is("Alive")(yield* SubscriptionRef.get(heartbeat.connectivity)))
        assert.deepStrictEqual(lines, [
          "WARN Heartbeat: this process stood still during a ping, which is not counted"
        ])
        yield* TestClock.adjust("3 seconds")
        assert.deepStrictEqual(asked, [10_000, 3_620_000])
        assert.strictEqual((yield* Fiber.join(lost)).consecutiveFailures, 1)
      }))

    it.scoped("asks again at once when it has slept through the interval", () =>
      Effect.gen(function*() {
        const { asked, lost, standStill } = yield* watchWithClock({ timeout: "2 seconds", failureThreshold: 1 })
        yield* TestClock.adjust("11 seconds")
        yield* standStill(3_600_000)
        yield* TestClock.adjust("1 second")
        assert.isTrue(yield* isRunning(lost))
        assert.deepStrictEqual(asked, [10_000, 3_611_950])
      }))

    it.scoped("keeps the count of the pings before", () =>
      Effect.gen(function*() {
        const { lost, standStill } = yield* watchWithClock({ timeout: "2 seconds", failureThreshold: 2 })
        yield* TestClock.adjust("21 seconds")
        yield* standStill(60_000)
        yield* TestClock.adjust("1 second")
        assert.isTrue(yield* isRunning(lost))
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual((yield* Fiber.join(lost)).consecutiveFailures, 2)
      }))

    it.scoped("hears an answer that has come while it stood still beyond the timeout", () =>
      Effect.gen(function*() {
        const loop = yield* ProbedBackend.blockableClock
        const answer = yield* Deferred.make<void>()
        const heartbeat = yield* Effect.withClock(
          Heartbeat.make({ probe: Deferred.await(answer), interval: "10 seconds", timeout: "1 second", failureThreshold: 1 }),
          loop.clock
        )
        const lost = yield* lossOf(heartbeat)
        yield* TestClock.adjust("10 seconds")
        yield* loop.block("1400 millis")
        // The timers come before what is in the socket.
        yield* Deferred.succeed(answer, undefined)
        yield* loop.unblock
        assert.isTrue(yield* isRunning(lost))
        assert.deepStrictEqual(
          yield* SubscriptionRef.get(heartbeat.connectivity),
          Connectivity.Alive({ lastAnswer: DateTime.unsafeMake(11_400) })
        )
      }))

    it.scoped.each([
      { slice: 95, within: 2 },
      { slice: 200, within: 2 },
      { slice: 300, within: 3 },
      { slice: 2000, within: 27 }
    ])("notices a loss on a loop that is blocked for $slice ms in each turn", ({ slice, within }) =>
      Effect.gen(function*() {
        const loop = yield* ProbedBackend.blockableClock
        const heartbeat = yield* Effect.withClock(
          Heartbeat.make({ probe: Effect.never, interval: "1 second", timeout: "1 second", failureThreshold: 2 }),
          loop.clock
        )
        const lost = yield* lossOf(heartbeat)
        const bound = 3000
        for (let time = 0; time < within * bound; time += slice) yield* loop.block(slice)
        const { lostAt } = yield* Fiber.join(lost)
        assert.isAtMost(lostAt.epochMillis, within * bound)
      }))

    it.scoped("counts one of two pings even when it stands still in each of them", () =>
      Effect.gen(function*() {
        const { asked, lost, standStill } = yield* watchWithClock({ timeout: "2 seconds", failureThreshold: 2 })
        for (let second = 0; second < 60; second += 1) {
          yield* standStill(60_000)
          yield* TestClock.adjust("1 second")
        }
        assert.strictEqual((yield* Fiber.join(lost)).consecutiveFailures, 2)
        assert.isAtMost(asked.length, 5)
      }))

    it.scoped("an answer counts even so", () =>
      Effect.gen(function*() {
        const clock = yield* ProbedBackend.settableClock
        const probe = yield* Effect.once(clock.standStill(3_600_000))
        const heartbeat = yield* Effect.withClock(Heartbeat.make({ probe, interval: "10 seconds" }), clock.clock)
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(
          yield* SubscriptionRef.get(heartbeat.connectivity),
          Connectivity.Alive({ lastAnswer: at(3610) })
        )
      }))

    it.scoped.each([3_600_000, -3_600_000, -3])("the spacing stays when the clock is set by %d ms", (millis) =>
      Effect.gen(function*() {
        const clock = yield* ProbedBackend.settableClock
        const journal = ProbedBackend.makeJournal()
        const heartbeat = yield* Heartbeat.make({
          probe: Effect.zipRight(Effect.withClock(journal.write("ping"), yield* Effect.clock), Effect.fail("refused")),
          interval: "10 seconds",
          failureThreshold: 3
        }).pipe(Effect.withClock(clock.clock))
        const lost = yield* lossOf(heartbeat)
        yield* TestClock.adjust("12 seconds")
        yield* clock.setWall(millis)
        yield* TestClock.adjust("1 hour")
        assert.isFalse(yield* isRunning(lost))
        assert.deepStrictEqual(journal.entries, ["10s ping", "20s ping", "30s ping"])
      }))
  })

  describe("a probe with a bug", () => {
    it.scoped("that dies is heard of, and is no lost connectivity", () =>
      Effect.gen(function*() {
        const heartbeat = yield* Heartbeat.make({ probe: Effect.die("a bug in the probe"), interval: "10 seconds" })
        const ended = yield* Effect.fork(Effect.sandbox(heartbeat.lost))
        yield* TestClock.adjust("10 seconds")
        const cause = yield* Effect.flip(Fiber.join(ended))
        assert.deepStrictEqual(Chunk.toReadonlyArray(Cause.defects(cause)), ["a bug in the probe"])
        assert.isTrue(Connectivity.is("Alive")(yield* SubscriptionRef.get(heartbeat.connectivity)))
      }))

    it.scoped("that interrupts itself has failed, and cancels nothing", () =>
      Effect.gen(function*() {
        const heartbeat = yield* Heartbeat.make({ probe: Effect.interrupt, interval: "10 seconds" })
        const lost = yield* lossOf(heartbeat)
        yield* TestClock.adjust("10 seconds")
        assert.isTrue(yield* isRunning(lost))
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual((yield* Fiber.join(lost)).lastError, "the ping was interrupted")
      }))
  })

  describe("the Ref that is given", () => {
    it.scoped("is the one that is written", () =>
      Effect.gen(function*() {
        const connectivity = yield* Connectivity.make(at(0))
        const backend = ProbedBackend.make(ProbedBackend.inOrder("refuses"))
        const heartbeat = yield* Heartbeat.make({ probe: backend.ping, interval: "10 seconds", connectivity })
        assert.strictEqual(heartbeat.connectivity, connectivity)
        yield* TestClock.adjust("20 seconds")
        assert.isTrue(Connectivity.is("Lost")(yield* SubscriptionRef.get(connectivity)))
      }))

    it.scoped("keeps the last answer that it knows of", () =>
      Effect.gen(function*() {
        const connectivity = yield* Connectivity.make(at(0))
        yield* TestClock.adjust("3 seconds")
        const heartbeat = yield* Heartbeat.make({
          probe: Effect.fail("refused"),
          interval: "10 seconds",
          failureThreshold: 1,
          connectivity
        })
        const lost = yield* lossOf(heartbeat)
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual((yield* Fiber.join(lost)).lastAnswer, at(0))
      }))

    it.effect("holds no failure of a heartbeat before against the next", () =>
      Effect.gen(function*() {
        const connectivity = yield* Connectivity.make(at(0))
        const backend = ProbedBackend.make(ProbedBackend.inOrder("refuses", "refuses", "refuses", "answers"))
        const watched = Heartbeat.guard(Effect.never, { probe: backend.ping, interval: "10 seconds", connectivity })
        yield* Effect.fork(Effect.retry(watched, { times: 1 }))
        yield* TestClock.adjust("20 seconds")
        assert.deepStrictEqual(
          yield* SubscriptionRef.get(connectivity),
          Connectivity.Alive({ lastAnswer: at(20) })
        )
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(
          yield* SubscriptionRef.get(connectivity),
          Connectivity.Suspect({ lastAnswer: at(20), failures: 1 })
        )
        yield* TestClock.adjust("50 seconds")
        assert.isTrue(Connectivity.is("Alive")(yield* SubscriptionRef.get(connectivity)))
        assert.lengthOf(backend.asked, 8)
      }))
  })

  describe("the error", () => {
    it.scoped("says what was lost, when, and why", () =>
      Effect.gen(function*() {
        const backend = ProbedBackend.make(ProbedBackend.inOrder("answers", "refuses", "refuses", "hangs"))
        const error = yield* lose({
          probe: backend.ping,
          failureThreshold: 3,
          timeout: "2 seconds",
          backend: "Agamemnon"
        })
        assert.deepStrictEqual(
          error,
          new Heartbeat.ConnectivityError({
            backend: "Agamemnon",
            consecutiveFailures: 3,
            threshold: 3,
            interval: Duration.seconds(10),
            lastAnswer: at(10),
            lostAt: at(42),
            lastError: "no answer came within 2s"
          })
        )
        assert.strictEqual(
          error.message,
          "connectivity lost, no answer from Agamemnon for 32s: 3 pings in a row failed, the last because no answer came within 2s"
        )
      }))

    it.scoped("has no name of its backend when it was given none", () =>
      Effect.map(lose({}), (error) => {
        assert.isFalse("backend" in error)
      }))

    it("has words for a backend that never answered", () => {
      const error = new Heartbeat.ConnectivityError({
        consecutiveFailures: 1,
        threshold: 2,
        interval: Duration.seconds(10),
        lostAt: at(0),
        lastError: "connection refused"
      })
      assert.strictEqual(
        error.message,
        "connectivity lost, no answer: a ping failed because connection refused"
      )
    })

    it.scoped.each([
      { error: new Error("socket hang up"), words: "socket hang up" },
      { error: new AggregateError([]), words: "AggregateError" },
      { error: new Silent({ host: "db" }), words: "db is silent" },
      { error: "refused", words: "refused" },
      { error: { code: "ECONNREFUSED" }, words: `{"code":"ECONNREFUSED"}` },
      { error: undefined, words: "undefined" }
    ])("puts $words into words", ({ error, words }) =>
      Effect.map(lose({ probe: Effect.fail(error) }), ({ lastError }) =>
        assert.strictEqual(lastError, words)))

    it.scoped("crosses a wire and comes back the same", () =>
      Effect.gen(function*() {
        const error = yield* lose({ backend: "Agamemnon" })
        const wire = JSON.stringify(yield* Schema.encode(Heartbeat.ConnectivityError)(error))
        const back = yield* Schema.decodeUnknown(Schema.parseJson(Heartbeat.ConnectivityError))(wire)
        assert.deepStrictEqual(back, error)
        assert.strictEqual(back.message, error.message)
      }))
  })

  describe("the scope of make", () => {
    it.effect("ends the heartbeat and the ping that is under way", () =>
      Effect.gen(function*() {
        const backend = ProbedBackend.make(ProbedBackend.inOrder("hangs"))
        const scope = yield* Scope.make()
        const heartbeat = yield* Scope.extend(Heartbeat.make({ probe: backend.ping, interval: "10 seconds" }), scope)
        const lost = yield* Effect.fork(heartbeat.lost)
        yield* TestClock.adjust("11 seconds")
        yield* Scope.close(scope, Exit.void)
        yield* settle
        assert.deepStrictEqual(backend.hungUp, [11_000])
        assert.isTrue(Exit.isInterrupted(yield* Fiber.await(lost)))
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(backend.asked, [10_000])
      }))

    it.effect("closes even when make ran where nothing can be interrupted", () =>
      Effect.gen(function*() {
        const backend = ProbedBackend.make(ProbedBackend.inOrder("hangs"))
        const scope = yield* Scope.make()
        yield* Heartbeat.make({ probe: backend.ping, interval: "10 seconds" }).pipe(
          Scope.extend(scope),
          Effect.uninterruptible
        )
        yield* TestClock.adjust("11 seconds")
        const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
        yield* settle
        assert.isFalse(yield* isRunning(closing))
        assert.deepStrictEqual(backend.hungUp, [11_000])
      }))

    it.effect("closes even when the ping under way cannot be interrupted", () =>
      Effect.gen(function*() {
        const answer = yield* Deferred.make<void>()
        const scope = yield* Scope.make()
        yield* Heartbeat.make({ probe: Effect.uninterruptible(Deferred.await(answer)), interval: "10 seconds" }).pipe(
          Scope.extend(scope)
        )
        yield* TestClock.adjust("11 seconds")
        const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
        yield* settle
        const hangs = yield* isRunning(closing)
        yield* Deferred.succeed(answer, undefined)
        assert.isFalse(hangs)
      }))
  })
})
