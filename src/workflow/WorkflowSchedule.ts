/**
 * When runs of a workflow begin by themselves: by cron expressions, each with its time zone and its inputs, and with what is
 * done when the run before is not over, or when nobody was there at the time.
 */
import { createHash } from "node:crypto"
import * as Schema from "effect/Schema"
import { GivenInputs } from "./Inputs.ts"
import * as SchemaProblems from "./SchemaProblems.ts"
import { nonBlank, textOfAtMost } from "./WorkflowText.ts"

/**
 * The most schedules of a workflow: 20.
 *
 * **Example** (How many more a workflow can have)
 *
 * ```ts
 * import { WorkflowSchedule, type WorkflowSpec } from "telemachy"
 *
 * export const roomIn = ({ schedules = [] }: WorkflowSpec.WorkflowSpec) => WorkflowSchedule.maxSchedules - schedules.length
 * ```
 *
 * @since 0.1.0
 * @category config
 */
export const maxSchedules = 20

/** The longest cron expression and the longest name of a time zone, in bytes. */
const maxBytes = 256

/**
 * Schema of what becomes of a time at which the run before is not over: it is left out (`skip`), waits until that is over
 * (`queue`), or ends it (`cancel_running`).
 *
 * **Example** (Whether each time has a run)
 *
 * ```ts
 * import type { WorkflowSchedule } from "telemachy"
 *
 * export const isComplete = (overlap: WorkflowSchedule.Overlap) => overlap !== "skip"
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const Overlap = Schema.Literal("skip", "queue", "cancel_running")
export type Overlap = typeof Overlap.Type

/**
 * Schema of what becomes of times that have passed while no runner was there: nothing (`none`), or a run for the last of them
 * (`latest`).
 *
 * **Example** (Whether an outage leaves a gap)
 *
 * ```ts
 * import type { WorkflowSchedule } from "telemachy"
 *
 * export const leavesGap = (catchUp: WorkflowSchedule.CatchUp) => catchUp === "none"
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const CatchUp = Schema.Literal("none", "latest")
export type CatchUp = typeof CatchUp.Type

/**
 * Schema of a schedule, as a workflow file has it.
 *
 * **Example** (When something happens, in words)
 *
 * ```ts
 * import type { WorkflowSchedule } from "telemachy"
 *
 * export const inWords = ({ cron, timezone }: WorkflowSchedule.WorkflowSchedule) => `${cron} in ${timezone}`
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const WorkflowSchedule = Schema.Struct({
  cron: nonBlank(textOfAtMost(maxBytes)).annotations({
    description: "When a run begins: minute, hour, day of the month, month and day of the week, each a number, a list (`1,3`), a range " +
      "(`1-5`), a step (`*/2`), or `*`. Where both a day of the month and one of the week are given, each is enough."
  }),
  timezone: Schema.optionalWith(
    nonBlank(textOfAtMost(maxBytes)).annotations({
      description: "The time zone of the expression, by its name, such as `Europe/Berlin`.",
      default: "UTC"
    }),
    { default: () => "UTC" }
  ),
  inputs: Schema.optionalWith(
    GivenInputs.annotations({
      description: "The inputs of its runs, by name, as they are written: expressions are not evaluated.",
      ...SchemaProblems.expects("a map of inputs")
    }),
    { exact: true }
  ),
  overlap: Schema.optionalWith(
    Overlap.annotations({
      description: "What becomes of a time at which the run before is not over: it is left out (`skip`), its run begins when that is over " +
        "(`queue`), or that is cancelled (`cancel_running`).",
      default: "skip"
    }),
    { default: () => "skip" as const }
  ),
  catchUp: Schema.optionalWith(
    CatchUp.annotations({
      description: "What becomes of the times at which no runner was there: nothing (`none`), or a run for the last of them (`latest`).",
      default: "none"
    }),
    { default: () => "none" as const }
  ).pipe(Schema.fromKey("catch_up"))
}).annotations({ identifier: "ScheduleSpec", description: "A schedule: when a run of the workflow begins by itself." })
export interface WorkflowSchedule extends Schema.Schema.Type<typeof WorkflowSchedule> {}

/**
 * Schema of the schedules of a workflow.
 *
 * @internal
 */
export const WorkflowSchedules = Schema.Array(WorkflowSchedule).pipe(
  Schema.filter((schedules) => schedules.length <= maxSchedules, {
    jsonSchema: { maxItems: maxSchedules },
    ...SchemaProblems.expects("a list of schedules", `at most ${maxSchedules} schedules`)
  })
)

/**
 * Schema of the id of a schedule: twelve hexadecimal digits.
 *
 * **Example** (Reading an id that somebody has typed)
 *
 * ```ts
 * import { Schema } from "effect"
 * import { WorkflowSchedule } from "telemachy"
 *
 * export const parse = Schema.decodeOption(WorkflowSchedule.ScheduleId)
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const ScheduleId = Schema.String.pipe(Schema.pattern(/^[0-9a-f]{12}$/), Schema.brand("telemachy/ScheduleId"))
export type ScheduleId = typeof ScheduleId.Type

/**
 * Makes the id of a schedule of a workflow. It depends on the name of that, the expression, the time zone and the inputs, so
 * that a schedule is the same one for as long as it has the same times and gives the same.
 *
 * **Example** (The id that `telemachy schedule list` shows)
 *
 * ```ts
 * import { WorkflowSchedule, type WorkflowSpec } from "telemachy"
 *
 * export const idsOf = ({ metadata, schedules = [] }: WorkflowSpec.WorkflowSpec) =>
 *   schedules.map((schedule) => WorkflowSchedule.idOf(metadata.name, schedule))
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const idOf = (workflow: string, { cron, inputs = {}, timezone }: Pick<WorkflowSchedule, "cron" | "timezone" | "inputs">): ScheduleId => {
  const given = Object.entries(inputs).toSorted(([one], [other]) => (one < other ? -1 : 1))
  const named = JSON.stringify([workflow, cron.trim().split(/\s+/).join(" "), timezone, given])
  return ScheduleId.make(createHash("sha256").update(named).digest("hex").slice(0, 12))
}
