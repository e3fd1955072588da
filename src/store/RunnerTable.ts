/** The table of runners. Times in it are by the clock of the database, which all hosts share, but for the one at which each began. */
import type * as SqlClient from "@effect/sql/SqlClient"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { RunnerLoad } from "../run/RunnerRegistry.ts"
import { now } from "./DatabaseTime.ts"

type Sql = SqlClient.SqlClient

/** The time between two signs of life of a runner, and after which it counts as dead without one. */
export const beatInterval = Duration.seconds(2)
const lifeTime = Duration.seconds(6)

/** Creates the table. */
export const create = (sql: Sql) => {
  const text = sql.literal(sql.onDialectOrElse({ pg: () => `text COLLATE "C"`, orElse: () => "text" }))
  const time = sql.literal(sql.onDialectOrElse({ pg: () => "double precision", orElse: () => "real" }))
  return sql`CREATE TABLE telemachy_runners (
    id ${text} PRIMARY KEY,
    host text NOT NULL,
    pid integer NOT NULL,
    started text NOT NULL,
    agamemnon text NOT NULL,
    since text NOT NULL,
    seen ${time} NOT NULL,
    max_runs integer NOT NULL,
    running integer NOT NULL,
    waiting integer NOT NULL,
    draining integer NOT NULL
  )`
}

/** Has each runner say whether Agamemnon answers it. */
export const addUnreachable = (sql: Sql) => sql`ALTER TABLE telemachy_runners ADD COLUMN unreachable integer NOT NULL DEFAULT 0`

/** Has each runner say how many messages of the cluster are overdue. */
export const addOverdue = (sql: Sql) => sql`ALTER TABLE telemachy_runners ADD COLUMN overdue integer NOT NULL DEFAULT 0`

/** A runner that has given a sign of life lately. */
export interface Row {
  readonly id: string
  readonly host: string
  readonly pid: number
  readonly started: string
  readonly agamemnon: string
  readonly since: string
  readonly max_runs: number
  readonly running: number
  readonly draining: number
  readonly unreachable: number
  readonly overdue: number
}

const oldest = (sql: Sql) => sql`${now(sql)} - ${sql.literal(String(Duration.toSeconds(lifeTime)))}`

/** Those that have given a sign of life lately. */
export const seen = (sql: Sql) =>
  sql<Row>`SELECT id, host, pid, started, agamemnon, since, max_runs, running, draining, unreachable, overdue FROM telemachy_runners
    WHERE seen > ${oldest(sql)} ORDER BY since, id`

/** Adds a runner, and removes those that died long ago. */
export const add = (sql: Sql, row: Row) =>
  Effect.zipRight(
    sql`DELETE FROM telemachy_runners WHERE seen < ${now(sql)} - 3600`,
    sql`INSERT INTO telemachy_runners (id, host, pid, started, agamemnon, since, max_runs, running, waiting, draining, seen)
      VALUES (${row.id}, ${row.host}, ${row.pid}, ${row.started}, ${row.agamemnon}, ${row.since}, ${row.max_runs}, ${row.running},
        0, ${row.draining}, ${now(sql)})`
  )

/** Keeps runners from being added by others until the end of the transaction. A file has one writer anyway. */
export const lock = (sql: Sql) =>
  sql.onDialectOrElse({
    pg: () => Effect.asVoid(sql`LOCK TABLE telemachy_runners IN SHARE ROW EXCLUSIVE MODE`),
    orElse: () => Effect.void
  })

/** Notes that a runner lives, and what it has to do. */
export const note = (sql: Sql, id: string, { draining, overdueMessages, reachable, running }: RunnerLoad) =>
  sql`UPDATE telemachy_runners SET seen = ${now(sql)}, running = ${running}, draining = ${draining ? 1 : 0},
    unreachable = ${reachable ? 0 : 1}, overdue = ${overdueMessages} WHERE id = ${id}`

/** Removes a runner. */
export const remove = (sql: Sql, id: string) => sql`DELETE FROM telemachy_runners WHERE id = ${id}`
