/**
 * The tables of schedules: a row for each, and one for each workflow that has some, with what its runs are told to do.
 *
 * The statements that create them are those of a migration. To change one takes another migration.
 */
import type * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"

type Sql = SqlClient.SqlClient

/** Creates the tables. */
export const create = (sql: Sql) => {
  const text = sql.literal(sql.onDialectOrElse({ pg: () => `text COLLATE "C"`, orElse: () => "text" }))
  const time = sql.literal(sql.onDialectOrElse({ pg: () => "double precision", orElse: () => "real" }))
  return Effect.all([
    sql`CREATE TABLE telemachy_scheduled (
      workflow ${text} PRIMARY KEY,
      digest text NOT NULL,
      json text NOT NULL
    )`,
    sql`CREATE TABLE telemachy_schedules (
      id ${text} PRIMARY KEY,
      workflow ${text} NOT NULL,
      position integer NOT NULL,
      definition text NOT NULL,
      state text NOT NULL,
      run ${text},
      look_at ${time},
      version integer NOT NULL
    )`,
    sql`CREATE INDEX telemachy_schedules_of ON telemachy_schedules (workflow, position, id)`,
    sql`CREATE INDEX telemachy_schedules_due ON telemachy_schedules (look_at) WHERE look_at IS NOT NULL`
  ], { discard: true })
}

/** A schedule as it is written. Its state and its definition are JSON. */
export interface Row {
  readonly id: string
  readonly workflow: string
  readonly position: number
  readonly definition: string
  readonly state: string
  /** Its last run. */
  readonly run: string | null
  /** When it is to be looked at, in seconds since the beginning of 1970. */
  readonly look_at: number | null
  readonly version: number
}

/** Adds a schedule. */
export const add = (sql: Sql, row: Row) => sql`INSERT INTO telemachy_schedules ${sql.insert({ ...row })}`

/** Changes what a workflow says of a schedule, and its place. */
export const redefine = (sql: Sql, { definition, id, position }: Pick<Row, "id" | "definition" | "position">) =>
  sql`UPDATE telemachy_schedules SET definition = ${definition}, position = ${position}, version = version + 1 WHERE id = ${id}`

/** Changes how a schedule stands, unless somebody has since. Answers whether it did. */
export const update = (sql: Sql, { id, look_at, run, state, version }: Pick<Row, "id" | "look_at" | "run" | "state" | "version">) =>
  Effect.map(
    sql`UPDATE telemachy_schedules SET state = ${state}, run = ${run}, look_at = ${look_at}, version = version + 1
      WHERE id = ${id} AND version = ${version} RETURNING id`,
    ({ length }) => length > 0
  )

/** Removes schedules, and the workflows that have none left. */
export const remove = (sql: Sql, ids: ReadonlyArray<string>) =>
  ids.length === 0 ? Effect.void : Effect.zipRight(
    sql`DELETE FROM telemachy_schedules WHERE ${sql.in("id", ids)}`,
    sql`DELETE FROM telemachy_scheduled WHERE workflow NOT IN (SELECT s.workflow FROM telemachy_schedules AS s)`
  )

/** Writes down what the runs of a workflow are told to do. */
export const writeWorkflow = (sql: Sql, row: { readonly workflow: string; readonly digest: string; readonly json: string }) =>
  sql`INSERT INTO telemachy_scheduled ${sql.insert(row)}
    ON CONFLICT (workflow) DO UPDATE SET digest = excluded.digest, json = excluded.json`

/** Keeps others from changing schedules until the end of the transaction. A file has one writer anyway. */
export const lock = (sql: Sql) =>
  sql.onDialectOrElse({
    pg: () => Effect.asVoid(sql`LOCK TABLE telemachy_scheduled IN SHARE ROW EXCLUSIVE MODE`),
    orElse: () => Effect.void
  })
