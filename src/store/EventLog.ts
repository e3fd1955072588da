/** The log of events: rows are added at the end of a run, and read. */
import type { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { JournalError } from "../run/JournalError.ts"
import * as RunEvent from "../run/RunEvent.ts"
import * as BusyRetry from "./BusyRetry.ts"
import * as Database from "./Database.ts"
import * as HashChain from "./HashChain.ts"

/** The events by which a run is known: its beginning, its outcome and its end. */
export const milestones = ["run.started", "run.resumed", "run.decided", "run.finished"] as const

/** How many rows one statement adds: a database takes so many values and no more. */
const perStatement = 500

const decodeRows = Schema.decodeUnknown(Schema.Array(HashChain.Row))

const decoded = (rows: Effect.Effect<ReadonlyArray<unknown>, JournalError, Database.Database>) =>
  Effect.flatMap(Effect.all([rows, Database.Database]), ([found, { where }]) =>
    Effect.mapError(decodeRows(found), () =>
      new JournalError({ action: "read", where, detail: "its table of events has another form" })))

/** The columns of text. */
const columns = ["run", "at", "tag", "payload", "digest", "previous", "hash"]

/** Reads the rows of a run from a place on. */
export const rows = (run: string, from = 0) =>
  decoded(Database.askTexts((sql) =>
    sql`SELECT seq, ${Database.texts(sql, "e", columns)} FROM telemachy_events AS e
      WHERE run = ${run} AND seq >= ${from} ORDER BY seq`))

/** Every run of which there is a row, whatever is left of the others, the newest first. */
export const runs = Effect.map(
  Database.askTexts((sql) =>
    sql`SELECT ${Database.texts(sql, "e", ["run"])} FROM telemachy_events AS e GROUP BY e.run ORDER BY min(e.at) DESC, e.run`),
  Arr.map(({ run }) => String(run))
)

/** Reads the events of rows. What was forgotten is left out. */
export const events = (rows: ReadonlyArray<HashChain.Row>): Effect.Effect<ReadonlyArray<RunEvent.RunEvent>, JournalError, Database.Database> =>
  Effect.forEach(rows.filter(({ payload }) => payload !== null), event)

/** Reads the event of a row. */
export const event = ({ payload, run, seq, tag }: Pick<HashChain.Row, "payload" | "run" | "seq" | "tag">) =>
  Effect.mapError(RunEvent.decodeJournaled(payload ?? ""), () => ({ run, seq, tag })).pipe(
    Effect.catchAll(() =>
      Effect.flatMap(Database.Database, ({ where }) =>
        new JournalError({ action: "read", where, detail: `event ${seq} (${tag}) of run ${run} is damaged` })))
  )

/** The log of a run does not end where its writer believes: somebody else has written to it. */
export class LogMoved extends Schema.TaggedError<LogMoved>()("LogMoved", { run: Schema.String }) {}

type Rows = ReadonlyArray<HashChain.Row>

/** The rows that are not in the log yet. Of those that are, each must be the same. */
const missing = Effect.fnUntraced(function*(sql: SqlClient, rows: Rows) {
  const [first, last] = [rows[0], rows.at(-1)]
  if (first === undefined || last === undefined) return []
  const found = yield* sql<{ readonly hash: string }>`
    SELECT hash FROM telemachy_events WHERE run = ${first.run} AND seq BETWEEN ${first.seq} AND ${last.seq} ORDER BY seq`
  const areSame = found.every(({ hash }, position) => rows[position]?.hash === hash)
  return areSame ? rows.slice(found.length) : yield* new LogMoved({ run: first.run })
})

const insert = (sql: SqlClient, rows: Rows): Effect.Effect<void, SqlError | LogMoved> =>
  Effect.catchAll(Effect.asVoid(sql`INSERT INTO telemachy_events ${sql.insert(rows)}`), (failure) =>
    Effect.flatMap(missing(sql, rows), (rest) => {
      if (rest.length === rows.length) return failure
      return rest.length === 0 ? Effect.void : insert(sql, rest)
    }))

/**
 * Adds rows. Each place in a run can be taken once: a row that is there already
 * was written by an earlier attempt, whose answer was lost, or by somebody else.
 */
export const add = (rows: Rows): Effect.Effect<void, JournalError | LogMoved, Database.Database> =>
  Effect.flatMap(Database.Database, ({ sql, where }) =>
    Effect.forEach(Arr.chunksOf(rows, perStatement), (chunk) => BusyRetry.retryWhileBusy(insert(sql, chunk)), {
      discard: true
    }).pipe(
      Effect.mapError((failure) => (failure._tag === "LogMoved" ? failure : Database.failed("write", where)(failure)))
    ))
