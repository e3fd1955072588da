/**
 * The table of the keys that runs hold. A row counts for as long as the owner
 * that has written it lives, so that a run that dies holds nothing, and asking
 * who holds a key and taking it is one transaction.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { JournalError, type LeaseLostError } from "../run/JournalError.ts"
import type { KeyHolder, Purpose } from "../run/KeyHolder.ts"
import { RunId, type RunIdentity } from "../run/RunId.ts"
import type * as RunJournal from "../run/RunJournal.ts"
import * as RunLease from "../run/RunLease.ts"
import * as AgamemnonAddress from "../settings/AgamemnonAddress.ts"
import * as Database from "./Database.ts"
import * as OwnerTable from "./OwnerTable.ts"

/** How often a transaction is tried again that others were faster than. */
const attempts = 5

const Row = Schema.Struct({
  key: Schema.String,
  run: Schema.String,
  fence: Schema.Number,
  purpose: Schema.Literal("use", "remove")
})
type Row = typeof Row.Type

const decodeRunId = Schema.decodeOption(RunId)

const decodeRows = Schema.decodeUnknown(Schema.Array(Row))

/** Others were faster. */
class Overtaken extends Schema.TaggedError<Overtaken>()("Overtaken", {}) {}

/** The run has another owner than the one that wants to hold a key. */
class FencedOff extends Schema.TaggedError<FencedOff>()("FencedOff", {}) {}

/** The rows of some keys on an Agamemnon. */
const rowsOf = (url: string, keys: ReadonlyArray<string>) =>
  Effect.flatMap(Database.Database, ({ where }) =>
    Effect.flatMap(
      Database.askTexts((sql) =>
        sql`SELECT fence, ${Database.texts(sql, "r", ["key", "run", "purpose"])} FROM telemachy_reservations AS r
          WHERE url = ${url} AND ${Database.isAmong(sql, "key", keys)}`),
      (rows) => Effect.mapError(decodeRows(rows), Database.failed("read", where))
    ))

/** The runs that hold some keys on an Agamemnon, and live. */
export const holders = Effect.fn("Reservations.holders")(function*(url: string, keys: ReadonlyArray<string>) {
  const { alive } = yield* sort(yield* rowsOf(AgamemnonAddress.identity(url), keys))
  return alive
})

/** Tells the rows of owners that live from those of others. */
const sort = Effect.fnUntraced(function*(rows: ReadonlyArray<Row>) {
  const { livingAmong } = yield* RunLease.RunLease
  const owners = yield* livingAmong(rows.map(({ run }) => run))
  const alive: Array<KeyHolder> = []
  const dead: Array<Row> = []
  for (const row of rows) {
    const owner = owners.get(row.run)
    // Which of its owners a run has may be what cannot be read.
    if (owner === undefined || (owner.fence ?? row.fence) !== row.fence) dead.push(row)
    // What cannot be an id is shown as it is.
    else alive.push({ key: row.key, run: RunId.make(row.run, { disableValidation: true }), purpose: row.purpose, workflow: owner.workflow, owner: owner.description })
  }
  return { alive, dead }
})

/**
 * Takes those of some keys that no other living run holds; with `all`, nothing is
 * taken when others hold any.
 */
export const reserve = (
  { fence, markLost }: Pick<RunLease.Handle, "fence" | "markLost">,
  { run, url: address }: RunIdentity,
  keys: ReadonlyArray<string>,
  { all, purpose }: { readonly all: boolean; readonly purpose: Purpose }
): Effect.Effect<RunJournal.Reserved, JournalError | LeaseLostError, Database.Database | RunLease.RunLease> => {
  const url = AgamemnonAddress.identity(address)
  const attempt = Effect.gen(function*() {
    const { alive, dead } = yield* sort(yield* rowsOf(url, keys))
    const others = alive.filter((each) => each.run !== run)
    if (all && others.length > 0) return { holders: others, former: [] }
    const held = new Set(others.map(({ key }) => key))
    // In one order, so that two that take the same keys wait for each other and not in a circle.
    const free = [...new Set(keys)].filter((key) => !held.has(key)).toSorted()
    yield* Database.transact((sql) => take(sql, { url, keys: free, fence, purpose, dead }))
    const former = new Set(dead.map((row) => row.run).filter((each) => each !== run))
    return { holders: others, former: [...former].flatMap((each) => Option.toArray(decodeRunId(each))) }
  })
  return attempt.pipe(
    Effect.retry({ times: attempts, while: ({ _tag }) => _tag === "Overtaken" }),
    Effect.catchTags({
      Overtaken: () =>
        Effect.flatMap(Database.Database, ({ where }) =>
          new JournalError({ action: "write", where, detail: "others take the keys of the run again and again" })),
      FencedOff: () => Effect.flatMap(markLost, Effect.fail)
    })
  )
}

interface Taking {
  readonly url: string
  readonly keys: ReadonlyArray<string>
  readonly fence: RunLease.Fence
  readonly purpose: Purpose
  /** Rows of owners that live no longer. */
  readonly dead: ReadonlyArray<Row>
}

const take = Effect.fnUntraced(function*(sql: Database.Sql, { dead, fence, keys, purpose, url }: Taking) {
  const { number, run } = fence
  if (!(yield* OwnerTable.isOwner(sql, fence))) return yield* new FencedOff()
  for (const row of dead) {
    yield* sql`DELETE FROM telemachy_reservations
      WHERE url = ${url} AND key = ${row.key} AND run = ${row.run} AND fence = ${row.fence}`
  }
  const json = JSON.stringify(keys)
  const values = sql.onDialectOrElse({
    pg: () => sql`SELECT ${url}, key, ${run}, ${number}::integer, ${purpose} FROM json_array_elements_text(${json}::json) AS key ORDER BY key`,
    orElse: () => sql`SELECT ${url}, value, ${run}, ${number}, ${purpose} FROM json_each(${json}) WHERE true`
  })
  const taken = yield* sql`INSERT INTO telemachy_reservations (url, key, run, fence, purpose) ${values}
    ON CONFLICT (url, key) DO UPDATE SET purpose = excluded.purpose
      WHERE telemachy_reservations.run = ${run} AND telemachy_reservations.fence = ${number} RETURNING key`
  if (taken.length < keys.length) return yield* new Overtaken()
})

/** Lets go of all keys that a run holds. */
export const release = ({ number, run }: RunLease.Fence) =>
  Database.ask("write", (sql) => sql`DELETE FROM telemachy_reservations WHERE run = ${run} AND fence = ${number}`)
