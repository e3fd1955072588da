/** The tables of the journal, and how they came to be. */
import * as Migrator from "@effect/sql/Migrator"
import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as InputTable from "./InputTable.ts"
import * as NotificationTable from "./NotificationTable.ts"
import * as PlaceTable from "./PlaceTable.ts"
import * as ResourceIds from "./ResourceIds.ts"
import * as RunnerTable from "./RunnerTable.ts"
import * as RunTable from "./RunTable.ts"
import * as ScheduleTable from "./ScheduleTable.ts"
import * as SpendingTable from "./SpendingTable.ts"
import * as SubmissionTable from "./SubmissionTable.ts"

/** Marks a SQLite file as a journal of runs (`PRAGMA application_id`): the letters `tlmy`. */
export const applicationId = 0x746c6d79

const isPostgres = (sql: SqlClient.SqlClient) => sql.onDialectOrElse({ pg: () => true, orElse: () => false })

const milestones = "'run.started', 'run.resumed', 'run.decided', 'run.finished'"

/**
 * Holds for the end of a run that has left nothing. In the canonical form of an
 * event, a quotation mark that is part of a text has a backslash before it.
 */
const isDone = `tag = 'run.finished' AND payload LIKE '%"left":0,"outcome":%'`

const create = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  // Text is compared byte by byte, whatever the language of the database.
  const text = sql.literal(isPostgres(sql) ? `text COLLATE "C"` : "text")
  const time = sql.literal(isPostgres(sql) ? "double precision" : "real")
  yield* sql`CREATE TABLE telemachy_events (
    run ${text} NOT NULL,
    seq integer NOT NULL,
    at ${text} NOT NULL,
    tag ${text} NOT NULL,
    payload text,
    digest text NOT NULL,
    previous text NOT NULL,
    hash text NOT NULL,
    PRIMARY KEY (run, seq)
  )`
  yield* sql`CREATE INDEX telemachy_milestones ON telemachy_events (run, seq) WHERE tag IN (${sql.literal(milestones)})`
  yield* sql`CREATE INDEX telemachy_done ON telemachy_events (run) WHERE ${sql.literal(isDone)}`
  yield* sql`CREATE INDEX telemachy_resumed ON telemachy_events (run) WHERE tag = 'run.resumed'`
  yield* sql`CREATE INDEX telemachy_beginnings ON telemachy_events (at, run) WHERE seq = 0`
  yield* sql`CREATE TABLE telemachy_declarations (
    run ${text} NOT NULL,
    digest ${text} NOT NULL,
    json text NOT NULL,
    PRIMARY KEY (run, digest)
  )`
  yield* sql`CREATE TABLE telemachy_owners (
    run ${text} PRIMARY KEY,
    workflow text NOT NULL,
    url text NOT NULL,
    token text NOT NULL,
    host text NOT NULL,
    pid integer NOT NULL,
    started text NOT NULL,
    since ${text} NOT NULL,
    expires ${time} NOT NULL,
    cancelled_by text
  )`
  yield* sql.onDialectOrElse({
    sqlite: () => sql`PRAGMA application_id = ${sql.literal(String(applicationId))}`,
    orElse: () => Effect.void
  })
})

const fences = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  // The row of a run outlives its owners, so that the number of the next one is known; one without an owner has no token.
  yield* sql`ALTER TABLE telemachy_owners ADD COLUMN fence integer NOT NULL DEFAULT 0`
  yield* sql`CREATE INDEX telemachy_owned ON telemachy_owners (run) WHERE token <> ''`
})

const reservations = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  const text = sql.literal(isPostgres(sql) ? `text COLLATE "C"` : "text")
  yield* sql`CREATE TABLE telemachy_reservations (
    url ${text} NOT NULL,
    key ${text} NOT NULL,
    run ${text} NOT NULL,
    fence integer NOT NULL,
    purpose ${text} NOT NULL,
    PRIMARY KEY (url, key)
  )`
  yield* sql`CREATE INDEX telemachy_reserved ON telemachy_reservations (run)`
})

const runs = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  yield* RunTable.create(sql)
  // Whoever uses again what another has made is looked for when something is said to be kept.
  yield* sql`CREATE INDEX telemachy_reused ON telemachy_events (run) WHERE tag IN ('agent.reused', 'team.reused')`
})

