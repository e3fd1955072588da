/** What the current run is to do. */
import * as Context from "effect/Context"
import type { RunState } from "../run/RunState.ts"
import type { WorkflowSpec } from "../workflow/WorkflowSpec.ts"

/** The workflow that a run carries out, and how far it had got. */
export class RunRequest extends Context.Tag("telemachy/executor/RunRequest")<RunRequest, {
  readonly spec: WorkflowSpec
  /** Whether what exists on Agamemnon is ignored, and everything made new. */
  readonly force: boolean
  /** What the run had reached when it was resumed; nothing when it is new. */
  readonly before: RunState | undefined
  /** Whether tasks that had failed before are submitted again. */
  readonly retryFailed: boolean
}>() {}
