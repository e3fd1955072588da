/**
 * The run that a step belongs to: its name, its settings, and the one way to say
 * that something has happened.
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
import * as Settings from "../settings/Settings.ts"
import { type Happening, type RunEvent, RunId } from "../run/RunEvent.ts"
import * as Publication from "./EventPublisher.ts"
import type { RecordError, Recording, RunOwnedError } from "../run/RunJournal.ts"
import * as RunState from "../run/RunState.ts"

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
  /** Name of the workflow. */
  readonly workflow: string
  readonly settings: RunSettings
  /** Where the events are written down, if they are. */
  readonly recording: Option.Option<Recording>
  /** Says that something has happened: the state moves on, and whoever listens hears of it. */
  readonly emit: (happening: Happening) => Effect.Effect<void>
  /** Says that something is about to be made. It must not be when this fails. */
  readonly intend: (happening: Happening) => Effect.Effect<void, RecordError | RunOwnedError>
  /** The state so far; nothing before the run has started. */
  readonly state: Effect.Effect<RunState.RunState | undefined>
}>() {}

/** Makes the id of a new run. */
export const newId: Effect.Effect<RunId> = Effect.map(
  Effect.replicateEffect(Random.nextIntBetween(0, 16), 16),
  (digits) => RunId.make(digits.map((digit) => digit.toString(16)).join(""))
)

/** What a run is made of. */
export interface Options {
  readonly id: RunId
  readonly workflow: string
  readonly settings: RunSettings
  readonly recording: Option.Option<Recording>
  readonly events: PubSub.PubSub<RunEvent>
  /** What is known of the run before its next event. Defaults to nothing. */
  readonly reached?: RunState.RunState | undefined
}

/** Makes a run that publishes what happens in it. */
export const make = ({ events, reached, ...run }: Options): Context.Tag.Service<CurrentRun> => {
  let state = reached
  // In one step, so that folding the events in the order of their publication gives the same state.
  const tell = (event: RunEvent) => {
    state = RunState.fold(state, event)
    events.unsafeOffer(event)
  }
  const isAtStake = () => state !== undefined && RunState.remaining(state).length > 0
  const { publish, publishIntent } = Option.match(run.recording, {
    onNone: () => Publication.unrecorded(tell),
    onSome: (recording) => Publication.recorded({ recording, tell, isAtStake })
  })
  const eventOf = (happening: Happening) =>
    Effect.map(DateTime.now, (at): RunEvent => ({ ...happening, run: run.id, workflow: run.workflow, at }))
  return CurrentRun.of({
    ...run,
    state: Effect.sync(() => state),
    emit: (happening) => Effect.flatMap(eventOf(happening), publish),
    intend: (happening) => Effect.flatMap(eventOf(happening), publishIntent)
  })
}

/** Makes the error of a run that finds something of its own no longer there. */
export const stateLost = ({ id, workflow }: Context.Tag.Service<CurrentRun>, missing: string): AgamemnonStateLostError =>
  new AgamemnonStateLostError({ workflow, run: id, missing })

/** Says that the current run is over, and what there still is of it. */
export const finish = Effect.gen(function*() {
  const { emit, state } = yield* CurrentRun
  const after = yield* state
  const remaining = after === undefined ? 0 : RunState.remaining(after).length
  const kept = after === undefined ? 0 : RunState.kept(after).length
  yield* emit({ _tag: "run.finished", outcome: after?.outcome ?? "failed", left: remaining - kept, kept })
})
