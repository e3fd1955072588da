/**
 * The keys of agents and teams, held in the journal: each by one living run at a
 * time. Who holds a key may make, use and remove what carries it.
 */
import * as Schema from "effect/Schema"
import { RunId } from "./RunId.ts"

/**
 * What a run holds a key for: to make and use what carries it, or only to remove that.
 *
 * @since 0.1.0
 * @category models
 */
export type Purpose = "use" | "remove"

/**
 * A run that holds a key, and lives.
 *
 * @since 0.1.0
 * @category models
 */
export interface KeyHolder {
  readonly key: string
  readonly run: RunId
  readonly workflow: string
  readonly purpose: Purpose
  /** Its process, in words: which, where, and since when. */
  readonly owner: string
}

/**
 * Another run works with the agents and teams of the same workflow.
 *
 * **Example** (Watching the other run instead)
 *
 * ```ts
 * import { Effect, Stream } from "effect"
 * import { RunStore, WorkflowExecutor, type WorkflowSpec } from "telemachy"
 *
 * export const runOrWatch = (spec: WorkflowSpec.WorkflowSpec) =>
 *   WorkflowExecutor.execute(spec).pipe(
 *     Effect.asVoid,
 *     Effect.catchTag("WorkflowRunningError", ({ run }) =>
 *       Effect.flatMap(RunStore.RunStore, ({ follow }) => Stream.runDrain(follow(run))))
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class WorkflowRunningError extends Schema.TaggedError<WorkflowRunningError>()("WorkflowRunningError", {
  workflow: Schema.String,
  /** The run that is at work. */
  run: RunId,
  purpose: Schema.Literal("use", "remove"),
  /** Its process, in words: which, where, and since when. */
  owner: Schema.String
}) {
  override get message(): string {
    const what = this.purpose === "use" ? "is running" : "is taking down what it made"
    return `workflow ${this.workflow} ${what}: run ${this.run}, ${this.owner}`
  }
}
