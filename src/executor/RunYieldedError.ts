/** The error of a run that its process hands over to another. */
import * as Schema from "effect/Schema"
import { RunId } from "../run/RunId.ts"

/**
 * The process that drove the run has handed it over, as it was asked to: nothing was taken down, the run is not over, and
 * whoever resumes it goes on.
 *
 * **Example** (Handing a run over when the application stops)
 *
 * ```ts
 * import { Effect, type Deferred } from "effect"
 * import { WorkflowExecutor, type WorkflowSpec } from "telemachy"
 *
 * export const run = (spec: WorkflowSpec.WorkflowSpec, stopping: Deferred.Deferred<string>) =>
 *   WorkflowExecutor.execute(spec, { yieldOn: stopping }).pipe(
 *     Effect.tapErrorTag("RunYieldedError", (error) => Effect.log(`to be resumed: ${error.run}`))
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class RunYieldedError extends Schema.TaggedError<RunYieldedError>()("RunYieldedError", {
  workflow: Schema.String,
  run: RunId,
  /** Why, as the process was told. */
  reason: Schema.String,
  /** Whether it is because Agamemnon does not answer this process, while it may answer another. */
  unreachable: Schema.optionalWith(Schema.Boolean, { exact: true })
}) {
  override get message(): string {
    return `handed over (${this.reason}); telemachy resume ${this.run} goes on`
  }
}
