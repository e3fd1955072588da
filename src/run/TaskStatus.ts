/** What the status of a task on Agamemnon means for a run, and how a task of a run can end. */
import * as Schema from "effect/Schema"

/** Schema of the statuses from which a task does not move any more on Agamemnon. Every other status is progress. */
export const TerminalStatus = Schema.Literal("completed", "failed", "error", "cancelled")
export type TerminalStatus = typeof TerminalStatus.Type

/** Tells whether a task has ended on Agamemnon. Everything that is not known to be an end is progress. */
export const isTerminal: (status: unknown) => status is TerminalStatus = Schema.is(TerminalStatus)

/** Why a run gives an attempt up that Agamemnon has as unfinished: it took too long, or showed no sign of life for too long. */
export const GivenUp = Schema.Literal("timeout", "stalled")
export type GivenUp = typeof GivenUp.Type

/** Schema of the ends of a task, or of one attempt at it: how Agamemnon says that it has ended, or why it was given up. */
export const EndStatus = Schema.Literal(...TerminalStatus.literals, ...GivenUp.literals)
export type EndStatus = typeof EndStatus.Type

/** Tells whether a task of a run has ended. */
export const isEnd: (status: unknown) => status is EndStatus = Schema.is(EndStatus)

/** Tells whether a task has ended otherwise than completed. */
export const isFailure = (status: unknown): boolean => isEnd(status) && status !== "completed"
