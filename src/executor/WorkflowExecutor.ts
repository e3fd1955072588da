/** Runs workflows on Agamemnon, and resumes runs that did not get to their end. */
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as RcRef from "effect/RcRef"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import * as TaskEvents from "../agamemnon/TaskFeed.ts"
import * as Pulse from "../liveness/Pinger.ts"
import * as ResourceKey from "../workflow/ResourceKey.ts"
import type { TeardownPolicy } from "../workflow/TeardownPolicy.ts"
import type { WorkflowSpec } from "../workflow/WorkflowSpec.ts"
import { Assignment } from "./RunRequest.ts"
import * as Cleanup from "./Cleanup.ts"
import * as CurrentRun from "./CurrentRun.ts"
import * as Declaration from "../run/RunInput.ts"
import * as Pipeline from "./Pipeline.ts"
import * as Resume from "./Resume.ts"
import type { RunError } from "./RunError.ts"
import type { RunEvent, RunId } from "../run/RunEvent.ts"
import { type RunElsewhereError, RunRecord, type RunUnknownError } from "../run/RunJournal.ts"
import * as RunState from "../run/RunState.ts"

/** What one run does differently from its workflow file. */
export interface Options {
  /** Ignores what exists on Agamemnon and makes everything new. Defaults to false. */
  readonly force?: boolean | undefined
  /** Wins over the workflow's own policy. */
  readonly teardown?: TeardownPolicy | undefined
  /** Wins over the workflow's own limit. */
  readonly timeout?: Duration.DurationInput | undefined
  /** Whether Agamemnon ends with this process, and all that is on it. Defaults to false. */
  readonly embedded?: boolean | undefined
  /** The absolute path of the workflow file, for the record. */
  readonly source?: string | undefined
}

