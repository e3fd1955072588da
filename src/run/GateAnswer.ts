/** What a person answers where a run asks for it. */
import * as Schema from "effect/Schema"

/**
 * Schema of an answer in a word: the run goes on, or the gate has failed, or
 * tasks before it are done again and it is asked once more.
 *
 * **Example** (Whether a gate was passed)
 *
 * ```ts
 * import type { GateAnswer } from "telemachy"
 *
 * export const isPassed = ({ decision }: GateAnswer.GateAnswer) => decision === "approved"
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const GateDecision = Schema.Literal("approved", "rejected", "redo")
export type GateDecision = typeof GateDecision.Type

/**
 * Schema of an answer.
 *
 * **Example** (An approval)
 *
 * ```ts
 * import type { GateAnswer } from "telemachy"
 *
 * export const answer: GateAnswer.GateAnswer = { decision: "approved", by: "penelope", comment: "Go ahead." }
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const GateAnswer = Schema.Struct({
  decision: GateDecision,
  /** Who has answered. */
  by: Schema.String,
  comment: Schema.optionalWith(Schema.String, { exact: true }),
  /** Of a gate that sends back: the task that is done again, and all between it and the gate. */
  redo: Schema.optionalWith(Schema.Struct({ team: Schema.String, subject: Schema.String }), { exact: true })
})
export interface GateAnswer extends Schema.Schema.Type<typeof GateAnswer> {}

/**
 * A question that a run has asked: the gate, and for which time it has. Each is answered once.
 *
 * @since 0.1.0
 * @category models
 */
export interface GateQuestion {
  readonly team: string
  readonly subject: string
  readonly asked: number
}

/**
 * Who answers a gate that nobody has answered in time.
 *
 * @internal
 */
export const nobody = "nobody in time"
