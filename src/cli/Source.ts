/** The workflow that a command is given: a file, or `-` for standard input. */
import * as Args from "@effect/cli/Args"
import * as NodeStream from "@effect/platform-node/NodeStream"
import * as Effect from "effect/Effect"
import * as WorkflowFile from "../workflow/WorkflowFile.ts"

/** The argument that names a workflow file. */
export const file = Args.text({ name: "FILE" }).pipe(
  Args.withDescription("Workflow file, or - for standard input")
)

const readStandardInput = NodeStream.toUint8Array(() => process.stdin, {
  onFailure: (cause) =>
    new WorkflowFile.WorkflowUnreadable({ source: "standard input", reason: "Other", detail: String(cause) }),
  // One byte more than is allowed, so that a longer text is noticed.
  maxBytes: WorkflowFile.maxFileBytes + 1
})

/** Loads the workflow that an argument names. */
export const load = (argument: string) =>
  argument === "-"
    ? Effect.flatMap(readStandardInput, (bytes) => WorkflowFile.parseBytes(bytes, "standard input"))
    : WorkflowFile.loadWithPositions(argument)
