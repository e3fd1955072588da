/**
 * Which runs are not to be under way at the same time: those of a group, of which
 * there are so many places, and what a run does that finds none free.
 */
import * as Schema from "effect/Schema"
import * as SchemaProblems from "./SchemaProblems.ts"
import { nonBlank, templateOfAtMost, textOfAtMost } from "./WorkflowText.ts"

/** The longest name of a group, in bytes. */
const maxBytes = 256

/** The most places of a group. */
const most = 10_000

/** The keys of a group, as a file writes them. */
const keys = ["group", "limit", "when_full"] as const

const Group = nonBlank(templateOfAtMost(maxBytes))

/**
 * Schema of the name of a group of which the expressions are evaluated.
 *
 * @internal
 */
export const EvaluatedGroup = nonBlank(textOfAtMost(maxBytes))

/**
 * Schema of what a run does when its group is full: it waits (`queue`), ends those that hold the places (`cancel_running`), or
 * does not begin (`refuse`).
 *
 * **Example** (Waiting unless somebody is in a hurry)
 *
 * ```ts
 * import type { Concurrency } from "telemachy"
 *
 * export const whenFull = (isUrgent: boolean): Concurrency.WhenFull => (isUrgent ? "cancel_running" : "queue")
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const WhenFull = Schema.Literal("queue", "cancel_running", "refuse")
export type WhenFull = typeof WhenFull.Type

const Limit = Schema.Number.pipe(
  Schema.filter((places) => Number.isSafeInteger(places) && places >= 1 && places <= most, {
    jsonSchema: { minimum: 1, maximum: most, multipleOf: 1 },
    arbitrary: () => (fc) => fc.integer({ min: 1, max: most }),
    ...SchemaProblems.expects(`a whole number from 1 to ${most}`)
  })
)

const Fields = Schema.Struct({
  group: Group.annotations({
    description: "The name of the group, which it has in common with other runs, of this workflow or of others. At most 256 bytes."
  }),
  limit: Schema.optionalWith(
    Limit.annotations({ description: "How many runs of the group are under way at once, at most.", default: 1 }),
    { default: () => 1 }
  ),
  whenFull: Schema.optionalWith(
    WhenFull.annotations({
      description: "What a run does when there are as many: it waits (`queue`), ends the oldest of them (`cancel_running`), or does " +
        "not begin (`refuse`).",
      default: "queue"
    }),
    { default: () => "queue" as const }
  ).pipe(Schema.fromKey("when_full"))
})

/**
 * Schema of the group of a run: a map, or only the name of the group.
 *
 * **Example** (How many places there are)
 *
 * ```ts
 * import type { WorkflowSpec } from "telemachy"
 *
 * export const placesOf = ({ concurrency }: WorkflowSpec.WorkflowSpec) => concurrency?.limit ?? Infinity
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const Concurrency = Schema.transform(
  Schema.Union(Group, Fields).annotations(SchemaProblems.expects(`the name of a group, or a map with the keys ${keys.join(", ")}`)),
  Schema.typeSchema(Fields),
  {
    strict: true,
    decode: (written) => typeof written === "string" ? { group: written, limit: 1, whenFull: "queue" as const } : written,
    encode: (concurrency) => concurrency
  }
)
export interface Concurrency extends Schema.Schema.Type<typeof Concurrency> {}
