/** Says how a database is going to carry out what it is asked, so that a test sees whether it reads whole tables. */
import * as Effect from "effect/Effect"
import * as BusyRetry from "../../src/store/BusyRetry.ts"
import type * as Database from "../../src/store/Database.ts"

interface Statement {
  readonly compile: () => readonly [text: string, parameters: ReadonlyArray<unknown>]
}

const isStatement = (value: object): value is Statement => "compile" in value

/** The lines of a plan: a node of it each, and in PostgreSQL what belongs to the node below it. */
const linesOf = (rows: ReadonlyArray<object>): ReadonlyArray<string> =>
  rows.map((row) => ("detail" in row ? String(row.detail) : Object.values(row).map(String).join(" ")))

/** Whether a node of a plan of SQLite reads a table, or an index, from its beginning to its end. */
const isFileScan = (line: string): boolean => /^SCAN (?!given|json_each|.*VIRTUAL TABLE)/.test(line)

/** The same in PostgreSQL, where a node that looks something up says by what. */
const isPostgresScan = (line: string, next = ""): boolean =>
  / on telemachy_/.test(line) && (/Seq Scan/.test(line) || (/Scan using/.test(line) && !/Cond:/.test(next)))

/**
 * Asks for the plan of each statement before it is carried out. Answers those that read a whole table, with their plans.
 * The plans are asked for over a connection of their own: libsql leaves a change that it explains open, and what follows
 * on the same connection is not committed.
 */
export const explained = (opened: typeof Database.Database.Service, planning: typeof Database.Database.Service) => {
  const scans: Array<string> = []
  const isFile = opened.sql.onDialectOrElse({ sqlite: () => true, orElse: () => false })
  const explain = (statement: Statement) => {
    const [text, parameters] = statement.compile()
    const plan = BusyRetry.retryWhileContended(planning.sql.unsafe(`EXPLAIN ${isFile ? "QUERY PLAN " : ""}${text}`, parameters))
    return Effect.map(plan, (rows) => {
      const lines = linesOf(rows)
      if (lines.some((line, position) => (isFile ? isFileScan(line) : isPostgresScan(line, lines[position + 1])))) {
        scans.push([text, ...lines].join("\n"))
      }
    })
  }
  const sql = new Proxy(opened.sql, {
    apply: (target, _, [texts, ...values]) => {
      const statement = target(texts, ...values)
      // Parts of statements are not asked by themselves.
      const isWhole = /^\s*(SELECT|INSERT|UPDATE|DELETE)/.test(String(texts))
      return isWhole && Effect.isEffect(statement) && isStatement(statement) ? Effect.zipRight(explain(statement), statement) : statement
    }
  })
  return { database: { ...opened, sql, reading: sql }, scans }
}
