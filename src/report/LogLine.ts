/** A line of what a program has written, as it is told. */
import type * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"

/** A line of a program, or of which there is no program: a place where the log was cut. */
export interface LogLine {
  readonly at: DateTime.Utc | undefined
  readonly stream: "stdout" | "stderr" | undefined
  readonly text: string
}

/** Schema of a line as a program reads it: a JSON object. */
export const Json = Schema.parseJson(Schema.Struct({
  at: Schema.optional(Schema.DateTimeUtc),
  stream: Schema.optional(Schema.Literal("stdout", "stderr")),
  text: Schema.String
}))
