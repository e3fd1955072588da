/** What holds for every run of an executor. */
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Settings from "../settings/Settings.ts"

/**
 * The settings of the runs of an executor.
 *
 * @since 0.1.0
 * @category models
 */
export interface RunSettings {
  /** Time from the start of one ping to the start of the next. Defaults to 15 seconds. */
  readonly healthcheckInterval: Duration.Duration
  /** Failed pings in a row after which Agamemnon counts as lost. Defaults to 2. */
  readonly healthcheckFailureThreshold: number
  /** How long a ping waits for its answer. Defaults to 5 seconds. */
  readonly healthcheckTimeout: Duration.Duration
  /** Longest time between two reads of a team's tasks; while they are young, it is a sixteenth of their age. Defaults to 1 second. */
  readonly monitorPoll: Duration.Duration
  /** How long a run may take when its workflow does not say. Defaults to 2 hours. */
  readonly workflowTimeout: Duration.Duration
  /** How long teardown waits for an Agamemnon that does not answer. Defaults to 1 minute. */
  readonly teardownGrace: Duration.Duration
  /** How long one ordinary request may take, and so how late what it makes can appear. Defaults to 30 seconds. */
  readonly requestTimeout: Duration.Duration
  /** How many US dollars all recorded runs of a day (UTC) may use together. Defaults to as many as they take. */
  readonly budgetUsdPerDay: number | undefined
  /** The host that docker agents are placed on. Defaults to Agamemnon's choice. */
  readonly hostId: string | undefined
}

/**
 * Settings as they are given: what is left out has its default.
 *
 * @since 0.1.0
 * @category models
 */
export type Options = {
  readonly [Name in keyof RunSettings]?:
    | (RunSettings[Name] extends Duration.Duration ? Duration.DurationInput : RunSettings[Name])
    | undefined
}

/**
 * The settings that hold when nothing is set.
 *
 * **Example** (Half the tolerance)
 *
 * ```ts
 * import { Duration } from "effect"
 * import { RunSettings, WorkflowExecutor } from "telemachy"
 *
 * export const Executor = WorkflowExecutor.layer({
 *   healthcheckInterval: Duration.times(RunSettings.defaults.healthcheckInterval, 0.5)
 * })
 * ```
 *
 * @since 0.1.0
 * @category config
 */
export const defaults: RunSettings = {
  healthcheckInterval: Settings.healthcheckInterval.default,
  healthcheckFailureThreshold: Settings.healthcheckFailureThreshold.default,
  healthcheckTimeout: Settings.healthcheckTimeout.default,
  monitorPoll: Settings.monitorPoll.default,
  workflowTimeout: Settings.workflowTimeout.default,
  teardownGrace: Settings.teardownGrace.default,
  requestTimeout: Settings.requestTimeout.default,
  budgetUsdPerDay: undefined,
  hostId: undefined
}

/**
 * Adds the defaults to the settings that are given.
 *
 * @internal
 */
export const make = (given: Options = {}): RunSettings => ({
  healthcheckInterval: Duration.decode(given.healthcheckInterval ?? defaults.healthcheckInterval),
  healthcheckFailureThreshold: given.healthcheckFailureThreshold ?? defaults.healthcheckFailureThreshold,
  healthcheckTimeout: Duration.decode(given.healthcheckTimeout ?? defaults.healthcheckTimeout),
  monitorPoll: Duration.decode(given.monitorPoll ?? defaults.monitorPoll),
  workflowTimeout: Duration.decode(given.workflowTimeout ?? defaults.workflowTimeout),
  teardownGrace: Duration.decode(given.teardownGrace ?? defaults.teardownGrace),
  requestTimeout: Duration.decode(given.requestTimeout ?? defaults.requestTimeout),
  budgetUsdPerDay: given.budgetUsdPerDay ?? defaults.budgetUsdPerDay,
  hostId: given.hostId ?? defaults.hostId
})

/**
 * Reads the settings from the environment.
 *
 * **Example** (The settings of the environment, but for one)
 *
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { RunSettings, WorkflowExecutor } from "telemachy"
 *
 * export const Executor = Layer.unwrapEffect(
 *   Effect.map(RunSettings.config, (settings) =>
 *     WorkflowExecutor.layer({ ...settings, teardownGrace: "5 minutes" }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category config
 */
export const config: Config.Config<RunSettings> = Config.all({
  healthcheckInterval: Settings.healthcheckInterval.config,
  healthcheckFailureThreshold: Settings.healthcheckFailureThreshold.config,
  healthcheckTimeout: Settings.healthcheckTimeout.config,
  monitorPoll: Settings.monitorPoll.config,
  workflowTimeout: Settings.workflowTimeout.config,
  teardownGrace: Settings.teardownGrace.config,
  requestTimeout: Settings.requestTimeout.config,
  budgetUsdPerDay: Config.map(Settings.budgetUsdPerDay.config, Option.getOrUndefined),
  hostId: Config.map(Settings.hostId.config, Option.getOrUndefined)
})
