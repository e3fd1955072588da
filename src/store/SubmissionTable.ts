/**
 * The table of runs that were submitted: what stands for each, so that it is
 * submitted once, and its place among those that wait. A row stays until its run
 * is forgotten; whether the run is still queued, the table of runs says.
 */
import type * as SqlClient from "@effect/sql/SqlClient"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { now, nowText } from "./DatabaseTime.ts"
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

/** Adds the group of each run, its workflow, and when it was given its turn, which an earlier version did not know. */
export const addTurns = (sql: Sql) => {
  const text = sql.onDialectOrElse({ pg: () => `text COLLATE "C"`, orElse: () => "text" })
  const time = sql.onDialectOrElse({ pg: () => "double precision", orElse: () => "real" })
  return Effect.forEach([
    `ALTER TABLE telemachy_submissions ADD COLUMN workflow ${text}`,
    `ALTER TABLE telemachy_submissions ADD COLUMN turn ${time}`,
    `ALTER TABLE telemachy_submissions ADD COLUMN name ${text}`,
    "ALTER TABLE telemachy_submissions ADD COLUMN places integer",
    "ALTER TABLE telemachy_submissions ADD COLUMN when_full text",
    `UPDATE telemachy_submissions SET workflow =
      (SELECT r.workflow FROM telemachy_runs AS r WHERE r.run = telemachy_submissions.run)`,
    "CREATE INDEX telemachy_turns ON telemachy_submissions (workflow, turn)"
  ], (statement) => sql.unsafe(statement), { discard: true })
}

/** A run that was submitted. */
export interface Submission {
  readonly run: string
  readonly workflow: string
  /** The name of its group, how many places that has, and what it does when these are taken. */
  readonly name: string | null
  readonly places: number | null
  readonly when_full: string | null
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

/** Notes a run that is to go on. One that is there keeps its place and its key, and counts defects anew. */
export const readmit = (sql: Sql, submission: Omit<Submission, "key">) =>
  sql`INSERT INTO telemachy_submissions ${sql.insert({ ...submission, key: null, attempt: 1 })}
    ON CONFLICT (run) DO UPDATE SET defects = 0, claimed_until = 0`

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
  /** The name of its group, if it waits until there is a place in that. */
  readonly held_back_by: string | null
}

const isOpen = "r.attention > 0 AND r.state IN ('queued', 'begun')"

/** When a run of the workflow of a submission was given its turn last. */
const lastTurn = "coalesce((SELECT max(last.turn) FROM telemachy_submissions AS last WHERE last.workflow = s.workflow), 0)"

/**
 * Holds for a submission whose group has no place for it: that is full, or those are as many as there are places that hold one,
 * wait for one in the foreground, or were submitted and come before it.
 */
const isHeldBack = (sql: Sql) =>
  `s.when_full IN ('queue', 'cancel_running') AND s.places <= (
    SELECT count(*) FROM telemachy_places AS p WHERE p.name = s.name AND p.run <> s.run AND (p.until IS NULL OR p.until > ${nowText(sql)})
  ) + (
    SELECT count(*) FROM telemachy_submissions AS b JOIN telemachy_runs AS q ON q.run = b.run
    WHERE b.name = s.name AND q.attention > 0 AND q.state = 'queued'
      AND (b.priority > s.priority OR (b.priority = s.priority AND (b.at < s.at OR (b.at = s.at AND b.run < s.run))))
  )`

const selected = (sql: Sql) => `SELECT s.run AS run, s.priority AS priority, s.at AS at, r.state AS state, q.held_back_by AS held_back_by
  FROM telemachy_runs AS r JOIN telemachy_submissions AS s ON s.run = r.run
  LEFT JOIN (${queued(sql)}) AS q ON q.queued = s.run WHERE ${isOpen}`

/** Those that are under way and have lost their runner come first. */
const inOrder = "ORDER BY CASE WHEN r.state = 'queued' THEN 1 ELSE 0 END, q.place, s.priority DESC, s.at, s.run"

/** The runs that are queued, each with its place: workflows take turns, and those come last whose group has no place for them. */
export const queued = (sql: Sql): string =>
  `SELECT run AS queued, name AS held_back_by, row_number() OVER (ORDER BY is_held_back, priority DESC, round, last_turn, at, run) AS place
    FROM (
      SELECT s.run AS run, s.priority AS priority, s.at AS at, ${lastTurn} AS last_turn,
        row_number() OVER (PARTITION BY s.priority, s.workflow ORDER BY s.at, s.run) AS round,
        CASE WHEN ${isHeldBack(sql)} THEN 1 ELSE 0 END AS is_held_back, CASE WHEN ${isHeldBack(sql)} THEN s.name END AS name
      FROM telemachy_runs AS r JOIN telemachy_submissions AS s ON s.run = r.run
      WHERE r.attention > 0 AND r.state = 'queued'
    ) AS waiting`

