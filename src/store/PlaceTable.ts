/**
 * The table of the places that runs have in groups, and of those that wait for
 * one. A row without an end is a place that is held: for as long as the owner lives
 * that has taken it, and for as long as runners go on with its run, whoever drives
 * that. A run that waits counts until its row ends, and says again and again that
 * it does.
 *
 * The statements of {@link create} are those of a migration. To change one takes another migration.
 */
import type * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import { now } from "./DatabaseTime.ts"

type Sql = SqlClient.SqlClient

/** Creates the table. Times in it are in seconds, by the clock of the database. */
export const create = (sql: Sql) => {
  const text = sql.literal(sql.onDialectOrElse({ pg: () => `text COLLATE "C"`, orElse: () => "text" }))
  const time = sql.literal(sql.onDialectOrElse({ pg: () => "double precision", orElse: () => "real" }))
  return Effect.all([
    sql`CREATE TABLE telemachy_places (
      run ${text} PRIMARY KEY,
      name ${text} NOT NULL,
      places integer NOT NULL,
      fence integer NOT NULL,
      workflow text NOT NULL,
      asked ${time} NOT NULL,
      until ${time}
    )`,
    sql`CREATE INDEX telemachy_places_of ON telemachy_places (name)`
  ], { discard: true })
}

/** A place that a run has, or waits for. */
export interface Row {
  readonly run: string
  readonly fence: number
  readonly workflow: string
  /** When it came. */
  readonly asked: number
  /** 1 of one that holds a place, and 0 of one that waits. */
  readonly held: number
  /** 1 of one that runners go on with, whoever drives it, and else 0. */
  readonly lasts: number
}

/** Holds for a row whose run was submitted and is under way: runners go on with it. */
const lasts = `EXISTS (SELECT 1 FROM telemachy_runs AS r WHERE r.run = telemachy_places.run AND r.attention > 0 AND r.state = 'begun'
  AND EXISTS (SELECT 1 FROM telemachy_submissions AS s WHERE s.run = r.run))`

/** Those of a group that count, the oldest first. */
export const ofGroup = (sql: Sql, name: string) =>
  sql<Row>`SELECT run, fence, workflow, asked, CASE WHEN until IS NULL THEN 1 ELSE 0 END AS held,
      CASE WHEN ${sql.literal(lasts)} THEN 1 ELSE 0 END AS lasts
    FROM telemachy_places WHERE name = ${name} AND (until IS NULL OR until > ${now(sql)}) ORDER BY asked, run`

/** What a run has, or waits for. */
export interface Place extends Pick<Row, "run" | "fence" | "workflow"> {
  readonly name: string
  readonly places: number
  /** When it came, if that was before now. */
  readonly asked: number | undefined
  /** How long it waits, in seconds, unless it says so again; nothing of one that holds a place. */
  readonly wait: number | undefined
}

/** Writes what a run has, or waits for, in place of what it had. */
export const put = (sql: Sql, { asked, fence, name, places, run, wait, workflow }: Place) =>
  sql`INSERT INTO telemachy_places (run, name, places, fence, workflow, asked, until)
    VALUES (${run}, ${name}, ${places}, ${fence}, ${workflow}, ${asked === undefined ? now(sql) : sql`${asked}`},
      ${wait === undefined ? sql`NULL` : sql`${now(sql)} + ${sql.literal(String(wait))}`})
    ON CONFLICT (run) DO UPDATE SET name = excluded.name, places = excluded.places, fence = excluded.fence,
      workflow = excluded.workflow, asked = excluded.asked, until = excluded.until`

/** Removes the rows of runs that nobody drives any more, unless runners go on with them. */
export const removeDead = (sql: Sql, dead: ReadonlyArray<Pick<Row, "run" | "fence">>) =>
  Effect.forEach(dead, ({ fence, run }) =>
    sql`DELETE FROM telemachy_places WHERE run = ${run} AND fence = ${fence} AND NOT ${sql.literal(lasts)}`, { discard: true })

/** Removes the rows of those that wait no longer. */
export const removeExpired = (sql: Sql) => sql`DELETE FROM telemachy_places WHERE until <= ${now(sql)}`

/** Removes the row of a run: its place, unless runners go on with it, or its waiting for one. */
export const remove = (sql: Sql, { fence, run }: Pick<Row, "run" | "fence">) =>
  sql`DELETE FROM telemachy_places WHERE run = ${run} AND fence = ${fence} AND (until IS NOT NULL OR NOT ${sql.literal(lasts)})`

/** A run that waits for a place in the foreground of a process. */
export interface WaitingRow {
  readonly run: string
  readonly name: string
  readonly workflow: string
  readonly asked: number
  /** How many wait before it in its group, and one more; PostgreSQL tells it as text. */
  readonly place: number | string
}

/** Those that wait, the newest first. */
export const waiting = (sql: Sql) =>
  sql<WaitingRow>`SELECT run, name, workflow, asked, row_number() OVER (PARTITION BY name ORDER BY asked, run) AS place
    FROM telemachy_places WHERE until > ${now(sql)} ORDER BY asked DESC, run`

/** The runs that hold places, the oldest first. */
export const holders = (sql: Sql) =>
  sql<{ readonly run: string; readonly name: string }>`SELECT run, name FROM telemachy_places WHERE until IS NULL ORDER BY asked, run`

/** Lets nobody else decide about a group until the end of the transaction. A file has one writer anyway. */
export const lock = (sql: Sql, name: string) =>
  sql.onDialectOrElse({
    // A host that is cut off with the transaction open keeps the others waiting no longer than this.
    pg: () =>
      Effect.zipRight(
        sql`SET LOCAL idle_in_transaction_session_timeout = 10000`,
        Effect.asVoid(sql`SELECT pg_advisory_xact_lock(hashtextextended(${name}, 7308325))`)
      ),
    orElse: () => Effect.void
  })
