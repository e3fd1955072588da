import { SqlError } from "@effect/sql/SqlError"
import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import { type JournalError, RunOwnedError } from "../../src/run/JournalError.ts"
import { RunLease } from "../../src/run/RunLease.ts"
import { RunId } from "../../src/run/RunId.ts"
import { RunJournal } from "../../src/run/RunJournal.ts"
import * as Database from "../../src/store/Database.ts"
import * as Reservations from "../../src/store/Reservations.ts"
import * as TestPostgres from "../support/TestPostgres.ts"
import { identity, type Lives, newFile, newPath, openFile, process, runA, runB, started } from "../support/TestStore.ts"

type Opened = Context.Tag.Service<Database.Database>

const owner = (database: Opened, pid: number, lives: Lives = new Map()) =>
  Effect.map(process(database, pid, lives), Context.get(RunLease))

const expire = ({ sql }: Opened, inSeconds: number) =>
  sql`UPDATE telemachy_owners SET expires = ${Database.now(sql)} + ${sql.literal(String(inSeconds))}`

const rowsOf = ({ sql }: Opened) =>
  sql<{ readonly run: string; readonly pid: number; readonly left: number }>`
    SELECT run, pid, expires - ${Database.now(sql)} AS ${sql("left")} FROM telemachy_owners WHERE token <> '' ORDER BY run`

