/** The shapes that keys of a workflow file have in common. */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { DurationAmount } from "./Amount.ts"
import * as SchemaProblems from "./SchemaProblems.ts"
import { Text } from "./WorkflowText.ts"

/** A key that may be absent, and then nothing is said. */
export const optional = <A, I, R>(value: Schema.Schema<A, I, R>) => Schema.optionalWith(value, { as: "Option" })

/** A text that may be absent. An empty one stands for none, as it did in the Python Telemachy. */
export const optionalText = (
  annotations: Schema.PropertySignature.Annotations<Option.Option<string>>,
  text: Schema.Schema<string> = Text
) =>
  Schema.optionalToRequired(Schema.NullishOr(text), Schema.OptionFromSelf(text.pipe(Schema.minLength(1))), {
    decode: Option.filter((text): text is string => typeof text === "string" && text !== ""),
    encode: (text) => text
  }).annotations(annotations)

/** A list that is not empty. */
export const listOf = <A, I, R>(item: Schema.Schema<A, I, R>, what: string, why?: string) =>
  Schema.Array(item).pipe(
    Schema.filter((items) => items.length > 0, {
      jsonSchema: { minItems: 1 },
      ...SchemaProblems.expects(`a list of ${what}s`, `at least one ${what}${why === undefined ? "" : ` (${why})`}`)
    })
  )

/** How long an attempt may show no sign of life. */
export const StalledAfter = optional(DurationAmount.annotations({
  description: "How long an attempt may show no sign of life before it ends as `stalled`. Absent: as long as it likes."
})).pipe(Schema.fromKey("stalled_after"))
