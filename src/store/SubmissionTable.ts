/**
 * The table of runs that were submitted: what stands for each, so that it is
 * submitted once, and its place among those that wait. A row stays until its run
 * is forgotten; whether the run is still queued, the table of runs says.
 */
import type * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"

type Sql = SqlClient.SqlClient

/** Creates the table. */
export const create = (sql: Sql) => {
  const text = sql.literal(sql.onDialectOrElse({ pg: () => `text COLLATE "C"`, orElse: () => "text" }))
  return sql`CREATE TABLE telemachy_submissions (
    run ${text} PRIMARY KEY,
    key ${text} UNIQUE,
    digest text NOT NULL,
    priority integer NOT NULL,
    at ${text} NOT NULL,
    attempt integer NOT NULL
  )`
}

/** A run that was submitted. */
export interface Submission {
  readonly run: string
  readonly key: string | null
  /** Of what it is told to do, wherever that is from. */
  readonly digest: string
  readonly priority: number
  readonly at: string
}

/** Notes a submission, unless it is there or its key stands for another. Answers whether it did. One statement decides that. */
export const add = (sql: Sql, submission: Submission) =>
  Effect.map(
    sql`INSERT INTO telemachy_submissions ${sql.insert({ ...submission, attempt: 1 })} ON CONFLICT DO NOTHING RETURNING run`,
    ({ length }) => length > 0
  )

/** A submission that is there, or that which a key stands for. */
export const find = (sql: Sql, { key, run }: Pick<Submission, "key" | "run">) =>
  Effect.map(
    sql<{ readonly run: string; readonly digest: string; readonly attempt: number }>`SELECT run, digest, attempt FROM telemachy_submissions WHERE run = ${run} OR key = ${key}`,
    ([row]) => row
  )

/** A run that was submitted and is not over. */
export interface OpenRow {
  readonly run: string
  readonly attempt: number
  readonly priority: number
  readonly at: string
  readonly state: string
}

const isOpen = "r.attention > 0 AND r.state IN ('queued', 'begun')"

const selected = `SELECT s.run AS run, s.attempt AS attempt, s.priority AS priority, s.at AS at, r.state AS state
  FROM telemachy_runs AS r JOIN telemachy_submissions AS s ON s.run = r.run WHERE ${isOpen}`

/** Runs that were submitted and are not over, in the order in which they are to begin. */
export const open = (sql: Sql, limit: number) =>
  sql<OpenRow>`${sql.literal(selected)} ORDER BY s.priority DESC, s.at, s.run LIMIT ${sql.literal(String(limit))}`

/** One of them. */
export const openOne = (sql: Sql, run: string) => sql<OpenRow>`${sql.literal(selected)} AND r.run = ${run}`

/** Raises the number of times that a run was given to runners, if it still is this one. Answers whether it was. */
export const raise = (sql: Sql, run: string, attempt: number) =>
  Effect.map(
    sql`UPDATE telemachy_submissions SET attempt = ${attempt + 1} WHERE run = ${run} AND attempt = ${attempt} RETURNING run`,
    ({ length }) => length > 0
  )

/** Forgets a submission. Its key is free again. */
export const forget = (sql: Sql, run: string) => sql`DELETE FROM telemachy_submissions WHERE run = ${run}`

/** Holds for the rows of a table whose runs were submitted. */
export const isSubmitted = (table: string): string =>
  `EXISTS (SELECT 1 FROM telemachy_submissions AS own WHERE own.run = ${table}.run)`

/** The place of a run of the table of runs among those that are queued; nothing when it is not. */
export const place = (table: string): string =>
  `CASE WHEN ${table}.state = 'queued' THEN (
    SELECT 1 + count(*) FROM telemachy_submissions AS own, telemachy_runs AS queued JOIN telemachy_submissions AS s ON s.run = queued.run
    WHERE own.run = ${table}.run AND queued.attention > 0 AND queued.state = 'queued'
      AND (s.priority > own.priority OR (s.priority = own.priority AND (s.at < own.at OR (s.at = own.at AND s.run < own.run))))
  ) END`
