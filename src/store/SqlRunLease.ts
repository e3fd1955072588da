/**
 * The leases of runs, in the database of their journal.
 *
 * To others, a lease holds by the clock of the database. Its owner counts by its
 * own monotonic clock, from before it sent the last renewal that succeeded, and
 * so is the first to know that it may have run out.
 *
 * Asking for the end of a run is a note on its lease, which its owner reads
 * twice a second.
 */
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import * as ConcurrencyLimit from "../liveness/ConcurrencyLimit.ts"
import { JournalError, LeaseExpiredError, type LeaseLostError, RunOwnedError } from "../run/JournalError.ts"
import type { RunId, RunIdentity } from "../run/RunId.ts"
import * as RunLease from "../run/RunLease.ts"
import * as Database from "./Database.ts"
import * as JournalMetrics from "./JournalMetrics.ts"
import { OwnerProcess } from "./OwnerProcess.ts"
import * as OwnerTable from "./OwnerTable.ts"

/** The time between two looks at what others have noted on the leases of this process. */
const checkInterval = Duration.millis(500)

/** The time between a renewal and the next: of a lease, of which there is time for several; and after one that has failed. */
const renewalsPerLease = 6
const shortestLease = Duration.seconds(12)
const renewAgain = Duration.seconds(1)

/** A lease of this process, and what becomes known of it. */
interface Held {
  readonly fence: RunLease.Fence
  readonly cancelled: Deferred.Deferred<string>
  readonly lost: Deferred.Deferred<never, LeaseLostError>
  /** Until when it holds, by the monotonic clock of this process, in nanoseconds. */
  until: bigint
  /** When the last renewal was begun that was begun in time. */
  triedAt: bigint
}

/** The leases of this process. */
interface State {
  readonly database: Context.Tag.Service<Database.Database>
  readonly process: Context.Tag.Service<OwnerProcess>
  /** Marks the rows of this process. */
  readonly token: string
  /** How long a lease holds. */
  readonly lease: Duration.Duration
  /** The time between a renewal and the next. */
  readonly renewInterval: Duration.Duration
  readonly held: Map<string, Held>
  /** Runs whose lease this process is acquiring. */
  readonly acquiring: Set<string>
  /** Leases that this process could not release, and does not renew. */
  readonly unreleased: Map<string, RunLease.Fence>
  /** Renewing is done by one at a time. */
  readonly turn: ConcurrencyLimit.ConcurrencyLimit
}

/** Makes the leases in the database of the context, which are looked after for as long as the scope. */
export const make = Effect.gen(function*() {
  const lease = yield* OwnerTable.LeaseTime
  const state: State = {
    database: yield* Database.Database,
    process: yield* OwnerProcess,
    token: yield* newToken,
    lease,
    renewInterval: Duration.unsafeDivide(Duration.max(lease, shortestLease), renewalsPerLease),
    held: new Map(),
    acquiring: new Set(),
    unreleased: new Map(),
    turn: ConcurrencyLimit.make(1)
  }
  yield* Effect.forkScoped(Effect.interruptible(Effect.forever(Effect.delay(look(state), checkInterval))))
  yield* Effect.forkScoped(Effect.interruptible(renewRepeatedly(state)))
  return RunLease.RunLease.of({
    acquire: (run) => acquire(state, run),
    own: Effect.sync(() => [...state.held.keys(), ...state.acquiring]),
    livingAmong: (runs) => livingAmong(state, runs),
    cancel: (run, by) => cancel(state, run, by)
  })
})

/** 24 digits of base 36. */
const newToken = Effect.map(Effect.replicateEffect(Random.nextIntBetween(0, 36 ** 8), 3), (parts) =>
  parts.map((part) => part.toString(36).padStart(8, "0")).join(""))

/** Does something with the table of owners. */
const using = <A, E>({ database, lease }: State, effect: Effect.Effect<A, E, Database.Database>): Effect.Effect<A, E> =>
  effect.pipe(Effect.provideService(Database.Database, database), Effect.provideService(OwnerTable.LeaseTime, lease))

const leaseNanos = ({ lease }: State): bigint => Duration.unsafeToNanos(lease)

/** Who has tried to renew its lease so shortly before the end of it has not been suspended. */
const attentive = ({ renewInterval }: State): bigint => Duration.unsafeToNanos(Duration.times(renewInterval, 2))

/** An owner of which nothing is known must not have renewed its lease while that was found out. */
const isUnknown = (state: State, owner: OwnerTable.OwnerRow): Effect.Effect<boolean> =>
  Effect.map(state.process.lifeOf(owner), (life) => life === "unknown")

