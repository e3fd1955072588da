/** What the status of a task on Agamemnon means for a run. */
import * as Schema from "effect/Schema"

/** Schema of the statuses from which a task does not move any more. Every other status is progress. */
export const TerminalStatus = Schema.Literal("completed", "failed", "error", "cancelled")
export type TerminalStatus = typeof TerminalStatus.Type

/** Tells whether a task has ended. Everything that is not known to be an end is progress. */
export const isTerminal: (status: unknown) => status is TerminalStatus = Schema.is(TerminalStatus)

/** Tells whether a task has ended otherwise than completed. */
export const isFailure = (status: unknown): boolean => isTerminal(status) && status !== "completed"
