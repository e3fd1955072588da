/** How runs end. */
import * as Schema from "effect/Schema"

/**
 * Schema of how a run ended, which is exactly one of:
 *
 * - `completed`: every task completed
 * - `failed`: a task ended otherwise or was skipped, or Agamemnon refused a request
 * - `connectivity_lost`: the heartbeat gave up
 * - `state_lost`: Agamemnon answers, but no longer knows what the run has made
 * - `timed_out`: the limit of the run passed
 * - `waiting`: it was parked, because it had nothing to do but wait for the answers of people
 * - `over_budget`: what the run, or all runs of the day, may use was used up
 * - `cancelled`: a signal, a person or an interruption ended it
 *
 * **Example** (Alerting on what nobody wanted)
 *
 * ```ts
 * import { Outcome } from "telemachy"
 *
 * export const isAlarming = (outcome: Outcome.Outcome) => outcome !== "completed" && outcome !== "cancelled"
 *
 * export const everyOutcome = Outcome.Outcome.literals
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const Outcome = Schema.Literal(
  "completed",
  "failed",
  "connectivity_lost",
  "state_lost",
  "timed_out",
  "over_budget",
  "waiting",
  "cancelled"
)
export type Outcome = typeof Outcome.Type
