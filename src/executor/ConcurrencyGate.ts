/** Takes the place of a run in its group before it begins or goes on, or finds out that it does not. */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as PubSub from "effect/PubSub"
import * as MonotonicTime from "../liveness/MonotonicTime.ts"
import * as Race from "../liveness/Race.ts"
import * as ConcurrencyGroup from "../run/ConcurrencyGroup.ts"
import type { RunEvent } from "../run/RunEvent.ts"
import type { RunId } from "../run/RunId.ts"
import type * as RunJournal from "../run/RunJournal.ts"
import type { Concurrency } from "../workflow/Concurrency.ts"
import { RunCancelledError } from "./RunError.ts"
import type { RunSettings } from "./RunSettings.ts"
import { RunYieldedError } from "./RunYieldedError.ts"

/** The time between two attempts to take a place. */
const askInterval = Duration.millis(500)

/** How long the end of runs that were cancelled is waited for, beside the time that their teardown may take. */
const endTime = Duration.minutes(2)

/** Where the places are given out. */
export type Places = Pick<RunJournal.Handle, "enter" | "cancelOther" | "cancelled" | "lost">

/** A run that is about to begin or to go on. */
export interface Options {
  readonly run: RunId
  readonly workflow: string
  readonly concurrency: Concurrency
  readonly places: Places
  readonly settings: RunSettings
  readonly events: PubSub.PubSub<RunEvent>
  /** Whether it waits for a place. One that does not is told so, and may ask again later. */
  readonly canWait: boolean
  /** When it was submitted, if it was. */
  readonly askedAt: DateTime.Utc | undefined
  /** Waits until the run is to be handed over, and says why. */
  readonly yieldOn: Effect.Effect<string> | undefined
}

type Full = Extract<ConcurrencyGroup.Entered, { readonly _tag: "Full" }>

/** Takes the place of a run. It is given up with the scope of its journal. */
export const enter = (options: Options) => {
  const { places, run, workflow, yieldOn = Effect.never } = options
  return takePlace(options).pipe(
    Race.unless(
      Effect.flatMap(places.cancelled, (by) => new RunCancelledError({ workflow, run, by })),
      Effect.flatMap(yieldOn, (reason) => new RunYieldedError({ workflow, run, reason }))
    ),
    Race.unless(places.lost)
  )
}

const takePlace = Effect.fnUntraced(function*(options: Options) {
  const { askedAt, canWait, concurrency: { group, limit, whenFull }, places, settings, workflow } = options
  const ask = places.enter({ group, limit, askedAt, isWaiting: canWait && whenFull !== "refuse" })
  const full = ({ holders }: Full, canWait: boolean) =>
    new ConcurrencyGroup.GroupFullError({ workflow, run: options.run, group, limit, canWait, holders }, { disableValidation: true })
  const until = (yield* MonotonicTime.millis) + Duration.toMillis(Duration.sum(settings.teardownGrace, endTime))
  let entered = yield* ask
  let said = ""
  while (entered._tag === "Full") {
    if (whenFull === "refuse") return yield* full(entered, false)
    if (whenFull === "cancel_running") yield* cancelOldest(options, entered)
    if (!canWait) return yield* full(entered, true)
    if (whenFull === "cancel_running" && (yield* MonotonicTime.millis) > until) return yield* full(entered, false)
    const words = JSON.stringify([entered.place, entered.holders.map(({ run }) => run)])
    if (words !== said) yield* tell(options, entered)
    said = words
    yield* Effect.sleep(askInterval)
    const before: ConcurrencyGroup.Entered = entered
    // While the journal is away, nothing is known that would be new. For how long that can go on, the lease says.
    entered = yield* Effect.catchIf(ask, (error) => error._tag === "JournalError" && error.isTransient === true, () => Effect.succeed(before))
  }
})

/** Asks for the end of those that hold the places, the oldest first, and of no more than it takes. Whoever came later is waited for. */
const cancelOldest = ({ concurrency: { group, limit }, places, run, workflow }: Options, { holders }: Full) =>
  Effect.forEach(
    holders.slice(0, holders.length + 1 - limit).filter(({ isOlder }) => isOlder),
    (holder) => places.cancelOther(holder.run, ConcurrencyGroup.cancellerInWords({ run, workflow, group })),
    { discard: true }
  )

/** Says who is waited for. It is not on record: the run has not begun. */
const tell = ({ concurrency: { group, limit }, events, run, workflow }: Options, { holders, place }: Full) =>
  Effect.flatMap(DateTime.now, (at) =>
    PubSub.publish(events, {
      _tag: "run.queued",
      run,
      workflow,
      at,
      group,
      limit,
      place,
      holders: holders.map(({ run, workflow }) => ({ run, workflow }))
    }))
