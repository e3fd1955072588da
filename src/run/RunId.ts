/** Identifies a run, and what identifies the work that it does. */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"

/**
 * Identifies a run: sixteen hexadecimal digits.
 *
 * **Example** (Reading an id that somebody has typed)
 *
 * ```ts
 * import { Schema } from "effect"
 * import { RunId } from "telemachy"
 *
 * export const parse = Schema.decodeOption(RunId.RunId)
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const RunId = Schema.String.pipe(Schema.pattern(/^[0-9a-f]{16}$/), Schema.brand("telemachy/RunId"))
export type RunId = typeof RunId.Type

/**
 * What is known of a run before its first event.
 *
 * @since 0.1.0
 * @category models
 */
export interface RunIdentity {
  readonly run: RunId
  /** The name of its workflow. */
  readonly workflow: string
  /** The address of the Agamemnon that it is on. */
  readonly url: string
}

/**
 * Makes the id of a new run.
 *
 * @internal
 */
export const random: Effect.Effect<RunId> = Effect.map(
  Effect.replicateEffect(Random.nextIntBetween(0, 16), 16),
  (digits) => RunId.make(digits.map((digit) => digit.toString(16)).join(""))
)
