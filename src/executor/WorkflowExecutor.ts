/** Runs workflows on Agamemnon, and resumes runs that did not get to their end. */
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import type * as Queue from "effect/Queue"
import * as RcRef from "effect/RcRef"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import type { PingError } from "../agamemnon/AgamemnonError.ts"
import * as SharedList from "../agamemnon/SharedList.ts"
import * as TaskFeed from "../agamemnon/TaskFeed.ts"
import * as Pinger from "../liveness/Pinger.ts"
import * as Race from "../liveness/Race.ts"
import type { RunElsewhereError, RunUnknownError } from "../run/JournalError.ts"
import type { RunEvent } from "../run/RunEvent.ts"
import * as RunId from "../run/RunId.ts"
import * as RunInput from "../run/RunInput.ts"
import * as RunSpan from "../run/RunSpan.ts"
import { RunJournal } from "../run/RunJournal.ts"
import * as Evaluation from "../workflow/Evaluation.ts"
import type { GivenInputs } from "../workflow/Inputs.ts"
import type { TeardownPolicy } from "../workflow/TeardownPolicy.ts"
import type { WorkflowSpec } from "../workflow/WorkflowSpec.ts"
import * as WorkingDirectory from "../workflow/WorkingDirectory.ts"
import * as Arrivals from "./Arrivals.ts"
import * as ConcurrencyGate from "./ConcurrencyGate.ts"
import * as DaySpending from "./DaySpending.ts"
import * as EvaluatedSpec from "./EvaluatedSpec.ts"
import * as ProcessPlaces from "./ProcessPlaces.ts"
import * as Resume from "./Resume.ts"
import * as RunEnvironment from "./RunEnvironment.ts"
import { AgentsUnavailableError, GatesUnanswerableError, gatesOf, RunCancelledError, type RunError } from "./RunError.ts"
import type { RunResult } from "./RunResult.ts"
import * as RunSettings from "./RunSettings.ts"
import * as Submission from "./Submission.ts"
import * as TeamLists from "./TeamLists.ts"
import { carryOut } from "./WorkflowRun.ts"
import * as WorkspacePlan from "./WorkspacePlan.ts"

/**
 * The values of the secrets of a workflow.
 *
 * @since 0.1.0
 * @category models
 */
export type { GivenSecrets } from "./RunEnvironment.ts"

/**
 * The result of a run, see `RunResult`.
 *
 * @since 0.1.0
 * @category models
 */
export type { RunResult } from "./RunResult.ts"

/**
 * What one run does differently from its workflow file.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** The values of the workflow's inputs, by name. They are on record with the run. */
  readonly inputs?: GivenInputs | undefined
  /** The values of the workflow's secrets, by name. One that is not given is read from the `Config`. They are on record nowhere. */
  readonly secrets?: RunEnvironment.GivenSecrets | undefined
  /** Ignores what exists on Agamemnon and makes everything new. Defaults to false. */
  readonly force?: boolean | undefined
  /**
   * Makes agents and teams of its own, beside those of other runs of the
   * workflow, which are left alone. Defaults to false: while the journal knows of
   * another run that works with the same agents and teams, the run is refused.
   */
  readonly separate?: boolean | undefined
  /** Wins over the workflow's own policy. */
  readonly teardown?: TeardownPolicy | undefined
  /** Wins over the workflow's own limit. */
  readonly timeout?: Duration.DurationInput | undefined
  /**
   * Whether Agamemnon ends with this process, and all that is on it. Defaults to what its client says. When it does, a relative
   * `workingDir` is one beside the workflow file, or in the current directory when there is no file.
   */
  readonly embedded?: boolean | undefined
  /** The absolute path of the workflow file, for the journal. */
  readonly source?: string | undefined
  /**
   * Waits until the run is to be handed over, and says why: nothing is taken down then, the run fails with `RunYieldedError` in
   * this process, and whoever resumes it goes on at once. It may be waited for more than once. Defaults to never.
   */
  readonly yieldOn?: Effect.Effect<string> | undefined
}

/**
 * How a run goes on.
 *
 * @since 0.1.0
 * @category models
 */
