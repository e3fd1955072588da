/** How often a task that did not complete is tried again, when, and after which ends. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Seconds from "../settings/Seconds.ts"
import * as SchemaProblems from "./SchemaProblems.ts"
import { WrittenDuration } from "./WrittenDuration.ts"

/** The most attempts after the first. */
const mostTimes = 100

const Times = Schema.Number.pipe(
  Schema.filter((times) => Number.isSafeInteger(times) && times >= 1 && times <= mostTimes, {
    jsonSchema: { minimum: 1, maximum: mostTimes, multipleOf: 1 },
    arbitrary: () => (fc) => fc.integer({ min: 1, max: mostTimes }),
    ...SchemaProblems.expects(`a whole number from 1 to ${mostTimes}`)
  })
)

const Factor = Schema.Number.pipe(
  Schema.filter((factor) => factor >= 1 && factor <= 100, {
    jsonSchema: { minimum: 1, maximum: 100 },
    arbitrary: () => (fc) => fc.integer({ min: 1, max: 100 }),
    ...SchemaProblems.expects("a number from 1 to 100")
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
  times: Times.annotations({ description: "How many attempts may follow the first.", examples: [2] }),
  wait: Schema.optionalWith(
    WrittenDuration.annotations({ description: "Time between the end of an attempt and the next. Absent: none." }),
    { as: "Option" }
  ),
  backoff: Schema.optionalWith(
    Factor.annotations({ description: "By how much each wait is longer than the one before it.", default: 1 }),
    { default: () => 1 }
  ),
  maxWait: Schema.optionalWith(
    WrittenDuration.annotations({ description: "The longest wait." }),
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
 * Schema of a policy of attempts: a map, or only the number of attempts that may follow the first.
 *
 * **Example** (How many attempts a task has at most)
 *
 * ```ts
 * import type { RetryPolicy } from "telemachy"
 *
 * export const mostAttempts = ({ times }: RetryPolicy.RetryPolicy) => times + 1
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const RetryPolicy = Schema.transform(
  Schema.Union(Times, Fields).annotations(
    SchemaProblems.expects(`a whole number from 1 to ${mostTimes}, or a map with the keys times, wait, backoff, max_wait, on`)
  ),
  Schema.typeSchema(Fields),
  {
    strict: true,
    decode: (written) => typeof written === "number" ? Schema.decodeSync(Fields)({ times: written }) : written,
    encode: (policy) => policy
  }
)
export interface RetryPolicy extends Schema.Schema.Type<typeof RetryPolicy> {}

/**
 * Whether another attempt may follow one that has ended like this.
 *
 * @internal
 */
export const covers = ({ on }: RetryPolicy, end: string): boolean =>
  on.some((each) => each === end || (each === "failed" && end === "error"))

/**
 * The time between an attempt, of which the first is 1, and the next.
 *
 * @internal
 */
export const waitAfter = ({ backoff, maxWait, wait }: RetryPolicy, attempt: number): Duration.Duration => {
  const longest = Option.getOrElse(maxWait, () => Duration.seconds(Seconds.longest))
  const first = Option.getOrElse(wait, () => Duration.zero)
  return Duration.min(longest, Duration.times(first, Math.min(Seconds.longest, backoff ** (attempt - 1))))
}
