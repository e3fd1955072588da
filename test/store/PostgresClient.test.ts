import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { RunId } from "../../src/run/RunId.ts"
import { RunJournal } from "../../src/run/RunJournal.ts"
import { RunLease } from "../../src/run/RunLease.ts"
import * as Database from "../../src/store/Database.ts"
import * as EventLog from "../../src/store/EventLog.ts"
import * as RunIndex from "../../src/store/RunIndex.ts"
import { RunStore } from "../../src/store/RunStore.ts"
import * as SqlRunStore from "../../src/store/SqlRunStore.ts"
import { eventually } from "../support/HttpQuestion.ts"
import * as TcpProxy from "../support/TcpProxy.ts"
import * as TestPostgres from "../support/TestPostgres.ts"
import { identity, numbered, numbers, process, runA, runB, started } from "../support/TestStore.ts"

/** Short, because the tests wait for them in real time; long enough for a machine that does much else. */
const limits: Database.PostgresLimits = {
  connect: Duration.seconds(3),
  statement: Duration.seconds(2),
  reading: Duration.seconds(2),
  wait: Duration.seconds(20)
}

/** A new database, and the address of a proxy in front of it. */
const proxied = Effect.fnUntraced(function*(name: string, delay: Duration.DurationInput = 0) {
  const url = yield* TestPostgres.database(name)
  const near = new URL(Redacted.value(url))
  const proxy = yield* TcpProxy.tcp({ host: near.hostname, port: Number(near.port || 5432) }, delay)
  near.host = `127.0.0.1:${proxy.port}`
  return { direct: url, proxy, url: Redacted.make(near.href) }
})

/** Ends what the server does for others in a database. */
const kill = (database: string) =>
  TestPostgres.ask(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}'`)

/** Holds a lock on a table for as long as the scope. */
const lock = Effect.fnUntraced(function*(url: Redacted.Redacted, table: string) {
  const { sql } = yield* Database.openPostgres(url)
  const [isLocked, end] = [yield* Effect.makeLatch(), yield* Effect.makeLatch()]
  const locking = yield* Effect.fork(sql.withTransaction(
    sql.unsafe(`LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`).pipe(Effect.zipRight(isLocked.open), Effect.zipRight(end.await))
  ))
  yield* isLocked.await
  return Effect.zipRight(end.open, Fiber.join(locking))
})

const one = (sql: Database.Sql) => Effect.map(sql<{ readonly one: number }>`SELECT 1 AS one`, ([row]) => row?.one)

