import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import type * as Scope from "effect/Scope"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as TestClock from "effect/TestClock"
import * as Connectivity from "../../src/liveness/Connectivity.ts"
import * as Heartbeat from "../../src/liveness/Heartbeat.ts"
import * as ProbedBackend from "../support/ProbedBackend.ts"
import { at, isRunning } from "../support/ProbedBackend.ts"

/** Work that takes some seconds and writes down how it ends. */
const work = (journal: ProbedBackend.Journal, seconds: number, name = "work") =>
  journal.write(`${name} begins`).pipe(
    Effect.zipRight(Effect.sleep(`${seconds} seconds`)),
    Effect.zipRight(journal.write(`${name} ends`)),
    Effect.as(name),
    Effect.onInterrupt(() => journal.write(`${name} is interrupted`))
  )

/** Work within a guard, within work within another. */
const nested = (
  journal: ProbedBackend.Journal,
  outer: ProbedBackend.Backend,
  inner: ProbedBackend.Backend
) =>
  journal.write("before").pipe(
    Effect.zipRight(
      Heartbeat.guard(work(journal, 60), { probe: inner.ping, interval: "3 seconds", backend: "inner" })
    ),
    Effect.catchTag("ConnectivityError", (error) => journal.write(`caught within: ${error.backend}`)),
    Heartbeat.guard({ probe: outer.ping, interval: "10 seconds", backend: "outer" }),
    Effect.catchTag("ConnectivityError", (error) => journal.write(`caught around: ${error.backend}`)),
    Effect.fork
  )

/** Ends with this defect, before the work begins. */
const dies = (options: Partial<Heartbeat.Options<never, never>>, message: string) =>
  Effect.gen(function*() {
    let begun = false
    const began = Effect.sync(() => {
      begun = true
    })
    const exit = yield* Effect.exit(Heartbeat.guard(began, { probe: Effect.void, ...options }))
    assert.deepStrictEqual(exit, Exit.die(new Cause.RuntimeException(message)))
    assert.isFalse(begun, "the work does not begin")
  })

/** Waits for the error, and tells how long that took. */
const lose = (guarded: Effect.Effect<never, Heartbeat.ConnectivityError>) =>
  Effect.gen(function*() {
    const began = yield* Clock.currentTimeMillis
    const fiber = yield* Effect.fork(Effect.flip(guarded))
    yield* TestClock.adjust("1 minute")
    const { consecutiveFailures, lostAt, backend } = yield* Fiber.join(fiber)
    return { consecutiveFailures, backend, after: lostAt.epochMillis - began }
  })

