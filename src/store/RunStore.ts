/**
 * Remembers runs: every event of every run, in a database. It is what lists
 * runs, tells of them, asks for their end and forgets them; the events are
 * written by the {@link RunJournal} beside it. `SqlRunStore` implements both.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import type { GateAnswer, GateQuestion } from "../run/GateAnswer.ts"
import type { JournalError, RunUnknownError } from "../run/JournalError.ts"
import type { RunEvent } from "../run/RunEvent.ts"
import type { RunId } from "../run/RunId.ts"
import type { Encoded } from "../run/RunInput.ts"
import type * as HashChain from "./HashChain.ts"
import type { RunAmbiguousError, RunSummary } from "./RunSummary.ts"

/**
 * A run of which there may be something to do cannot be forgotten.
 *
 * **Example** (Forgetting a run after it was cleaned up)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Cleanup, type RunId, RunStore } from "telemachy"
 *
 * export const forget = (run: RunId.RunId) =>
 *   Effect.gen(function*() {
 *     const { forget } = yield* RunStore.RunStore
 *     yield* Effect.catchTag(forget(run), "RunNotOverError", () => Effect.zipRight(Cleanup.run(run), forget(run)))
 *   })
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class RunNotOverError extends Schema.TaggedError<RunNotOverError>()("RunNotOverError", {
  run: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `run ${this.run} cannot be forgotten: ${this.reason}`
  }
}

/**
 * What a check of the journal has found.
 *
 * @since 0.1.0
 * @category models
 */
export interface Verification {
  readonly runs: number
  readonly events: number
  /** The first broken link of each run that has one. */
  readonly breaks: ReadonlyArray<HashChain.Break>
}

/**
 * What making the table of runs anew has changed.
 *
 * @since 0.1.0
 * @category models
 */
export interface Reindexed {
  readonly runs: number
  /** How many rows said something else than the events of their run, or were missing. */
  readonly changed: number
}

/**
 * Which runs are read: the newest first, unless that says from where on.
 *
 * @since 0.1.0
 * @category models
 */
export interface Selection {
  /** Those that come after this one in the order of a list. Defaults to all. */
  readonly after?: RunId | undefined
  /** Those of this workflow. Defaults to all. */
  readonly workflow?: string | undefined
  /** Those with this status. Defaults to all. */
  readonly status?: RunSummary["status"] | undefined
  /** Those whose workflow has this in its name, or whose id begins with it; large and small letters are the same. Defaults to all. */
  readonly search?: string | undefined
}

/**
 * An event of a run, and its place in it.
 *
 * @since 0.1.0
 * @category models
 */
export interface PlacedEvent {
  /** Counted from 0. */
  readonly seq: number
  readonly event: RunEvent
}

/**
 * Remembers runs.
 *
 * **Example** (The runs that somebody has to look at)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { RunStore } from "telemachy"
 *
 * export const interrupted = Effect.gen(function*() {
 *   const { list } = yield* RunStore.RunStore
 *   return (yield* list).filter(({ left = 0, status }) => status === "interrupted" || left > 0)
 * })
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class RunStore extends Context.Tag("telemachy/store/RunStore")<RunStore, {
  /** The database, without a password. */
  readonly where: string
  /** Every run, the newest first. */
  readonly list: Effect.Effect<ReadonlyArray<RunSummary>, JournalError>
  /** Every run, the newest first, as they are read: of many, some at a time. */
  readonly every: Stream.Stream<RunSummary, JournalError>
  /** Some of the runs, the newest first, as they are read. */
  readonly some: (selection: Selection) => Stream.Stream<RunSummary, JournalError | RunUnknownError>
  /** The newest run of all, or of a workflow. */
  readonly newest: (workflow?: string) => Effect.Effect<Option.Option<RunSummary>, JournalError>
  /** The runs that are not over, that are damaged, or that have left or kept something: all, or those of a workflow. The newest first. */
  readonly unsettled: (workflow?: string) => Effect.Effect<ReadonlyArray<RunSummary>, JournalError>
  /** The newest runs, and all others that are not over or have left something; and how many runs there are. */
  readonly notable: (
    newest: number
  ) => Effect.Effect<{ readonly runs: ReadonlyArray<RunSummary>; readonly total: number }, JournalError>
  /** Finds the one run whose id begins like this. */
  readonly find: (
    prefix: string
  ) => Effect.Effect<RunSummary, JournalError | RunUnknownError | RunAmbiguousError>
  /** What has happened in a run so far. Nothing of a run that was forgotten. */
  readonly events: (run: RunId) => Effect.Effect<ReadonlyArray<RunEvent>, JournalError>
  /** The events of a run from a place on, at most so many, which is at least one. */
  readonly page: (run: RunId, from: number, most: number) => Effect.Effect<ReadonlyArray<PlacedEvent>, JournalError>
  /** What a run was told to do, for `RunInput.decode`, unless that is forgotten. */
  readonly input: (run: RunId) => Effect.Effect<Option.Option<Encoded>, JournalError>
  /** What has happened in a run, and what happens in it, until it is over or nobody drives it. */
  readonly follow: (run: RunId) => Stream.Stream<RunEvent, JournalError>
  /** The same from a place on, with the place of each event. */
  readonly followFrom: (run: RunId, from: number) => Stream.Stream<PlacedEvent, JournalError>
  /** The ids of those of some agents and teams on Agamemnon that a run has made or used, or may have made. */
  readonly known: (
    existing: ReadonlyArray<{ readonly id: string; readonly key: string }>
  ) => Effect.Effect<ReadonlySet<string>, JournalError>
  /** The ids of what a run has kept or left, and another run has used again and removed since. */
  readonly removedByOthers: (run: RunId) => Effect.Effect<ReadonlySet<string>, JournalError>
  /** Asks the owner of a run for its end. Answers whether it has one that lives, who hears of it within a second. */
  readonly cancel: (run: RunId, by: string) => Effect.Effect<boolean, JournalError>
  /** Answers what a run has asked. Answers with what counts, which is the first answer that anybody has given. */
  readonly answer: (run: RunId, question: GateQuestion, answer: GateAnswer) => Effect.Effect<GateAnswer, JournalError>
  /** Removes what the events of a run that is over say, and keeps their chain. */
  readonly forget: (run: RunId) => Effect.Effect<void, JournalError | RunNotOverError | RunUnknownError | RunAmbiguousError>
  /** Checks the chain of a run, or of all. */
  readonly verify: (run?: RunId) => Effect.Effect<Verification, JournalError>
  /** The rows of a run, or of all, and in the place of each that cannot be read, which one that is. */
  readonly rows: (run?: RunId) => Stream.Stream<HashChain.Row | HashChain.DamagedRow, JournalError>
  /** Makes the table of runs anew from their events, where it says something else. */
  readonly reindex: Effect.Effect<Reindexed, JournalError>
}>() {}
