/** What an attempt at a task has used, as its worker reports it. */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as SchemaProblems from "../workflow/SchemaProblems.ts"
import * as WorkflowProblem from "../workflow/WorkflowProblem.ts"

/** The largest numbers of one attempt: sums of as many as a run can have stay exact. */
const mostUsd = 1_000_000
const mostTokens = 1_000_000_000

const optional = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { exact: true })

const Usd = Schema.Number.pipe(
  Schema.filter((usd) => usd >= 0 && usd <= mostUsd, {
    arbitrary: () => (fc) => fc.nat(mostUsd),
    ...SchemaProblems.expects("a number from 0", `a number from 0 to ${mostUsd}`)
  })
)

const Tokens = Schema.Number.pipe(
  Schema.filter((tokens) => Number.isSafeInteger(tokens) && tokens >= 0 && tokens <= mostTokens, {
    arbitrary: () => (fc) => fc.nat(mostTokens),
    ...SchemaProblems.expects("a whole number from 0", `a whole number from 0 to ${mostTokens}`)
  })
)

/** Schema of what an attempt has used, as it is on record. What is not there is not known. */
export const Usage = Schema.Struct({
  usd: optional(Usd),
  inputTokens: optional(Tokens),
  outputTokens: optional(Tokens),
  /** Those of the tokens that were read which came from a cache. */
  cachedTokens: optional(Tokens),
  /** Whether nobody has reported the cost, and it was reckoned from the tokens. */
  isReckoned: optional(Schema.Boolean)
})
export interface Usage extends Schema.Schema.Type<typeof Usage> {}

/** The same as a worker writes it. What else it writes there is its own business. */
const Reported = Schema.Struct({
  usd: optional(Usd),
  inputTokens: optional(Tokens).pipe(Schema.fromKey("input_tokens")),
  outputTokens: optional(Tokens).pipe(Schema.fromKey("output_tokens")),
  cachedTokens: optional(Tokens).pipe(Schema.fromKey("cached_tokens")),
  isReckoned: optional(Schema.Boolean).pipe(Schema.fromKey("reckoned"))
}).pipe(
  Schema.filter(({ inputTokens, outputTokens, usd }) => [usd, inputTokens, outputTokens].some((each) => each !== undefined)),
  Schema.annotations(SchemaProblems.expects("a map with usd, input_tokens or output_tokens"))
)

const decode = ParseResult.decodeUnknownEither(Reported, { errors: "all" })

const parseJson = Schema.decodeOption(Schema.parseJson())

/** A usage that may be written as a text of JSON. */
export const parse = (value: unknown): unknown => (typeof value === "string" ? Option.getOrElse(parseJson(value), () => value) : value)

/** What is known of what an attempt has used: nothing when nothing is reported, or why what is reported counts as nothing. */
export interface Known {
  readonly usage?: Usage
  readonly usageProblem?: string
}

/** Reads what a worker has reported. */
export const read = (reported: unknown): Known =>
  reported === undefined || reported === null ? {} : Either.match(decode(parse(reported)), {
    onLeft: (issue) => ({
      usageProblem: SchemaProblems.findings(issue)
        .map(({ expected, found, path }) => `${WorkflowProblem.renderPath(["usage", ...path])} is ${found}, not ${expected}`)
        .join("; ")
    }),
    onRight: (usage) => ({ usage })
  })
