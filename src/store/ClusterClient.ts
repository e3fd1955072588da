/**
 * The connections of the cluster of runners to the database of the journal, in
 * which its tables are beside those of the journal.
 */
import * as Reactivity from "@effect/experimental/Reactivity"
import * as SqlClient from "@effect/sql/SqlClient"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Race from "../liveness/Race.ts"
import { JournalError } from "../run/JournalError.ts"
import * as Database from "./Database.ts"

/** How many there are: one of them is for the locks of the cluster alone. */
const connections = 4

/** How long making the tables may take, and waiting for another process that makes them. */
const tablesTimeout = Duration.seconds(30)

/** Makes sure that one process at a time makes the tables: the number is that of no other lock of this program. */
const tablesLock = "7164621"

/** Whether an address is not that of a PostgreSQL, which many runners can share. */
export const isFile = (url: Redacted.Redacted): boolean => !/^postgres(ql)?:/.test(Redacted.value(url))

/** Layer of connections of its own to a PostgreSQL. */
export const layer = (url: Redacted.Redacted) =>
  Layer.scoped(
    SqlClient.SqlClient,
    Effect.gen(function*() {
      const { make } = yield* Effect.promise(() => import("./PostgresClient.ts"))
      const { connect, statement, wait } = Database.postgresLimits
      return yield* make({ url, connections, limits: { connect, wait, statement } })
    })
  ).pipe(Layer.provide(Reactivity.layer))

/** Keeps others from making tables until it is told that they are made. */
const holdLock = (where: string, locked: Deferred.Deferred<void>, made: Deferred.Deferred<void>) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    sql.withTransaction(Effect.gen(function*() {
      yield* sql`SET LOCAL lock_timeout = 25000`
      yield* sql`SELECT pg_advisory_xact_lock(${sql.literal(tablesLock)})`
      const [row] = yield* sql<{ readonly allowed: boolean; readonly schema: string | null }>`
        SELECT coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS allowed, current_schema() AS schema`
      if (row?.allowed !== true) {
        const detail = `the user may not create tables in the schema ${row?.schema ?? "(none)"}, which runners need`
        return yield* new JournalError({ action: "open", where, detail })
      }
      yield* Deferred.succeed(locked, undefined)
      yield* Deferred.await(made)
    })))

/** Makes tables, one process at a time, and says what is wrong when that is not possible. */
export const makeTables = <R>(where: string, make: Effect.Effect<void, never, R>) =>
  Effect.gen(function*() {
    const makeAll = Effect.provide(make, yield* Effect.context<R>())
    const [locked, made] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
    // A fiber of its own: whatever is done in that which has a transaction is a part of it.
    const holder = yield* Effect.forkScoped(Effect.interruptible(holdLock(where, locked, made)))
    yield* Race.first([Deferred.await(locked), Fiber.join(holder)])
    yield* Effect.ensuring(makeAll, Deferred.succeed(made, undefined))
    yield* Fiber.join(holder)
  }).pipe(
    Effect.scoped,
    Effect.timeoutFail({
      duration: tablesTimeout,
      onTimeout: () => new JournalError({ action: "open", where, detail: "the tables of the runners could not be made in time", isTransient: true })
    }),
    Effect.catchAllDefect((defect) => Effect.fail(Database.failed("open", where)(defect))),
    Effect.mapError((error) => (error instanceof JournalError ? error : Database.failed("open", where)(error)))
  )
