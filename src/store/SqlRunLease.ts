/**
 * Who drives which run. A process claims a run before it drives it, and holds a
 * lease on it that it renews; another can claim it when the process is dead or,
 * where that cannot be known, when the lease has run out. The lease is by the
 * clock of the database, which all hosts share.
 *
 * Asking for the end of a run is a note on its claim, which its owner reads
 * twice a second.
 */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { type RecordError, RunOwnedError } from "../run/RunJournal.ts"
import * as Database from "./Database.ts"
import { OwnerProcess } from "./OwnerProcess.ts"

/** A run that a process has claimed. */
export class Owner extends Schema.Class<Owner>("telemachy/store/Owner")({
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
  /** Who it is, in words. */
  get inWords(): string {
    return `process ${this.pid} on ${this.host}, since ${this.since}`
  }
}

/** The columns of text. */
const columns = ["run", "workflow", "url", "token", "host", "started", "since", "cancelled_by"]

/** What this process knows of a run that it has claimed. */
export interface Claim {
  /** Waits until somebody asks for the end of the run, and says who. */
  readonly cancelled: Effect.Effect<string>
  /** Waits until another process has claimed the run. */
  readonly taken: Effect.Effect<never, RunOwnedError>
  /** Fails once it is known that another process has claimed the run. */
  readonly ensure: Effect.Effect<void, RunOwnedError>
  /** Whether the run is still this process's. */
  readonly isHeld: Effect.Effect<boolean, RecordError>
  /** Finds out that the run is not this process's any more. */
  readonly lose: Effect.Effect<RunOwnedError>
}

/** What there is to claim. */
export interface Claimed {
  readonly run: string
  readonly workflow: string
  readonly url: string
}

/** Who drives which run. */
export class Ownership extends Context.Tag("telemachy/store/Ownership")<Ownership, {
  /** Claims a run until the scope closes. Fails when it has a living owner, this process included. */
  readonly claim: (run: Claimed) => Effect.Effect<Claim, RecordError | RunOwnedError, Scope.Scope>
  /** The claims of living processes, by their runs. */
  readonly living: Effect.Effect<ReadonlyMap<string, Owner>, RecordError>
  /** Asks the owner of a run for its end. Answers whether it has one that lives. */
  readonly cancel: (run: string, by: string) => Effect.Effect<boolean, RecordError>
}>() {}

/** How long a claim holds that is not renewed, in seconds, and how many looks apart renewals are. */
const lease = 30
const looksPerRenewal = 10

/** The time between two looks at the own claims. */
const look = "500 millis"

interface Held {
  readonly cancelled: Deferred.Deferred<string>
  readonly taken: Deferred.Deferred<never, RunOwnedError>
}

const decodeOwners = Schema.decodeUnknown(Schema.Array(Owner))

const newToken = Effect.map(Effect.replicateEffect(Random.nextIntBetween(0, 36), 24), (digits) =>
  digits.map((digit) => digit.toString(36)).join(""))

const make = Effect.gen(function*() {
  const database = yield* Database.Database
  const { identity, lifeOf } = yield* OwnerProcess
  const token = yield* newToken
  const held = new Map<string, Held>()

  const ask = <A, E>(action: RecordError["action"], query: (sql: Database.Sql) => Effect.Effect<A, E>) =>
    Effect.provideService(Database.ask(action, query), Database.Database, database)

  const owners = Effect.flatMap(
    Effect.provideService(
      Database.askTexts((sql) =>
        sql`SELECT ${Database.texts(sql, "o", columns)}, pid, expires > ${Database.now(sql)} AS is_leased
          FROM telemachy_owners AS o`),
      Database.Database,
      database
    ),
    (rows) => Effect.mapError(decodeOwners(rows), Database.failed("read", database.where))
  )

  const isAlive = (owner: Owner) =>
    owner.token === token
      ? Effect.succeed(held.has(owner.run))
      : Effect.map(lifeOf(owner), (life) => (life === "unknown" ? Boolean(owner.is_leased) : life === "alive"))

  const ownerOf = (run: string) => Effect.map(owners, (all) => all.find((owner) => owner.run === run))

  const living = Effect.map(
    Effect.flatMap(owners, (all) => Effect.filter(all, isAlive)),
    (alive) => new Map(alive.map((owner) => [owner.run, owner]))
  )

  /** Takes the claim of a run from the owner that it had, if that is still the one. */
  const seize = ({ run, url, workflow }: Claimed, before: Owner | undefined) =>
    Effect.flatMap(DateTime.now, (since) =>
      ask("write", (sql) => {
        const { host, pid, started } = identity
        const own = { run, workflow, url, token, host, pid, started, since: DateTime.formatIso(since) }
        const expires = sql`${Database.now(sql)} + ${sql.literal(String(lease))}`
        return before === undefined
          ? sql`INSERT INTO telemachy_owners (run, workflow, url, token, host, pid, started, since, expires)
              VALUES (${own.run}, ${own.workflow}, ${own.url}, ${own.token}, ${own.host}, ${own.pid}, ${own.started},
                ${own.since}, ${expires})
              ON CONFLICT (run) DO NOTHING RETURNING run`
          : sql`UPDATE telemachy_owners SET ${sql.update(own)}, expires = ${expires}, cancelled_by = NULL
              WHERE run = ${run} AND token = ${before.token} RETURNING run`
      }))

  const release = (run: string) =>
    ask("write", (sql) => sql`DELETE FROM telemachy_owners WHERE run = ${run} AND token = ${token}`).pipe(
      Effect.timeout("5 seconds"),
      // A claim that stays behind is that of a dead process, or runs out.
      Effect.catchAll((error) => Effect.logDebug("a run could not be released", error)),
      Effect.zipLeft(Effect.sync(() => held.delete(run)))
    )

  const ownedBy = Effect.fnUntraced(function*(run: string) {
    const owner = yield* Effect.orElseSucceed(ownerOf(run), () => undefined)
    return new RunOwnedError({ run, owner: owner?.inWords ?? "one that has just taken it" })
  })

  const claim = Effect.fn("Ownership.claim")(function*(claimed: Claimed) {
    const { run } = claimed
    const before = yield* ownerOf(run)
    if (before !== undefined && (yield* isAlive(before))) {
      return yield* new RunOwnedError({ run, owner: before.inWords })
    }
    const own = { cancelled: yield* Deferred.make<string>(), taken: yield* Deferred.make<never, RunOwnedError>() }
    const seized = yield* Effect.acquireRelease(
      Effect.tap(seize(claimed, before), ({ length }) => Effect.sync(() => length > 0 && held.set(run, own))),
      ({ length }) => (length > 0 ? release(run) : Effect.void)
    )
    if (seized.length === 0) return yield* Effect.flatMap(ownedBy(run), Effect.fail)
    return {
      cancelled: Deferred.await(own.cancelled),
      taken: Deferred.await(own.taken),
      ensure: Effect.flatMap(Deferred.poll(own.taken), Option.getOrElse(() => Effect.void)),
      isHeld: Effect.map(ownerOf(run), (owner) => owner?.token === token),
      lose: Effect.tap(ownedBy(run), (error) => Deferred.fail(own.taken, error))
    }
  })

  /** Reads what became of the own claims. */
  const check = Effect.gen(function*() {
    if (held.size === 0) return
    const before = [...held]
    const rows = yield* ask("read", (sql) =>
      sql<{ readonly run: string; readonly cancelled_by: string | null }>`
        SELECT run, cancelled_by FROM telemachy_owners WHERE token = ${token}`)
    const notes = new Map(rows.map((row) => [row.run, row.cancelled_by]))
    for (const [run, own] of before) {
      const by = notes.get(run)
      if (typeof by === "string") yield* Deferred.succeed(own.cancelled, by)
      if (by === undefined && held.has(run)) yield* Deferred.fail(own.taken, yield* ownedBy(run))
    }
  })

  const renew = Effect.suspend(() =>
    held.size === 0 ? Effect.void : ask("write", (sql) =>
      sql`UPDATE telemachy_owners SET expires = ${Database.now(sql)} + ${sql.literal(String(lease))}
        WHERE token = ${token}`))

  // A database that does not answer now may do so at the next look; the runs themselves notice that it is gone.
  yield* Effect.zipRight(Effect.repeatN(Effect.delay(Effect.ignoreLogged(check), look), looksPerRenewal - 1), Effect.ignoreLogged(renew)).pipe(
    Effect.repeat(Schedule.forever),
    Effect.forkScoped
  )

  return Ownership.of({
    claim,
    living,
    cancel: Effect.fn("Ownership.cancel")(function*(run: string, by: string) {
      const owner = (yield* living).get(run)
      if (owner === undefined) return false
      const noted = yield* ask("write", (sql) =>
        sql`UPDATE telemachy_owners SET cancelled_by = ${by} WHERE run = ${run} AND token = ${owner.token} RETURNING run`)
      return noted.length > 0
    })
  })
})

/** Layer of the claims in the database of the context. */
export const layer: Layer.Layer<Ownership, never, Database.Database | OwnerProcess> = Layer.scoped(Ownership, make)
