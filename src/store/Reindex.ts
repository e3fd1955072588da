/** Makes the tables of runs and of spending anew from the events, and the marks of the inputs that wait for theirs. */
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import { JournalError } from "../run/JournalError.ts"
import * as Database from "./Database.ts"
import * as InputTable from "./InputTable.ts"
import * as Paging from "./Paging.ts"
import type { Reindexed } from "./RunStore.ts"
import * as RunTable from "./RunTable.ts"
import * as SpendingTable from "./SpendingTable.ts"

/** Of how many events the runs are made anew in one transaction, for which others that write wait. */
const perTransaction = 1500

/** An id as a part of a statement that is text, whatever is in its place in a damaged file. */
const literal = (sql: Database.Sql, run: unknown): string => {
  const hex = Buffer.from(Paging.bytesOf(run)).toString("hex")
  return sql.onDialectOrElse({ pg: () => `convert_from('\\x${hex}'::bytea, 'UTF8')`, orElse: () => `CAST(x'${hex}' AS text)` })
}

/** The last of some runs that come after another one; nothing when there are no events of any. */
const lastAfter = (isNext: string) =>
  Effect.map(
    // Of as many rows as there are in their index, and not of as many runs: without statistics, PostgreSQL reads all for those.
    Database.readTexts((sql) =>
      sql`SELECT ${sql.literal(Database.text(sql, "max(part.run)", "last"))} FROM (
        SELECT run FROM telemachy_events WHERE ${sql.literal(RunTable.isMilestone)} AND ${sql.literal(isNext)}
        ORDER BY run, seq LIMIT ${sql.literal(String(perTransaction))}) AS part`),
    ([row]) => row?.["last"] ?? undefined
  )

/** How many rows of the runs of a condition are not what their events say, or are missing, and how many inputs are marked wrongly. */
const countWrong = (sql: Database.Sql, condition: string) =>
  Effect.map(
    sql<{ readonly count: number | string }>`SELECT (SELECT count(*) FROM (
        ${sql.literal(RunTable.derived(sql, condition))}
        EXCEPT SELECT ${sql.literal(RunTable.columns.join(", "))} FROM telemachy_runs WHERE ${sql.literal(condition)}
      ) AS wrong) + (SELECT count(*) FROM telemachy_runs WHERE ${sql.literal(RunTable.isVoid(condition))})
        + (SELECT count(*) FROM telemachy_declarations WHERE ${sql.literal(InputTable.isWrong(condition))}) AS count`,
    ([row]) => Number(row?.count ?? 0)
  )

const numberOf = (sql: Database.Sql, condition: string) =>
  Effect.map(
    sql<{ readonly count: number | string }>`SELECT count(*) AS count FROM telemachy_runs WHERE ${sql.literal(condition)}`,
    ([row]) => Number(row?.count ?? 0)
  )

/** Makes the rows of the runs of a condition anew. */
const remake = (condition: string) =>
  Database.transact<Reindexed, never, never>((sql): Effect.Effect<Reindexed, SqlError> =>
    Effect.gen(function*() {
      // Whoever has changed the events of a run has committed that by then, and whoever is about to waits.
      yield* sql.onDialectOrElse({
        pg: () => sql`LOCK TABLE telemachy_runs IN SHARE ROW EXCLUSIVE MODE`,
        orElse: () => Effect.void
      })
      const run = Effect.forEach((statement: string) => sql.unsafe(statement), { discard: true })
      yield* run(RunTable.uncompiled(sql))
      const changed = yield* countWrong(sql, condition)
      if (changed > 0) yield* run([...RunTable.remake(sql, condition), InputTable.remake(condition)])
      return { runs: yield* numberOf(sql, condition), changed }
    }))

/**
 * Makes the spending of the runs of a condition anew. It waits for those who are changing it, who do not wait for anything
 * that this has: so it is a transaction of its own.
 */
const remakeSpending = (condition: string) =>
  Database.transact<number, never, never>((sql): Effect.Effect<number, SqlError> =>
    Effect.gen(function*() {
      yield* sql.onDialectOrElse({
        pg: () => sql`LOCK TABLE telemachy_spending IN SHARE ROW EXCLUSIVE MODE`,
        orElse: () => Effect.void
      })
      const run = Effect.forEach((statement: string) => sql.unsafe(statement), { discard: true })
      yield* run(RunTable.uncompiled(sql))
      const [row] = yield* sql.unsafe<{ readonly count: number | string }>(SpendingTable.countWrong(sql, condition))
      const changed = Number(row?.count ?? 0)
      if (changed > 0) yield* run(SpendingTable.remake(sql, condition))
      return changed
    }))

/** Makes the rows of the table of runs what their events say, some runs at a time. Others can use the database meanwhile. */
export const reindex = Effect.gen(function*() {
  const { reading, where } = yield* Database.Database
  let [isNext, runs, changed] = ["true", 0, 0]
  let before: Uint8Array = new Uint8Array()
  for (;;) {
    const last = yield* lastAfter(isNext)
    const reached = Paging.bytesOf(last ?? "")
    // In a damaged file they can come in any order, and so again and again.
    if (last !== undefined && runs > 0 && Buffer.compare(reached, before) <= 0) {
      return yield* new JournalError({ action: "read", where, detail: "it is damaged: its rows are not in their order" })
    }
    // What is behind the last run of which there are events, belongs to none.
    const these = last === undefined ? isNext : `${isNext} AND run <= ${literal(reading, last)}`
    const part = yield* remake(these)
    runs += part.runs
    changed += part.changed + (yield* remakeSpending(these))
    if (last === undefined) return { runs, changed }
    before = reached
    isNext = `run > ${literal(reading, last)}`
    yield* Effect.sleep(0)
  }
})
