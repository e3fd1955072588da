/** The exit codes of the command. */
import type { Outcome } from "../run/Outcome.ts"

/** The file, a flag, a setting or the journal does not allow it; nothing was started. */
export const invalid = 2

/** A run completed, but teardown could not remove everything; or a drill has found something left behind. */
export const leftBehind = 5

/** A run completed, but a report of it that was asked for could not be written. */
export const unreported = 1

/** A run completed, but not all that happened in it is recorded. */
export const unrecorded = 6

/** The exit code of each outcome; that of a cancelled run depends on the signal. */
export const outcomes: Record<Exclude<Outcome, "cancelled">, number> = {
  completed: 0,
  failed: 1,
  connectivity_lost: 3,
  state_lost: 3,
  timed_out: 4,
  waiting: 7,
  over_budget: 8
}

/** What each exit code means, for the help. */
export const meanings: ReadonlyArray<readonly [string, string]> = [
  ["0", "the run completed; the drill, or the doctor, has found nothing wrong"],
  ["1", "the run failed: a task did, or Agamemnon refused a request; a case of the drill failed, or the doctor has found something that a run needs missing; what the command says, or a report of a completed run, could not be written"],
  ["2", "the file, a flag, a setting or the journal does not allow it; nothing was started"],
  ["3", "connectivity to Agamemnon was lost, or Agamemnon has lost its state"],
  ["4", "the limit of the run passed"],
  ["5", "the run completed, but teardown could not remove everything; the drill has found something left behind"],
  ["6", "the run completed, but its journal has a gap"],
  ["7", "the run waits for an answer (telemachy approve, telemachy reject), and goes on when it is resumed"],
  ["8", "the budget of the run, or of the day, is used up"],
  ["130, 143", "cancelled by SIGINT or SIGTERM (129 by SIGHUP), 130 by telemachy cancel"]
]