const lookups = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  yield* ResourceIds.create(sql)
  yield* InputTable.mark(sql)
  // A process looks for its own, twice a second. The rows of runs that are over stay.
  yield* sql`DROP INDEX telemachy_owned`
  yield* sql`CREATE INDEX telemachy_owned ON telemachy_owners (token, run) WHERE token <> ''`
})

const answers = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  const text = sql.literal(isPostgres(sql) ? `text COLLATE "C"` : "text")
  yield* sql`CREATE TABLE telemachy_answers (
    run ${text} NOT NULL,
    team ${text} NOT NULL,
    subject ${text} NOT NULL,
    asked integer NOT NULL,
    json text NOT NULL,
    PRIMARY KEY (run, team, subject, asked)
  )`
})

const spending = Effect.flatMap(SqlClient.SqlClient, SpendingTable.create)

const submissions = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.all([SubmissionTable.create(sql), RunnerTable.create(sql), RunTable.keepAnew(sql)], { discard: true }))

const questions = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  sql`CREATE INDEX telemachy_questions ON telemachy_events (run, seq) WHERE tag IN ('gate.asked', 'gate.answered')`)

const claims = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.all([SubmissionTable.addClaims(sql), RunnerTable.addUnreachable(sql)], { discard: true }))
const places = Effect.flatMap(SqlClient.SqlClient, (sql) => Effect.zipRight(PlaceTable.create(sql), SubmissionTable.addTurns(sql)))
const schedules = Effect.flatMap(SqlClient.SqlClient, ScheduleTable.create)

const overdue = Effect.flatMap(SqlClient.SqlClient, RunnerTable.addOverdue)
const branches = Effect.flatMap(SqlClient.SqlClient, RunTable.countBranches)
const notifications = Effect.flatMap(SqlClient.SqlClient, NotificationTable.create)
const beginnings = Effect.flatMap(SqlClient.SqlClient, RunTable.keepBeginnings)
const parked = Effect.flatMap(SqlClient.SqlClient, SubmissionTable.indexParked)

/** The table that says which migrations were made. */
export const table = "telemachy_migrations"

/** Every migration, oldest first. */
export const all: Readonly<Record<string, Effect.Effect<void, SqlError, SqlClient.SqlClient>>> = {
  "0001_create": create,
  "0002_fences": fences,
  "0003_reservations": reservations,
  "0004_runs": runs,
  "0005_lookups": lookups,
  "0006_spending": spending,
  "0007_answers": answers,
  "0008_submissions": submissions,
  "0009_questions": questions,
  "0010_places": places,
  "0012_claims": claims,
  "0013_overdue": overdue,
  "0015_branches": branches,
  "0016_parked": parked,
  "0017_schedules": schedules,
  "0018_notifications": notifications,
  "0019_beginnings": beginnings
}

/** Their numbers. */
export const numbers: ReadonlyArray<number> = Object.keys(all).map((name) => Number.parseInt(name, 10))

/** The number of the newest migration that this program knows. */
export const latest = Math.max(...numbers)

/** Makes sure that one process at a time begins the tables: the number is that of no other lock of this program. */
export const firstTableLock = "7164620"

/**
 * The table of migrations, where it is missing. PostgreSQL refuses to make a table that another process is about to make with one
 * of several errors, that of a type that exists among them, even where it is told to make it only if it does not exist.
 */
const makeTable = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  sql.onDialectOrElse({
    pg: () =>
      sql.withTransaction(Effect.zipRight(
        sql`SELECT pg_advisory_xact_lock(${sql.literal(firstTableLock)})`,
        sql`CREATE TABLE IF NOT EXISTS ${sql(table)} (
          migration_id integer PRIMARY KEY,
          created_at timestamp with time zone NOT NULL DEFAULT now(),
          name text NOT NULL
        )`
      )),
    orElse: () => Effect.void
  }))

/** Makes the migrations that are missing. What it has to say is about itself. */
export const run = Effect.zipRight(makeTable, Migrator.make({})({ loader: Migrator.fromRecord(all), table })).pipe(
  Logger.withMinimumLogLevel(LogLevel.Warning)
)
