/**
 * The journal of runs, as a run sees it: each of its events is written down in
 * order, and whatever is made on Agamemnon is in the journal before it is made.
 * An executor that is given a journal uses it; `SqlRunJournal` implements it.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as ConcurrencyGroup from "./ConcurrencyGroup.ts"
import type { GateAnswer, GateQuestion } from "./GateAnswer.ts"
import type { JournalError, LeaseLostError, RunOwnedError, RunUnknownError } from "./JournalError.ts"
import type { KeyHolder, Purpose } from "./KeyHolder.ts"
import type { RunEvent } from "./RunEvent.ts"
import type { RunId, RunIdentity } from "./RunId.ts"
import type * as RunInput from "./RunInput.ts"

/**
 * What became of an attempt to take keys.
 *
 * @since 0.1.0
 * @category models
 */
export interface Reserved {
  /** Who holds those that were not taken. */
  readonly holders: ReadonlyArray<KeyHolder>
  /** The runs whose processes have ended while they held what was taken. */
  readonly former: ReadonlyArray<RunId>
}

/**
 * The journal of one run, for as long as this process holds the lease of the run.
 *
 * @since 0.1.0
 * @category models
 */
export interface Handle {
  /** The database, without a password. */
  readonly where: string
  /**
   * Appends events, after those before and in their order. When it succeeds
   * they are on disk. Repeating it after a failure is safe.
   */
  readonly append: (events: ReadonlyArray<RunEvent>) => Effect.Effect<void, JournalError | LeaseLostError>
  /** Writes down what the run is told to do, beside its events and under its digest. */
  readonly writeInput: (input: RunInput.Encoded) => Effect.Effect<void, JournalError>
  /** Waits until somebody asks for the end of the run, and says who. */
  readonly cancelled: Effect.Effect<string>
  /** Fails when the lease of the run is lost, and never succeeds. */
  readonly lost: Effect.Effect<never, LeaseLostError>
  /** Succeeds while the lease holds. Waits while that is not certain, and fails once it is lost. */
  readonly ensure: Effect.Effect<void, LeaseLostError>
  /**
   * Takes those of some keys that no other living run holds, until the scope of
   * the journal closes; with `all`, nothing is taken when others hold any. Taking
   * a key that the run holds changes what for.
   */
  readonly reserve: (
    keys: ReadonlyArray<string>,
    options: { readonly all: boolean; readonly purpose: Purpose }
  ) => Effect.Effect<Reserved, JournalError | LeaseLostError>
  /**
   * Takes a place in a group, if one is free and nobody waits who came before; it is held until the scope of the journal closes,
   * or, when runners go on with the run, until that is over. A run is in one group at a time, and one that holds a place has it.
   */
  readonly enter: (entry: ConcurrencyGroup.Entry) => Effect.Effect<ConcurrencyGroup.Entered, JournalError | LeaseLostError>
  /** Asks the owner of another run for its end. Answers whether it has one that lives. */
  readonly cancelOther: (run: RunId, by: string) => Effect.Effect<boolean, JournalError>
  /** Answers what the run has asked. Answers with what counts, which is the first answer that anybody has given. */
  readonly answer: (question: GateQuestion, answer: GateAnswer) => Effect.Effect<GateAnswer, JournalError>
  /** The answer to what the run has asked, if anybody has given one. */
  readonly answerTo: (question: GateQuestion) => Effect.Effect<GateAnswer | undefined, JournalError>
  /** What has happened in another run so far. Nothing of one that is not in the journal. */
  readonly eventsOf: (run: RunId) => Effect.Effect<ReadonlyArray<RunEvent>, JournalError>
  /** Those of some ids that are of agents and teams which other runs have made or used. */
  readonly idsOfOthers: (ids: ReadonlyArray<string>) => Effect.Effect<ReadonlySet<string>, JournalError>
}

/**
 * The journal of a run that was begun before, and what is in it.
 *
 * @since 0.1.0
 * @category models
 */
export interface AcquiredHandle extends Handle {
  readonly events: ReadonlyArray<RunEvent>
  /** What the run was told to do, by the digests that its events name. Nothing when that was forgotten. */
  readonly inputs: ReadonlyMap<string, string>
}

/**
 * The journal of runs.
 *
 * **Example** (Reading how far a run that nobody drives has got)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { RunId, RunJournal, RunState } from "telemachy"
 *
 * export const reached = (run: RunId.RunId) =>
 *   Effect.gen(function*() {
 *     const { acquire } = yield* RunJournal.RunJournal
 *     const { events } = yield* acquire(run)
 *     return RunState.foldAll(events)
 *   }).pipe(Effect.scoped)
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class RunJournal extends Context.Tag("telemachy/run/RunJournal")<RunJournal, {
  /** Begins the journal of a new run. This process holds its lease until the scope closes. */
  readonly begin: (run: RunIdentity) => Effect.Effect<Handle, JournalError, Scope.Scope>
  /**
   * Acquires a run that has no living owner. This process holds its lease until the scope closes. `url` is the address of the
   * Agamemnon that a run which is queued is to be on.
   */
  readonly acquire: (
    run: RunId,
    url?: string
  ) => Effect.Effect<AcquiredHandle, JournalError | RunOwnedError | RunUnknownError, Scope.Scope>
  /** The runs on an Agamemnon that have no living owner and of which something may still be there. */
  readonly abandoned: (url: string) => Effect.Effect<ReadonlyArray<RunId>, JournalError>
  /** What all runs have used together on a day (UTC), which is written as `2026-01-31`: in US dollars, as far as they have told. */
  readonly usdOn: (day: string) => Effect.Effect<number, JournalError>
  /** Whether it outlives this process. One that does not knows the runs of this process only. */
  readonly isLasting: boolean
}>() {}
