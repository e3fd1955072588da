/**
 * Runs a workflow on Agamemnon.
 *
 * ```text
 * preflight → provision agents → create teams → dispatch tasks ⇄ monitor → outcome → teardown
 *             └──────────── the heartbeat runs over all of this ────────────┘
 * ```
 */
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import { backoff, Persistence } from "../agamemnon/Persistence.ts"
import * as Connectivity from "../liveness/Connectivity.ts"
import * as Heartbeat from "../liveness/Heartbeat.ts"
import type { TeardownPolicy, WorkflowSpec } from "../workflow/WorkflowSpec.ts"
import * as CurrentRun from "./CurrentRun.ts"
import * as Dispatch from "./Dispatch.ts"
import * as Provisioning from "./Provisioning.ts"
import { type RunError, TasksFailedError, WorkflowTimeoutError } from "./RunError.ts"
import type { RunEvent } from "./RunEvent.ts"
import * as RunState from "./RunState.ts"
import * as Teardown from "./Teardown.ts"

/** What one run does differently from its workflow file. */
export interface Options {
  /** Ignores what exists on Agamemnon and makes everything new. Defaults to false. */
  readonly force?: boolean | undefined
  /** Wins over the workflow's own policy. */
  readonly teardown?: TeardownPolicy | undefined
  /** Wins over the workflow's own limit. */
  readonly timeout?: Duration.DurationInput | undefined
}

/** A run whose tasks are all completed. */
export interface RunResult {
  readonly run: string
  readonly workflow: string
  readonly startedAt: DateTime.Utc
  readonly endedAt: DateTime.Utc
  readonly tasks: ReadonlyArray<RunState.TaskState>
  /** Agents and teams, and what became of them. */
  readonly resources: ReadonlyArray<RunState.ResourceState>
}

/** Runs workflows. */
export class WorkflowExecutor extends Context.Tag("telemachy/run/WorkflowExecutor")<WorkflowExecutor, {
  /** Runs a workflow to its end. Interrupting it cancels the run and takes down what it made. */
  readonly execute: (spec: WorkflowSpec, options?: Options) => Effect.Effect<RunResult, RunError>
  /** Subscribes to what happens in every run of this executor from now on. */
  readonly events: Effect.Effect<Stream.Stream<RunEvent>, never, Scope.Scope>
}>() {}

/**
 * Runs a workflow to its end on the {@link WorkflowExecutor} of the context.
 *
 * **Example** (Telling a dead backend from a failed task)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { WorkflowExecutor } from "telemachy"
 *
 * const program = WorkflowExecutor.execute(spec).pipe(
 *   Effect.catchTag("WorkflowConnectivityError", (error) => Effect.logError(error.message)),
 *   Effect.catchTag("TasksFailedError", (error) => Effect.logError(error.tasks))
 * )
 * ```
 */
export const execute = (
  spec: WorkflowSpec,
  options?: Options
): Effect.Effect<RunResult, RunError, WorkflowExecutor> =>
  Effect.flatMap(WorkflowExecutor, (executor) => executor.execute(spec, options))

/** Makes an executor. */
export const make = Effect.fnUntraced(function*(settings: Partial<CurrentRun.RunSettings> = {}) {
  const agamemnon = yield* AgamemnonClient
  const events = yield* Effect.acquireRelease(PubSub.unbounded<RunEvent>(), PubSub.shutdown)

  return WorkflowExecutor.of({
    events: Stream.fromPubSub(events, { scoped: true }),
    execute: Effect.fn("WorkflowExecutor.execute")(function*(spec, options = {}) {
      const run = yield* CurrentRun.make({
        spec,
        force: options.force ?? false,
        settings: { ...CurrentRun.defaults, ...settings },
        events
      })
      const policy = options.teardown ?? spec.teardown
      const limit = Option.fromNullable(options.timeout).pipe(
        Option.map(Duration.decode),
        Option.orElse(() => spec.timeout),
        Option.getOrElse(() => run.settings.workflowTimeout)
      )
      yield* pipeline(policy, limit).pipe(
        Effect.scoped,
        Effect.provideService(CurrentRun.CurrentRun, run),
        Effect.provideService(AgamemnonClient, agamemnon)
      )
      return yield* Effect.flatMap(run.state, resultOf)
    })
  })
})

