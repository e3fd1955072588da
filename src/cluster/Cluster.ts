/**
 * Submitted runs in an application that is a member of a cluster: which submits
 * them, or drives them beside the runners of the command, or both. The journal
 * says which run is next; the `Sharding` of the application only carries the word
 * that there is a new one.
 *
 * ```ts
 * import { Run, layerRunner, submit } from "telemachy/cluster"
 * ```
 *
 * It is not a part of `telemachy` itself, because it shares `@effect/cluster` with
 * the application.
 */
import type { Sharding } from "@effect/cluster/Sharding"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import type * as Submission from "../executor/Submission.ts"
import type { WorkflowExecutor } from "../executor/WorkflowExecutor.ts"
import type { JournalError } from "../run/JournalError.ts"
import type { RunJournal } from "../run/RunJournal.ts"
import type { RunQueue, Submitted } from "../run/RunQueue.ts"
import type { RunnerRefusedError, RunnerRegistry } from "../run/RunnerRegistry.ts"
import type { RunSchedules } from "../run/RunSchedules.ts"
import type { RunStore } from "../store/RunStore.ts"
import * as OwnerTable from "../store/OwnerTable.ts"
import type { InputsInvalidError } from "../workflow/Inputs.ts"
import type { WorkflowInvalid } from "../workflow/WorkflowProblem.ts"
import type { WorkflowSpec } from "../workflow/WorkflowSpec.ts"
import * as RunEntity from "./RunEntity.ts"
import * as Runner from "./Runner.ts"
import * as Submitting from "./Submitting.ts"

/**
 * A run as an entity of a cluster. Its one message, `Execute`, has a runner look at the queue at once.
 *
 * **Example** (Telling the runners of a run that is on record)
 *
 * ```ts
 * import { Effect } from "effect"
 * import type { RunId } from "telemachy"
 * import { Run } from "telemachy/cluster"
 *
 * export const tell = (run: RunId.RunId) =>
 *   Effect.flatMap(Run.client, (client) => client(run).Execute({ run }, { discard: true }))
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export const Run = RunEntity.RunEntity

/**
 * How a run is submitted.
 *
 * @since 0.1.0
 * @category models
 */
export interface SubmitOptions extends Submission.Options {}

/**
 * Puts a run on record, for whichever runner begins it, and tells those of the cluster. When they cannot be told, that is no
 * failure: runners look at the queue twice a second.
 *
 * Fails with `InputsInvalidError` or `WorkflowInvalid` before anything is on record, and with `JournalError` when that is not
 * possible.
 *
 * **Example** (A run a day)
 *
 * ```ts
 * import { Effect } from "effect"
 * import type { WorkflowSpec } from "telemachy"
 * import { submit } from "telemachy/cluster"
 *
 * export const submitFor = (day: string, spec: WorkflowSpec.WorkflowSpec) =>
 *   submit(spec, { key: `report ${day}`, priority: 5 }).pipe(
 *     Effect.tap(({ isNew, run }) => Effect.log(isNew ? `run ${run} is queued` : `run ${run} is there already`))
 *   )
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const submit: (
  spec: WorkflowSpec,
  options?: SubmitOptions
) => Effect.Effect<Submitted, InputsInvalidError | WorkflowInvalid | JournalError, RunQueue | Sharding> = Submitting.submit

/**
 * How a runner drives runs.
 *
 * @since 0.1.0
 * @category models
 */
export interface RunnerOptions {
  /** How many runs it drives at once. Defaults to 50. */
  readonly maxRuns?: number | undefined
}

/**
 * Layer of a runner, which drives submitted runs for as long as the layer, beside others that do: those of `telemachy serve` on
 * the same database, too. When the layer ends, they are handed over, with nothing taken down.
 *
 * Fails with `RunnerRefusedError` when the runners of the database are on another Agamemnon, or the journal is a file that has
 * a runner.
 *
 * **Example** (An application that drives runs by its own Sharding)
 *
 * ```ts
 * import type { Sharding } from "@effect/cluster/Sharding"
 * import { Layer, Redacted } from "effect"
 * import { type AgamemnonClient, SqlRunStore, WorkflowExecutor } from "telemachy"
 * import { layerLease, layerRunner } from "telemachy/cluster"
 *
 * const Store = Layer.provide(SqlRunStore.layerPostgres(Redacted.make("postgres://app@db.example/runs")), layerLease)
 *
 * export const Runner: Layer.Layer<never, unknown, Sharding | AgamemnonClient.AgamemnonClient> = layerRunner({ maxRuns: 20 }).pipe(
 *   Layer.provide(Layer.provideMerge(WorkflowExecutor.layer(), Store))
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerRunner = (
  { maxRuns = 50 }: RunnerOptions = {}
): Layer.Layer<
  never,
  JournalError | RunnerRefusedError,
  Sharding | WorkflowExecutor | AgamemnonClient | RunJournal | RunQueue | RunnerRegistry | RunSchedules | RunStore
> =>
  Layer.scopedDiscard(Effect.gen(function*() {
    const driver = yield* Runner.join({ maxRuns })
    yield* Layer.build(Runner.handlers(driver))
    yield* driver.begin
  }))

/**
 * Layer for the store of a runner: its leases hold seven seconds, as those of `telemachy serve` do, so that others soon go on
 * with what a host that has died was driving. Without it, they hold thirty.
 *
 * **Example** (A store whose leases are short)
 *
 * ```ts
 * import * as NodeContext from "@effect/platform-node/NodeContext"
 * import { Layer } from "effect"
 * import { SqlRunStore } from "telemachy"
 * import { layerLease } from "telemachy/cluster"
 *
 * export const Store = SqlRunStore.layerConfig().pipe(
 *   Layer.provide(layerLease),
 *   Layer.provide(NodeContext.layer)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerLease: Layer.Layer<never> = Layer.succeed(OwnerTable.LeaseTime, Runner.leaseTime)
