/** The error of a workflow file of which there is no text to parse. */
import * as Schema from "effect/Schema"

/**
 * Size of the largest file that is read, in bytes: 2 MiB. A workflow of 10,000 tasks fits.
 *
 * **Example** (Refusing an upload before it is read)
 *
 * ```ts
 * import { WorkflowFile } from "telemachy"
 *
 * export const isTooLarge = (bytes: Uint8Array) => bytes.length > WorkflowFile.maxFileBytes
 * ```
 *
 * @since 0.1.0
 * @category config
 */
export const maxFileBytes = 2 * 1024 * 1024

/**
 * Occurs when there is no text to parse: the file cannot be read, is too large, or is not UTF-8.
 *
 * **Example** (Falling back to another file)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { WorkflowFile } from "telemachy"
 *
 * export const load = WorkflowFile.load("workflow.yaml").pipe(
 *   Effect.catchTag("WorkflowUnreadable", () => WorkflowFile.load("default.yaml"))
 * )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class WorkflowUnreadable extends Schema.TaggedError<WorkflowUnreadable>()("WorkflowUnreadable", {
  source: Schema.String,
  reason: Schema.Literal("NotFound", "Directory", "PermissionDenied", "TooLarge", "NotUtf8", "Other"),
  /** What there is to add to the reason: the size in bytes, the line, or the message of the system. */
  detail: Schema.optionalWith(Schema.String, { exact: true })
}) {
  override get message(): string {
    switch (this.reason) {
      case "NotFound":
        return `${this.source}: no such file`
      case "Directory":
        return `${this.source}: is a directory, expected a workflow file`
      case "PermissionDenied":
        return `${this.source}: no permission to read it`
      case "TooLarge":
        return `${this.source}: has ${this.detail ?? "too many"} bytes, expected at most ${maxFileBytes}`
      case "NotUtf8":
        return `${this.source}: is not UTF-8 text (first in line ${this.detail ?? "1"}), expected a file saved as UTF-8`
      case "Other":
        return `${this.source}: cannot be read${this.detail === undefined ? "" : ` (${this.detail})`}`
    }
  }
}