/** One run, from preflight to teardown, in the scope that it is given. */
const pipeline = Effect.fnUntraced(function*(policy: TeardownPolicy, limit: Duration.Duration) {
  const { id, spec } = yield* CurrentRun.CurrentRun
  const connectivity = yield* Connectivity.make(yield* DateTime.now)

  // The scope unwinds in reverse: the heartbeat stops, teardown reads what it left in the Ref, the run is finished.
  // Not to be interrupted in between: whoever hears that a run has started hears how it ended.
  yield* Effect.uninterruptible(Effect.zipRight(announce(policy, limit), Teardown.onClose(connectivity, policy)))
  yield* preflight.pipe(
    Effect.zipRight(startHeartbeat(connectivity)),
    Effect.flatMap((heartbeat) =>
      Effect.raceFirst(persistently(work, heartbeat), Effect.tapError(heartbeat.lost, reportLost))),
    Effect.timeoutFail({
      duration: limit,
      onTimeout: () => new WorkflowTimeoutError({ workflow: spec.metadata.name, run: id, limit })
    })
  )
})

/** Says that the run has started, and that it is finished when the scope has done everything else. */
const announce = (policy: TeardownPolicy, limit: Duration.Duration) =>
  Effect.flatMap(Effect.all([CurrentRun.CurrentRun, AgamemnonClient]), ([{ emit, spec }, { url }]) =>
    Effect.acquireRelease(emit(started(spec, url, policy, limit)), () => finished))

/** Starts the heartbeat, for which the preflight stands as the first beat. */
const startHeartbeat = Effect.fnUntraced(function*(connectivity: Connectivity.ConnectivityRef) {
  const agamemnon = yield* AgamemnonClient
  const { id, settings, spec } = yield* CurrentRun.CurrentRun
  yield* SubscriptionRef.set(connectivity, Connectivity.Alive({ lastAnswer: yield* DateTime.now }))
  yield* report(connectivity)
  return yield* Heartbeat.make({
    probe: agamemnon.ping,
    interval: settings.healthcheckInterval,
    failureThreshold: settings.healthcheckFailureThreshold,
    timeout: settings.healthcheckTimeout,
    connectivity,
    workflow: spec.metadata.name,
    run: id
  })
})

/** What the heartbeat watches over. */
const work = Effect.gen(function*() {
  const teams = yield* Provisioning.provision
  yield* Effect.forEach(teams, Dispatch.dispatch, { concurrency: "unbounded", discard: true })
  yield* verdict
})

/** One ping before anything is made. */
const preflight = Effect.gen(function*() {
  const agamemnon = yield* AgamemnonClient
  const { emit, id, settings, spec } = yield* CurrentRun.CurrentRun
  const { schedule } = yield* Persistence
  yield* agamemnon.preflight.pipe(
    Effect.provideService(Persistence, {
      schedule,
      onFailure: ({ message }) => emit({ _tag: "request.failed", error: message })
    }),
    Effect.catchTag("PingError", (error) =>
      Effect.flatMap(DateTime.now, (lostAt) =>
        new Heartbeat.WorkflowConnectivityError({
          workflow: spec.metadata.name,
          run: id,
          consecutiveFailures: 1,
          threshold: settings.healthcheckFailureThreshold,
          interval: settings.healthcheckInterval,
          lostAt,
          lastError: error.message
        })))
  )
})

