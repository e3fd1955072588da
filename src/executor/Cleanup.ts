/**
 * Removes what runs that have no living owner have left on Agamemnon, and
 * writes down that it is gone. What a living run uses is left alone.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import * as Race from "../liveness/Race.ts"
import { type JournalError, RunElsewhereError, type LeaseLostError, RunUnknownError } from "../run/JournalError.ts"
import type { RunEvent } from "../run/RunEvent.ts"
import type { RunId } from "../run/RunId.ts"
import { RunJournal } from "../run/RunJournal.ts"
import * as RunState from "../run/RunState.ts"
import * as AgamemnonAddress from "../settings/AgamemnonAddress.ts"
import * as CurrentRun from "./CurrentRun.ts"
import * as Removal from "./Removal.ts"
import * as RunSettings from "./RunSettings.ts"
import * as Teardown from "./Teardown.ts"
import * as WorkspaceRemoval from "./WorkspaceRemoval.ts"

/**
 * How runs are cleaned up.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** What differs from {@link RunSettings.defaults}: the grace of teardown counts. */
  readonly settings?: RunSettings.Options | undefined
  /** Whether Agamemnon has another address now than is recorded, and still is the one. Defaults to false. */
  readonly moved?: boolean | undefined
  /** Keys that are left alone. Defaults to none. */
  readonly spared?: ReadonlySet<string> | undefined
  /** The run that has used again what this one had left, and is over but for that. Defaults to none. */
  readonly heir?: RunId | undefined
  /** Where events are published as well, once they are in the journal. */
  readonly events?: PubSub.PubSub<RunEvent> | undefined
}

/**
 * What became of what a run had left.
 *
 * @since 0.1.0
 * @category models
 */
export interface Cleaned {
  readonly run: RunId
  readonly workflow: string
  readonly removed: ReadonlyArray<RunState.ResourceState>
  /** What could not be removed, or is used by another run. */
  readonly remaining: ReadonlyArray<RunState.ResourceState>
  /** What was left alone because of its key. */
  readonly spared: ReadonlyArray<RunState.ResourceState>
}

/**
 * Removes what a run has left or kept, with the grace and the reporting of
 * teardown. A run that died counts as cancelled from now on.
 *
 * Fails with `RunOwnedError` when a living process drives the run, and
 * with {@link RunElsewhereError} when it is on another Agamemnon. What could not be removed is no failure: it stays in the journal until it is gone.
 *
 * **Example** (Removing what a run has left)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Cleanup, type RunId } from "telemachy"
 *
 * export const cleanUp = (id: RunId.RunId) =>
 *   Effect.gen(function*() {
 *     const { remaining, removed } = yield* Cleanup.run(id)
 *     yield* Effect.log(`removed ${removed.length}, ${remaining.length} could not be`)
 *   })
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const run = (
  id: RunId,
  options: Options = {}
): Effect.Effect<
  Cleaned,
  JournalError | LeaseLostError | RunUnknownError | RunElsewhereError,
  AgamemnonClient | RunJournal
> =>
  clean(id, options, () => true)

/**
 * Does the same for a run of which that is wanted, by what the journal says of it.
 *
 * @internal
 */
