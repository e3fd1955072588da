/** Carries out one run: puts together what its pipeline is told, and gives it its place among other runs. */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as PubSub from "effect/PubSub"
import * as Scope from "effect/Scope"
import { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import type { RunEnvironment } from "../agamemnon/AgentEnvironments.ts"
import * as RequestSpan from "../agamemnon/RequestSpan.ts"
import * as TaskFeed from "../agamemnon/TaskFeed.ts"
import type * as Pinger from "../liveness/Pinger.ts"
import type { EventBody, RunEvent } from "../run/RunEvent.ts"
import type { RunId } from "../run/RunId.ts"
import type * as RunJournal from "../run/RunJournal.ts"
import * as RunSpan from "../run/RunSpan.ts"
import * as RunState from "../run/RunState.ts"
import * as RunUsage from "../run/RunUsage.ts"
import * as Budget from "../workflow/Budget.ts"
import * as TaskPolicy from "../workflow/TaskPolicy.ts"
import type { TeardownPolicy } from "../workflow/TeardownPolicy.ts"
import * as Arrivals from "./Arrivals.ts"
import * as BudgetGuard from "./BudgetGuard.ts"
import * as CurrentRun from "./CurrentRun.ts"
import type { DaySpending } from "./DaySpending.ts"
import * as DeclaredWork from "./DeclaredWork.ts"
import * as KeyReservation from "./KeyReservation.ts"
import * as Pipeline from "./Pipeline.ts"
import * as Recovery from "./Recovery.ts"
import * as RunAgamemnon from "./RunAgamemnon.ts"
import { outcomeOf } from "./RunError.ts"
import * as RunRequest from "./RunRequest.ts"
import * as RunResult from "./RunResult.ts"
import type { RunSettings } from "./RunSettings.ts"
import * as RunWorkspaces from "./RunWorkspaces.ts"
import { RunYieldedError } from "./RunYieldedError.ts"
import { TeamLists } from "./TeamLists.ts"
import type { WorkspacePlan } from "./WorkspacePlan.ts"

/** What the runs of an executor share. */
export interface Shared {
  readonly settings: RunSettings
  readonly events: PubSub.PubSub<RunEvent>
  readonly feed: Context.Tag.Service<TaskFeed.TaskFeed>
  readonly lists: Context.Tag.Service<TeamLists>
  /** What the runs of a day have used together, if that is limited. */
  readonly spending: Option.Option<DaySpending>
  /** The pinger that their heartbeats have in common, for as long as one of them runs. */
  readonly pinger: Effect.Effect<Pinger.Pinger, never, Scope.Scope>
}

/** What one run has of its own. */
export interface Options {
  readonly id: RunId
  readonly journal: Option.Option<RunJournal.Handle>
  readonly request: Omit<RunRequest.Options, "isAlone" | "arrivals" | "awaitArrivals">
  /** What the process that has driven the run before may have sent last. Defaults to nothing. */
  readonly arrivals?: Arrivals.Arrivals | undefined
  /** What programs have in their environment, by the names that their agents have in the workflow. */
  readonly environment: RunEnvironment
  /** Where its tasks are done. */
  readonly workspaces: WorkspacePlan
  /** Digest of its input in the journal, if it is there. */
  readonly inputDigest: string | undefined
  /** Wins over the workflow's own policy, or that which the run had. */
  readonly teardown?: TeardownPolicy | undefined
  /** Wins over the workflow's own limit. */
  readonly timeout?: Duration.DurationInput | undefined
  /** Whether Agamemnon ends with this process. Defaults to false. */
  readonly embedded?: boolean | undefined
  /** Waits until the run is to be handed over, and says why. Defaults to never. */
  readonly yieldOn?: Effect.Effect<string> | undefined
  /** Whether another process may reach Agamemnon, when this one does not. Defaults to no. */
  readonly yieldOnLoss?: Effect.Effect<boolean> | undefined
}

/** Takes a run to its end. */
export const carryOut = Effect.fnUntraced(function*(shared: Shared, options: Options) {
  const { embedded = false, environment, id, journal } = options
  const { before, spec } = options.request
  const { environments, url } = yield* AgamemnonClient
  const { events, settings } = shared
  const policy = options.teardown ?? before?.policy ?? spec.teardown
  const limit = limitOf(options, settings)
  const current = CurrentRun.make({ id, journal, reached: before, workflow: spec.metadata.name, settings, events, yieldOn: options.yieldOn, yieldOnLoss: options.yieldOnLoss })
  const agamemnon = yield* Effect.provideService(RunAgamemnon.make, TeamLists, shared.lists)
  const workspaces = yield* RunWorkspaces.make(options.workspaces, current)
  const asked = { ...options.request, isAlone: embedded, arrivals: Arrivals.none, awaitArrivals: Effect.void }
  const former = Option.isNone(journal) || embedded
    ? Arrivals.none
    : yield* arrivalsOfFormer(journal.value, RunRequest.make(id, asked).keys, settings)
  const arrivals = Arrivals.merge([options.arrivals ?? Arrivals.none, former])
  const awaitArrivals = yield* Effect.provideService(Arrivals.makeWait(arrivals), CurrentRun.CurrentRun, current)
  const request = RunRequest.make(id, { ...asked, arrivals, awaitArrivals })
  const agents = new Map([...environment.agents].map(([name, variables]) => [request.keyOf(name), variables]))
  const keeping = new Set([...environment.keeping].map(request.keyOf))
  const limits = new Map([...environment.limits].map(([name, each]) => [request.keyOf(name), each]))
  yield* environments?.provide({ ...environment, agents, keeping, limits }) ?? Effect.void
  const guard = BudgetGuard.make({
    run: current,
    limits: Budget.limitsOf(spec.budget),
    events,
    day: Option.zipWith(Option.fromNullable(settings.budgetUsdPerDay), shared.spending, (cap, spending) => ({ cap, spending })),
    submitted: before?.usage.tasks ?? 0
  })
  // Provided together: each that is provided alone is another context, and is held for as long as the run goes on.
  const services = Context.make(CurrentRun.CurrentRun, current).pipe(
    Context.add(RunRequest.RunRequest, request),
    Context.add(RunWorkspaces.RunWorkspaces, workspaces),
    Context.add(BudgetGuard.BudgetGuard, guard),
    Context.add(RunAgamemnon.RunAgamemnon, agamemnon),
    Context.add(TaskFeed.TaskFeed, shared.feed),
    Context.add(TeamLists, shared.lists)
  )
  /** Dead runs of which this one has used something again. */
  const inherited: Array<RunId> = []
  const pipeline = Pipeline.run({
    policy,
    limit,
    pinger: shared.pinger,
    beginning: beginningOf(options, { url, policy, timeout: limit, heartbeatInterval: settings.healthcheckInterval }),
    sweep: embedded ? undefined : Effect.map(Recovery.sweep, (runs) => inherited.push(...runs))
  })
  const exit = yield* Effect.exit(Effect.scopedWith((scope) => Effect.provide(pipeline, Context.add(services, Scope.Scope, scope))))
  // Also when the work was done, and its teardown was not.
  const handedOver = Option.getOrUndefined(yield* current.yielded)
  if (handedOver !== undefined) return yield* handedOver
  yield* exit
  yield* current.ensureLease
  const state = yield* current.state
  const spared = new Set(state === undefined ? [] : RunState.remaining(state).map(({ key }) => key))
  yield* Effect.forEach(inherited, (run) => Recovery.inherit(run, { settings, spared, heir: id }), { discard: true })
  return yield* RunResult.fromState(state)
}, (effect, _, { id, request: { spec } }) =>
  // Said once for all requests of a run, each of which would say it.
  RunSpan.run({ id, workflow: spec.metadata.name, outcomeOf: toldOutcome })(RequestSpan.withoutSecrets(effect)))

/** How a run has ended here. One that is handed over has no outcome yet. */
const toldOutcome = (exit: Exit.Exit<unknown, unknown>): string =>
  Exit.isFailure(exit) && Option.exists(Cause.failureOption(exit.cause), (error) => error instanceof RunYieldedError) ? "yielded" : outcomeOf(exit).outcome

/** Takes the keys of the run, and tells what those may have sent last who held them before. */
const arrivalsOfFormer = Effect.fnUntraced(function*(
  journal: RunJournal.Handle,
  keys: ReadonlyArray<string>,
  { requestTimeout }: RunSettings
) {
  const former = yield* KeyReservation.acquire(journal, keys)
  const events = yield* Effect.forEach(former, journal.eventsOf)
  return Arrivals.merge(events.map((each) => Arrivals.fromEvents(each, requestTimeout)))
})

const limitOf = ({ request: { spec }, timeout }: Options, { workflowTimeout }: RunSettings): Duration.Duration =>
  Option.fromNullable(timeout).pipe(
    Option.map(Duration.decode),
    Option.orElse(() => TaskPolicy.ofRun(spec)),
    Option.getOrElse(() => workflowTimeout)
  )

/** The first event of a run, or the one with which it goes on. */
const beginningOf = (
  { embedded = false, inputDigest, request: { before, rest: { used }, spec }, workspaces: { origins } }: Options,
  told: { readonly url: string; readonly policy: TeardownPolicy; readonly timeout: Duration.Duration; readonly heartbeatInterval: Duration.Duration }
): EventBody => {
  const header = {
    ...told,
    ...DeclaredWork.of(spec, used),
    ...(embedded ? { embedded } : {}),
    ...(spec.budget === undefined ? {} : { budget: Budget.limitsOf(spec.budget) }),
    ...(spec.concurrency === undefined ? {} : { concurrency: spec.concurrency }),
    ...(spec.notify === undefined ? {} : { notify: spec.notify }),
    ...(inputDigest === undefined ? {} : { inputDigest }),
    ...(origins.length === 0 ? {} : { origins })
  }
  return before === undefined
    ? { _tag: "run.started", ...header }
    : { _tag: "run.resumed", ...header, resources: RunState.remaining(before).filter(RunState.isOnAgamemnon).map(identified), ...RunWorkspaces.recorded(before), ...spentBefore(before) }
}

/** What a run had used before it goes on, if it has begun anything. */
const spentBefore = ({ toldAt, usage }: RunState.RunState) =>
  usage.attempts === 0 ? {} : { spent: RunUsage.spentAt(usage, toldAt, false) }

const identified = <Kind extends "agent" | "team">({ except, id, key, kind, name, uncertainSince }: RunState.ResourceState & { readonly kind: Kind }) => ({
  kind,
  name,
  key,
  except,
  ...(uncertainSince === undefined ? {} : { uncertainSince }),
  ...(id === undefined ? {} : { id })
})
