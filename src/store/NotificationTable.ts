/**
 * The table of what was told of runs: a row for each run and each destination.
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
    sql`CREATE TABLE telemachy_notifications (
      run ${text} NOT NULL,
      destination ${text} NOT NULL,
      settled integer NOT NULL,
      seen integer NOT NULL,
      is_open integer NOT NULL,
      holder text NOT NULL,
      held_until ${time} NOT NULL,
      PRIMARY KEY (run, destination)
    )`,
    sql`CREATE INDEX telemachy_notifying ON telemachy_notifications (run, destination) WHERE is_open = 1`
  ], { discard: true })
}

/** A run and a destination. */
export interface Key {
  readonly run: string
  readonly destination: string
}

/** How far a destination was told of a run. */
export interface Row extends Key {
  readonly settled: number
  readonly seen: number
}

/** Has a destination be told of a run. What it was told before stays so. */
export const open = (sql: Sql, { destination, run }: Key) =>
  sql`INSERT INTO telemachy_notifications ${sql.insert({ run, destination, settled: 0, seen: 0, is_open: 1, holder: "", held_until: 0 })}
    ON CONFLICT (run, destination) DO UPDATE SET is_open = 1`

/** Takes the right to tell, unless another has it. One statement decides. */
export const claim = (sql: Sql, { destination, run }: Key, holder: string, seconds: number) =>
  sql<Row>`UPDATE telemachy_notifications SET holder = ${holder}, held_until = ${now(sql)} + ${sql.literal(String(seconds))}
    WHERE run = ${run} AND destination = ${destination} AND (holder = ${holder} OR held_until <= ${now(sql)})
    RETURNING run, destination, settled, seen`

/** Writes down how far a destination was told, by whoever has the right to tell. */
export const settle = (
  sql: Sql,
  { destination, isOpen, run, seen, settled }: Row & { readonly isOpen: boolean },
  holder: string
) =>
  sql`UPDATE telemachy_notifications SET settled = ${settled}, seen = ${seen}, is_open = ${isOpen ? 1 : 0}
    WHERE run = ${run} AND destination = ${destination} AND holder = ${holder}`

/** Gives the right to tell back. */
export const release = (sql: Sql, { destination, run }: Key, holder: string) =>
  sql`UPDATE telemachy_notifications SET holder = '', held_until = 0
    WHERE run = ${run} AND destination = ${destination} AND holder = ${holder}`

// Each as an index has it.
const asked = `(SELECT count(*) FROM telemachy_events AS e WHERE e.run = n.run AND e.tag IN ('gate.asked', 'gate.answered') AND e.tag = 'gate.asked')`
const finished = `(SELECT count(*) FROM telemachy_events AS e WHERE e.run = n.run
  AND e.tag IN ('run.started', 'run.resumed', 'run.decided', 'run.finished') AND e.tag = 'run.finished')`

/** Some that nobody is telling, of whose runs more has happened than was looked at. */
export const pending = (sql: Sql, most: number) =>
  sql<Key>`SELECT run, destination FROM telemachy_notifications AS n
    WHERE is_open = 1 AND held_until <= ${now(sql)} AND ${sql.literal(asked)} + ${sql.literal(finished)} > seen
    ORDER BY run DESC, destination LIMIT ${sql.literal(String(most))}`

/** Removes what was told of a run that is forgotten. */
export const forget = (sql: Sql, run: string) => sql`DELETE FROM telemachy_notifications WHERE run = ${run}`
