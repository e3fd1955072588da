/** What the current run is to do. */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type { RunId } from "../run/RunId.ts"
import type { RunState } from "../run/RunState.ts"
import type { Evaluated } from "../workflow/Evaluation.ts"
import * as ResourceKey from "../workflow/ResourceKey.ts"
import type { WorkflowSpec } from "../workflow/WorkflowSpec.ts"
import type { Arrivals } from "./Arrivals.ts"

/** What a run is asked for. */
export interface Options {
  readonly spec: WorkflowSpec
  /** What it takes to evaluate the rest of it, when a task is due. */
  readonly rest: Pick<Evaluated, "contexts" | "late" | "used">
  /** Whether what exists on Agamemnon is ignored, and everything made new. */
  readonly force: boolean
  /** Whether the run has agents and teams of its own, beside those of other runs of the workflow. */
  readonly separate: boolean
  /** What the run had reached when it was resumed; nothing when it is new. */
  readonly before: RunState | undefined
  /** When the run was last heard of before it was resumed. */
  readonly beforeAt: DateTime.Utc | undefined
  /** What earlier processes may have sent last, of this run or of those whose agents and teams it takes over. */
  readonly arrivals: Arrivals
  /** Waits until that has taken effect, or cannot any more. */
  readonly awaitArrivals: Effect.Effect<void>
  /** Whether nobody else can be on the Agamemnon. */
  readonly isAlone: boolean
  /** Whether tasks that had failed before are submitted again. */
  readonly retryFailed: boolean
}

/** The workflow that a run carries out, and how far it had got. */
export class RunRequest extends Context.Tag("telemachy/executor/RunRequest")<RunRequest, Options & {
  /** The key of an agent or a team of the workflow. */
  readonly keyOf: (name: string) => ResourceKey.ResourceKey
  /** The keys of all its agents and teams. */
  readonly keys: ReadonlyArray<ResourceKey.ResourceKey>
}>() {}

/** Makes the request of a run. */
export const make = (run: RunId, options: Options): Context.Tag.Service<RunRequest> => {
  const { agents, metadata, teams } = options.spec
  const keyOf = (name: string) => ResourceKey.make(metadata.name, name, options.separate ? run : undefined)
  return RunRequest.of({ ...options, keyOf, keys: [...agents, ...teams].map(({ name }) => keyOf(name)) })
}
