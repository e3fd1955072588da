/** A run at a glance, and the error of a prefix that several runs have. */
import type * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import type { RunId } from "../run/RunId.ts"
import type { RunStatus } from "../run/RunStatus.ts"

/**
 * A run at a glance, as a list shows it.
 *
 * **Example** (The runs that nobody drives any more)
 *
 * ```ts
 * import type { RunSummary } from "telemachy"
 *
 * export const isAbandoned = ({ status }: RunSummary.RunSummary) => status === "interrupted"
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export interface RunSummary {
  readonly run: RunId
  /** Nothing when the run was forgotten. */
  readonly workflow: string | undefined
  readonly status: RunStatus
  /** Of a run that is queued: how many begin before it, and one more. */
  readonly place?: number | undefined
  /** The group in which a run that is queued waits for a place, and the runs that have the places; nothing when it waits for none. */
  readonly group?: { readonly name: string; readonly holders: ReadonlyArray<string> } | undefined
  /** The schedule that has submitted it, and the time that it is for, in ISO 8601; nothing of a run that somebody has begun. */
  readonly schedule?: { readonly id: string; readonly at: string } | undefined
  /** Nothing when that cannot be read. */
  readonly startedAt: DateTime.Utc | undefined
  /** Nothing while the run is not over. */
  readonly endedAt: DateTime.Utc | undefined
  /** How many agents and teams could not be removed; nothing while the run is not over. */
  readonly left: number | undefined
  /** How many were kept on purpose. */
  readonly kept: number | undefined
  /** How many branches of worktrees it has kept, for what is on no other or with their worktrees; nothing when there are none. */
  readonly keptBranches?: number | undefined
  /** How many questions of its gates wait for an answer; nothing when there are none, or the run is over. */
  readonly questions?: number | undefined
  /** What its tasks have cost, in US dollars, as far as they have said; nothing when none has. */
  readonly usd: number | undefined
  /** Whether its Agamemnon ends with the process that runs it: what it made has, once nobody drives it. */
  readonly embedded: boolean
  /** Who drives it, if anybody does. */
  readonly owner: string | undefined
}

/**
 * More than one run begins like this.
 *
 * **Example** (Asking which one was meant)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { RunStore } from "telemachy"
 *
 * export const workflowOf = (prefix: string) =>
 *   Effect.gen(function*() {
 *     const { find } = yield* RunStore.RunStore
 *     return (yield* find(prefix)).workflow
 *   }).pipe(Effect.catchTag("RunAmbiguousError", ({ candidates }) => Effect.succeed(`one of ${candidates.join(", ")}`)))
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class RunAmbiguousError extends Schema.TaggedError<RunAmbiguousError>()("RunAmbiguousError", {
  prefix: Schema.String,
  candidates: Schema.Array(Schema.String)
}) {
  override get message(): string {
    const [shown, more] = [this.candidates.slice(0, 10), this.candidates.length - 10]
    const lines = [...shown, ...(more > 0 ? [`and ${more} more`] : [])].map((line) => `  ${line}`)
    return [`${this.candidates.length} runs begin with ${this.prefix}:`, ...lines].join("\n")
  }
}