/** Repeats requests for as long as the heartbeat has not given up, and lets it hear of each that fails. */
const persistently = <A, E, R>(effect: Effect.Effect<A, E, R>, heartbeat: Heartbeat.Heartbeat) =>
  Effect.flatMap(CurrentRun.CurrentRun, ({ emit }) =>
    Effect.provideService(effect, Persistence, {
      schedule: backoff,
      onFailure: (error) =>
        emit({ _tag: "request.failed", error: error.message }).pipe(
          Effect.zipRight(error.reason === "Transport" ? heartbeat.suspect : Effect.void)
        )
    }))

/** Fails unless every task of the run is completed. */
const verdict = Effect.gen(function*() {
  const run = yield* CurrentRun.CurrentRun
  const tasks = yield* Effect.map(run.state, (state) => (state === undefined ? [] : RunState.tasks(state)))
  const failed = tasks.filter(({ status }) => status !== "completed")
  if (failed.length > 0) {
    return yield* new TasksFailedError({
      workflow: run.spec.metadata.name,
      run: run.id,
      total: tasks.length,
      tasks: failed.map(({ status, subject, team }) => ({ team, subject, status }))
    })
  }
})

const reportLost = ({ consecutiveFailures, lastAnswer }: Heartbeat.WorkflowConnectivityError) =>
  Effect.flatMap(CurrentRun.CurrentRun, ({ emit }) =>
    emit({
      _tag: "connectivity.lost",
      failures: consecutiveFailures,
      ...(lastAnswer === undefined ? {} : { lastAnswer })
    }))

/** Publishes each change of the Ref, but for the last: the loss ends the run, and this fiber with it. */
const report = Effect.fnUntraced(function*(connectivity: Connectivity.ConnectivityRef) {
  const { emit } = yield* CurrentRun.CurrentRun
  yield* connectivity.changes.pipe(
    Stream.runForEach(Connectivity.match({
      Alive: ({ lastAnswer }) => emit({ _tag: "connectivity.alive", lastAnswer }),
      Suspect: ({ failures, lastAnswer }) => emit({ _tag: "connectivity.suspect", lastAnswer, failures }),
      Lost: () => Effect.void
    })),
    Effect.interruptible,
    Effect.forkScoped
  )
})

const started = (spec: WorkflowSpec, url: string, policy: TeardownPolicy, timeout: Duration.Duration) => ({
  _tag: "run.started" as const,
  url,
  policy,
  timeout,
  agents: spec.agents.map(({ name }) => name),
  teams: spec.teams.map(({ name, tasks }) => ({
    name,
    tasks: tasks.map(({ assignTo, blockedBy, subject }) => ({ subject, assignTo, blockedBy }))
  }))
})

const finished = Effect.gen(function*() {
  const { emit, state } = yield* CurrentRun.CurrentRun
  const after = yield* state
  const left = after === undefined ? 0 : RunState.left(after).length
  yield* emit({ _tag: "run.finished", outcome: after?.outcome ?? "failed", left })
})

const resultOf = (state: RunState.RunState | undefined): Effect.Effect<RunResult> =>
  state?.endedAt === undefined
    ? Effect.dieMessage("a run that has ended must have a state")
    : Effect.succeed({
      run: state.run,
      workflow: state.workflow,
      startedAt: state.startedAt,
      endedAt: state.endedAt,
      tasks: RunState.tasks(state),
      resources: RunState.resources(state)
    })

/** Layer of an executor; a setting that is not given has its default. */
export const layer = (
  settings: Partial<CurrentRun.RunSettings> = {}
): Layer.Layer<WorkflowExecutor, never, AgamemnonClient> => Layer.scoped(WorkflowExecutor, make(settings))

/** Layer of an executor that reads its settings from the environment. */
export const layerConfig: Layer.Layer<WorkflowExecutor, ConfigError.ConfigError, AgamemnonClient> = Layer.scoped(
  WorkflowExecutor,
  Effect.flatMap(CurrentRun.config, make)
)