export interface ResumeOptions extends Resume.Options {
  /** The values of the workflow's secrets, by name. One that is not given is read from the `Config`. */
  readonly secrets?: RunEnvironment.GivenSecrets | undefined
  /** Wins over the policy that the run had. */
  readonly teardown?: TeardownPolicy | undefined
  /** Wins over the workflow's own limit, which counts from now. */
  readonly timeout?: Duration.DurationInput | undefined
  /** Whether Agamemnon ends with this process, and all that is on it. Defaults to what its client says. */
  readonly embedded?: boolean | undefined
  /** Waits until the run is to be handed over, and says why. It may be waited for more than once. Defaults to never. */
  readonly yieldOn?: Effect.Effect<string> | undefined
  /**
   * Asked when Agamemnon is lost to this process: whether another may reach it. When it may, the run is handed over with nothing
   * taken down, once, until another of its tasks has ended. Defaults to no.
   */
  readonly yieldOnLoss?: Effect.Effect<boolean> | undefined
  /**
   * Whether the run waits while its group is full, where its workflow says that it does. Defaults to true: without that it fails
   * with `GroupFullError` at once, and can be tried again.
   */
  readonly waitForGroup?: boolean | undefined
  /**
   * Finds what keeps the agents of a workflow from working here, when a run that was submitted is about to begin: then the run
   * has failed with that message, and nothing is made. Defaults to nothing.
   */
  readonly check?: ((spec: WorkflowSpec) => Effect.Effect<void, { readonly message: string }>) | undefined
}

/**
 * Why a run cannot be resumed.
 *
 * @since 0.1.0
 * @category errors
 */
export type ResumeError =
  | RunUnknownError
  | RunElsewhereError
  | Resume.NothingToResumeError
  | Resume.WorkflowChangedError

/**
 * Runs workflows.
 *
 * **Example** (Cancelling a run by interrupting it)
 *
 * ```ts
 * import { Effect, Fiber } from "effect"
 * import { WorkflowExecutor, type WorkflowSpec } from "telemachy"
 *
 * export const cancelSoon = (spec: WorkflowSpec.WorkflowSpec) =>
 *   Effect.gen(function*() {
 *     const { execute } = yield* WorkflowExecutor.WorkflowExecutor
 *     const run = yield* Effect.fork(execute(spec))
 *     yield* Effect.sleep("1 minute")
 *     yield* Fiber.interrupt(run)
 *   })
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class WorkflowExecutor extends Context.Tag("telemachy/executor/WorkflowExecutor")<WorkflowExecutor, {
  /** Runs a workflow to its end. Interrupting it cancels the run and takes down what it made. */
  readonly execute: (spec: WorkflowSpec, options?: Options) => Effect.Effect<RunResult, RunError>
  /** Takes a run of the journal to its end. */
  readonly resume: (run: RunId.RunId, options?: ResumeOptions) => Effect.Effect<RunResult, RunError | ResumeError>
  /** Subscribes to what happens in every run of this executor from now on. */
  readonly events: Effect.Effect<Stream.Stream<RunEvent>, never, Scope.Scope>
  /** The same, as a queue, for whoever takes one event after the other: that costs less than half of what a stream does. */
  readonly subscribe: Effect.Effect<Queue.Dequeue<RunEvent>, never, Scope.Scope>
}>() {}

