/** The runners: which there are, and what each of them has to do. `SqlRunStore` implements it. */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Schema from "effect/Schema"
import type { JournalError } from "./JournalError.ts"

/**
 * What a runner says of itself.
 *
 * @since 0.1.0
 * @category models
 */
export interface RunnerLoad {
  /** How many runs it drives. */
  readonly running: number
  /** Whether it takes no more runs. */
  readonly draining: boolean
  /** Whether Agamemnon answers it. While it does not, it takes no runs. */
  readonly reachable: boolean
  /** How many messages of the cluster nobody has answered for more than 30 s, as it sees them: runs begin all the same, but later. */
  readonly overdueMessages: number
}

/**
 * A runner that lives.
 *
 * @since 0.1.0
 * @category models
 */
export interface Runner extends RunnerLoad {
  /** Another at each start. */
  readonly id: string
  readonly host: string
  readonly pid: number
  /** The address of its Agamemnon; `embedded` of one that ends with it. */
  readonly agamemnon: string
  readonly since: DateTime.Utc
  /** How many runs it drives at most. */
  readonly maxRuns: number
}

/**
 * A runner cannot join the others of the database.
 *
 * **Example** (Saying why a runner does not start)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { RunnerRegistry } from "telemachy"
 *
 * export const explain = (error: RunnerRegistry.RunnerRefusedError) => Effect.logError(error.message)
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class RunnerRefusedError extends Schema.TaggedError<RunnerRefusedError>()("RunnerRefusedError", {
  /** The database, without a password. */
  where: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `no runner can be started on ${this.where}: ${this.reason}`
  }
}

/**
 * The runners of a database.
 *
 * **Example** (How many places there are for runs)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { RunnerRegistry } from "telemachy"
 *
 * export const free = Effect.flatMap(RunnerRegistry.RunnerRegistry, ({ living }) => living).pipe(
 *   Effect.map((runners) => runners.reduce((sum, { maxRuns, running }) => sum + maxRuns - running, 0))
 * )
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class RunnerRegistry extends Context.Tag("telemachy/run/RunnerRegistry")<RunnerRegistry, {
  /**
   * Makes this process a runner until the scope closes, which says every two seconds that it lives and what it has to do. All
   * runners of a database are on one Agamemnon, and on a file there is one runner.
   */
  readonly join: (
    runner: Pick<Runner, "id" | "agamemnon" | "maxRuns">,
    load: Effect.Effect<RunnerLoad>
  ) => Effect.Effect<void, JournalError | RunnerRefusedError, Scope.Scope>
  /** The runners that live, those that have begun first before others. */
  readonly living: Effect.Effect<ReadonlyArray<Runner>, JournalError>
}>() {}
