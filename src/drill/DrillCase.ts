/** A case of a drill: a fault, what is done about it, and how that is expected to end. */
import type { PlatformError } from "@effect/platform/Error"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import type { OptionsError } from "../agamemnon/AgamemnonClient.ts"
import type { AddressUnavailable } from "../embedded/Listener.ts"
import type { JournalError } from "../run/JournalError.ts"
import * as RunState from "../run/RunState.ts"
import type { Pace } from "./Pace.ts"
import type { NotSeenError } from "./Sightings.ts"
import { type CleanupError, type OwnRun, Stage } from "./Stage.ts"

/** What was seen of a case. */
export interface Observation {
  /** How its runs ended, in words. */
  readonly outcome: string
  /** The time from the fault until a run said that something is wrong. Nothing when there is nothing to notice. */
  readonly noticedAfter?: Duration.Duration | undefined
}

/** Why a case did not get to its end. */
export type CaseError =
  | NotSeenError
  | PlatformError
  | AddressUnavailable
  | OptionsError
  | JournalError
  | CleanupError

/** A case. */
export interface DrillCase {
  /** Short, of lower-case letters and dashes. */
  readonly name: string
  /** What goes wrong, in words. */
  readonly fault: string
  /** The outcome that an {@link Observation} should have. */
  readonly expected: string
  /** The time within which the fault has to be noticed. Defaults to no limit. */
  readonly noticedWithin?: (pace: Pace) => Duration.Duration
  readonly carryOut: Effect.Effect<Observation, CaseError, Stage | Scope.Scope>
}

/** The time between two moments of the monotonic clock. */
export const between = (from: bigint, to: bigint): Duration.Duration => Duration.nanos(to > from ? to - from : 0n)

/** Waits for the end of a run, cleans up what it says to have left, and tells how it ended. */
export const settle = Effect.fn("DrillCase.settle")(function*(run: OwnRun) {
  const { cleanUp } = yield* Stage
  const exit = yield* run.ended
  const state = yield* run.sightings.state
  if (state === undefined) {
    return Exit.isSuccess(exit) ? "ended without a word" : "did not begin"
  }
  const outcome = state.outcome ?? "failed"
  if (RunState.left(state).length === 0) return outcome
  yield* cleanUp(state.run)
  return `${outcome}, cleaned up`
})