/** Whether a run has an owner that lives. One that cannot be read may. */
const isAlive = (
  { acquiring, held, process, token }: State,
  owner: OwnerTable.OwnerRow | OwnerTable.DamagedOwner
): Effect.Effect<boolean> => {
  if (owner instanceof OwnerTable.DamagedOwner) return Effect.succeed(true)
  if (owner.token === "") return Effect.succeed(false)
  if (owner.token === token) return Effect.sync(() => held.has(owner.run) || acquiring.has(owner.run))
  return Effect.map(process.lifeOf(owner), (life) => (life === "unknown" ? Boolean(owner.is_leased) : life === "alive"))
}

const livingAmong = (state: State, runs: ReadonlyArray<string>): Effect.Effect<ReadonlyMap<string, RunLease.Owner>, JournalError> =>
  runs.length === 0
    ? Effect.succeed(new Map())
    : Effect.map(
      Effect.flatMap(using(state, OwnerTable.ownedAmong(runs)), Effect.filter((owner) => isAlive(state, owner))),
      (alive) => new Map(alive.map((owner) => [owner.run, owner]))
    )

const ownedError = Effect.fnUntraced(function*(state: State, run: RunId) {
  const owner = yield* Effect.orElseSucceed(using(state, OwnerTable.find(run)), () => undefined)
  const isKnown = owner !== undefined &&
    (owner instanceof OwnerTable.DamagedOwner || (owner.token !== "" && owner.token !== state.token))
  return new RunOwnedError({ run, owner: isKnown ? owner.description : "one that has just taken it" })
})

const acquire = Effect.fn("SqlRunLease.acquire")(function*(
  state: State,
  identity: RunIdentity
): Effect.fn.Return<RunLease.Handle, JournalError | RunOwnedError, Scope.Scope> {
  const held = yield* Effect.acquireRelease(takeOver(state, identity), (held) => release(state, held))
  yield* Effect.forkScoped(Effect.interruptible(watch(state, held)))
  return {
    fence: held.fence,
    cancelled: Deferred.await(held.cancelled),
    lost: Deferred.await(held.lost),
    ensure: ensure(state, held),
    markLost: Effect.tap(ownedError(state, identity.run), (error) => lose(state, held, error))
  }
})

/** Makes this process the owner of a run that has no living one. */
const takeOver = (state: State, identity: RunIdentity): Effect.Effect<Held, JournalError | RunOwnedError> =>
  Effect.gen(function*() {
    const { acquiring, held, process, token, unreleased } = state
    const { run } = identity
    const before = yield* using(state, OwnerTable.find(run))
    if (before !== undefined && (before instanceof OwnerTable.DamagedOwner || (yield* isAlive(state, before)))) {
      return yield* new RunOwnedError({ run, owner: before.description })
    }
    if (acquiring.has(run)) return yield* Effect.flatMap(ownedError(state, run), Effect.fail)
    const fence = { run, token, number: (before?.fence ?? 0) + 1 }
    acquiring.add(run)
    const begun = yield* Clock.currentTimeNanos
    const isTaken = yield* using(state, OwnerTable.take(identity, fence, process.identity, {
      row: before,
      mustBeExpired: before !== undefined && before.token !== "" && (yield* isUnknown(state, before))
    })).pipe(
      // It may have been written all the same.
      Effect.tapError(() => Effect.sync(() => unreleased.set(run, fence))),
      Effect.ensuring(Effect.sync(() => acquiring.delete(run)))
    )
    if (!isTaken) return yield* Effect.flatMap(ownedError(state, run), Effect.fail)
    const own: Held = {
      fence,
      cancelled: yield* Deferred.make<string>(),
      lost: yield* Deferred.make<never, LeaseLostError>(),
      until: begun + leaseNanos(state),
      triedAt: begun
    }
    held.set(run, own)
    unreleased.delete(run)
    return own
  })

const release = (state: State, { fence }: Held) =>
  Effect.suspend(() => {
    if (state.held.get(fence.run)?.fence === fence) state.held.delete(fence.run)
    return using(state, OwnerTable.leave(fence))
  }).pipe(
    Effect.catchAll((error) =>
      Effect.zipRight(
        Effect.logDebug(`run ${fence.run} could not be released: ${error.message}`),
        Effect.sync(() => state.unreleased.set(fence.run, fence))
      ))
  )

const lose = (state: State, held: Held, error: LeaseLostError) =>
  Effect.zipRight(
    Effect.sync(() => {
      if (state.held.get(held.fence.run) === held) state.held.delete(held.fence.run)
    }),
    Effect.flatMap(Deferred.fail(held.lost, error), (isFirst) => isFirst ? JournalMetrics.leasesLost.update(1, {}) : Effect.void)
  )