export const clean = Effect.fn("Cleanup.run")(function*(
  id: RunId,
  options: Options,
  isWanted: (state: RunState.RunState) => boolean
) {
  const keys = options.spared ?? new Set<string>()
  const journal = yield* Effect.flatMap(RunJournal, ({ acquire }) => acquire(id))
  const reached = RunState.foldAll(journal.events)
  if (reached === undefined) return yield* new RunUnknownError({ run: id })
  const { embedded, isQueued, url, workflow } = reached
  const { url: here } = yield* AgamemnonClient
  if (!isQueued && !embedded && options.moved !== true && !AgamemnonAddress.isSame(url, here)) {
    return yield* new RunElsewhereError({ run: id, url, here })
  }
  const [concern, spared] = Arr.partition(RunState.remaining(reached), ({ key }) => keys.has(key))
  const isOver = reached.endedAt !== undefined
  // What is there of a run that is to be kept is nothing that could not be removed.
  if (!isWanted(reached)) return { run: id, workflow, removed: [], remaining: [], spared: [] }
  if (concern.length === 0 && isOver) return { run: id, workflow, removed: [], remaining: [], spared }

  const current = CurrentRun.make({
    id,
    workflow,
    settings: RunSettings.make(options.settings),
    journal: Option.some(journal),
    events: options.events ?? (yield* Effect.acquireRelease(PubSub.unbounded<RunEvent>(), PubSub.shutdown)),
    reached
  })
  const { holders } = yield* journal.reserve(concern.filter(RunState.isOnAgamemnon).map(({ key }) => key), { all: false, purpose: "remove" })
  const removal = {
    heldBy: new Map(holders.filter(({ run }) => run !== options.heir).map(({ key, run }) => [key, run])),
    spared: keys,
    lastSeen: journal.events.at(-1)?.at
  }
  yield* Effect.zipRight(decide(reached), cleanCurrent(reached, concern, removal)).pipe(
    Race.unless(journal.lost),
    Effect.provideService(CurrentRun.CurrentRun, current)
  )
  const after = RunState.resources((yield* current.state) ?? reached).filter(({ key }) => !keys.has(key))
  const before = new Set(concern.map(({ kind, name }) => `${kind} ${name}`))
  return {
    run: id,
    workflow,
    removed: after.filter(({ kind, name, status }) => status === "removed" && before.has(`${kind} ${name}`)),
    remaining: after.filter(({ status }) => status !== "removed"),
    spared
  }
}, Effect.scoped)

const cleanCurrent = Effect.fnUntraced(function*(
  { embedded }: RunState.RunState,
  concern: ReadonlyArray<RunState.ResourceState>,
  removal: Omit<Removal.Options, "isLost">
) {
  const { ping } = yield* AgamemnonClient
  const { emit, writeBeside } = yield* CurrentRun.CurrentRun
  yield* writeBeside
  if (concern.length > 0) {
    yield* emit({ _tag: "teardown.started", decision: "remove" })
    yield* embedded
      ? Removal.reportRemoved
      : Effect.flatMap(Effect.isFailure(ping), (isLost) => Removal.remove({ ...removal, isLost }))
    yield* WorkspaceRemoval.remove(concern.filter(({ kind }) => kind === "workspace"))
  }
  yield* CurrentRun.finish
})

/** Decides a run that was not, which its process has not lived to do. */
const decide = ({ isQueued, outcome }: RunState.RunState) =>
  Effect.flatMap(CurrentRun.CurrentRun, ({ emit }) =>
    outcome === undefined
      ? emit({ _tag: "run.decided", outcome: "cancelled", reason: isQueued ? "nobody had begun it" : "its process ended before it did" })
      : Effect.void)

/**
 * Takes a run to its end of which only that is left: one that is decided, or that fails now for a reason that no further
 * attempt can change. What it made is removed or kept by the table of teardown.
 *
 * @internal
 */
export const complete = Effect.fn("Cleanup.complete")(function*(id: RunId, failure: string | undefined, options: Options) {
  const journal = yield* Effect.flatMap(RunJournal, ({ acquire }) => acquire(id))
  const reached = RunState.foldAll(journal.events)
  if (reached === undefined || reached.endedAt !== undefined) return
  const outcome = reached.outcome ?? (failure === undefined ? undefined : "failed")
  if (outcome === undefined) return
  const current = CurrentRun.make({
    id,
    workflow: reached.workflow,
    settings: RunSettings.make(options.settings),
    journal: Option.some(journal),
    events: options.events ?? (yield* Effect.acquireRelease(PubSub.unbounded<RunEvent>(), PubSub.shutdown)),
    reached
  })
  const concern = RunState.remaining(reached)
  const isKept = Teardown.decisions[outcome][reached.policy] === "keep"
  yield* Effect.gen(function*() {
    if (reached.outcome === undefined) yield* current.emit({ _tag: "run.decided", outcome, reason: failure ?? "" })
    if (!isKept) return yield* cleanCurrent(reached, concern, { lastSeen: journal.events.at(-1)?.at })
    if (concern.length > 0) yield* current.emit({ _tag: "teardown.started", decision: "keep" })
    yield* Effect.forEach(concern, (resource) => Removal.keep(resource), { discard: true })
    yield* CurrentRun.finish
  }).pipe(Race.unless(journal.lost), Effect.provideService(CurrentRun.CurrentRun, current))
}, Effect.scoped)
