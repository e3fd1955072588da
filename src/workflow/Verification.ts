/** A command that checks what the agent of a task claims to have done. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { DurationAmount } from "./Amount.ts"
import * as SchemaProblems from "./SchemaProblems.ts"
import { nonBlank, templateOfAtMost, textOfAtMost } from "./WorkflowText.ts"

/** The longest command, in bytes. */
const maxBytes = 4096

/**
 * The limit of a command that says none.
 *
 * @internal
 */
export const defaultTimeout = Duration.minutes(10)

const Command = nonBlank(templateOfAtMost(maxBytes))

/**
 * Schema of a command of which the expressions are evaluated.
 *
 * @internal
 */
export const Evaluated = nonBlank(textOfAtMost(maxBytes))

const Fields = Schema.Struct({
  run: Command.annotations({ description: "The command, which the shell runs. At most 4096 bytes." }),
  timeout: Schema.optionalWith(
    DurationAmount.annotations({ description: "How long it may take. Absent: 10m." }),
    { as: "Option" }
  )
})

/**
 * Schema of the check of a task: a map, or only the command. The limit is a text while it is an expression.
 *
 * **Example** (How long a check may take)
 *
 * ```ts
 * import { Duration, Option } from "effect"
 * import type { Verification } from "telemachy"
 *
 * export const limitOf = ({ timeout }: Verification.Verification) =>
 *   Option.getOrElse(Option.filter(timeout, Duration.isDuration), () => Duration.minutes(10))
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const Verification = Schema.transform(
  Schema.Union(Command, Fields).annotations(SchemaProblems.expects("a command of the shell, or a map with the keys run and timeout")),
  Schema.typeSchema(Fields),
  {
    strict: true,
    decode: (written) => typeof written === "string" ? { run: written, timeout: Option.none() } : written,
    encode: (verification) => verification
  }
)
export interface Verification extends Schema.Schema.Type<typeof Verification> {}
