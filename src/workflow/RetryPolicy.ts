/** How often a task that did not complete is tried again, when, and after which ends. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Seconds from "../settings/Seconds.ts"
import * as Amount from "./Amount.ts"
import * as SchemaProblems from "./SchemaProblems.ts"

/** The most attempts after the first. */
const mostTimes = 100

const words = {
  times: `a whole number from 1 to ${mostTimes}`,
  backoff: "a number from 1 to 100"
}

const isTimes = (times: number): boolean => Number.isSafeInteger(times) && times >= 1 && times <= mostTimes

const isFactor = (factor: number): boolean => factor >= 1 && factor <= 100

const Times = Schema.Number.pipe(
  Schema.filter(isTimes, {
    jsonSchema: { minimum: 1, maximum: mostTimes, multipleOf: 1 },
    arbitrary: () => (fc) => fc.integer({ min: 1, max: mostTimes }),
    ...SchemaProblems.expects(words.times)
  })
)

const Factor = Schema.Number.pipe(
  Schema.filter(isFactor, {
    jsonSchema: { minimum: 1, maximum: 100 },
    arbitrary: () => (fc) => fc.integer({ min: 1, max: 100 }),
    ...SchemaProblems.expects(words.backoff)
  })
)

/**
 * Schema of the ends of an attempt after which another can follow. `failed` stands for `error` as well; what somebody has
 * cancelled is not tried again.
 *
 * **Example** (Whether an attempt that takes too long is tried again)
 *
 * ```ts
 * import type { RetryPolicy } from "telemachy"
 *
 * export const retriesTimeouts = ({ on }: RetryPolicy.RetryPolicy) => on.includes("timeout")
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const RetriedEnd = Schema.Literal("failed", "timeout", "stalled")
export type RetriedEnd = typeof RetriedEnd.Type

const allEnds = RetriedEnd.literals

const everyEnd = (): ReadonlyArray<RetriedEnd> => allEnds

const Fields = Schema.Struct({
  times: Amount.orExpression(Times, words.times).annotations({ description: "How many attempts may follow the first.", examples: [2] }),
  wait: Schema.optionalWith(
    Amount.DurationAmount.annotations({ description: "Time between the end of an attempt and the next. Absent: none." }),
    { as: "Option" }
  ),
  backoff: Schema.optionalWith(
    Amount.orExpression(Factor, words.backoff).annotations({ description: "By how much each wait is longer than the one before it.", default: 1 }),
    { default: () => 1 }
  ),
  maxWait: Schema.optionalWith(
    Amount.DurationAmount.annotations({ description: "The longest wait." }),
    { as: "Option" }
  ).pipe(Schema.fromKey("max_wait")),
  on: Schema.optionalWith(
    Schema.Array(RetriedEnd).pipe(
      Schema.filter((ends) => ends.length > 0, {
        jsonSchema: { minItems: 1 },
        arbitrary: () => (fc) => fc.subarray([...allEnds], { minLength: 1 }),
        ...SchemaProblems.expects("a list of failed, timeout and stalled", "at least one of failed, timeout and stalled")
      })
    ).annotations({ description: "The ends of an attempt after which another follows.", default: allEnds }),
    { default: everyEnd }
  )
})

/**
 * Schema of a policy of attempts: a map, or only the number of attempts that may follow the first. An amount is a text while it
 * is an expression, which it no longer is in a workflow that is run.
 *
 * **Example** (How many attempts a task has at most)
 *
 * ```ts
 * import type { RetryPolicy } from "telemachy"
 *
 * export const mostAttempts = ({ times }: RetryPolicy.RetryPolicy) => typeof times === "number" ? times + 1 : undefined
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const RetryPolicy = Schema.transform(
  Schema.Union(Times, Amount.Expression, Fields).annotations(
    SchemaProblems.expects(`${words.times}, or a map with the keys times, wait, backoff, max_wait, on`)
  ),
  Schema.typeSchema(Fields),
  {
    strict: true,
    decode: (written) => typeof written === "object" ? written : Schema.decodeSync(Fields)({ times: written }),
    encode: (policy) => policy
  }
)
export interface RetryPolicy extends Schema.Schema.Type<typeof RetryPolicy> {}

/**
 * The amounts of a policy, as a file writes them.
 *
 * @internal
 */
export const keys = ["times", "wait", "backoff", "max_wait"] as const

/**
 * Whether a policy has expressions.
 *
 * @internal
 */
export const isTemplate = ({ backoff, maxWait, times, wait }: RetryPolicy): boolean =>
  [times, backoff, Option.getOrUndefined(wait), Option.getOrUndefined(maxWait)].some((amount) => typeof amount === "string")

/**
 * Evaluates the amounts of a policy.
 *
 * @internal
 */
export const evaluated = (
  { backoff, maxWait, on, times, wait }: RetryPolicy,
  evaluate: (key: typeof keys[number], text: string, schema: Schema.Schema<string>) => string
): RetryPolicy => {
  const amountOf = <A>(key: typeof keys[number], reader: Amount.Reader<A>, amount: A | string) =>
    Amount.evaluated(reader, amount, (text, schema) => evaluate(key, text, schema))
  return {
    times: amountOf("times", Amount.numberOf(words.times, isTimes), times),
    wait: Option.map(wait, (each) => amountOf("wait", Amount.duration, each)),
    backoff: amountOf("backoff", Amount.numberOf(words.backoff, isFactor), backoff),
    maxWait: Option.map(maxWait, (each) => amountOf("max_wait", Amount.duration, each)),
    on
  }
}

/**
 * A policy of which all amounts are known.
 *
 * @internal
 */
export interface Known {
  readonly times: number
  readonly wait: Option.Option<Duration.Duration>
  readonly backoff: number
  readonly maxWait: Option.Option<Duration.Duration>
  readonly on: ReadonlyArray<RetriedEnd>
}

/**
 * The policy of a task that is run, whose expressions have been evaluated.
 *
 * @internal
 */
export const known = ({ backoff, maxWait, on, times, wait }: RetryPolicy): Known => ({
  times: typeof times === "number" ? times : 0,
  wait: Amount.known(wait),
  backoff: typeof backoff === "number" ? backoff : 1,
  maxWait: Amount.known(maxWait),
  on
})

/**
 * Whether another attempt may follow one that has ended like this.
 *
 * @internal
 */
export const covers = ({ on }: Known, end: string): boolean =>
  on.some((each) => each === end || (each === "failed" && end === "error"))

/**
 * The time between an attempt, of which the first is 1, and the next.
 *
 * @internal
 */
export const waitAfter = ({ backoff, maxWait, wait }: Known, attempt: number): Duration.Duration => {
  const longest = Option.getOrElse(maxWait, () => Duration.seconds(Seconds.longest))
  const first = Option.getOrElse(wait, () => Duration.zero)
  return Duration.min(longest, Duration.times(first, Math.min(Seconds.longest, backoff ** (attempt - 1))))
}