/** What holds in any database. `open` opens the same one each time. */
const laws = (open: Effect.Effect<Effect.Effect<Opened, JournalError, Scope.Scope>, never, Scope.Scope>) => {
  const inDatabase = Effect.flatten(open)

  it.scopedLive("a run of a living process can not be acquired, not by itself either", () =>
    Effect.gen(function*() {
      const database = yield* inDatabase
      const [one, other] = [yield* owner(database, 1), yield* owner(database, 2)]
      yield* one.acquire(identity())
      for (const { acquire } of [one, other]) {
        const error = yield* Effect.flip(acquire(identity()))
        assert.instanceOf(error, RunOwnedError)
        assert.match(error.message, /^run a{16} is driven by another process: process 1 on here, since \d{4}-/)
      }
      yield* other.acquire(identity(runB))
      assert.deepStrictEqual([yield* one.own, yield* other.own], [[runA], [runB]])
      for (const { livingAmong } of [one, other]) {
        const owners = [...yield* livingAmong([runA, runB])].map(([run, { description }]) => [run, description.replace(/ on .*/, "")] as const)
        assert.deepStrictEqual(new Map(owners), new Map([[runA, "process 1"], [runB, "process 2"]]))
      }
    }))

  it.scopedLive("a run of a dead process can be acquired, whatever its lease says", () =>
    Effect.gen(function*() {
      const database = yield* inDatabase
      const one = yield* owner(database, 1)
      const other = yield* owner(database, 2, new Map([[1, "dead"]]))
      const before = yield* one.acquire(identity())
      assert.strictEqual((yield* other.livingAmong([runA])).size, 0)
      const after = yield* other.acquire(identity())
      assert.include((yield* Effect.flip(before.lost)).message, "process 2 on here")
      assert.strictEqual((yield* Effect.flip(before.ensure))._tag, "RunOwnedError")
      yield* after.ensure
      assert.deepStrictEqual([before.fence.number, after.fence.number], [1, 2])
      // Whoever has lost it does not release it.
      assert.deepStrictEqual((yield* rowsOf(database)).map(({ pid }) => pid), [2])
    }))

  it.scopedLive("of a process of which nothing is known, the lease decides", () =>
    Effect.gen(function*() {
      const database = yield* inDatabase
      const one = yield* owner(database, 1)
      const other = yield* owner(database, 2, new Map([[1, "unknown"]]))
      yield* one.acquire(identity())
      yield* expire(database, 1)
      assert.strictEqual((yield* other.livingAmong([runA])).size, 1)
      assert.instanceOf(yield* Effect.flip(other.acquire(identity())), RunOwnedError)
      yield* expire(database, -1)
      assert.strictEqual((yield* other.livingAmong([runA])).size, 0)
      yield* other.acquire(identity())
      const [row] = yield* rowsOf(database)
      assert.strictEqual(row?.pid, 2)
      assert.approximately(row?.left ?? 0, 30, 3)
    }))

  it.scopedLive("a living process keeps its run though its lease has run out", () =>
    Effect.gen(function*() {
      const database = yield* inDatabase
      const [one, other] = [yield* owner(database, 1), yield* owner(database, 2)]
      yield* one.acquire(identity())
      yield* expire(database, -100)
      assert.instanceOf(yield* Effect.flip(other.acquire(identity())), RunOwnedError)
    }))

  it.scopedLive("of many that acquire a run at once, one gets it", () =>
    Effect.gen(function*() {
      const openAgain = yield* open
      const databases = yield* Effect.replicateEffect(openAgain, 3)
      const dead: Lives = new Map([[99, "dead"]])
      const processes = yield* Effect.forEach(Arr.range(1, 12), (pid) =>
        Effect.flatMap(Arr.get(databases, pid % 3), (database) => owner(database, pid, dead)))
      const race = (claims: typeof processes) =>
        Effect.gen(function*() {
          const exits = yield* Effect.forEach(claims, ({ acquire }) => Effect.exit(acquire(identity())), { concurrency: "unbounded" })
          assert.lengthOf(exits.filter(Exit.isSuccess), 1)
          for (const exit of exits.filter(Exit.isFailure)) {
            assert.strictEqual(exit.cause._tag === "Fail" && exit.cause.error._tag, "RunOwnedError")
          }
        })
      // Nobody had it before, a dead process had it, and all in one process.
      yield* Effect.scoped(race(processes))
      const last = yield* owner(databases[0] ?? (yield* openAgain), 99)
      const scope = yield* Scope.make()
      yield* Scope.extend(last.acquire(identity()), scope)
      yield* Effect.scoped(race(processes))
      yield* Scope.close(scope, Exit.void)
      const [first = last] = processes
      yield* Effect.scoped(race(Arr.replicate(first, 12)))
    }))

  it.scopedLive("a lease ends with its scope, and only that one", () =>
    Effect.gen(function*() {
      const database = yield* inDatabase
      const [one, other] = [yield* owner(database, 1), yield* owner(database, 2)]
      yield* Effect.scoped(Effect.gen(function*() {
        yield* one.acquire(identity())
        yield* Effect.scoped(one.acquire(identity(runB)))
        assert.deepStrictEqual((yield* rowsOf(database)).map(({ run }) => run), [runA])
      }))
      assert.deepStrictEqual(yield* rowsOf(database), [])
      yield* other.acquire(identity())
    }))

  it.scopedLive("the owner hears who cancels its run, within a second", () =>
    Effect.gen(function*() {
      const database = yield* inDatabase
      const [one, other] = [yield* owner(database, 1), yield* owner(database, 2)]
      const mine = yield* one.acquire(identity())
      const third = yield* one.acquire(identity(runB))
      assert.isTrue(yield* other.cancel(runA, "it's \"me\"; --"))
      assert.strictEqual(yield* Effect.timeout(mine.cancelled, "1 second"), "it's \"me\"; --")
      assert.isTrue(yield* Effect.isFailure(Effect.timeout(third.cancelled, "1200 millis")))
      yield* mine.ensure
    }))

  it.scopedLive("a run that nobody drives can not be cancelled, and a new lease of it knows of no cancellation", () =>
    Effect.gen(function*() {
      const database = yield* inDatabase
      const one = yield* owner(database, 1)
      const other = yield* owner(database, 2, new Map([[1, "dead"]]))
      assert.isFalse(yield* other.cancel(runA, "me"))
      yield* one.acquire(identity())
      assert.isFalse(yield* other.cancel(runA, "me"))
      assert.isTrue(yield* one.cancel(runA, "me"))
      const { cancelled } = yield* other.acquire(identity())
      assert.isTrue(yield* Effect.isFailure(Effect.timeout(cancelled, "1200 millis")))
    }))
}