/**
 * Runs a workflow to its end on the {@link WorkflowExecutor} of the context.
 *
 * **Example** (Telling a dead backend from a failed task)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { WorkflowExecutor, type WorkflowSpec } from "telemachy"
 *
 * export const run = (spec: WorkflowSpec.WorkflowSpec) =>
 *   WorkflowExecutor.execute(spec).pipe(
 *     Effect.catchTag("WorkflowConnectivityError", (error) => Effect.logError(error.message)),
 *     Effect.catchTag("TasksFailedError", (error) => Effect.logError(error.tasks))
 *   )
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const execute = (
  spec: WorkflowSpec,
  options?: Options
): Effect.Effect<RunResult, RunError, WorkflowExecutor> =>
  Effect.flatMap(WorkflowExecutor, (executor) => executor.execute(spec, options))

/**
 * Takes a run that was submitted, was interrupted, was cancelled or has failed to its end: one that nobody has begun begins,
 * completed tasks are not run again, running ones are watched, missing ones are
 * submitted, and agents and teams are reused. It needs the journal in which the
 * run began.
 *
 * **Example** (Going on after a crash)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { RunStore, WorkflowExecutor } from "telemachy"
 *
 * export const recover = Effect.gen(function*() {
 *   const { list } = yield* RunStore.RunStore
 *   for (const { run, status } of yield* list) {
 *     if (status === "interrupted") yield* WorkflowExecutor.resume(run, { retryFailed: true })
 *   }
 * })
 * ```
 *
 * **Example** (Trying the tasks that failed once more)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { WorkflowExecutor, type WorkflowSpec } from "telemachy"
 *
 * export const run = (spec: WorkflowSpec.WorkflowSpec) =>
 *   WorkflowExecutor.execute(spec).pipe(
 *     Effect.catchTag("TasksFailedError", ({ run }) => WorkflowExecutor.resume(run, { retryFailed: true })),
 *     Effect.andThen((result) => Effect.log(`run ${result.run} is completed`))
 *   )
 *
 * // The run of a result is the one that `resume` takes.
 * export const resume = (result: WorkflowExecutor.RunResult) => WorkflowExecutor.resume(result.run)
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const resume = (
  run: RunId.RunId,
  options?: ResumeOptions
): Effect.Effect<RunResult, RunError | ResumeError, WorkflowExecutor> =>
  Effect.flatMap(WorkflowExecutor, (executor) => executor.resume(run, options))

/**
 * Makes an executor. It writes down what happens where there is a {@link RunJournal}, and polls less where there is a
 * {@link TaskFeed}, or Agamemnon is one itself, as an embedded one is.
 *
 * **Example** (An executor in a scope)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { WorkflowExecutor, type WorkflowSpec } from "telemachy"
 *
 * export const runOnce = (spec: WorkflowSpec.WorkflowSpec) =>
 *   Effect.flatMap(WorkflowExecutor.make(), ({ execute }) => execute(spec)).pipe(Effect.scoped)
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function*(given: RunSettings.Options = {}) {
  const client = yield* AgamemnonClient
  const agamemnon = AgamemnonClient.of({ ...client, listAgents: SharedList.make(client.listAgents), listTeams: SharedList.make(client.listTeams) })
  const runJournal = yield* Effect.serviceOption(RunJournal)
  const feed = feedOf(agamemnon.feed, yield* Effect.serviceOption(TaskFeed.TaskFeed))
  const context = Context.add(yield* Effect.context<AgamemnonClient>(), AgamemnonClient, agamemnon)
  const events = yield* Effect.acquireRelease(PubSub.unbounded<RunEvent>(), PubSub.shutdown)
  const settings = RunSettings.make(given)
  const lists = yield* TeamLists.make(agamemnon)
  const spending = yield* DaySpending.make(settings.budgetUsdPerDay, runJournal, events)
  const processPlaces = ProcessPlaces.make()
  const shared = { settings, events, feed, lists, spending, pinger: yield* sharedPinger(agamemnon.ping, settings) }

  const isEmbedded = agamemnon.embedded ?? false

  /** Takes the place of a run in its group, if it is of one. */
  const enterGroup = Effect.fnUntraced(function*(
    run: RunId.RunId,
    { concurrency, metadata: { name: workflow } }: WorkflowSpec,
    places: ConcurrencyGate.Places,
    options: Pick<ConcurrencyGate.Options, "canWait" | "askedAt" | "yieldOn">
  ) {
    if (concurrency !== undefined) yield* ConcurrencyGate.enter({ ...options, run, workflow, concurrency, places, settings, events })
  })

  /** What programs are given in their environment. It is known before anything is made. */
  const environmentOf = Effect.fnUntraced(function*(
    { inputs = {}, source, spec }: Pick<RunInput.RunInput, "spec" | "inputs" | "source">,
    { run, secrets }: Pick<Evaluation.Known, "run"> & { readonly secrets: RunEnvironment.GivenSecrets }
  ) {
    yield* RunEnvironment.check(spec, agamemnon.environments !== undefined)
    return yield* RunEnvironment.make(spec, { inputs, run, source, secrets: yield* RunEnvironment.secretsOf(spec, secrets) })
  })

  const execute = Effect.fn("WorkflowExecutor.execute")(function*(given: WorkflowSpec, asked: Options = {}) {
    const options = { ...asked, embedded: asked.embedded ?? isEmbedded }
    const { embedded, force = false, inputs = {}, separate = false, source } = options
    const id = yield* RunId.random
    const told = {
      spec: embedded ? yield* WorkingDirectory.writeOut(given, source) : given,
      ...(source === undefined ? {} : { source }),
      ...(Evaluation.isTemplate(given) || Object.keys(inputs).length > 0 ? { inputs } : {})
    }
    const { spec, ...rest } = yield* EvaluatedSpec.make(told, { run: id, attempt: 1, embedded })
    const environment = yield* environmentOf(told, { run: { id, attempt: 1 }, secrets: asked.secrets ?? {} })
    const gates = gatesOf(spec)
    if (gates.length > 0 && Option.isNone(runJournal)) return yield* new GatesUnanswerableError({ workflow: spec.metadata.name, gates })
    const workspaces = yield* WorkspacePlan.make({ run: id, spec, late: rest.late, workspaces: agamemnon.workspaces, before: undefined })
    const request = { spec, rest, force, separate, before: undefined, beforeAt: undefined, retryFailed: false }
    const waiting = { canWait: true, askedAt: undefined, yieldOn: options.yieldOn }
    if (Option.isNone(runJournal)) {
      const places = yield* processPlaces.of(id, spec.metadata.name)
      yield* enterGroup(id, spec, places, waiting)
      const running = carryOut(shared, { ...options, id, environment, workspaces, request, journal: Option.none(), inputDigest: undefined })
      // Nobody else can ask for the end of a run that is of no group and on no record.
      const cancelled = Effect.flatMap(places.cancelled, (by) => new RunCancelledError({ workflow: spec.metadata.name, run: id, by }))
      return yield* spec.concurrency === undefined ? running : Race.unless(cancelled)(running)
    }
    const input = yield* RunInput.encode({ ...told, force, ...(separate ? { separate } : {}) })
    const journal = yield* runJournal.value.begin({ run: id, workflow: spec.metadata.name, url: agamemnon.url })
    yield* enterGroup(id, spec, journal, waiting)
    yield* journal.writeInput(input)
    return yield* carryOut(shared, { ...options, id, environment, workspaces, request, journal: Option.some(journal), inputDigest: input.digest })
  })

  const resume = Effect.fn("WorkflowExecutor.resume")(function*(id: RunId.RunId, asked: ResumeOptions = {}) {
    const options = { ...asked, embedded: asked.embedded ?? isEmbedded }
    const { attempt, before, beforeAt, encoded, reached, evaluated, input: { separate = false, ...told }, journal, retryFailed } = yield* Resume.prepare(id, options)
    const { force } = told
    const { spec, ...rest } = evaluated
    // What keeps a run from beginning that was submitted is its end.
    const refusing = <A, E extends Submission.Refusal, R>(effect: Effect.Effect<A, E, R>) =>
      reached.isQueued ? Effect.tapError(effect, (error) => Submission.refuse(journal, reached, error, events)) : effect
    const environment = yield* environmentOf(told, { run: { id, attempt }, secrets: asked.secrets ?? {} }).pipe(refusing)
    if (options.check !== undefined && reached.isQueued) {
      const unavailable = ({ message: reason }: { readonly message: string }) => new AgentsUnavailableError({ workflow: spec.metadata.name, reason })
      yield* Effect.mapError(options.check(spec), unavailable).pipe(refusing)
    }
    const workspaces = yield* WorkspacePlan.make({ run: id, spec, late: rest.late, workspaces: agamemnon.workspaces, before }).pipe(refusing)
    yield* enterGroup(id, spec, journal, {
      canWait: options.waitForGroup ?? true,
      askedAt: reached.isQueued ? reached.startedAt : undefined,
      yieldOn: options.yieldOn
    }).pipe(Effect.tapErrorTag("GroupFullError", (error) => error.canWait ? Effect.void : refusing(error)))
    const input = yield* encoded
    yield* journal.writeInput(input)
    const request = { spec, rest, force, separate, before, beforeAt, retryFailed }
    const arrivals = before === undefined || beforeAt === undefined ? Arrivals.none : Arrivals.fromState(before, beforeAt, settings.requestTimeout)
    const teardown = options.teardown ?? reached.policy
    return yield* carryOut(shared, { ...options, teardown, id, environment, workspaces, request, arrivals, journal: Option.some(journal), inputDigest: input.digest })
  })

  const provided = <A, E, R>(effect: Effect.Effect<A, E, R | Scope.Scope>) =>
    Effect.scopedWith((scope) => Effect.provide(effect, Context.add(context, Scope.Scope, scope)))
  return WorkflowExecutor.of({
    events: Stream.fromPubSub(events, { scoped: true }),
    subscribe: PubSub.subscribe(events),
    execute: (spec, options) => provided(execute(spec, options)),
    resume: (run, options) => provided(resume(run, options))
  })
})