/** Succeeds while a lease holds. */
const ensure = (state: State, held: Held): Effect.Effect<void, LeaseLostError> =>
  Effect.flatMap(Deferred.poll(held.lost), Option.getOrElse(() =>
    Effect.flatMap(Clock.currentTimeNanos, (now) => (now < held.until ? Effect.void : settle(state, held)))))

/** Finds out whether a lease still holds whose time has come. */
const settle = (state: State, held: Held): Effect.Effect<void, LeaseLostError> => {
  const expire = lose(state, held, new LeaseExpiredError({
    run: held.fence.run,
    where: state.database.where,
    lease: state.lease
  }))
  const isLocal = state.database.isLocal && state.process.identity.started !== ""
  // It was tried to the end, and in vain. Others on this machine see that the process lives, and need no clock.
  if (!isLocal && held.until - held.triedAt <= attentive(state)) return Effect.zipRight(expire, ensure(state, held))
  // The process was suspended, and somebody may have acquired the run since.
  const ask = state.turn.run(Effect.gen(function*() {
    if ((yield* Clock.currentTimeNanos) < held.until || (yield* Deferred.isDone(held.lost))) return
    const renewed = yield* Effect.exit(renew(state))
    if ((yield* Clock.currentTimeNanos) < held.until || (yield* Deferred.isDone(held.lost))) return
    if (isLocal && renewed._tag === "Failure") held.until = (yield* Clock.currentTimeNanos) + leaseNanos(state)
    else yield* expire
  }))
  return Effect.zipRight(Effect.uninterruptible(ask), ensure(state, held))
}

/** Notices when the time of a lease has come, for whoever waits for that. */
const watch = (state: State, held: Held): Effect.Effect<void> =>
  Effect.flatMap(Clock.currentTimeNanos, (now) => Effect.sleep(Duration.nanos(held.until - now))).pipe(
    Effect.zipRight(ensure(state, held)),
    Effect.forever,
    Effect.ignore
  )

/** Renews the leases of this process, for as long as it runs. */
const renewRepeatedly = (state: State): Effect.Effect<never> =>
  Effect.sleep(state.renewInterval).pipe(
    Effect.zipRight(Effect.repeat(state.turn.run(Effect.exit(renew(state))), {
      while: (exit) => Effect.as(exit._tag === "Failure" ? Effect.sleep(renewAgain) : Effect.void, exit._tag === "Failure")
    })),
    Effect.forever
  )

/** Renews the leases of this process, and releases those that it could not release before. */
const renew = Effect.fnUntraced(function*(state: State) {
  const { held, token, unreleased } = state
  for (const fence of Array.from(unreleased.values())) {
    yield* using(state, OwnerTable.leave(fence))
    if (unreleased.get(fence.run) === fence) unreleased.delete(fence.run)
  }
  const before = [...held.values()]
  if (before.length === 0) return
  const begun = yield* Clock.currentTimeNanos
  for (const each of before) if (begun < each.until) each.triedAt = begun
  const rows = yield* using(state, OwnerTable.renew(token, [...unreleased.keys()]))
  yield* takeIn(state, before, rows, (each) => {
    each.until = begun + leaseNanos(state)
  })
})

/** Reads what became of the leases of this process. */
const look = (state: State): Effect.Effect<void> =>
  Effect.suspend(() => {
    const before = [...state.held.values()]
    return before.length === 0 ? Effect.void : Effect.flatMap(
      using(state, OwnerTable.ownedBy(state.token)),
      (rows) => takeIn(state, before, rows, () => {})
    )
  }).pipe(Effect.ignoreLogged)

/** Compares the leases of this process with what the table says of them. */
const takeIn = Effect.fnUntraced(function*(
  state: State,
  before: ReadonlyArray<Held>,
  rows: ReadonlyArray<OwnerTable.Owned>,
  confirm: (held: Held) => void
) {
  const found = new Map(rows.map((row) => [row.run, row]))
  for (const each of before) {
    const row = found.get(each.fence.run)
    if (row?.fence === each.fence.number) {
      confirm(each)
      if (row.cancelled_by !== null) yield* Deferred.succeed(each.cancelled, row.cancelled_by)
    } else if (state.held.get(each.fence.run) === each) {
      yield* lose(state, each, yield* ownedError(state, each.fence.run))
    }
  }
})

const cancel = Effect.fn("SqlRunLease.cancel")(function*(state: State, run: string, by: string) {
  const owner = yield* using(state, OwnerTable.find(run))
  if (owner instanceof OwnerTable.DamagedOwner) {
    const detail = `who drives run ${run} is damaged`
    return yield* new JournalError({ action: "read", where: state.database.where, detail })
  }
  if (owner === undefined || !(yield* isAlive(state, owner))) return false
  return yield* using(state, OwnerTable.noteCancellation(owner, by))
})