/** How a run goes on. */
export interface ResumeOptions extends Resume.Options {
  /** Wins over the policy that the run had. */
  readonly teardown?: TeardownPolicy | undefined
  /** Wins over the workflow's own limit, which counts from now. */
  readonly timeout?: Duration.DurationInput | undefined
  /** Whether Agamemnon ends with this process, and all that is on it. Defaults to false. */
  readonly embedded?: boolean | undefined
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

/** Why a run cannot be resumed. */
export type ResumeError =
  | RunUnknownError
  | RunElsewhereError
  | Resume.NothingToResumeError
  | Resume.WorkflowChangedError

/** Runs workflows. */
export class WorkflowExecutor extends Context.Tag("telemachy/run/WorkflowExecutor")<WorkflowExecutor, {
  /** Runs a workflow to its end. Interrupting it cancels the run and takes down what it made. */
  readonly execute: (spec: WorkflowSpec, options?: Options) => Effect.Effect<RunResult, RunError>
  /** Takes a run of the record to its end. */
  readonly resume: (run: RunId, options?: ResumeOptions) => Effect.Effect<RunResult, RunError | ResumeError>
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

/**
 * Takes a run that was interrupted, was cancelled or has failed to its end:
 * completed tasks are not run again, running ones are watched, missing ones are
 * submitted, and agents and teams are reused. It needs the record in which the
 * run began.
 *
 * **Example** (Going on after a crash)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { RunStore, WorkflowExecutor } from "telemachy"
 *
 * const program = Effect.gen(function*() {
 *   const { list } = yield* RunStore.RunStore
 *   const runs = yield* list
 *   yield* Effect.forEach(
 *     runs.filter(({ status }) => status === "interrupted"),
 *     ({ run }) => WorkflowExecutor.resume(run, { retryFailed: true })
 *   )
 * })
 * ```
 */
export const resume = (
  run: RunId,
  options?: ResumeOptions
): Effect.Effect<RunResult, RunError | ResumeError, WorkflowExecutor> =>
  Effect.flatMap(WorkflowExecutor, (executor) => executor.resume(run, options))

/**
 * Makes an executor. It writes down what happens where there is a {@link RunRecord}, and polls less where there are
 * {@link TaskEvents.TaskEvents}.
 */
export const make = Effect.fnUntraced(function*(given: Partial<CurrentRun.RunSettings> = {}) {
  const agamemnon = yield* AgamemnonClient
  const record = yield* Effect.serviceOption(RunRecord)
  const taskEvents = Option.getOrElse(yield* Effect.serviceOption(TaskEvents.TaskEvents), () => TaskEvents.none)
  const context = yield* Effect.context<AgamemnonClient>()
  const events = yield* Effect.acquireRelease(PubSub.unbounded<RunEvent>(), PubSub.shutdown)
  const settings = { ...CurrentRun.defaults, ...given }
  // One ping for all runs, for as long as there are any; each counts by itself how many were not answered. A run may
  // outlive its executor: so what keeps the pings is not the executor's scope, but the runs that use them.
  const pulse = yield* Scope.extend(
    RcRef.make({
      acquire: Pulse.make({
        probe: agamemnon.ping,
        interval: settings.healthcheckInterval,
        timeout: settings.healthcheckTimeout
      })
    }),
    yield* Scope.make()
  )

  /** Carries out what is assigned to a run, to its end. */
  const carryOut = Effect.fnUntraced(function*(
    run: Omit<CurrentRun.Options, "settings" | "events" | "workflow">,
    assignment: Context.Tag.Service<Assignment>,
    options: Pick<Options, "teardown" | "timeout" | "embedded"> & { readonly declaration: string | undefined }
  ) {
    const { before, spec } = assignment
    const current = CurrentRun.make({ ...run, workflow: spec.metadata.name, settings, events })
    const embedded = options.embedded ?? false
    /** Dead runs of which this one has used something again. */
    const inherited: Array<RunId> = []
    const policy = options.teardown ?? before?.policy ?? spec.teardown
    const timeout = Option.fromNullable(options.timeout).pipe(
      Option.map(Duration.decode),
      Option.orElse(() => spec.timeout),
      Option.getOrElse(() => settings.workflowTimeout)
    )
    const header = {
      url: agamemnon.url,
      policy,
      timeout,
      ...declared(spec),
      ...(embedded ? { embedded } : {}),
      ...(options.declaration === undefined ? {} : { declaration: options.declaration })
    }
    yield* Pipeline.run({
      policy,
      limit: timeout,
      pulse: RcRef.get(pulse),
      beginning: before === undefined
        ? { _tag: "run.started", ...header }
        : { _tag: "run.resumed", ...header, resources: RunState.remaining(before).map(onAgamemnon) },
      sweep: embedded ? Effect.void : Effect.map(sweep(spec), (runs) => inherited.push(...runs))
    }).pipe(
      Effect.scoped,
      Effect.provideService(CurrentRun.CurrentRun, current),
      Effect.provideService(Assignment, assignment),
      Effect.provideService(TaskEvents.TaskEvents, taskEvents)
    )
    const state = yield* current.state
    const kept = new Set(state === undefined ? [] : RunState.remaining(state).map(({ key }) => key))
    yield* Effect.forEach(inherited, (id) => Cleanup.inherit(id, { settings, spared: kept }), { discard: true })
    return yield* resultOf(state)
  })

  const execute = Effect.fn("WorkflowExecutor.execute")(function*(spec: WorkflowSpec, options: Options = {}) {
    const { force = false, source } = options
    const id = yield* CurrentRun.newId
    const assignment = { spec, force, before: undefined, retryFailed: false }
    if (Option.isNone(record)) {
      return yield* carryOut({ id, recording: Option.none() }, assignment, { ...options, declaration: undefined })
    }
    const declaration = yield* Declaration.write({ spec, force, ...(source === undefined ? {} : { source }) })
    const recording = yield* record.value.begin({ run: id, workflow: spec.metadata.name, url: agamemnon.url })
    yield* recording.declare(declaration)
    return yield* carryOut({ id, recording: Option.some(recording) }, assignment, {
      ...options,
      declaration: declaration.digest
    })
  })

  const resume = Effect.fn("WorkflowExecutor.resume")(function*(id: RunId, options: ResumeOptions = {}) {
    const { before, declaration, recording } = yield* Resume.prepare(id, options)
    const { force, spec } = declaration
    const text = yield* Declaration.write(declaration)
    yield* recording.declare(text)
    const assignment = { spec, force, before, retryFailed: options.retryFailed ?? false }
    return yield* carryOut({ id, recording: Option.some(recording) }, assignment, {
      ...options,
      declaration: text.digest
    })
  })

  const provided = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.provide(Effect.scoped(effect), context)
  return WorkflowExecutor.of({
    events: Stream.fromPubSub(events, { scoped: true }),
    execute: (spec, options) => provided(execute(spec, options)),
    resume: (run, options) => provided(resume(run, options))
  })
})

/**
 * Removes what dead runs have left, but for what the current one is going to
 * use again, and says so in a line. Answers the runs of which that was spared.
 */
const sweep = Effect.fnUntraced(function*({ agents, metadata, teams }: WorkflowSpec) {
  const { emit, settings } = yield* CurrentRun.CurrentRun
  const spared = new Set([...agents, ...teams].map(({ name }) => ResourceKey.make(metadata.name, name)))
  const swept = yield* Cleanup.sweep({ settings, spared })
  const cleaned = swept.filter(({ remaining, removed }) => removed.length + remaining.length > 0)
  if (cleaned.length > 0) {
    yield* emit({
      _tag: "leftovers.removed",
      runs: cleaned.map(({ run }) => run),
      removed: cleaned.reduce((sum, { removed }) => sum + removed.length, 0),
      left: cleaned.reduce((sum, { remaining }) => sum + remaining.length, 0)
    })
  }
  return swept.filter((each) => each.spared.length > 0).map(({ run }) => run)
})

const declared = ({ agents, teams }: WorkflowSpec) => ({
  agents: agents.map(({ name }) => name),
  teams: teams.map(({ name, tasks }) => ({
    name,
    tasks: tasks.map(({ assignTo, blockedBy, subject }) => ({ subject, assignTo, blockedBy }))
  }))
})

const onAgamemnon = ({ except, id, key, kind, name }: RunState.ResourceState) => ({
  kind,
  name,
  key,
  except,
  ...(id === undefined ? {} : { id })
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
