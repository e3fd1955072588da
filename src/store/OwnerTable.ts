/**
 * The table of the owners of runs. Times in it are by the clock of the database,
 * which all hosts share. The row of a run stays when its owner leaves it, so that
 * the number of the next owner is known.
 */
import type { Fragment } from "@effect/sql/Statement"
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as TimeLimit from "../liveness/TimeLimit.ts"
import { JournalError } from "../run/JournalError.ts"
import type { RunIdentity } from "../run/RunId.ts"
import type { Fence } from "../run/RunLease.ts"
import * as Database from "./Database.ts"
import type { Identity } from "./OwnerProcess.ts"

/**
 * How long a lease of this process holds that is not renewed. A process that works by itself can take its time; one among
 * others that take over from it gives way sooner.
 */
export class LeaseTime extends Context.Reference<LeaseTime>()("telemachy/store/OwnerTable/LeaseTime", {
  defaultValue: () => Duration.seconds(30)
}) {}

/** How long a statement of an owner may take, and one of a process that asks who owns a run, or waits to become the owner. */
const statementTimeout = Duration.seconds(5)
const patientTimeout = Duration.seconds(20)

// Whoever leaves a run is at its end, which nothing holds up. What was not written in time is tried again with the next
// renewal, and an owner that is gone by then is seen to be dead, or its lease runs out.
const leaveTimeout = Duration.seconds(1)

/** The owner of a run, as a row of the table. */
export class OwnerRow extends Schema.Class<OwnerRow>("telemachy/store/OwnerTable/OwnerRow")({
  run: Schema.String,
  workflow: Schema.String,
  url: Schema.String,
  /** Empty when the run has no owner. */
  token: Schema.String,
  fence: Schema.Number,
  host: Schema.String,
  pid: Schema.Number,
  started: Schema.String,
  since: Schema.String,
  /** Whether its lease has not run out: PostgreSQL answers true or false, SQLite 1 or 0. */
  is_leased: Schema.Union(Schema.Boolean, Schema.Number),
  cancelled_by: Schema.NullOr(Schema.String)
}) {
  get description(): string {
    return `process ${this.pid} on ${this.host}, since ${this.since}`
  }
}

const decodeOwner = Schema.decodeUnknownEither(OwnerRow)

/**
 * A row that cannot be read. Which process owns the run is unknown then, and so
 * is whether it lives, so that nobody may take the run from it.
 */
export class DamagedOwner extends Data.TaggedClass("DamagedOwner")<{
  readonly run: string
  readonly workflow: string
  readonly url: string
  /** Nothing when that cannot be read either. */
  readonly fence: number | undefined
}> {
  get description(): string {
    return "one that is not known, because its row in telemachy_owners is damaged"
  }
}

/** What else the row of a run says that has no owner, does not matter. */
const vacant = { workflow: "", url: "", host: "", pid: 0, started: "", since: "", is_leased: false, cancelled_by: null }

const ownerOf = (found: Readonly<Record<string, unknown>>): OwnerRow | DamagedOwner =>
  Either.getOrElse(decodeOwner(found["token"] === "" ? { ...found, ...vacant } : found), () =>
    new DamagedOwner({
      run: String(found["run"]),
      workflow: String(found["workflow"]),
      url: String(found["url"]),
      fence: typeof found["fence"] === "number" ? found["fence"] : undefined
    }))

/** The columns of text. */
const columns = ["run", "workflow", "url", "token", "host", "started", "since", "cancelled_by"]

/** Fails when the database does not answer in time, in a finalizer as well. */
const inTime = <A, E>(
  action: JournalError["action"],
  query: Effect.Effect<A, E, Database.Database>,
  limit: Duration.Duration = statementTimeout
): Effect.Effect<A, E | JournalError, Database.Database> =>
  Effect.flatMap(Database.Database, ({ where }) =>
    TimeLimit.within({
      limit,
      onTimeout: () => new JournalError({ action, where, detail: "it does not answer in time", isTransient: true })
    })(query))

/** Reads rows. One that is damaged hides no other. */
const select = (condition: (sql: Database.Sql) => Fragment) =>
  Effect.map(
    inTime("read", Database.askDamagedTexts((sql) =>
      sql`SELECT ${Database.texts(sql, "o", columns)}, pid, fence, expires > ${Database.now(sql)} AS is_leased
        FROM telemachy_owners AS o WHERE ${condition(sql)}`), patientTimeout),
    Arr.map(ownerOf)
  )

// A file uses an index of some rows only for those of which its very condition is asked.
const isOwned = (sql: Database.Sql) => sql`token <> ''`

const isOwnedBy = (sql: Database.Sql, token: string) => sql`${isOwned(sql)} AND token = ${token}`

/**
 * Those of some runs that have an owner, living or not. A row whose run cannot be read
 * belongs to none: its owner does not find it either, and gives up the run.
 */
export const ownedAmong = (runs: ReadonlyArray<string>) =>
  select((sql) => sql`${isOwned(sql)} AND ${Database.isAmong(sql, "run", runs)}`)

/** The row of a run, also of one that has no owner any more. */
export const find = (run: string) => Effect.map(select((sql) => sql`run = ${run}`), ([row]) => row)

