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
  readonly priority: number
  /** When it was submitted, in ISO 8601. */
  readonly at: string
  /** Whether nobody has begun it. */
  readonly isQueued: boolean
  /** The group that has no place for it yet. It is not begun before there is one. */
  readonly heldBackBy: string | undefined
}

/**
 * A run that is to go on.
 *
 * @since 0.1.0
 * @category models
 */
export interface Readmitted {
  readonly run: RunId
  readonly workflow: string
  /** The digest of what it was told to do. */
  readonly digest: string
  readonly priority: number
  /** When somebody has asked for it, in ISO 8601. */
  readonly at: string
  /** The group of which only so many runs are under way at once, if it is of one. */
  readonly concurrency?: Concurrency | undefined
}

/**
 * A run that was submitted, and waits for answers in no process.
 *
 * @since 0.1.0
 * @category models
 */
export interface ParkedRun {
  readonly run: RunId
  /** How many answers it has been given so far. */
  readonly answers: number
}

/**
 * Who asks for runs to drive.
 *
 * @since 0.1.0
 * @category models
 */
export interface ClaimRequest {
  /** How many there are places for. */
  readonly most: number
  /** Those that it must not be given. */
  readonly except: Iterable<RunId>
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
  /**
   * The first of them that nobody drives, for whoever asks to drive them: nobody else is given them for two seconds, in which
   * it can acquire their leases.
   */
  readonly claim: (request: ClaimRequest) => Effect.Effect<ReadonlyArray<OpenRun>, JournalError>
  /**
   * Has a run wait for a runner again that is on record, whether or not it was submitted, once its journal says that it is to go
   * on. Whoever asks for it holds its lease.
   */
  readonly readmit: (run: Readmitted) => Effect.Effect<void, JournalError>
  /** Those that were submitted and are parked, at most a thousand, the oldest first. */
  readonly parked: Effect.Effect<ReadonlyArray<ParkedRun>, JournalError>
  /** Has others be given a run at once that was claimed a moment ago, by a runner that does not drive it any more. */
  readonly giveBack: (run: RunId) => Effect.Effect<void, JournalError>
  /** Notes that a run has died of a defect in its runner. Answers how often that has happened. */
  readonly noteDefect: (run: RunId) => Effect.Effect<number, JournalError>
  /**
   * Has those give up their places in groups that live no longer, and asks for the end of those that are in the way of a run
   * which is to end them.
   */
  readonly makeRoom: Effect.Effect<void, JournalError>
}>() {}
