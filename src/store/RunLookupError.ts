/** The errors of an argument that names a recorded run. */
import * as Schema from "effect/Schema"

/** What the journal said about a run has been removed from it. */
export class RunForgottenError extends Schema.TaggedError<RunForgottenError>()("RunForgottenError", { run: Schema.String }) {
  override get message(): string {
    return `run ${this.run} has been forgotten: there was one, and nothing more is known`
  }
}

/** The beginning of the id of one run is the name of the workflow of others. */
export class RunNameError extends Schema.TaggedError<RunNameError>()("RunNameError", {
  name: Schema.String,
  byId: Schema.String,
  byName: Schema.String
}) {
  override get message(): string {
    return `${this.name} can be run ${this.byId}, whose id begins so, or run ${this.byName}, the newest of that workflow: name one by its id`
  }
}
