/**
 * A duration as a workflow file writes it: a number of seconds, or numbers with
 * their units, as `30s`, `10m`, `2h`, `1d` and `1h 30m`.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as Seconds from "../settings/Seconds.ts"
import * as SchemaProblems from "./SchemaProblems.ts"

/** What counts as one, in words. */
export const range = "a duration greater than 0, as 90 (seconds), 30s, 10m or 1h 30m, at most 24d"

const secondsIn: ReadonlyMap<string, number> = new Map([["s", 1], ["m", 60], ["h", 3600], ["d", 86_400]])

const part = String.raw`\d+(?:\.\d+)?\s*[smhd]`

const whole = new RegExp(String.raw`^\s*${part}(?:\s*${part})*\s*$`)

/** How many seconds a text stands for, if each of its units is there once. */
const secondsOf = (text: string): Option.Option<number> => {
  if (!whole.test(text)) return Option.none()
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)\s*([smhd])/g)]
  if (new Set(parts.map(([, , unit]) => unit)).size < parts.length) return Option.none()
  return Option.some(parts.reduce((sum, [, number, unit = ""]) => sum + Number(number) * (secondsIn.get(unit) ?? 0), 0))
}

/** Reads a duration that is given as text, a number of seconds or with units. */
export const fromText = (text: string): Option.Option<Duration.Duration> =>
  (/^\s*\d+(?:\.\d+)?\s*$/.test(text) ? Option.some(Number(text)) : secondsOf(text)).pipe(
    Option.filter(Seconds.isValid),
    Option.map(Duration.seconds)
  )

const ValidDuration = Schema.DurationFromSelf.pipe(
  Schema.filter((duration) => Seconds.isValid(Duration.toSeconds(duration)), {
    arbitrary: () => (fc) => fc.integer({ min: 1, max: 1_000_000 }).map(Duration.seconds)
  })
)

const Written = Schema.Union(
  Schema.Number.annotations({ jsonSchema: { type: "number", exclusiveMinimum: 0, maximum: Seconds.longest } }),
  Schema.String.annotations({ jsonSchema: { type: "string", pattern: whole.source } })
).annotations(SchemaProblems.expects(range))

/** Schema of a duration in a workflow file. Written back, it is a number of seconds. */
export const WrittenDuration = Schema.transformOrFail(Written, ValidDuration, {
  strict: true,
  decode: (written, _, ast) =>
    Option.liftPredicate(typeof written === "number" ? Option.some(written) : secondsOf(written), Option.isSome).pipe(
      Option.flatten,
      Option.filter(Seconds.isValid),
      Option.match({
        onNone: () => Effect.fail(new ParseResult.Type(ast, written, range)),
        onSome: (seconds) => Effect.succeed(Duration.seconds(seconds))
      })
    ),
  encode: (duration) => ParseResult.succeed(Duration.toSeconds(duration))
}).annotations(SchemaProblems.expects(range))
