/** The workflow that a command is given: a file, or `-` for standard input. */
import * as NodeStream from "@effect/platform-node/NodeStream"
import * as Effect from "effect/Effect"
import * as WorkflowFile from "../workflow/WorkflowFile.ts"

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
