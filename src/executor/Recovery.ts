/**
 * What a run does about earlier runs whose processes have died: it removes what
 * they have left, beside its own work, and writes down what became of what it
 * has used again.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import type { RunId } from "../run/RunId.ts"
import { RunJournal } from "../run/RunJournal.ts"
import type * as RunState from "../run/RunState.ts"
import * as Cleanup from "./Cleanup.ts"
import { CurrentRun } from "./CurrentRun.ts"
import { RunRequest } from "./RunRequest.ts"
import * as Teardown from "./Teardown.ts"

/** How long it may take to write down what became of a run: what is gone takes no time to find gone. */
const inheritTimeout = "5 seconds"

// A run that died counts as cancelled.
const isRemovalWanted = ({ outcome, policy }: RunState.RunState): boolean =>
  Teardown.decisions[outcome ?? "cancelled"][policy] === "remove"

/** Cleans up every run of a dead process on this Agamemnon whose policy wanted that. What it can not do, the next run tries again. */
const cleanAbandoned = Effect.fn("Recovery.cleanAbandoned")(function*(options: Cleanup.Options, most = Number.POSITIVE_INFINITY) {
  const journal = yield* Effect.serviceOption(RunJournal)
  if (Option.isNone(journal)) return []
  const { url } = yield* AgamemnonClient
  const runs = yield* journal.value.abandoned(url)
  const cleaned = yield* Effect.forEach(runs.slice(0, most), (id) => Effect.option(Cleanup.clean(id, options, isRemovalWanted))).pipe(
    Effect.provideService(RunJournal, journal.value)
  )
  return cleaned.flatMap(Option.toArray)
}, Effect.catchAll((error) =>
  Effect.as(Effect.logWarning(`what earlier runs have left is not known: ${error.message}`), [])))

/** What was removed of dead runs, and how much of them could not be. */
export interface Removed {
  readonly runs: ReadonlyArray<RunId>
  readonly removed: number
  readonly left: number
}

const summarize = (swept: ReadonlyArray<Cleanup.Cleaned>): Removed => {
  const cleaned = swept.filter(({ remaining, removed }) => removed.length + remaining.length > 0)
  return {
    runs: cleaned.map(({ run }) => run),
    removed: cleaned.reduce((sum, { removed }) => sum + removed.length, 0),
    left: cleaned.reduce((sum, { remaining }) => sum + remaining.length, 0)
  }
}

/**
 * Removes what dead runs have left, but for what a run of this workflow is going
 * to use again, and says so in one event. Answers the runs of which that was
 * spared. Does nothing without a {@link RunJournal}, and never fails.
 */
export const sweep = Effect.gen(function*() {
  const { emit, settings } = yield* CurrentRun
  const { keys } = yield* RunRequest
  const spared = new Set<string>(keys)
  const swept = yield* cleanAbandoned({ settings, spared })
  const cleaned = summarize(swept)
  if (cleaned.runs.length > 0) yield* emit({ _tag: "leftovers.removed", ...cleaned })
  return swept.filter((each) => each.spared.length > 0).map(({ run }) => run)
})

/** Of how many dead runs a process that is no run removes what they have left, at once. */
const mostReaped = 20

/** Removes what some dead runs have left, by the same rules as {@link sweep}, for a process that is no run itself. Never fails. */
export const reap: Effect.Effect<Removed, never, AgamemnonClient> = Effect.map(cleanAbandoned({}, mostReaped), (swept) => summarize(swept))

/** Writes down what became of a dead run whose agents and teams another has used again, and removed since. */
export const inherit = (id: RunId, options: Cleanup.Options): Effect.Effect<void, never, AgamemnonClient> =>
  Effect.flatMap(Effect.serviceOption(RunJournal), Option.match({
    onNone: () => Effect.void,
    onSome: (journal) =>
      Cleanup.clean(id, options, isRemovalWanted).pipe(
        Effect.provideService(RunJournal, journal),
        Effect.timeout(inheritTimeout),
        Effect.ignoreLogged
      )
  }))
