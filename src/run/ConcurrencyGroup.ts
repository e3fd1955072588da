/**
 * The groups of runs of which only so many are under way at once. Who finds a
 * place free and who has it is decided in one step, in the journal where there is
 * one.
 */
import type * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import { RunId } from "./RunId.ts"

/**
 * What a run asks its group for.
 *
 * @since 0.1.0
 * @category models
 */
export interface Entry {
  readonly group: string
  /** How many runs of the group are under way at once, at most. */
  readonly limit: number
  /** Whether it waits, and asks again within five seconds. Until then nobody who came later is given a place before it. */
  readonly isWaiting: boolean
  /** When it came, of a run that was submitted. Defaults to the time at which it asks first. */
  readonly askedAt?: DateTime.Utc | undefined
}

/**
 * A run that holds a place.
 *
 * @since 0.1.0
 * @category models
 */
export interface Holder {
  readonly run: RunId
  readonly workflow: string
  /** Whether it came before whoever asks. */
  readonly isOlder: boolean
}

/**
 * What became of an attempt to take a place.
 *
 * @since 0.1.0
 * @category models
 */
export type Entered =
  | { readonly _tag: "Entered" }
  | {
    readonly _tag: "Full"
    /** Those that hold the places, the oldest first. */
    readonly holders: ReadonlyArray<Holder>
    /** How many wait before it, and one more. */
    readonly place: number
  }

/**
 * How long a run that waits for a place is waited for, in seconds.
 *
 * @internal
 */
export const waitTime = 5

const placesOf = (limit: number): string => (limit === 1 ? "one run at once" : `${limit} runs at once`)

const most = 3

/** Says who holds the places. */
const holdersInWords = (holders: ReadonlyArray<Pick<Holder, "run" | "workflow">>): string => {
  const named = holders.slice(0, most).map(({ run, workflow }) => `run ${run} of ${workflow}`)
  const more = holders.length > most ? [`${holders.length - most} more`] : []
  const last = named.length + more.length === 1 ? "has the place" : "have the places"
  return holders.length === 0 ? "others wait for it" : `${[...named, ...more].join(", ")} ${last}`
}

/**
 * Says why a group is full.
 *
 * @internal
 */
export const fullInWords = ({ group, holders, limit }: {
  readonly group: string
  readonly limit: number
  readonly holders: ReadonlyArray<Pick<Holder, "run" | "workflow">>
}): string => `the group ${group} (${placesOf(limit)}) is full: ${holdersInWords(holders)}`

/**
 * Says who cancels the runs that have the places.
 *
 * @internal
 */
export const cancellerInWords = ({ group, run, workflow }: { readonly run: string; readonly workflow: string; readonly group: string }): string =>
  `run ${run} of ${workflow}, which is of the same group ${group}`

/**
 * A run can not begin or go on, because its group is full: it is told not to wait, or has waited for as long as it may for the
 * end of a run that it has cancelled.
 *
 * **Example** (Naming the run that is in the way)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { WorkflowExecutor, type WorkflowSpec } from "telemachy"
 *
 * export const run = (spec: WorkflowSpec.WorkflowSpec) =>
 *   WorkflowExecutor.execute(spec).pipe(
 *     Effect.tapErrorTag("GroupFullError", ({ holders }) => Effect.log(holders.map(({ run }) => run)))
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class GroupFullError extends Schema.TaggedError<GroupFullError>()("GroupFullError", {
  workflow: Schema.String,
  run: RunId,
  group: Schema.String,
  limit: Schema.Int,
  /** Whether it is only to be tried again later. */
  canWait: Schema.Boolean,
  holders: Schema.Array(Schema.Struct({ run: RunId, workflow: Schema.String }))
}) {
  override get message(): string {
    return `workflow ${this.workflow} does not begin: ${fullInWords(this)}`
  }
}
