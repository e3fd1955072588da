/**
 * The queue of runs: a run is put on record with all that it takes to begin it,
 * and begun by whoever has the means. `SqlRunStore` implements it.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { Concurrency } from "../workflow/Concurrency.ts"
import type { JournalError } from "./JournalError.ts"
import type { RunEvent } from "./RunEvent.ts"
import type { RunId } from "./RunId.ts"
import type { Encoded } from "./RunInput.ts"

/**
 * The event of a run that is submitted.
 *
 * @since 0.1.0
 * @category models
 */
export type SubmittedEvent = Extract<RunEvent, { readonly _tag: "run.submitted" }>

/**
 * What a run that is submitted is told to do.
 *
 * @since 0.1.0
 * @category models
 */
export interface SubmittedInput extends Encoded {
  /** What it has in common with every other submission that is told to do the same, whatever file it is from. */
  readonly fingerprint: string
  /** The group of which only so many runs are under way at once, if it is of one. */
  readonly concurrency?: Concurrency | undefined
}

/**
 * What became of a submission.
 *
 * @since 0.1.0
 * @category models
 */
export interface Submitted {
  /** The run, or that which was submitted with the same key before. */
  readonly run: RunId
  /** How often it was given to runners. */
  readonly attempt: number
  /** Whether it was submitted now, and not before. */
  readonly isNew: boolean
  /** Whether it is told to do what was submitted now. */
  readonly isSame: boolean
}

/**
 * A run that was submitted and is not over.
 *
 * @since 0.1.0
 * @category models
 */
export interface OpenRun {
  readonly run: RunId
  readonly attempt: number
  readonly priority: number
  /** When it was submitted, in ISO 8601. */
  readonly at: string
  /** Whether nobody has begun it. */
  readonly isQueued: boolean
  /** The name of its workflow. */
  readonly workflow: string
  /** When a run of the workflow was given its turn last, in seconds; 0 when none was. Among those of one priority, workflows take turns. */
  readonly lastTurn: number
  /** The group that has no place for it yet. It is not to be begun before there is one. */
  readonly heldBackBy: string | undefined
  /** Whether it ends those that have the places of that group. */
  readonly isToMakeRoom: boolean
}

/**
 * The queue of runs.
 *
 * **Example** (How many runs wait or are under way)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { RunQueue } from "telemachy"
 *
 * export const backlog = Effect.flatMap(RunQueue.RunQueue, ({ open }) => open).pipe(
 *   Effect.map((runs) => runs.length)
 * )
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class RunQueue extends Context.Tag("telemachy/run/RunQueue")<RunQueue, {
  /** The database, without a password. */
  readonly where: string
  /**
   * Puts a run on record, and what it is told to do. A key stands for one run: who submits with it again, or at the same time, is
   * answered with that one.
   */
  readonly submit: (event: SubmittedEvent, input: SubmittedInput) => Effect.Effect<Submitted, JournalError>
  /** Those that were submitted and are not over, at most a thousand: by their priority, then by their age. */
  readonly open: Effect.Effect<ReadonlyArray<OpenRun>, JournalError>
  /** One that was submitted and is not over; nothing of any other. */
  readonly find: (run: RunId) => Effect.Effect<Option.Option<OpenRun>, JournalError>
  /** Notes that a run is given to runners once more, unless somebody else has noted that. Answers whether it was noted now. */
  readonly raiseAttempt: (run: OpenRun) => Effect.Effect<boolean, JournalError>
  /** Asks for the end of those that have the places of the group that holds back a run: the oldest first, and as many as it takes. */
  readonly makeRoom: (run: OpenRun) => Effect.Effect<void, JournalError>
  /** Notes that a run is given its turn: those of other workflows come before the next one of its own. */
  readonly noteTurn: (run: RunId) => Effect.Effect<void, JournalError>
}>() {}
