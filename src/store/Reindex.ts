/** Makes the table of runs anew from the events. */
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Database from "./Database.ts"
import * as Paging from "./Paging.ts"
import type { Reindexed } from "./RunStore.ts"
import * as RunTable from "./RunTable.ts"

/** How many runs are made anew in one transaction, for which others that write wait. */
const perTransaction = 500

/** An id as a part of a statement that is text, whatever is in its place in a damaged file. */
const literal = (sql: Database.Sql, run: unknown): string => {
  const hex = Buffer.from(Paging.bytesOf(run)).toString("hex")
  return sql.onDialectOrElse({ pg: () => `convert_from('\\x${hex}'::bytea, 'UTF8')`, orElse: () => `CAST(x'${hex}' AS text)` })
}

/** Some runs that are next to each other in the order of their ids. */
interface Part {
  /** Holds for them, and for no others. */
  readonly condition: string
  readonly last: unknown
  readonly runs: number
}

/** The runs after another one of which there are events or a row of the table. */
const partAfter = (after: Paging.Key | undefined) =>
  Effect.gen(function*() {
    const { reading } = yield* Database.Database
    const isNext = after === undefined ? "true" : `run > ${literal(reading, after[0])}`
    const runsIn = (table: string, condition: string) =>
      `SELECT run FROM (SELECT run FROM ${table} WHERE ${condition} AND ${isNext} GROUP BY run ORDER BY run LIMIT ${perTransaction}) AS ${table}`
    const [row] = yield* Database.readTexts((sql) =>
      sql`SELECT ${sql.literal(Database.text(sql, "max(part.run)", "last"))}, count(*) AS runs FROM (
        SELECT run FROM (${sql.literal(runsIn("telemachy_events", RunTable.isMilestone))} UNION ${sql.literal(runsIn("telemachy_runs", "true"))}) AS every
        ORDER BY run LIMIT ${sql.literal(String(perTransaction))}) AS part`)
    const { last, runs } = row ?? {}
    if (last === undefined || last === null) return []
    return [{ condition: `${isNext} AND run <= ${literal(reading, last)}`, last, runs: Number(runs) } satisfies Part]
  })

/** How many rows of the runs of a condition are not what their events say, or are missing. */
const countWrong = (sql: Database.Sql, condition: string) =>
  Effect.map(
    sql<{ readonly count: number | string }>`SELECT (SELECT count(*) FROM (
        ${sql.literal(RunTable.derived(sql, condition))}
        EXCEPT SELECT ${sql.literal(RunTable.columns.join(", "))} FROM telemachy_runs WHERE ${sql.literal(condition)}
      ) AS wrong) + (SELECT count(*) FROM telemachy_runs WHERE ${sql.literal(RunTable.isVoid(condition))}) AS count`,
    ([row]) => Number(row?.count ?? 0)
  )

const remake = ({ condition }: Part) =>
  Database.transact<number, never, never>((sql): Effect.Effect<number, SqlError> =>
    Effect.gen(function*() {
      // Whoever has changed the events of a run has committed that by then, and whoever is about to waits.
      yield* sql.onDialectOrElse({
        pg: () => sql`LOCK TABLE telemachy_runs IN SHARE ROW EXCLUSIVE MODE`,
        orElse: () => Effect.void
      })
      const wrong = yield* countWrong(sql, condition)
      if (wrong > 0) yield* Effect.forEach(RunTable.remake(sql, condition), (statement) => sql.unsafe(statement), { discard: true })
      return wrong
    }))

/** Makes the rows of the table of runs what their events say, some runs at a time. Others can use the database meanwhile. */
export const reindex = Paging.pages({
  size: 1,
  keyOf: ({ last }: Part) => [last],
  descends: [false],
  read: partAfter
}).pipe(
  Stream.flattenIterables,
  Stream.runFoldEffect({ runs: 0, changed: 0 }, ({ changed, runs }: Reindexed, part) =>
    Effect.map(remake(part), (wrong): Reindexed => ({ runs: runs + part.runs, changed: changed + wrong })))
)
