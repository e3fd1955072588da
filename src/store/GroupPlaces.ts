/**
 * Places in groups, for runs that this process owns. Who is given a place is
 * decided in one transaction, in which nobody else decides about the same group.
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as ConcurrencyGroup from "../run/ConcurrencyGroup.ts"
import type { JournalError, LeaseLostError } from "../run/JournalError.ts"
import { RunId, type RunIdentity } from "../run/RunId.ts"
import * as RunLease from "../run/RunLease.ts"
import * as Database from "./Database.ts"
import * as OwnerTable from "./OwnerTable.ts"
import * as PlaceTable from "./PlaceTable.ts"

/** The run has another owner than the one that asks for a place. */
class FencedOff extends Schema.TaggedError<FencedOff>()("FencedOff", {}) {}

/** The rows of a group of which the owners live no longer. What runners go on with is none of them. */
const deadIn = Effect.fnUntraced(function*(group: string) {
  const rows = yield* Database.ask("read", (sql) => PlaceTable.ofGroup(sql, group))
  const candidates = rows.filter(({ held, lasts }) => held === 1 && lasts === 0)
  const { livingAmong } = yield* RunLease.RunLease
  const owners = yield* livingAmong(candidates.map(({ run }) => run))
  return candidates.filter(({ fence, run }) => {
    const owner = owners.get(run)
    return owner === undefined || (owner.fence ?? fence) !== fence
  })
})

/**
 * Asks for a place for a run. Who holds one and lives no longer is found out before: an owner that is dead stays so, and the
 * next one has another number.
 */
export const enter = (
  { fence, markLost }: Pick<RunLease.Handle, "fence" | "markLost">,
  { workflow }: RunIdentity,
  entry: ConcurrencyGroup.Entry
): Effect.Effect<ConcurrencyGroup.Entered, JournalError | LeaseLostError, Database.Database | RunLease.RunLease> =>
  Effect.gen(function*() {
    const dead = (yield* deadIn(entry.group)).filter((row) => row.run !== fence.run)
    return yield* Database.transact((sql) => decide(sql, { ...entry, fence, workflow, dead }))
  }).pipe(Effect.catchTag("FencedOff", () => Effect.flatMap(markLost, Effect.fail)))

/** What is asked for, and by which owner. */
interface Asking extends ConcurrencyGroup.Entry {
  readonly fence: RunLease.Fence
  readonly workflow: string
  readonly dead: ReadonlyArray<PlaceTable.Row>
}

/** Gives a run a place, or says who holds them. */
const decide = Effect.fnUntraced(function*(sql: Database.Sql, { askedAt, dead, fence: owner, group, isWaiting, limit, workflow }: Asking) {
  const { number: fence, run } = owner
  yield* PlaceTable.lock(sql, group)
  if (!(yield* OwnerTable.isOwner(sql, owner))) return yield* new FencedOff()
  yield* PlaceTable.removeDead(sql, dead)
  yield* PlaceTable.removeExpired(sql)
  const rows = yield* PlaceTable.ofGroup(sql, group)
  const own = rows.find((row) => row.run === run)
  const asked = own?.asked ?? (askedAt === undefined ? undefined : DateTime.toEpochMillis(askedAt) / 1000)
  const others = rows.filter((row) => row.run !== run)
  const holders = others.filter(({ held }) => held === 1)
  const isOlder = (row: PlaceTable.Row) => asked === undefined || row.asked < asked || (row.asked === asked && row.run < run)
  // A run that runners would begin gives way to all that somebody waits for in the foreground.
  const before = others.filter((row) => row.held === 0 && (!isWaiting || isOlder(row)))
  const isHeld = own?.held === 1 || holders.length + before.length < limit
  if (isHeld || isWaiting) {
    const wait = isHeld ? undefined : ConcurrencyGroup.waitTime
    yield* PlaceTable.put(sql, { run, name: group, places: limit, fence, workflow, asked, wait })
  }
  const entered: ConcurrencyGroup.Entered = isHeld ? { _tag: "Entered" } : {
    _tag: "Full",
    place: before.length + 1,
    holders: holders.map((row) => ({
      // Nobody but this program writes the ids of that table.
      run: RunId.make(row.run, { disableValidation: true }),
      workflow: row.workflow,
      isOlder: isOlder(row)
    }))
  }
  return entered
})

/** Gives up the place of a run that this process has owned, unless runners go on with it, or its waiting for one. */
export const leave = ({ number: fence, run }: RunLease.Fence) =>
  Database.ask("write", (sql) => PlaceTable.remove(sql, { run, fence }))

/** Asks for the end of those that hold places of a group, the oldest first, and of no more than it takes. Whoever came later is waited for. */
export const makeRoom = Effect.fnUntraced(function*({ asked, group, limit, run, workflow }: {
  readonly run: string
  readonly workflow: string
  readonly group: string
  readonly limit: number
  readonly asked: number
}) {
  const { cancel } = yield* RunLease.RunLease
  const rows = yield* Database.ask("read", (sql) => PlaceTable.ofGroup(sql, group))
  const holders = rows.filter((row) => row.held === 1 && row.run !== run)
  const chosen = holders.slice(0, Math.max(0, holders.length + 1 - limit)).filter((row) => row.asked <= asked)
  yield* Effect.forEach(chosen, (row) => cancel(row.run, ConcurrencyGroup.cancellerInWords({ run, workflow, group })), { discard: true })
})

/** Gives up the places of runs of a group that nobody drives any more. Answers whether there were any. */
export const freeDead = (group: string) =>
  Effect.flatMap(deadIn(group), (dead) =>
    dead.length === 0
      ? Effect.succeed(false)
      : Effect.as(Database.transact<void, never, never>((sql) => PlaceTable.removeDead(sql, dead)), true))
