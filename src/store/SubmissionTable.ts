/**
 * The table of runs that were submitted: what stands for each, so that it is
 * submitted once, and its place among those that wait. A row stays until its run
 * is forgotten; whether the run is still queued, the table of runs says.
 */
import type * as SqlClient from "@effect/sql/SqlClient"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { now } from "./DatabaseTime.ts"
import { isAmong } from "./TextSet.ts"

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

/** For how long nobody else is given a run that somebody was given, who acquires its lease meanwhile. */
const claimTime = Duration.seconds(2)

/** Has runners claim runs, and count how often each has died of a defect. Nobody counts attempts any more. */
export const addClaims = (sql: Sql) => {
  const time = sql.literal(sql.onDialectOrElse({ pg: () => "double precision", orElse: () => "real" }))
  return Effect.zipRight(
    sql`ALTER TABLE telemachy_submissions ADD COLUMN claimed_until ${time} NOT NULL DEFAULT 0`,
    sql`ALTER TABLE telemachy_submissions ADD COLUMN defects integer NOT NULL DEFAULT 0`
  )
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
    sql<{ readonly run: string; readonly digest: string }>`SELECT run, digest FROM telemachy_submissions WHERE run = ${run} OR key = ${key}`,
    ([row]) => row
  )

/** A run that was submitted and is not over. */
export interface OpenRow {
  readonly run: string
  readonly priority: number
  readonly at: string
  readonly state: string
}

const isOpen = "r.attention > 0 AND r.state IN ('queued', 'begun')"

const selected = `SELECT s.run AS run, s.priority AS priority, s.at AS at, r.state AS state
  FROM telemachy_runs AS r JOIN telemachy_submissions AS s ON s.run = r.run WHERE ${isOpen}`

const inOrder = "ORDER BY s.priority DESC, s.at, s.run"

/** Runs that were submitted and are not over, in the order in which they are to begin. */
export const open = (sql: Sql, limit: number) =>
  sql<OpenRow>`${sql.literal(selected)} ${sql.literal(inOrder)} LIMIT ${sql.literal(String(limit))}`

/** One of them. */
export const openOne = (sql: Sql, run: string) => sql<OpenRow>`${sql.literal(selected)} AND r.run = ${run}`

/** Which of them are looked for to be driven. */
export interface Unclaimed {
  readonly most: number
  readonly except: Iterable<string>
  /** Whether the owner of a run is seen to be dead, so that its lease says nothing. */
  readonly isOwnerSeen: boolean
}

/** The first of them that nobody drives or has claimed. PostgreSQL leaves out those that another is claiming, until the end of the transaction. */
export const unclaimed = (sql: Sql, { except, isOwnerSeen, most }: Unclaimed, isClaiming: boolean) =>
  sql<OpenRow>`${sql.literal(selected)} AND s.claimed_until <= ${now(sql)} AND NOT ${isAmong(sql, "s.run", except)}
    ${isOwnerSeen ? sql`` : sql`AND NOT EXISTS (
      SELECT 1 FROM telemachy_owners AS o WHERE o.run = s.run AND o.token <> '' AND o.expires > ${now(sql)}
    )`}
    ${sql.literal(inOrder)} LIMIT ${sql.literal(String(most))}
    ${isClaiming ? sql.onDialectOrElse({ pg: () => sql`FOR UPDATE OF s SKIP LOCKED`, orElse: () => sql`` }) : sql``}`

/** Notes that somebody has claimed runs. */
export const claim = (sql: Sql, runs: Iterable<string>) =>
  sql`UPDATE telemachy_submissions SET claimed_until = ${now(sql)} + ${sql.literal(String(Duration.toSeconds(claimTime)))}
    WHERE ${isAmong(sql, "run", runs)}`

/** Counts one more defect of a run. Answers how many there are. */
export const addDefect = (sql: Sql, run: string) =>
  Effect.map(
    sql<{ readonly defects: number }>`UPDATE telemachy_submissions SET defects = defects + 1 WHERE run = ${run} RETURNING defects`,
    ([row]) => row?.defects ?? 0
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
