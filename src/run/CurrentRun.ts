/**
 * The run that a step belongs to: its name, its declaration, its settings, and
 * the one way to say that something has happened.
 */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as PubSub from "effect/PubSub"
import * as Random from "effect/Random"
import { AgamemnonStateLostError } from "../agamemnon/AgamemnonError.ts"
import * as Settings from "../Settings.ts"
import type { WorkflowSpec } from "../workflow/WorkflowSpec.ts"
import { type Happening, type RunEvent, RunId } from "./RunEvent.ts"
import * as RunState from "./RunState.ts"

/** What holds for every run of an executor. */
export interface RunSettings {
  /** Time from the start of one ping to the start of the next. Defaults to 15 seconds. */
  readonly healthcheckInterval: Duration.Duration
  /** Failed pings in a row after which Agamemnon counts as lost. Defaults to 2. */
  readonly healthcheckFailureThreshold: number
  /** How long a ping waits for its answer. Defaults to 5 seconds. */
  readonly healthcheckTimeout: Duration.Duration
  /** Time between two reads of a team's tasks. Defaults to 1 second. */
  readonly monitorPoll: Duration.Duration
  /** How long a run may take when its workflow does not say. Defaults to 2 hours. */
  readonly workflowTimeout: Duration.Duration
  /** How long teardown waits for an Agamemnon that does not answer. Defaults to 1 minute. */
  readonly teardownGrace: Duration.Duration
  /** The host that docker agents are placed on. Defaults to Agamemnon's choice. */
  readonly hostId: Option.Option<string>
}

/** The settings that hold when nothing is set. */
export const defaults: RunSettings = {
  healthcheckInterval: Duration.seconds(15),
  healthcheckFailureThreshold: 2,
  healthcheckTimeout: Duration.seconds(5),
  monitorPoll: Duration.seconds(1),
  workflowTimeout: Duration.hours(2),
  teardownGrace: Duration.minutes(1),
  hostId: Option.none()
}

/** Reads the settings from the environment. */
export const config: Config.Config<RunSettings> = Config.all({
  healthcheckInterval: Settings.healthcheckInterval.config,
  healthcheckFailureThreshold: Settings.healthcheckFailureThreshold.config,
  healthcheckTimeout: Settings.healthcheckTimeout.config,
  monitorPoll: Settings.monitorPoll.config,
  workflowTimeout: Settings.workflowTimeout.config,
  teardownGrace: Settings.teardownGrace.config,
  hostId: Settings.hostId.config
})

/** The run that the current step belongs to. */
export class CurrentRun extends Context.Tag("telemachy/run/CurrentRun")<CurrentRun, {
  readonly id: RunId
  readonly spec: WorkflowSpec
  /** Whether what exists on Agamemnon is ignored, and everything made new. */
  readonly force: boolean
  readonly settings: RunSettings
  /** Says that something has happened: the state moves on, and whoever listens hears of it. */
  readonly emit: (happening: Happening) => Effect.Effect<void>
  /** The state so far; nothing before the run has started. */
  readonly state: Effect.Effect<RunState.RunState | undefined>
}>() {}

const newId = Effect.map(
  Effect.replicateEffect(Random.nextIntBetween(0, 16), 16),
  (digits) => RunId.make(digits.map((digit) => digit.toString(16)).join(""))
)

/** Makes a run of a workflow that publishes what happens in it. */
export const make = Effect.fnUntraced(function*(options: {
  readonly spec: WorkflowSpec
  readonly force: boolean
  readonly settings: RunSettings
  readonly events: PubSub.PubSub<RunEvent>
}) {
  const { events, force, settings, spec } = options
  const id = yield* newId
  let state: RunState.RunState | undefined
  return CurrentRun.of({
    id,
    spec,
    force,
    settings,
    state: Effect.sync(() => state),
    emit: (happening) =>
      Effect.map(DateTime.now, (at) => {
        const event: RunEvent = { ...happening, run: id, workflow: spec.metadata.name, at }
        // In one step, so that folding the events in the order of their publication gives the same state.
        state = RunState.fold(state, event)
        events.unsafeOffer(event)
      })
  })
})

/** Makes the error of a run that finds something of its own no longer there. */
export const stateLost = ({ id, spec }: Context.Tag.Service<CurrentRun>, missing: string): AgamemnonStateLostError =>
  new AgamemnonStateLostError({ workflow: spec.metadata.name, run: id, missing })