describe("Heartbeat.guard", () => {
  describe("while the backend answers", () => {
    it.effect("the heartbeat is interrupted on normal completion", () =>
      Effect.gen(function*() {
        const journal = ProbedBackend.makeJournal()
        const backend = ProbedBackend.make(ProbedBackend.inOrder("answers"))
        const fiber = yield* Effect.fork(
          Heartbeat.guard(work(journal, 25), { probe: backend.ping, interval: "10 seconds" })
        )
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(yield* Fiber.join(fiber), "work")
        assert.deepStrictEqual(journal.entries, ["0s work begins", "25s work ends"])
        assert.deepStrictEqual(backend.asked, [10_000, 20_000])
      }))

    it.effect("so is the ping that is under way", () =>
      Effect.gen(function*() {
        const backend = ProbedBackend.make(ProbedBackend.inOrder("hangs"))
        const fiber = yield* Effect.fork(
          Heartbeat.guard(Effect.sleep("12 seconds"), { probe: backend.ping, interval: "10 seconds" })
        )
        yield* TestClock.adjust("1 hour")
        yield* Fiber.join(fiber)
        assert.deepStrictEqual(backend.asked, [10_000])
        assert.deepStrictEqual(backend.hungUp, [12_000])
      }))

    it.effect("it ends cleanly on failure", () =>
      Effect.gen(function*() {
        const backend = ProbedBackend.make(ProbedBackend.inOrder("answers", "hangs"))
        const fiber = yield* Effect.fork(
          Effect.delay(Effect.fail("no such table"), "22 seconds").pipe(
            Heartbeat.guard({ probe: backend.ping, interval: "10 seconds" })
          )
        )
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(yield* Fiber.await(fiber), Exit.fail("no such table"))
        assert.deepStrictEqual(backend.asked, [10_000, 20_000])
        assert.deepStrictEqual(backend.hungUp, [22_000])
      }))

    it.effect("it ends cleanly on a defect", () =>
      Effect.gen(function*() {
        const backend = ProbedBackend.make(ProbedBackend.inOrder("answers"))
        const fiber = yield* Effect.fork(
          Effect.delay(Effect.die("a bug in the work"), "12 seconds").pipe(
            Heartbeat.guard({ probe: backend.ping, interval: "10 seconds" })
          )
        )
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(yield* Fiber.await(fiber), Exit.die("a bug in the work"))
        assert.deepStrictEqual(backend.asked, [10_000])
      }))

    it.effect("it ends when it is interrupted, after the work", () =>
      Effect.gen(function*() {
        const journal = ProbedBackend.makeJournal()
        const backend = ProbedBackend.make(ProbedBackend.inOrder("hangs"))
        const fiber = yield* Effect.fork(
          Heartbeat.guard(work(journal, 60), { probe: backend.ping, interval: "10 seconds" })
        )
        yield* TestClock.adjust("11 seconds")
        yield* Fiber.interrupt(fiber)
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(journal.entries, ["0s work begins", "11s work is interrupted"])
        assert.deepStrictEqual(backend.asked, [10_000])
        assert.deepStrictEqual(backend.hungUp, [11_000])
      }))

    it.effect("a failed ping does not touch the work", () =>
      Effect.gen(function*() {
        const journal = ProbedBackend.makeJournal()
        const backend = ProbedBackend.make((ping) => ping % 2 === 0 ? "answers" : "refuses")
        const fiber = yield* Effect.fork(
          Heartbeat.guard(work(journal, 65), { probe: backend.ping, interval: "10 seconds" })
        )
        yield* TestClock.adjust("65 seconds")
        assert.strictEqual(yield* Fiber.join(fiber), "work")
        assert.deepStrictEqual(journal.entries, ["0s work begins", "65s work ends"])
      }))

    it.effect("work that is done at once is never watched", () =>
      Effect.gen(function*() {
        const backend = ProbedBackend.make(ProbedBackend.inOrder("refuses"))
        assert.strictEqual(yield* Heartbeat.guard(Effect.succeed(1), { probe: backend.ping }), 1)
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(backend.asked, [])
      }))

    it.effect("it returns with the work even when a ping cannot be interrupted", () =>
      Effect.gen(function*() {
        const answer = yield* Deferred.make<void>()
        const probe = Effect.uninterruptible(Deferred.await(answer))
        const fiber = yield* Effect.fork(
          Heartbeat.guard(Effect.sleep("12 seconds"), { probe, interval: "10 seconds" })
        )
        yield* TestClock.adjust("12 seconds")
        const hangs = yield* isRunning(fiber)
        yield* Deferred.succeed(answer, undefined)
        assert.isFalse(hangs)
      }))
  })

  describe("when the backend is lost", () => {
    it.effect("the Ref says so before the work hears of it, and the work is interrupted at once", () =>
      Effect.gen(function*() {
        const journal = ProbedBackend.makeJournal()
        const connectivity = yield* Connectivity.make(at(0))
        const backend = ProbedBackend.make(ProbedBackend.inOrder("answers", "hangs"))
        const polling = Effect.onInterrupt(Effect.sleep("1 hour"), () =>
          Effect.flatMap(SubscriptionRef.get(connectivity), ({ _tag }) => journal.write(`poll interrupted: ${_tag}`)))
        const fiber = yield* polling.pipe(
          Heartbeat.guard({ probe: backend.ping, interval: "10 seconds", timeout: "2 seconds", connectivity }),
          Effect.tapErrorTag("ConnectivityError", () => journal.write("failure seen")),
          Effect.flip,
          Effect.fork
        )
        yield* Effect.fork(Effect.zipRight(Connectivity.awaitLost(connectivity), journal.write("Ref lost")))
        yield* TestClock.adjust("32 seconds")
        const error = yield* Fiber.join(fiber)
        assert.deepStrictEqual(error.lostAt, at(32))
        assert.sameMembers(journal.entries, ["32s Ref lost", "32s poll interrupted: Lost", "32s failure seen"])
        assert.strictEqual(journal.entries.at(-1), "32s failure seen")
      }))

    it.effect("work cleans up before the failure is seen", () =>
      Effect.gen(function*() {
        const journal = ProbedBackend.makeJournal()
        const holding = Effect.acquireUseRelease(
          journal.write("acquired"),
          () => Effect.never,
          () => Effect.zipRight(Effect.sleep("3 seconds"), journal.write("released"))
        )
        const fiber = yield* holding.pipe(
          Heartbeat.guard({ probe: Effect.fail("refused"), interval: "10 seconds" }),
          Effect.catchTag("ConnectivityError", () => journal.write("failure seen")),
          Effect.fork
        )
        yield* TestClock.adjust("1 minute")
        yield* Fiber.join(fiber)
        assert.deepStrictEqual(journal.entries, ["0s acquired", "23s released", "23s failure seen"])
      }))

    it.effect("a bug in the probe ends the work with that bug", () =>
      Effect.gen(function*() {
        const journal = ProbedBackend.makeJournal()
        const fiber = yield* Effect.fork(
          Heartbeat.guard(work(journal, 60), { probe: Effect.die("a bug in the probe"), interval: "10 seconds" })
        )
        yield* TestClock.adjust("1 minute")
        const cause = yield* Effect.flip(Effect.sandbox(Fiber.join(fiber)))
        assert.deepStrictEqual(Chunk.toReadonlyArray(Cause.defects(cause)), ["a bug in the probe"])
        assert.deepStrictEqual(journal.entries, ["0s work begins", "10s work is interrupted"])
      }))
  })

  describe("the work", () => {
    it.effect("acquires in the scope around the guard, and keeps it afterwards", () =>
      Effect.gen(function*() {
        const journal = ProbedBackend.makeJournal()
        const connection = Effect.acquireRelease(journal.write("connects"), () => journal.write("disconnects"))
        yield* connection.pipe(
          Heartbeat.guard({ probe: Effect.void }),
          Effect.zipRight(journal.write("uses")),
          Effect.scoped
        )
        assert.deepStrictEqual(journal.entries, ["0s connects", "0s uses", "0s disconnects"])
      }))

    it.effect("leaves its fiber-local state behind as without a guard", () =>
      Effect.gen(function*() {
        const ref = yield* FiberRef.make(0)
        yield* Heartbeat.guard(FiberRef.set(ref, 1), { probe: Effect.void })
        assert.strictEqual(yield* FiberRef.get(ref), 1)
      }).pipe(Effect.scoped))
  })

  describe("within a guard", () => {
    it.effect("the loss of the inner backend is the inner work's", () =>
      Effect.gen(function*() {
        const journal = ProbedBackend.makeJournal()
        const [outer, inner] = [ProbedBackend.make(() => "answers"), ProbedBackend.make(() => "refuses")]
        const fiber = yield* nested(journal, outer, inner)
        yield* TestClock.adjust("1 hour")
        yield* Fiber.join(fiber)
        assert.deepStrictEqual(journal.entries, [
          "0s before",
          "0s work begins",
          "6s work is interrupted",
          "6s caught within: inner"
        ])
        assert.deepStrictEqual(outer.asked, [])
      }))

    it.effect("the loss of the outer backend ends all, the inner heartbeat included", () =>
      Effect.gen(function*() {
        const journal = ProbedBackend.makeJournal()
        const [outer, inner] = [ProbedBackend.make(() => "refuses"), ProbedBackend.make(() => "answers")]
        const fiber = yield* nested(journal, outer, inner)
        yield* TestClock.adjust("1 hour")
        yield* Fiber.join(fiber)
        assert.deepStrictEqual(journal.entries, [
          "0s before",
          "0s work begins",
          "20s work is interrupted",
          "20s caught around: outer"
        ])
        assert.deepStrictEqual(inner.asked, [3000, 6000, 9000, 12_000, 15_000, 18_000])
      }))

    it.effect("two guards around one work both watch, and the first loss wins", () =>
      Effect.gen(function*() {
        const journal = ProbedBackend.makeJournal()
        const [database, queue] = [ProbedBackend.make(() => "answers"), ProbedBackend.make(() => "refuses")]
        const fiber = yield* work(journal, 60).pipe(
          Heartbeat.guard({ probe: database.ping, interval: "10 seconds", backend: "database" }),
          Heartbeat.guard({ probe: queue.ping, interval: "7 seconds", backend: "queue" }),
          Effect.flip,
          Effect.fork
        )
        yield* TestClock.adjust("1 hour")
        assert.strictEqual((yield* Fiber.join(fiber)).backend, "queue")
        assert.deepStrictEqual(database.asked, [10_000])
        assert.deepStrictEqual(queue.asked, [7000, 14_000])
      }))
  })

  describe("bad options", () => {
    it.effect.each([
      { value: 0, found: "0" },
      { value: "0 seconds", found: "0 seconds" },
      { value: -1, found: "-1" },
      { value: Number.NaN, found: "NaN" },
      { value: Number.POSITIVE_INFINITY, found: "Infinity" },
      { value: "-2 minutes", found: "-2 minutes" }
    ] as const)("an interval or a timeout of $value is refused", ({ found, value }) =>
      Effect.zipRight(
        dies({ interval: value }, `Heartbeat: interval should be a finite time greater than 0, found ${found}`),
        dies({ timeout: value }, `Heartbeat: timeout should be a finite time greater than 0, found ${found}`)
      ))

    it.effect.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("a threshold of %d is refused", (value) =>
      dies(
        { failureThreshold: value },
        `Heartbeat: failureThreshold should be a whole number greater than 0, found ${value}`
      ))

    it.effect("an option that is undefined has its default", () =>
      Effect.gen(function*() {
        const backend = ProbedBackend.make(ProbedBackend.inOrder("refuses"))
        const fiber = yield* Effect.fork(
          Effect.flip(
            Heartbeat.guard(Effect.never, {
              probe: backend.ping,
              interval: undefined,
              failureThreshold: undefined,
              timeout: undefined,
              connectivity: undefined,
              backend: undefined
            })
          )
        )
        yield* TestClock.adjust("1 hour")
        const error = yield* Fiber.join(fiber)
        assert.deepStrictEqual([error.threshold, backend.asked], [2, [15_000, 30_000]])
      }))
  })

  it("adds the error of a lost backend and what the probe needs, and nothing else", () => {
    class Database extends Context.Tag("telemachy/test/liveness/Guard.test/Database")<Database, { readonly ping: Effect.Effect<void, "silent"> }>() {}
    class Disk extends Context.Tag("telemachy/test/liveness/Guard.test/Disk")<Disk, { readonly copy: Effect.Effect<number, "full"> }>() {}

    const copy = Effect.flatMap(Disk, ({ copy }) => copy)
    const probe = Effect.flatMap(Database, ({ ping }) => ping)

    type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false
    type Guarded = Effect.Effect<number, "full" | Heartbeat.ConnectivityError, Disk | Database>

    const last = copy.pipe(Heartbeat.guard({ probe }))
    const first = Heartbeat.guard(copy, { probe })
    const scoped = Heartbeat.guard(Effect.scope, { probe: Effect.void })
    true satisfies Same<typeof last, Guarded>
    true satisfies Same<typeof first, Guarded>
    true satisfies Same<
      typeof scoped,
      Effect.Effect<Scope.Scope, Heartbeat.ConnectivityError, Scope.Scope>
    >
    const make = Heartbeat.make({ probe })
    true satisfies Same<typeof make, Effect.Effect<Heartbeat.Heartbeat, never, Database | Scope.Scope>>

    assert.isTrue([last, first, scoped, make].every(Effect.isEffect))
  })

  it.effect("means the same with the effect first and last", () =>
    Effect.gen(function*() {
      const options = { probe: Effect.fail("refused"), interval: "10 seconds", failureThreshold: 3, backend: "w" } as const
      const expected = { consecutiveFailures: 3, backend: "w", after: 30_000 }
      assert.deepStrictEqual(yield* lose(Heartbeat.guard(Effect.never, options)), expected)
      assert.deepStrictEqual(yield* lose(Effect.never.pipe(Heartbeat.guard(options))), expected)
    }))
})
