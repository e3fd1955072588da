/** Why a schedule begins no run. */
import * as Schema from "effect/Schema"

/** The run of a time can not be submitted, and that is no matter of waiting a moment. */
export class ScheduleRefusedError extends Schema.TaggedError<ScheduleRefusedError>()("ScheduleRefusedError", {
  schedule: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `the run of schedule ${this.schedule} can not be submitted: ${this.reason}`
  }
}

/** The workflow says of no time when a run of it begins. */
export class NoSchedulesError extends Schema.TaggedError<NoSchedulesError>()("NoSchedulesError", { workflow: Schema.String }) {
  override get message(): string {
    return `workflow ${this.workflow} has no schedules: add some to its file, or take those that are on record off it with telemachy schedule remove`
  }
}

/** The run before is not over, and the schedule leaves out what comes meanwhile. */
export class ScheduleBusyError extends Schema.TaggedError<ScheduleBusyError>()("ScheduleBusyError", {
  schedule: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `schedule ${this.schedule} begins no run now: ${this.reason}`
  }
}