type Feed = Context.Tag.Service<TaskFeed.TaskFeed>

/** What tells of tasks: Agamemnon itself, if it does, and what was given beside it, where workers may say more. */
const feedOf = (own: Feed | undefined, given: Option.Option<Feed>): Feed => {
  const other = Option.getOrElse(given, () => TaskFeed.none)
  if (own === undefined) return other
  return other === TaskFeed.none ? own : TaskFeed.merge(other, own)
}

/**
 * Makes the pinger of all runs, which pings for as long as there are any. A run may outlive its executor: so what keeps
 * the pinger is not the executor's scope, but the runs that use it.
 */
const sharedPinger = (
  ping: Effect.Effect<void, PingError>,
  { healthcheckInterval: interval, healthcheckTimeout: timeout }: RunSettings.RunSettings
) =>
  Effect.flatMap(Scope.make(), (scope) =>
    RcRef.make({ acquire: RunSpan.ofNoRun(Pinger.make({ probe: ping, interval, timeout })) }).pipe(
      Scope.extend(scope),
      Effect.map(RcRef.get)
    ))

/**
 * Layer of an executor; a setting that is not given has its default.
 *
 * **Example** (Settings in code)
 *
 * ```ts
 * import { WorkflowExecutor } from "telemachy"
 *
 * export const Executor = WorkflowExecutor.layer({
 *   healthcheckInterval: "5 seconds",
 *   healthcheckFailureThreshold: 3
 * })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  settings: RunSettings.Options = {}
): Layer.Layer<WorkflowExecutor, never, AgamemnonClient> => Layer.scoped(WorkflowExecutor, make(settings))

/**
 * Layer of an executor that reads its settings from a config; without one, from the variables of the command. A setting
 * that the config leaves out has its default.
 *
 * **Example** (Settings of the environment)
 *
 * ```ts
 * import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
 * import { Layer } from "effect"
 * import { AgamemnonClient, WorkflowExecutor } from "telemachy"
 *
 * export const Executor = WorkflowExecutor.layerConfig().pipe(
 *   Layer.provide(AgamemnonClient.layerConfig()),
 *   Layer.provide(NodeHttpClient.layer)
 * )
 * ```
 *
 * **Example** (Settings under names of one's own)
 *
 * ```ts
 * import { Config } from "effect"
 * import { WorkflowExecutor } from "telemachy"
 *
 * export const Executor = WorkflowExecutor.layerConfig({
 *   workflowTimeout: Config.duration("APP_RUN_LIMIT"),
 *   healthcheckFailureThreshold: Config.integer("APP_LOST_AFTER")
 * })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  config: Config.Config.Wrap<RunSettings.Options> = RunSettings.config
): Layer.Layer<WorkflowExecutor, ConfigError.ConfigError, AgamemnonClient> =>
  Layer.scoped(WorkflowExecutor, Effect.flatMap(Config.unwrap(config), make))