// Most of them wait for something that does not answer.
describe.skipIf(TestPostgres.isMissing).concurrent(TestPostgres.named("PostgresClient"), () => {
  it.scopedLive("a connection that went silent is replaced, and what was asked is answered", () =>
    Effect.gen(function*() {
      const { proxy, url } = yield* proxied("telemachy_silent")
      const database = yield* Database.openPostgres(url, limits)
      const before = proxy.connections()
      yield* proxy.freeze(false)
      const answered = yield* Effect.provideService(Database.ask("read", one), Database.Database, database)
      assert.strictEqual(answered, 1)
      assert.isAbove(proxy.connections(), before)
    }))

  it.scopedLive("a server that does not answer at all is given up, in a region that cannot be interrupted as well", () =>
    Effect.gen(function*() {
      const { proxy, url } = yield* proxied("telemachy_mute")
      const { sql } = yield* Database.openPostgres(url, limits)
      yield* proxy.freeze(true)
      const failure = yield* Effect.flip(Effect.uninterruptible(one(sql)))
      assert.include(JSON.stringify(failure), "has not answered")
      // There is no connection any more, and none comes about.
      const again = yield* Effect.flip(Effect.uninterruptible(one(sql)))
      assert.include(JSON.stringify(again), "took no connection")
      const opening = yield* Effect.flip(Effect.uninterruptible(Database.openPostgres(url, limits)))
      assert.match(opening.message, /cannot be opened: it does not answer in time$/)
      yield* proxy.thaw
      assert.strictEqual(yield* one(sql), 1)
    }))

  it.scopedLive("a connection whose backend is killed, or that is cut, costs no answer", () =>
    Effect.gen(function*() {
      const { proxy, url } = yield* proxied("telemachy_killed")
      const database = yield* Database.openPostgres(url, limits)
      const read = Effect.provideService(Database.ask("read", one), Database.Database, database)
      for (const breakAll of Arr.make(kill("telemachy_killed"), proxy.cut, kill("telemachy_killed"))) {
        yield* breakAll
        assert.strictEqual(yield* read, 1)
      }
      // While a statement is under way.
      for (const breakAll of [proxy.cut, kill("telemachy_killed")]) {
        const slow = (sql: Database.Sql) => sql`SELECT pg_sleep(0.4)`
        const asking = yield* Effect.fork(Effect.provideService(Database.ask("read", slow), Database.Database, database))
        yield* Effect.sleep("100 millis")
        yield* breakAll
        assert.lengthOf(yield* Fiber.join(asking), 1)
      }
    }))

  it.scopedLive("a connection that is cut while it is being opened costs no answer", () =>
    Effect.gen(function*() {
      const { proxy, url } = yield* proxied("telemachy_opening")
      const database = yield* Database.openPostgres(url, limits)
      yield* proxy.cut
      yield* proxy.freeze(true)
      const before = proxy.connections()
      const asking = yield* Effect.fork(Effect.provideService(Database.ask("read", one), Database.Database, database))
      yield* eventually(Effect.sync(proxy.connections), (taken) => taken > before)
      yield* proxy.thaw
      yield* proxy.cut
      assert.strictEqual(yield* Fiber.join(asking), 1)
    }))

  it.scopedLive("a server that can only be read is left for one that can be written", () =>
    Effect.gen(function*() {
      const url = yield* TestPostgres.database("telemachy_readonly")
      const database = yield* Database.openPostgres(url, limits)
      yield* database.sql`SET default_transaction_read_only = on`
      const change = (sql: Database.Sql) => sql`DELETE FROM telemachy_owners`
      yield* Effect.provideService(Database.ask("write", change), Database.Database, database)
    }))

  it.scopedLive("a statement that waits for a lock ends, here and on the server, and the connection stays", () =>
    Effect.gen(function*() {
      const { direct, proxy, url } = yield* proxied("telemachy_locked")
      const { sql } = yield* Database.openPostgres(url, limits)
      const before = proxy.connections()
      const unlock = yield* lock(direct, "telemachy_events")
      const failure = yield* Effect.flip(sql`SELECT * FROM telemachy_events`)
      assert.include(JSON.stringify(failure), "57014")
      yield* unlock
      assert.deepStrictEqual(yield* sql`SELECT * FROM telemachy_events`, [])
      assert.strictEqual(proxy.connections(), before)
    }))

  it.scopedLive("a statement that was interrupted is cancelled on the server", () =>
    Effect.gen(function*() {
      const url = yield* TestPostgres.database("telemachy_interrupted")
      const { sql } = yield* Database.openPostgres(url)
      const asking = yield* Effect.fork(sql`SELECT pg_sleep(300)`)
      yield* Effect.sleep("200 millis")
      yield* Fiber.interrupt(asking)
      assert.strictEqual(yield* one(sql), 1)
      const sleeping = TestPostgres.ask("SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(300)%' AND state = 'active' AND pid <> pg_backend_pid()")
      yield* Effect.repeat(Effect.delay(sleeping, "50 millis"), { until: Arr.isEmptyReadonlyArray })
    }))

  it.scopedLive("a transaction whose connection is lost changes nothing, and fails as a statement does", () =>
    Effect.gen(function*() {
      const { proxy, url } = yield* proxied("telemachy_transaction")
      const { sql } = yield* Database.openPostgres(url, limits)
      yield* sql`CREATE TABLE lines (line text)`
      const half = sql.withTransaction(Effect.zipRight(sql`INSERT INTO lines VALUES ('half')`, Effect.zipRight(proxy.cut, one(sql))))
      assert.strictEqual((yield* Effect.flip(half))._tag, "SqlError")
      assert.deepStrictEqual(yield* sql`SELECT * FROM lines`, [])
      yield* sql.withTransaction(sql`INSERT INTO lines VALUES ('whole')`)
      assert.lengthOf(yield* sql`SELECT * FROM lines`, 1)
    }))

  it.scopedLive("transactions that could not begin leave no connection taken", () =>
    Effect.gen(function*() {
      const { proxy, url } = yield* proxied("telemachy_begin")
      const { sql } = yield* Database.openPostgres(url, { ...limits, wait: Duration.seconds(2) })
      yield* proxy.close
      for (const _ of Arr.range(1, 4)) yield* Effect.flip(sql.withTransaction(one(sql)))
      yield* proxy.open
      assert.strictEqual(yield* sql.withTransaction(one(sql)), 1)
    }))

  it.scopedLive("changes of which the end is not answered are made once", () =>
    Effect.gen(function*() {
      const { proxy, url } = yield* proxied("telemachy_transact")
      const database = yield* Database.openPostgres(url, limits)
      yield* database.sql`CREATE TABLE lines (line text PRIMARY KEY)`
      let isFirst = true
      const changes = (sql: Database.Sql) =>
        Effect.zipRight(
          sql`INSERT INTO lines VALUES ('whole') ON CONFLICT DO NOTHING`,
          Effect.suspend(() => {
            if (!isFirst) return Effect.void
            isFirst = false
            return proxy.cut
          })
        )
      yield* Effect.provideService(Database.transact(changes), Database.Database, database)
      assert.lengthOf(yield* database.sql`SELECT * FROM lines`, 1)
    }))

  it.scopedLive("a lease does not wait for long answers", () =>
    Effect.gen(function*() {
      const url = yield* TestPostgres.database("telemachy_lease")
      const database = yield* Database.openPostgres(url)
      const context = yield* process(database, 1)
      const { acquire } = Context.get(context, RunLease)
      const unlock = yield* lock(url, "telemachy_runs")
      const reads = Arr.replicate(Effect.provide(RunIndex.list, context), 5)
      const reading = yield* Effect.fork(Effect.all(reads, { concurrency: "unbounded" }))
      yield* Effect.sleep("200 millis")
      // Each of these is a statement that is answered while the others wait.
      for (const run of [runA, runB]) yield* acquire(identity(run))
      assert.isNull(reading.unsafePoll())
      yield* unlock
      assert.lengthOf(yield* Fiber.join(reading), 5)
    }))

  it.scopedLive("list, the claim, the sweep and following end, whatever the server is waiting for", () =>
    Effect.gen(function*() {
      const url = yield* TestPostgres.database("telemachy_ends")
      const database = yield* Database.openPostgres(url, limits)
      const context = yield* process(database, 1)
      const { abandoned, acquire } = Context.get(context, RunJournal)
      const unlock = yield* lock(url, "telemachy_events, telemachy_owners, telemachy_runs")
      const refused = <A, E extends { readonly message: string }, R>(ask: Effect.Effect<A, E, R>) =>
        Effect.map(Effect.flip(Effect.uninterruptible(ask)), ({ message }) => message)
      const messages = yield* Effect.all([
        refused(Effect.provide(RunIndex.list, context)),
        refused(acquire(runA)),
        refused(abandoned("http://fake.test")),
        refused(Effect.provide(EventLog.rows(runA), context))
      ], { concurrency: "unbounded" })
      for (const message of messages) assert.match(message, /does not answer in time$/)
      yield* unlock
    }))

  it.scopedLive("a database is opened whose tables another process is changing, when that is done", () =>
    Effect.gen(function*() {
      const url = yield* TestPostgres.database("telemachy_changing")
      yield* Effect.scoped(Database.openPostgres(url))
      const unlock = yield* lock(url, "telemachy_migrations")
      const opening = yield* Effect.fork(Database.openPostgres(url, limits))
      yield* Effect.sleep(Duration.times(limits.statement, 2))
      assert.isNull(opening.unsafePoll())
      yield* unlock
      const { sql } = yield* Fiber.join(opening)
      assert.lengthOf(yield* sql`SELECT run FROM telemachy_runs`, 0)
    }))

  it.scopedLive("following a run goes on after its connection was killed, cut or silent", () =>
    Effect.gen(function*() {
      const { direct, proxy, url } = yield* proxied("telemachy_follow")
      const store = Layer.build(SqlRunStore.layerPostgres(url))
      const { follow } = Context.get(yield* store, RunStore)
      const writer = Context.get(yield* process(yield* Database.openPostgres(direct), 1), RunJournal)
      const { append } = yield* writer.begin(identity())
      yield* append([started()])
      const following = yield* Effect.fork(Stream.runCollect(follow(runA)))
      const breaks = [kill("telemachy_follow"), proxy.cut, proxy.freeze(false)]
      for (const [index, breakAll] of breaks.entries()) {
        yield* Effect.sleep("400 millis")
        yield* breakAll
        yield* Effect.eventually(append([numbered(index)]))
      }
      yield* append([{ ...numbered(9), _tag: "run.finished", outcome: "failed", left: 0, kept: 0 }])
      const heard = numbers(Chunk.toReadonlyArray(yield* Fiber.join(following)))
      assert.deepStrictEqual(heard, ["run.started", "0", "1", "2", "run.finished"])
    }))

  it.scopedLive("many runs of one process write to a server that is far away", () =>
    Effect.gen(function*() {
      const { direct, proxy, url } = yield* proxied("telemachy_far", "20 millis")
      const context = yield* process(yield* Database.openPostgres(url), 1)
      const { begin } = Context.get(context, RunJournal)
      const runs = Arr.makeBy(50, (index) => RunId.make(index.toString(16).padStart(16, "0")))
      const write = (run: RunId) =>
        Effect.scoped(Effect.flatMap(begin(identity(run)), ({ append }) =>
          Effect.forEach(Arr.makeBy(6, (number) => (number === 0 ? started(run) : numbered(number, run))), (event) => append([event]))))
      yield* Effect.forEach(runs, write, { concurrency: "unbounded", discard: true })
      // Two to write, one to read, and those that cancel what took too long.
      assert.isAtMost(proxy.connections(), 10)
      const { sql } = yield* Database.openPostgres(direct)
      assert.deepStrictEqual(yield* sql`SELECT count(*)::int AS count FROM telemachy_events`, [{ count: 50 * 6 }])
    }))
})
