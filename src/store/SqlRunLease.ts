/**
 * The leases of runs, in the database of their journal. A lease is by the clock
 * of the database, which all hosts share.
 *
 * Asking for the end of a run is a note on its lease, which its owner reads
 * twice a second.
 */
import type * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { type JournalError, RunOwnedError } from "../run/JournalError.ts"
import type { RunIdentity } from "../run/RunId.ts"
import * as RunLease from "../run/RunLease.ts"
import * as Database from "./Database.ts"
import { OwnerProcess } from "./OwnerProcess.ts"

/** How long a lease holds that is not renewed. */
const leaseTime = Duration.seconds(30)

/** The time between two looks at the leases of this process, and how many looks apart renewals are. */
const checkInterval = Duration.millis(500)
const checksPerRenewal = 10

/** How long a release may take. A lease that stays behind is that of a dead process, or runs out. */
const releaseTimeout = Duration.seconds(5)

/** The owner of a run, as a row of the table. */
class Owner extends Schema.Class<Owner>("telemachy/store/SqlRunLease/Owner")({
  run: Schema.String,
  workflow: Schema.String,
  url: Schema.String,
  token: Schema.String,
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

const decodeOwners = Schema.decodeUnknown(Schema.Array(Owner))

/** The columns of text. */
const columns = ["run", "workflow", "url", "token", "host", "started", "since", "cancelled_by"]

/** A lease of this process, and what becomes known of it. */
interface Held {
  readonly cancelled: Deferred.Deferred<string>
  readonly lost: Deferred.Deferred<never, RunOwnedError>
}

/** The leases of this process. */
interface State {
  readonly database: Context.Tag.Service<Database.Database>
  readonly process: Context.Tag.Service<OwnerProcess>
  /** Marks the rows of this process. */
  readonly token: string
  readonly held: Map<string, Held>
}

/** Layer of the leases in the database of the context. */
export const layer: Layer.Layer<RunLease.RunLease, never, Database.Database | OwnerProcess> = Layer.scoped(
  RunLease.RunLease,
  Effect.gen(function*() {
    const state: State = {
      database: yield* Database.Database,
      process: yield* OwnerProcess,
      token: yield* newToken,
      held: new Map()
    }
    yield* Effect.forkScoped(Effect.interruptible(keep(state)))
    return RunLease.RunLease.of({
      acquire: (run) => acquire(state, run),
      living: living(state),
      cancel: (run, by) => cancel(state, run, by)
    })
  })
)

const newToken = Effect.map(Effect.replicateEffect(Random.nextIntBetween(0, 36), 24), (digits) =>
  digits.map((digit) => digit.toString(36)).join(""))

const ask = <A, E>(
  { database }: State,
  action: JournalError["action"],
  query: (sql: Database.Sql) => Effect.Effect<A, E>
) => Effect.provideService(Database.ask(action, query), Database.Database, database)

const owners = ({ database }: State): Effect.Effect<ReadonlyArray<Owner>, JournalError> =>
  Database.askTexts((sql) =>
    sql`SELECT ${Database.texts(sql, "o", columns)}, pid, expires > ${Database.now(sql)} AS is_leased
      FROM telemachy_owners AS o`).pipe(
        Effect.provideService(Database.Database, database),
        Effect.flatMap((rows) => Effect.mapError(decodeOwners(rows), Database.failed("read", database.where)))
      )

const ownerOf = (state: State, run: string) => Effect.map(owners(state), (all) => all.find((owner) => owner.run === run))

const isAlive = ({ held, process, token }: State, owner: Owner): Effect.Effect<boolean> =>
  owner.token === token
    ? Effect.sync(() => held.has(owner.run))
    : Effect.map(process.lifeOf(owner), (life) => (life === "unknown" ? Boolean(owner.is_leased) : life === "alive"))

const living = (state: State): Effect.Effect<ReadonlyMap<string, Owner>, JournalError> =>
  Effect.map(
    Effect.flatMap(owners(state), Effect.filter((owner) => isAlive(state, owner))),
    (alive) => new Map(alive.map((owner) => [owner.run, owner]))
  )

const ownedError = Effect.fnUntraced(function*(state: State, run: string) {
  const owner = yield* Effect.orElseSucceed(ownerOf(state, run), () => undefined)
  return new RunOwnedError({ run, owner: owner?.description ?? "one that has just taken it" })
})

const acquire = Effect.fn("SqlRunLease.acquire")(function*(state: State, identity: RunIdentity) {
  const { held, token } = state
  const { run } = identity
  const before = yield* ownerOf(state, run)
  if (before !== undefined && (yield* isAlive(state, before))) {
    return yield* new RunOwnedError({ run, owner: before.description })
  }
  const own: Held = {
    cancelled: yield* Deferred.make<string>(),
    lost: yield* Deferred.make<never, RunOwnedError>()
  }
  const isAcquired = yield* Effect.acquireRelease(
    Effect.tap(write(state, identity, before), (isWritten) => Effect.sync(() => isWritten && held.set(run, own))),
    (isWritten) => (isWritten ? release(state, run) : Effect.void)
  )
  if (!isAcquired) return yield* Effect.flatMap(ownedError(state, run), Effect.fail)
  return {
    cancelled: Deferred.await(own.cancelled),
    lost: Deferred.await(own.lost),
    ensure: Effect.flatMap(Deferred.poll(own.lost), Option.getOrElse(() => Effect.void)),
    isHeld: Effect.map(ownerOf(state, run), (owner) => owner?.token === token),
    markLost: Effect.tap(ownedError(state, run), (error) => Deferred.fail(own.lost, error))
  } satisfies RunLease.Handle
})

const expiry = (sql: Database.Sql) => sql`${Database.now(sql)} + ${sql.literal(String(Duration.toSeconds(leaseTime)))}`

/** Writes the lease of a run, if its owner is still the one that it had. Answers whether it was. */
const write = (state: State, { run, url, workflow }: RunIdentity, before: Owner | undefined) =>
  Effect.flatMap(DateTime.now, (now) =>
    ask(state, "write", (sql) => {
      const { host, pid, started } = state.process.identity
      const own = { run, workflow, url, token: state.token, host, pid, started, since: DateTime.formatIso(now) }
      return before === undefined
        ? sql`INSERT INTO telemachy_owners (run, workflow, url, token, host, pid, started, since, expires)
            VALUES (${own.run}, ${own.workflow}, ${own.url}, ${own.token}, ${own.host}, ${own.pid}, ${own.started},
              ${own.since}, ${expiry(sql)})
            ON CONFLICT (run) DO NOTHING RETURNING run`
        : sql`UPDATE telemachy_owners SET ${sql.update(own)}, expires = ${expiry(sql)}, cancelled_by = NULL
            WHERE run = ${run} AND token = ${before.token} RETURNING run`
    })).pipe(Effect.map(({ length }) => length > 0))

const release = (state: State, run: string) =>
  ask(state, "write", (sql) => sql`DELETE FROM telemachy_owners WHERE run = ${run} AND token = ${state.token}`).pipe(
    Effect.timeout(releaseTimeout),
    Effect.catchAll((error) => Effect.logDebug("a run could not be released", error)),
    Effect.zipLeft(Effect.sync(() => state.held.delete(run)))
  )

/**
 * Looks at the leases of this process, and renews them, for as long as it runs.
 * A database that does not answer now may do so at the next look; the runs
 * themselves notice that it is gone.
 */
const keep = (state: State): Effect.Effect<unknown> => {
  const look = Effect.delay(Effect.ignoreLogged(check(state)), checkInterval)
  return Effect.zipRight(Effect.repeatN(look, checksPerRenewal - 1), Effect.ignoreLogged(renew(state))).pipe(
    Effect.repeat(Schedule.forever)
  )
}

/** Reads what became of the leases of this process. */
const check = Effect.fnUntraced(function*(state: State) {
  const { held, token } = state
  if (held.size === 0) return
  const before = [...held]
  const rows = yield* ask(state, "read", (sql) =>
    sql<{ readonly run: string; readonly cancelled_by: string | null }>`
      SELECT run, cancelled_by FROM telemachy_owners WHERE token = ${token}`)
  const notes = new Map(rows.map((row) => [row.run, row.cancelled_by]))
  for (const [run, own] of before) {
    const by = notes.get(run)
    if (typeof by === "string") yield* Deferred.succeed(own.cancelled, by)
    if (by === undefined && held.has(run)) yield* Deferred.fail(own.lost, yield* ownedError(state, run))
  }
})

const renew = (state: State) =>
  Effect.suspend(() =>
    state.held.size === 0
      ? Effect.void
      : ask(state, "write", (sql) =>
        sql`UPDATE telemachy_owners SET expires = ${expiry(sql)} WHERE token = ${state.token}`))

const cancel = Effect.fn("SqlRunLease.cancel")(function*(state: State, run: string, by: string) {
  const owner = (yield* living(state)).get(run)
  if (owner === undefined) return false
  const noted = yield* ask(state, "write", (sql) =>
    sql`UPDATE telemachy_owners SET cancelled_by = ${by} WHERE run = ${run} AND token = ${owner.token} RETURNING run`)
  return noted.length > 0
})