/** Runs that were submitted and are not over, in the order in which they are to begin. */
export const open = (sql: Sql, limit: number) =>
  sql<OpenRow>`${sql.literal(selected(sql))} ${sql.literal(inOrder)} LIMIT ${sql.literal(String(limit))}`

/** One of them. */
export const openOne = (sql: Sql, run: string) => sql<OpenRow>`${sql.literal(selected(sql))} AND r.run = ${run}`

/** A run that is queued, and that its group holds back. */
export interface HeldBackRow extends Pick<Submission, "run" | "workflow" | "at"> {
  readonly name: string
  readonly places: number
  readonly when_full: string
}

/** The first runs that are held back, of each group one. */
export const heldBack = (sql: Sql, most: number) =>
  sql<HeldBackRow>`SELECT s.run AS run, s.workflow AS workflow, s.at AS at, s.name AS name, s.places AS places, s.when_full AS when_full
    FROM telemachy_submissions AS s JOIN (
      SELECT q.held_back_by AS name, min(q.place) AS place FROM (${sql.literal(queued(sql))}) AS q WHERE q.held_back_by IS NOT NULL GROUP BY q.held_back_by
    ) AS first ON first.name = s.name JOIN (${sql.literal(queued(sql))}) AS q ON q.queued = s.run AND q.place = first.place
    ORDER BY first.place LIMIT ${sql.literal(String(most))}`

/** Which of them are looked for to be driven. */
export interface Unclaimed {
  readonly most: number
  readonly except: Iterable<string>
  /** Whether the owner of a run is seen to be dead, so that its lease says nothing. */
  readonly isOwnerSeen: boolean
}

/** The first of them that nobody drives or has claimed, and that no group holds back. PostgreSQL leaves out those that another is claiming, until the end of the transaction. */
export const unclaimed = (sql: Sql, { except, isOwnerSeen, most }: Unclaimed, isClaiming: boolean) =>
  sql<OpenRow>`${sql.literal(selected(sql))} AND q.held_back_by IS NULL AND s.claimed_until <= ${now(sql)} AND NOT ${isAmong(sql, "s.run", except)}
    ${isOwnerSeen ? sql`` : sql`AND NOT EXISTS (
      SELECT 1 FROM telemachy_owners AS o WHERE o.run = s.run AND o.token <> '' AND o.expires > ${now(sql)}
    )`}
    ${sql.literal(inOrder)} LIMIT ${sql.literal(String(most))}
    ${isClaiming ? sql.onDialectOrElse({ pg: () => sql`FOR UPDATE OF s SKIP LOCKED`, orElse: () => sql`` }) : sql``}`

/** Notes that somebody has claimed runs, which gives each of them its turn: those of other workflows come before the next one of its own. */
export const claim = (sql: Sql, runs: Iterable<string>) =>
  sql`UPDATE telemachy_submissions SET claimed_until = ${now(sql)} + ${sql.literal(String(Duration.toSeconds(claimTime)))}, turn = ${now(sql)}
    WHERE ${isAmong(sql, "run", runs)}`

/** Has others claim a run at once. Its turn was its turn. */
export const giveBack = (sql: Sql, run: string) => sql`UPDATE telemachy_submissions SET claimed_until = 0 WHERE run = ${run}`

/** Counts one more defect of a run. Answers how many there are. */
export const addDefect = (sql: Sql, run: string) =>
  Effect.map(
    sql<{ readonly defects: number }>`UPDATE telemachy_submissions SET defects = defects + 1 WHERE run = ${run} RETURNING defects`,
    ([row]) => row?.defects ?? 0
  )

/** Finds those that are parked without reading all runs. */
export const indexParked = (sql: Sql) => sql`CREATE INDEX telemachy_parked ON telemachy_runs (run) WHERE outcome = 'waiting'`

/** Runs that were submitted and are parked, with how many answers each has been given, the oldest first. */
export const parked = (sql: Sql, limit: number) =>
  sql<{ readonly run: string; readonly answers: number }>`SELECT s.run AS run,
      (SELECT CAST(count(*) AS integer) FROM telemachy_answers AS a WHERE a.run = s.run) AS answers
    FROM telemachy_runs AS r JOIN telemachy_submissions AS s ON s.run = r.run
    WHERE r.outcome = 'waiting' AND r.state = 'over' ORDER BY s.at, s.run LIMIT ${sql.literal(String(limit))}`

/** Forgets a submission. Its key is free again. */
export const forget = (sql: Sql, run: string) => sql`DELETE FROM telemachy_submissions WHERE run = ${run}`

/** Holds for the rows of a table whose runs were submitted. */
export const isSubmitted = (table: string): string =>
  `EXISTS (SELECT 1 FROM telemachy_submissions AS own WHERE own.run = ${table}.run)`