/** A database that answers, fails, or is silent, as the test says. */
const moody = (database: Opened, mood: { current: "well" | "failing" | "silent" }): Opened => ({
  ...database,
  isLocal: false,
  sql: new Proxy(database.sql, {
    apply: (target, _, [texts, ...values]) => {
      const statement = target(texts, ...values)
      const isWhole = /^\s*(SELECT|INSERT|UPDATE|DELETE)/.test(String(texts))
      if (!isWhole || mood.current === "well" || !Effect.isEffect(statement)) return statement
      return mood.current === "silent" ? Effect.never : Effect.fail(new SqlError({ cause: { code: "57P01" }, message: "gone" }))
    }
  })
})

const advance = (duration: Duration.DurationInput) =>
  Effect.forEach(Arr.range(1, Math.ceil(Duration.toMillis(duration) / 250)), () => TestClock.adjust("250 millis"), { discard: true })

/** A run whose lease is in a database of that kind. */
const leased = Effect.gen(function*() {
  const mood: { current: "well" | "failing" | "silent" } = { current: "well" }
  const database = yield* newFile
  const { acquire } = yield* owner(moody(database, mood), 1)
  return { database, mood, lease: yield* acquire(identity()) }
})

describe.concurrent("RunLease in a file", () => {
  laws(Effect.map(newPath, openFile))

  it.scoped("a lease is renewed for as long as the run is held", () =>
    Effect.gen(function*() {
      const database = yield* newFile
      const one = yield* owner(database, 1)
      const other = yield* owner(database, 2, new Map([[1, "unknown"]]))
      yield* one.acquire(identity())
      yield* expire(database, 7)
      yield* Effect.forEach(Arr.range(1, 60), () => TestClock.adjust("100 millis"))
      assert.approximately((yield* rowsOf(database))[0]?.left ?? 0, 30, 3)
      assert.strictEqual((yield* other.livingAmong([runA])).size, 1)
    }))

  for (const how of ["failing", "silent"] as const) {
    it.scoped(`an owner whose database is ${how} stops itself when its lease may have run out, and not before`, () =>
      Effect.gen(function*() {
        const { lease, mood } = yield* leased
        const lost = yield* Effect.fork(Effect.flip(lease.lost))
        yield* advance("21 seconds")
        yield* lease.ensure
        mood.current = how
        yield* advance("24 seconds")
        yield* lease.ensure
        assert.isTrue(Option.isNone(yield* Fiber.poll(lost)))
        yield* advance("6 seconds")
        const error = yield* Fiber.join(lost)
        assert.strictEqual(error._tag, "LeaseExpiredError")
        assert.match(error.message, /^run a{16} was given up: its lease could not be renewed in the journal of runs \(file:.*\) within 30s/)
        assert.strictEqual(yield* Effect.flip(lease.ensure), error)
        // It does not come back when the database does.
        mood.current = "well"
        yield* advance("10 seconds")
        assert.strictEqual(yield* Effect.flip(lease.ensure), error)
      }))
  }

  it.scoped("an owner whose run was acquired by another does nothing more", () =>
    Effect.gen(function*() {
      const { database, lease } = yield* leased
      const other = yield* owner(database, 2, new Map([[1, "unknown"]]))
      yield* expire(database, -1)
      yield* other.acquire(identity())
      yield* TestClock.adjust("2 minutes")
      assert.include((yield* Effect.flip(lease.ensure)).message, "process 2 on here")
    }))

  it.scoped("a process of this machine keeps its run in a file though it can not renew the lease", () =>
    Effect.gen(function*() {
      const mood: { current: "well" | "failing" | "silent" } = { current: "well" }
      const { acquire } = yield* owner({ ...moody(yield* newFile, mood), isLocal: true }, 1)
      const lease = yield* acquire(identity())
      mood.current = "failing"
      yield* advance("40 seconds")
      yield* lease.ensure
      mood.current = "well"
    }))

  it.scoped("a lease that could not be released is not renewed, and is released as soon as that is possible", () =>
    Effect.gen(function*() {
      const mood: { current: "well" | "failing" | "silent" } = { current: "well" }
      const database = yield* newFile
      const { acquire } = yield* owner(moody(database, mood), 1)
      const scope = yield* Scope.make()
      yield* Scope.extend(acquire(identity()), scope)
      mood.current = "silent"
      const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
      // A release waits only so long for a database that does not answer.
      yield* advance("6 seconds")
      yield* Fiber.join(closing)
      assert.lengthOf(yield* rowsOf(database), 1)
      mood.current = "well"
      yield* advance("10 seconds")
      assert.deepStrictEqual(yield* rowsOf(database), [])
    }))

  it.scopedLive("a row that cannot be read is nobody's to take, and hides no other", () =>
    Effect.gen(function*() {
      const runC = RunId.make("cccccccccccccccc")
      for (const damage of ["host = CAST(x'ff' AS text)", "pid = 'one'", "fence = 'first'", "token = CAST(x'ff' AS text)"]) {
        const database = yield* newFile
        const { begin } = Context.get(yield* process(database, 1), RunJournal)
        for (const run of [runA, runB]) {
          const { append, reserve } = yield* begin(identity(run))
          yield* append([started(run)])
          yield* reserve([`key of ${run}`], { all: true, purpose: "use" })
        }
        const other = yield* process(database, 2, new Map([[1, "dead"]]))
        const leases = Context.get(other, RunLease)
        yield* database.sql`UPDATE telemachy_owners SET ${database.sql.literal(damage)}, expires = 0 WHERE run = ${runA}`
        // It may live, whatever became of its lease.
        assert.deepStrictEqual([...(yield* leases.livingAmong([runA, runB])).keys()], [runA], damage)
        const refused = yield* Effect.flip(leases.acquire(identity()))
        assert.match(refused.message, /driven by another process: one that is not known, because its row in telemachy_owners is damaged$/)
        const { abandoned } = Context.get(other, RunJournal)
        assert.deepStrictEqual(yield* abandoned("http://fake.test"), [runB], damage)
        const keys = [runA, runB].map((run) => `key of ${run}`)
        const held = yield* Effect.provide(Reservations.holders("http://fake.test", keys), other)
        assert.deepStrictEqual(held.map(({ run }) => run), [runA], damage)
        assert.match((yield* Effect.flip(leases.cancel(runA, "me"))).message, /who drives run a{16} is damaged$/)
        // Everything else is as ever.
        yield* leases.acquire(identity(runB))
        const third = yield* leases.acquire(identity(runC))
        yield* third.ensure
        assert.isTrue(yield* leases.cancel(runC, "me"))
      }
    }))

  it.scopedLive("of a run without an owner, what else its row says does not matter", () =>
    Effect.gen(function*() {
      const database = yield* newFile
      const { acquire } = yield* owner(database, 1)
      yield* Effect.scoped(acquire(identity()))
      yield* database.sql`UPDATE telemachy_owners SET host = CAST(x'ff' AS text), pid = 'one'`
      assert.strictEqual((yield* acquire(identity())).fence.number, 2)
    }))

  it.scopedLive("an owner whose row is damaged keeps its lease for as long as it finds it, and hears of a cancellation", () =>
    Effect.gen(function*() {
      const database = yield* newFile
      const { acquire } = yield* owner(database, 1)
      const { cancelled, ensure } = yield* acquire(identity())
      const other = yield* acquire(identity(runB))
      yield* database.sql`UPDATE telemachy_owners SET host = CAST(x'ff' AS text), cancelled_by = CAST(x'6d65ff' AS text) WHERE run = ${runA}`
      yield* database.sql`UPDATE telemachy_owners SET run = CAST(x'ff' AS text) WHERE run = ${runB}`
      assert.strictEqual(yield* Effect.timeout(cancelled, "2 seconds"), "me\ufffd")
      yield* ensure
      assert.strictEqual((yield* Effect.flip(Effect.timeout(other.lost, "2 seconds")))._tag, "RunOwnedError")
    }))

  it.scopedLive("a lease that is gone from the database is lost", () =>
    Effect.gen(function*() {
      const database = yield* newFile
      const { lost } = yield* Effect.flatMap(owner(database, 1), ({ acquire }) => acquire(identity()))
      const heard = yield* Effect.fork(Effect.flip(lost))
      yield* database.sql`DELETE FROM telemachy_owners`
      assert.include((yield* Effect.timeout(Fiber.join(heard), "2 seconds")).message, "one that has just taken it")
    }))
})

describe.skipIf(TestPostgres.isMissing)(TestPostgres.named("RunLease in PostgreSQL"), () => {
  laws(Effect.map(TestPostgres.database("telemachy_ownership"), Database.openPostgres))
})
