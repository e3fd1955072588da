/**
 * The rows of a run's log, each chained to the one before: its hash covers the
 * hash before it, its place, its time, its tag and the digest of its payload. What
 * the rows of a run say can be forgotten, all of it, without breaking the chain.
 */
import { createHash } from "node:crypto"
import * as Arr from "effect/Array"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Order from "effect/Order"
import * as Schema from "effect/Schema"
import * as RunEvent from "../run/RunEvent.ts"

/** Schema of a row: one event of a run. */
export const Row = Schema.Struct({
  run: Schema.String,
  /** Its place in the run, counted from 0. */
  seq: Schema.Number,
  /** When that was, as the text that its hash covers. */
  at: Schema.String,
  tag: Schema.String,
  /** The event as canonical JSON; null when it was forgotten. */
  payload: Schema.NullOr(Schema.String),
  /** SHA-256 of the payload. */
  digest: Schema.String,
  /** The hash of the row before; zeros for the first. */
  previous: Schema.String,
  hash: Schema.String
})
export interface Row extends Schema.Schema.Type<typeof Row> {}

/** A row that cannot be read. */
export class DamagedRow extends Data.TaggedClass("DamagedRow")<{
  readonly run: string
  readonly seq: number
  readonly tag: string
}> {}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex")

/** What the first row of a run follows. */
export const origin = "0".repeat(64)

const byName = Order.mapInput(Order.string, ([name]: readonly [string, unknown]) => name)

/**
 * JSON with the members of every object in the order of their names, so that
 * equal values have equal texts (the canonical form of RFC 8785, whose numbers
 * and strings are those of `JSON.stringify`).
 */
export const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, member: unknown) =>
    typeof member === "object" && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Arr.sort(Object.entries(member), byName))
      : member)

const hashOf = ({ at, digest, previous, run, seq, tag }: Omit<Row, "hash" | "payload">): string =>
  sha256(JSON.stringify([previous, run, seq, at, tag, digest]))

/** The end of a run's log. */
export interface End {
  /** The place of the next row. */
  readonly next: number
  readonly hash: string
}

/** The end of a log that has no rows. */
export const empty: End = { next: 0, hash: origin }

/** The end of a log whose last row this is. */
export const endOf = (last: Pick<Row, "seq" | "hash"> | undefined): End =>
  last === undefined ? empty : { next: last.seq + 1, hash: last.hash }

// Made when the first event is written, which most commands do not.
const encode = (event: RunEvent.RunEvent) => Schema.encode(RunEvent.RunEvent)(event)

/** Makes the rows that follow the end of a log. */
export const extend = Effect.fnUntraced(function*(end: End, events: ReadonlyArray<RunEvent.RunEvent>) {
  let { hash: previous, next } = end
  const rows: Array<Row> = []
  for (const event of events) {
    const payload = canonical(yield* Effect.orDie(encode(event)))
    const row = {
      run: event.run,
      seq: next,
      at: DateTime.formatIso(event.at),
      tag: event._tag,
      payload,
      digest: sha256(payload),
      previous
    }
    const hash = hashOf(row)
    rows.push({ ...row, hash })
    previous = hash
    next += 1
  }
  return rows
})

/** The first place at which a log is not what was written. */
export interface Break {
  readonly run: string
  readonly seq: number
  readonly tag: string
  readonly problem: string
}

const misplacement = ({ seq }: Row, { next }: End): string => {
  const missing = seq - next
  if (next === 0) {
    return `is the first that is there: ${missing === 1 ? "one event before it is" : `${missing} events before it are`} missing`
  }
  if (missing < 0) return `follows event ${next - 1}: it is not in its place`
  return `follows event ${next - 1}: ${missing === 1 ? "one event is" : `${missing} events are`} missing between them`
}

const problemOf = (row: Row, end: End): string | undefined => {
  if (row.seq !== end.next) return misplacement(row, end)
  if (row.previous !== end.hash) return "does not follow the event before it"
  if (hashOf(row) !== row.hash) return "its time, its tag or its place was altered"
  if (row.payload !== null && sha256(row.payload) !== row.digest) return "what it says was altered"
  return undefined
}

type Told = Pick<Row, "payload" | "tag">

/**
 * Whether what a run has said was forgotten: all of it, by an event that says
 * so, or by an earlier version, which wrote no such event.
 */
export const isForgotten = (rows: ReadonlyArray<Told>): boolean => {
  const last = rows.at(-1)
  if (last === undefined) return false
  const isSaid = last.tag === "run.forgotten" && last.payload !== null
  return (isSaid ? rows.slice(0, -1) : rows).every(({ payload }) => payload === null)
}

const breakAt = ({ run, seq, tag }: Row, problem: string): Break => ({ run, seq, tag, problem })

/** How far the rows of a run have been checked, in the order of the log. */
export interface Check {
  readonly rows: number
  readonly end: End
  /** The first that breaks the chain. */
  readonly broken: Break | undefined
  /** The first that says nothing. */
  readonly silent: Break | undefined
  /** How many say something. */
  readonly telling: number
  /** Whether the last one says that the run was forgotten. */
  readonly isSaid: boolean
}

/** Nothing has been checked. */
export const unchecked: Check = { rows: 0, end: empty, broken: undefined, silent: undefined, telling: 0, isSaid: false }

/** The silence of a row in a run that was not forgotten. */
const silenceOf = ({ isSaid, silent, telling }: Check): Break | undefined => (telling > (isSaid ? 1 : 0) ? silent : undefined)

/** Checks the next row of a run. */
export const check = (before: Check, row: Row | DamagedRow): Check => {
  const rows = before.rows + 1
  if (before.broken !== undefined) return { ...before, rows }
  if (row instanceof DamagedRow) {
    return { ...before, rows, broken: silenceOf(before) ?? { run: row.run, seq: row.seq, tag: row.tag, problem: "cannot be read" } }
  }
  const problem = problemOf(row, before.end)
  const isTelling = row.payload !== null
  return {
    rows,
    end: endOf(row),
    broken: problem === undefined ? undefined : breakAt(row, problem),
    silent: before.silent ?? (isTelling ? undefined : breakAt(row, "says nothing, and its run was not forgotten")),
    telling: before.telling + (isTelling ? 1 : 0),
    isSaid: row.tag === "run.forgotten" && isTelling
  }
}

/**
 * The first row of a run that breaks its chain, or cannot be read; and where
 * none does, the first that says nothing though its run was not forgotten.
 */
export const breakOf = (checked: Check): Break | undefined => checked.broken ?? silenceOf(checked)

/** Finds the first broken link of a run whose rows are all there. */
export const firstBreak = (rows: ReadonlyArray<Row | DamagedRow>): Break | undefined => breakOf(rows.reduce(check, unchecked))
