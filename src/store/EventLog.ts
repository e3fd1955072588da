/** The log of events: rows are added at the end of a run, and read. */
import type { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Arr from "effect/Array"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { JournalError } from "../run/JournalError.ts"
import * as RunEvent from "../run/RunEvent.ts"
import type { Fence } from "../run/RunLease.ts"
import * as BusyRetry from "./BusyRetry.ts"
import * as Database from "./Database.ts"
import * as HashChain from "./HashChain.ts"
import * as Paging from "./Paging.ts"
import type { PlacedEvent } from "./RunStore.ts"

/** How many rows one statement adds: a database takes so many values and no more. */
const perStatement = 500

/** How many rows are read or decoded before others have their turn. */
const perTurn = 500

/** The columns of text. */
const columns = ["run", "at", "tag", "payload", "digest", "previous", "hash"]

const decodeRow = Schema.decodeUnknownEither(HashChain.Row)

const rowOf = (found: Readonly<Record<string, unknown>>): HashChain.Row | HashChain.DamagedRow =>
  Either.getOrElse(decodeRow(found), () =>
    new HashChain.DamagedRow({ run: String(found["run"]), seq: Number(found["seq"]), tag: String(found["tag"]) }))

const isDamaged = (row: HashChain.Row | HashChain.DamagedRow): row is HashChain.DamagedRow => row instanceof HashChain.DamagedRow

/** Reads the rows of a run from a place on, at most so many and a part at a time, and those that cannot be read as what they are. */
export const allRows = Effect.fnUntraced(function*(run: string, from = 0, most = Infinity) {
  const read: Array<HashChain.Row | HashChain.DamagedRow> = []
  let [first, offset] = [from, 0]
  for (;;) {
    const count = Math.min(perTurn, most - read.length)
    const found = yield* Database.readTexts((sql) =>
      sql`SELECT seq, ${Database.texts(sql, "e", columns)} FROM telemachy_events AS e
        WHERE run = ${run} AND seq >= ${first} ORDER BY seq LIMIT ${count} OFFSET ${offset}`)
    for (const row of found) read.push(rowOf(row))
    if (found.length < count || read.length >= most) return read
    const last = Number(found.at(-1)?.["seq"])
    // A damaged file may have anything in the place of a number.
    if (Number.isSafeInteger(last)) [first, offset] = [last + 1, 0]
    else offset += found.length
    yield* Effect.sleep(0)
  }
})

const damaged = ({ run, seq, tag }: Pick<HashChain.Row, "run" | "seq" | "tag">) =>
  Effect.flatMap(Database.Database, ({ where }) =>
    new JournalError({ action: "read", where, detail: `event ${seq} (${tag}) of run ${run} is damaged` }))

/** Reads the rows of a run from a place on, at most so many. */
export const rows = Effect.fnUntraced(function*(run: string, from = 0, most = Infinity) {
  const [whole, broken] = Arr.partition(yield* allRows(run, from, most), isDamaged)
  const first = broken[0]
  return first === undefined ? whole : yield* damaged(first)
})

/** The rows of all runs, a run after the other, and those that cannot be read as what they are. */
export const everyRow: Stream.Stream<HashChain.Row | HashChain.DamagedRow, JournalError, Database.Database> = Paging.pages({
  size: perTurn,
  keyOf: ({ run, seq }: Readonly<Record<string, unknown>>) => [run, seq],
  descends: [false, false],
  read: (after) =>
    Database.readTexts((sql) => {
      const rest = after === undefined ? sql`` : sql`WHERE (e.run, e.seq) > (${Paging.value(sql, after[0])}, ${Paging.value(sql, after[1])})`
      return sql`SELECT seq, ${Database.texts(sql, "e", columns)} FROM telemachy_events AS e ${rest}
        ORDER BY e.run, e.seq LIMIT ${sql.literal(String(perTurn))}`
    })
}).pipe(Stream.map((page) => Chunk.fromIterable(page.map(rowOf))), Stream.flattenChunks)

/** Reads the events of rows that say something, each with its place. Of a run that was forgotten, there are none. */
export const placed = (
  rows: ReadonlyArray<HashChain.Row>
): Effect.Effect<ReadonlyArray<PlacedEvent>, JournalError, Database.Database> =>
  HashChain.isForgotten(rows)
    ? Effect.succeed([])
    : Effect.map(
      Effect.forEach(Arr.chunksOf(rows.filter(({ payload }) => payload !== null), perTurn), (chunk, index) =>
        Effect.zipRight(
          index === 0 ? Effect.void : Effect.sleep(0),
          Effect.forEach(chunk, (row) => Effect.map(event(row), (event) => ({ seq: row.seq, event })))
        )),
      Arr.flatten
    )

/** Reads the events of rows that say something. */
export const events = (rows: ReadonlyArray<HashChain.Row>) => Effect.map(placed(rows), Arr.map(({ event }) => event))

/** Reads the event of a row. */
export const event = (row: Pick<HashChain.Row, "payload" | "run" | "seq" | "tag">) =>
  Effect.orElse(RunEvent.decodeJournaled(row.payload ?? ""), () => damaged(row))

/** A part of a log as one text: a row costs a library more than what is in it. */
const Part = Schema.parseJson(Schema.Array(Schema.Tuple(Schema.Int, Schema.String, Schema.NullOr(Schema.String))))

const decodePart = Schema.decodeUnknownOption(Part)

const partOf = (run: string, from: number, most: number) =>
  Database.readTexts((sql) =>
    sql`SELECT ${
      sql.literal(sql.onDialectOrElse({
        pg: () => "COALESCE(json_agg(json_build_array(seq, tag, payload) ORDER BY seq), '[]')::text AS part",
        orElse: () => Database.text(sql, "json_group_array(json_array(seq, tag, payload))", "part")
      }))
    } FROM (SELECT seq, tag, payload FROM telemachy_events WHERE run = ${run} AND seq >= ${from} ORDER BY seq LIMIT ${most}) AS e`)

/** Reads the events of a run from a place on, at most so many rows of it. Nothing of a run that was forgotten. */
export const page = Effect.fnUntraced(function*(run: string, from: number, most: number) {
  const found: Array<PlacedEvent> = []
  let [first, read] = [from, 0]
  for (;;) {
    const count = Math.min(perTurn, most - read)
    const [row] = yield* partOf(run, first, count)
    const part = decodePart(row?.["part"])
    // Row by row, it can be said which one can not be read.
    if (Option.isNone(part)) return yield* Effect.flatMap(rows(run, from, most), placed)
    if (part.value.some(([, tag]) => tag === "run.forgotten")) return []
    for (const [seq, tag, payload] of part.value) {
      if (payload !== null) found.push({ seq, event: yield* event({ run, seq, tag, payload }) })
      first = seq + 1
    }
    read += part.value.length
    if (part.value.length < count || read >= most) return found
    yield* Effect.sleep(0)
  }
})

/** The log of a run does not end where its writer believes: somebody else has written to it. */
export class LogMoved extends Schema.TaggedError<LogMoved>()("LogMoved", { run: Schema.String }) {}

/** The run has another owner than the one that wants to write. */
export class FencedOff extends Schema.TaggedError<FencedOff>()("FencedOff", { run: Schema.String }) {}

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

/** Rows of one run, in the name of its owner. */
export interface Addition {
  readonly rows: Rows
  readonly fence: Fence
}

/**
 * Inserts rows of runs that still have these owners, and answers the runs of those that it has inserted. PostgreSQL
 * keeps an owner until the rows are committed; in a file, one statement is one transaction. So whoever becomes the owner
 * next reads all that its predecessor will ever have written. Owners are locked in the order of their runs, as by others.
 */
const insertFenced = (sql: SqlClient, additions: ReadonlyArray<Addition>) => {
  const json = JSON.stringify(additions.flatMap(({ fence: { number, run, token }, rows }) =>
    rows.map((row) => ({ ...row, owned: run, token, fence: number }))))
  return sql.onDialectOrElse({
    pg: () =>
      sql<{ readonly run: string }>`INSERT INTO telemachy_events (run, seq, at, tag, payload, digest, previous, hash)
        SELECT run, seq, at, tag, payload, digest, previous, hash FROM json_to_recordset(${json}::json) AS r (
          run text, seq integer, at text, tag text, payload text, digest text, previous text, hash text, owned text, token text, fence integer
        ) WHERE r.owned = r.run AND EXISTS (
          SELECT 1 FROM telemachy_owners AS o WHERE o.run = r.run AND o.token = r.token AND o.fence = r.fence FOR SHARE
        ) RETURNING run`,
    orElse: () =>
      sql<{ readonly run: string }>`INSERT INTO telemachy_events (run, seq, at, tag, payload, digest, previous, hash)
        SELECT value ->> 'run', value ->> 'seq', value ->> 'at', value ->> 'tag', value ->> 'payload', value ->> 'digest',
          value ->> 'previous', value ->> 'hash'
        FROM json_each(${json}) WHERE value ->> 'owned' = value ->> 'run' AND EXISTS (
          SELECT 1 FROM telemachy_owners AS o
          WHERE o.run = value ->> 'run' AND o.token = value ->> 'token' AND o.fence = value ->> 'fence'
        ) RETURNING run`
  })
}

const insert = (sql: SqlClient, rows: Rows, fence: Fence): Effect.Effect<void, SqlError | LogMoved | FencedOff> =>
  Effect.matchEffect(insertFenced(sql, [{ rows, fence }]), {
    onSuccess: ({ length }) => (length === rows.length ? Effect.void : new FencedOff({ run: fence.run })),
    onFailure: (failure) =>
      Effect.flatMap(missing(sql, rows), (rest) => {
        if (rest.length === rows.length) return failure
        return rest.length === 0 ? Effect.void : insert(sql, rest, fence)
      })
  })

/** Why rows were not added. */
export type AddError = JournalError | LogMoved | FencedOff

/**
 * Adds rows for the owner of a run, and for nobody else. Each place in a run can
 * be taken once: a row that is there already was written by an earlier attempt,
 * whose answer was lost.
 */
export const add = (rows: Rows, fence: Fence): Effect.Effect<void, AddError, Database.Database> =>
  Effect.flatMap(Database.Database, ({ sql, where }) =>
    Effect.forEach(Arr.chunksOf(rows, perStatement), (chunk) => BusyRetry.retryWhileBusy(insert(sql, chunk, fence)), {
      discard: true
    }).pipe(
      Effect.mapError((failure) =>
        failure._tag === "LogMoved" || failure._tag === "FencedOff" ? failure : Database.failed("write", where)(failure))
    ))

/** How many of these one statement adds: at least one. */
export const together = (additions: ReadonlyArray<Addition>): number => {
  let sum = 0
  const beyond = additions.findIndex(({ rows }) => (sum += rows.length) > perStatement)
  return beyond === -1 ? additions.length : Math.max(1, beyond)
}

/** Adds rows of several runs in one statement, each for its owner. Where that cannot be, each is added by itself. */
export const addTogether = (
  additions: ReadonlyArray<Addition>
): Effect.Effect<ReadonlyArray<Either.Either<void, AddError>>, never, Database.Database> => {
  const [only] = additions
  const each = Effect.forEach(additions, ({ fence, rows }) => Effect.either(add(rows, fence)))
  if (only === undefined || additions.length === 1) return each
  const inOrder = Arr.sort(additions, Order.mapInput(Order.string, ({ fence }: Addition) => fence.run))
  return Effect.flatMap(Database.Database, ({ sql }) => Effect.option(insertFenced(sql, inOrder))).pipe(
    Effect.flatMap(Option.match({
      onNone: () => each,
      onSome: (inserted) => {
        const written = new Set(inserted.map(({ run }) => run))
        return Effect.succeed(additions.map(({ fence: { run } }) =>
          written.has(run) ? Either.void : Either.left(new FencedOff({ run }))))
      }
    }))
  )
}
