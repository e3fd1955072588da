import { assert, describe, it } from "@effect/vitest"
import * as Reactivity from "@effect/experimental/Reactivity"
import type * as SqlClient from "@effect/sql/SqlClient"
import { PgClient } from "@effect/sql-pg"
import * as Arr from "effect/Array"
import type * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { JournalError } from "../../src/run/JournalError.ts"
import type { RunEvent } from "../../src/run/RunEvent.ts"
import { RunId } from "../../src/run/RunId.ts"
import * as Database from "../../src/store/Database.ts"
import * as HashChain from "../../src/store/HashChain.ts"
import * as Migrations from "../../src/store/Migrations.ts"
import * as Reindex from "../../src/store/Reindex.ts"
import * as ResourceIndex from "../../src/store/ResourceIndex.ts"
import * as EarlierSchema from "../support/EarlierSchema.ts"
import * as TestPostgres from "../support/TestPostgres.ts"
import { newPath, numbered, openFile, runA, runB, started } from "../support/TestStore.ts"

type Opened = Context.Tag.Service<Database.Database>

/** How many processes open it, each with connections of its own. */
const processes = 6

const runs = 1000

const idOf = (index: number) => RunId.make(index.toString(16).padStart(16, "0"))

const agent = (run: RunId): RunEvent => ({ ...numbered(1, run), _tag: "agent.created", name: "one", key: "one", id: `agent ${run}` })

/** Writes runs, and what they and one that has not begun were told to do. */
const fill = (version: number) => Effect.fnUntraced(function*(sql: SqlClient.SqlClient) {
  const logs = Arr.makeBy(runs, (index) => [started(idOf(index)), agent(idOf(index))])
  const rows = yield* Effect.forEach(logs, (log) => HashChain.extend(HashChain.empty, log))
  yield* Effect.forEach(Arr.chunksOf(rows.flat(), 500), (part) => sql`INSERT INTO telemachy_events ${sql.insert(part)}`)
  const inputs = [idOf(1), idOf(2), runA].map((run) => ({ run, digest: "d", json: "{}", ...(version < 5 ? {} : { is_pending: run === runA ? 1 : 0 }) }))
  yield* sql`INSERT INTO telemachy_declarations ${sql.insert(inputs)}`
})

/** Opens a journal in several processes at the same moment, and checks that each finds it as it is to be, and once. */
const openTogether = (open: Effect.Effect<Opened, JournalError, Scope.Scope>) =>
  Effect.gen(function*() {
    const opened = yield* Effect.replicateEffect(open, processes, { concurrency: "unbounded" })
    for (const database of opened) {
      const { sql } = database
      const versions = yield* sql<{ readonly migration_id: number }>`SELECT migration_id FROM telemachy_migrations ORDER BY migration_id`
      assert.deepStrictEqual(versions.map(({ migration_id }) => migration_id), Migrations.numbers)
      const pending = yield* sql`SELECT run FROM telemachy_declarations WHERE is_pending = 1`
      assert.deepStrictEqual(pending, [{ run: runA }])
      const asked = [`agent ${idOf(7)}`, "none"]
      const found = yield* Effect.provideService(ResourceIndex.idsOfOthers(runB, asked), Database.Database, database)
      assert.deepStrictEqual([...found], asked.slice(0, 1))
      assert.deepStrictEqual(yield* Effect.provideService(Reindex.reindex, Database.Database, database), { runs, changed: 0 })
    }
  })

/** The versions that have written journals before this one. */
const earlier = Arr.range(1, Migrations.numbers.length - 1)

describe("a journal of an earlier version that several processes open at the same moment", () => {
  for (const version of earlier) {
    it.scopedLive(`has the tables of this one once, in a file of version ${version}`, () =>
      Effect.gen(function*() {
        const path = yield* newPath
        yield* EarlierSchema.file(path, version, fill(version))
        yield* openTogether(openFile(path))
      }))

    it.scopedLive.skipIf(TestPostgres.isMissing)(
      TestPostgres.named(`has the tables of this one once, in a PostgreSQL of version ${version}`),
      () =>
        Effect.gen(function*() {
          const url = yield* TestPostgres.database(`telemachy_migrations_${version}`)
          yield* EarlierSchema.postgres(url, version, fill(version))
          yield* openTogether(Database.openPostgres(url))
        })
    )
  }
})

describe.skipIf(TestPostgres.isMissing)(TestPostgres.named("an empty PostgreSQL in which another process begins the tables"), () => {
  it.scopedLive("is waited for, whatever of the first table is there already", () =>
    Effect.gen(function*() {
      const url = yield* TestPostgres.database("telemachy_migrations_first")
      const holder = yield* PgClient.make({ url, maxConnections: 1 })
      const other = yield* PgClient.make({ url, maxConnections: 1 })
      const [locked, made] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      yield* Effect.fork(holder.withTransaction(Effect.gen(function*() {
        yield* holder`SELECT pg_advisory_xact_lock(${holder.literal(Migrations.firstTableLock)})`
        yield* Deferred.succeed(locked, undefined)
        yield* Deferred.await(made)
      })))
      yield* Deferred.await(locked)
      // The type of a table is there for others a moment before the table is.
      yield* other`CREATE DOMAIN telemachy_migrations AS integer`
      const opened = yield* Effect.fork(Database.openPostgres(url))
      const waiting = other<{ readonly n: number }>`
        SELECT count(*)::int AS n FROM pg_locks JOIN pg_database ON pg_database.oid = database
        WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()`
      const waited = Effect.repeat(waiting, { until: ([row]) => row?.n === 1, schedule: Schedule.spaced("10 millis") })
      yield* Effect.raceFirst(waited, Fiber.join(opened))
      yield* other`DROP DOMAIN telemachy_migrations`
      yield* Deferred.succeed(made, undefined)
      const { sql } = yield* Fiber.join(opened)
      assert.deepStrictEqual(yield* sql`SELECT count(*)::int AS n FROM telemachy_migrations`, [{ n: Migrations.numbers.length }])
    }).pipe(Effect.provide(Reactivity.layer)))
})
