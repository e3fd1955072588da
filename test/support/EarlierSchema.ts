/** Journals whose tables are those of an earlier version. */
import * as Reactivity from "@effect/experimental/Reactivity"
import * as LibsqlClient from "@effect/sql-libsql/LibsqlClient"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Migrator from "@effect/sql/Migrator"
import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Migrations from "../../src/store/Migrations.ts"

type Sql = SqlClient.SqlClient

const migrateTo = (sql: Sql, version: number) =>
  Migrator.make({})({
    loader: Migrator.fromRecord(Object.fromEntries(Object.entries(Migrations.all).slice(0, version))),
    table: Migrations.table
  }).pipe(Effect.provideService(SqlClient.SqlClient, sql))

const make = <E, R>(sql: Sql, version: number, fill: (sql: Sql) => Effect.Effect<void, E, R>) =>
  Effect.zipRight(migrateTo(sql, version), fill(sql))

/** Makes a file a journal as a version has made it, and fills it. */
export const file = <E, R>(path: string, version: number, fill: (sql: Sql) => Effect.Effect<void, E, R>) =>
  Effect.flatMap(LibsqlClient.make({ url: `file:${path}` }), (sql) =>
    Effect.zipRight(sql`PRAGMA journal_mode = WAL`, make(sql, version, fill))).pipe(Effect.scoped, Effect.provide(Reactivity.layer))

/** Makes a database of PostgreSQL a journal as a version has made it, and fills it. */
export const postgres = <E, R>(url: Redacted.Redacted, version: number, fill: (sql: Sql) => Effect.Effect<void, E, R>) =>
  Effect.flatMap(PgClient.make({ url, maxConnections: 1 }), (sql) => make(sql, version, fill)).pipe(
    Effect.scoped,
    Effect.provide(Reactivity.layer)
  )