const expiry = (sql: Database.Sql, lease: Duration.Duration) => sql`${Database.now(sql)} + ${sql.literal(String(Duration.toSeconds(lease)))}`

/** The last owner of a run, and whether its lease must have run out when it is taken from it. */
export interface Former<Row = OwnerRow> {
  readonly row: Row
  readonly mustBeExpired: boolean
}

const isStill = (sql: Database.Sql, { mustBeExpired, row: { fence, run, token } }: Former) =>
  sql`run = ${run} AND token = ${token} AND fence = ${fence}
    ${mustBeExpired ? sql`AND expires <= ${Database.now(sql)}` : sql``}`

/** Makes a process the next owner of a run, if the last one is still the one that it was. Answers whether it was. */
export const take = (
  { url, workflow }: RunIdentity,
  { number, run, token }: Fence,
  { host, pid, started }: Identity,
  { mustBeExpired, row }: Former<OwnerRow | undefined>
) =>
  Effect.flatMap(Effect.all([DateTime.now, LeaseTime]), ([now, lease]) =>
    inTime("write", Database.ask("write", (sql) => {
      const own = { run, workflow, url, token, host, pid, started, fence: number, since: DateTime.formatIso(now) }
      return row === undefined
        ? sql`INSERT INTO telemachy_owners (run, workflow, url, token, host, pid, started, fence, since, expires)
            VALUES (${run}, ${workflow}, ${url}, ${token}, ${host}, ${pid}, ${started}, ${number}, ${own.since}, ${expiry(sql, lease)})
            ON CONFLICT (run) DO NOTHING RETURNING run`
        : sql`UPDATE telemachy_owners SET ${sql.update(own)}, expires = ${expiry(sql, lease)}, cancelled_by = NULL
            WHERE ${isStill(sql, { row, mustBeExpired })} RETURNING run`
    }), patientTimeout)).pipe(Effect.map(({ length }) => length > 0))

/** Leaves a run without an owner, unless it has another one. */
export const leave = ({ number, run, token }: Fence) =>
  inTime("write", Database.ask("write", (sql) =>
    sql`UPDATE telemachy_owners SET token = '', expires = 0, cancelled_by = NULL
      WHERE run = ${run} AND token = ${token} AND fence = ${number}`), leaveTimeout)

/** Whether a run still has this owner, within a transaction that nobody takes it away in. */
export const isOwner = (sql: Database.Sql, { number, run, token }: Fence) =>
  Effect.map(
    sql`SELECT 1 AS one FROM telemachy_owners WHERE run = ${run} AND token = ${token} AND fence = ${number}
      ${sql.onDialectOrElse({ pg: () => sql`FOR SHARE`, orElse: () => sql`` })}`,
    ({ length }) => length > 0
  )

/** What a process reads about a run that it owns. */
export interface Owned {
  readonly run: string
  readonly fence: number
  /** Who has asked for its end, if anybody has: as far as that can be read. */
  readonly cancelled_by: string | null
}

const ownedTexts = (sql: Database.Sql) => Database.texts(sql, "telemachy_owners", ["run", "cancelled_by"])

const ownedOf = ({ cancelled_by: by, fence, run }: Readonly<Record<string, unknown>>): Owned => ({
  run: String(run),
  fence: Number(fence),
  cancelled_by: by === null ? null : String(by)
})

/** Reads which runs a process owns. */
export const ownedBy = (token: string) =>
  Effect.map(
    inTime("read", Database.askDamagedTexts((sql) =>
      sql`SELECT ${ownedTexts(sql)}, fence FROM telemachy_owners WHERE ${isOwnedBy(sql, token)}`)),
    Arr.map(ownedOf)
  )

/**
 * Renews the leases of the runs that a process owns, but for some that it drives no longer. Answers which those are.
 * PostgreSQL locks them in the order of their runs, as whoever adds to their logs does.
 */
export const renew = (token: string, except: ReadonlyArray<string>) =>
  Effect.map(
    Effect.flatMap(LeaseTime, (lease) =>
      inTime("write", Database.ask("write", (sql) =>
        sql<Readonly<Record<string, unknown>>>`UPDATE telemachy_owners SET expires = ${expiry(sql, lease)}
          WHERE ${ownRuns(sql, token, except)}
          RETURNING ${ownedTexts(sql)}, fence`))),
    (rows) => rows.map((row) => ownedOf(Database.withTexts(row)))
  )

const ownRuns = (sql: Database.Sql, token: string, except: ReadonlyArray<string>) => {
  const own = sql`${isOwnedBy(sql, token)} ${except.length === 0 ? sql`` : sql`AND NOT ${sql.in("run", except)}`}`
  return sql.onDialectOrElse({
    pg: () => sql`run IN (SELECT run FROM telemachy_owners WHERE ${own} ORDER BY run FOR NO KEY UPDATE)`,
    orElse: () => own
  })
}

/** Notes who asks for the end of a run, for its owner to read. Answers whether that is still the one. */
export const noteCancellation = ({ fence, run, token }: OwnerRow, by: string) =>
  Effect.map(
    inTime("write", Database.ask("write", (sql) =>
      sql`UPDATE telemachy_owners SET cancelled_by = ${by}
        WHERE run = ${run} AND token = ${token} AND fence = ${fence} RETURNING run`)),
    ({ length }) => length > 0
  )
