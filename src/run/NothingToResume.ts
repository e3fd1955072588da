/** Why a recorded run can not go on. */
import * as Schema from "effect/Schema"
import { RunId } from "./RunId.ts"

/**
 * There is nothing to resume.
 */
export class NothingToResumeError extends Schema.TaggedError<NothingToResumeError>()("NothingToResumeError", {
  run: RunId,
  /** It is completed, what it was told has been forgotten, what is not completed has failed or waits for what has, or for an answer. */
  why: Schema.Literal("completed", "forgotten", "failed", "waiting")
}) {
  override get message(): string {
    switch (this.why) {
      case "completed":
        return `run ${this.run} is completed: there is nothing to resume`
      case "forgotten":
        return `run ${this.run} has been forgotten: what it was told to do is not recorded any more`
      case "waiting":
        return `run ${this.run} waits for an answer, and has nothing else to do: telemachy approve ${this.run}, or telemachy reject ${this.run}`
      case "failed":
        return `run ${this.run} can do no more: each task left has failed, or waits for one that has; failed tasks can be tried again (--retry-failed)`
    }
  }
}
