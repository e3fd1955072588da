/**
 * What was told of runs, and to whom: so that each destination is told each thing once, whichever processes tell it, and that what
 * a process that died has not told is told by another. `SqlRunStore` implements it.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { JournalError } from "./JournalError.ts"
import type { RunEvent } from "./RunEvent.ts"
import type { RunId } from "./RunId.ts"

/**
 * What a destination is told of a run.
 *
 * @since 0.1.0
 * @category models
 */
export interface Told {
  readonly run: RunId
  /** The id of the destination. */
  readonly destination: string
}

/**
 * How far a destination has been told of a run.
 *
 * @since 0.1.0
 * @category models
 */
export interface Progress {
  /** Of how many of the notifications of the run nothing is left to do. */
  readonly settled: number
  /** How many events that notifications are made of had been looked at. */
  readonly seen: number
}

/**
 * Remembers what was told of runs.
 *
 * **Example** (Whether something was not told yet)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { NotificationLog } from "telemachy"
 *
 * export const isBehind = Effect.gen(function*() {
 *   const { pending } = yield* NotificationLog.NotificationLog
 *   return (yield* pending(1)).length > 0
 * })
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class NotificationLog extends Context.Tag("telemachy/run/NotificationLog")<NotificationLog, {
  /** Whether it outlives this process. */
  readonly isLasting: boolean
  /** Takes note of an event. One that is on record as it is needs no note. */
  readonly note: (event: RunEvent) => Effect.Effect<void>
  /** The events of a run that notifications are made of, in order. None of a run that was forgotten. */
  readonly history: (run: RunId) => Effect.Effect<ReadonlyArray<RunEvent>, JournalError>
  /** Has destinations be told of a run from now on, until {@link settle} says that this is over. */
  readonly open: (run: RunId, destinations: ReadonlyArray<string>) => Effect.Effect<void, JournalError>
  /** Takes the right to tell a destination of a run, for so many seconds. Nothing, while another has it, or when it was never open. */
  readonly claim: (told: Told, holder: string, seconds: number) => Effect.Effect<Option.Option<Progress>, JournalError>
  /** Writes down how far a destination has been told, while the holder has the right to. `isOver`: nothing is left to be told. */
  readonly settle: (told: Told, holder: string, progress: Progress & { readonly isOver: boolean }) => Effect.Effect<void, JournalError>
  /** Gives the right to tell a destination back. */
  readonly release: (told: Told, holder: string) => Effect.Effect<void, JournalError>
  /** Some of what was not told, and nobody is telling now. */
  readonly pending: (most: number) => Effect.Effect<ReadonlyArray<Told>, JournalError>
}>() {}
