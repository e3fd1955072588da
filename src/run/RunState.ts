/**
 * The state of a run is a fold over its events, written once: {@link fold}.
 * The live view, the summary, teardown and the result are read from it.
 */
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Match from "effect/Match"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import type * as Budget from "../workflow/Budget.ts"
import type { TeardownPolicy } from "../workflow/TeardownPolicy.ts"
import type { Outcome } from "./Outcome.ts"
import type { RunEvent } from "./RunEvent.ts"
import type { RunId } from "./RunId.ts"
import * as UsageOfRun from "./RunUsage.ts"
import * as Instances from "./TaskInstances.ts"
import * as OfTask from "./TaskState.ts"
import { isFailure } from "./TaskStatus.ts"

type Started = Extract<RunEvent, { readonly _tag: "run.started" }>
type Resumed = Extract<RunEvent, { readonly _tag: "run.resumed" }>

/**
 * Where an agent or a team is in its life.
 *
 * @since 0.1.0
 * @category models
 */
export interface ResourceState {
  readonly kind: "agent" | "team"
  readonly name: string
  readonly key: string
  /** What Agamemnon calls it, once it has said so. */
  readonly id: string | undefined
  /** Whether an earlier run made it. */
  readonly reused: boolean
  /** Resources of the same key that are not this run's. */
  readonly except: ReadonlyArray<string>
  readonly status: "creating" | "created" | "started" | "removed" | "kept" | "left"
  /** Why it could not be removed. */
  readonly error: string | undefined
  /** The other run that it was kept for. */
  readonly usedBy: string | undefined
  /** When it was begun to be made, while an answer to that is missing: it, or a copy, may be there or still appear. */
  readonly uncertainSince: DateTime.Utc | undefined
  /** Whether it turned out that it was never made. */
  readonly neverMade: boolean
  /** Whether a list that was read after it was removed shows nothing of it. */
  readonly confirmed: boolean
}

/**
 * An attempt at a task that has ended, and that the task has not ended with.
 *
 * @since 0.1.0
 * @category models
 */
export interface AttemptState extends OfTask.AttemptState {}

/**
 * Where a task is in its life.
 *
 * @since 0.1.0
 * @category models
 */
export interface TaskState extends OfTask.TaskState {}

/**
 * What a run has used so far, as its events count it.
 *
 * @since 0.1.0
 * @category models
 */
export interface RunUsage extends UsageOfRun.RunUsage {}

/**
 * What a run has used, as it is told.
 *
 * @since 0.1.0
 * @category models
 */
export interface Spent extends UsageOfRun.Spent {}

/**
 * The heartbeat as the run last heard of it.
 *
 * @since 0.1.0
 * @category models
 */
export interface HeartbeatState {
  readonly status: "alive" | "suspect" | "lost"
  readonly lastAnswer: DateTime.Utc
  readonly failures: number
  /** The time from one ping to the next, as far as that is recorded. */
  readonly interval: Duration.Duration | undefined
}

/**
 * A run as its events tell it.
 *
 * @since 0.1.0
 * @category models
 */
export interface RunState {
  readonly run: RunId
  readonly workflow: string
  readonly url: string
  /** Whether the Agamemnon ends with the process that runs the workflow. */
  readonly embedded: boolean
  readonly policy: TeardownPolicy
  /** What the workflow declares, in its order. */
  readonly declared: Pick<Started, "agents" | "teams">
  /** What it may use, if the workflow says. */
  readonly budget: Budget.Limits | undefined
  /** What it has used. */
  readonly usage: RunUsage
  /** The same, as it was told at its end. */
  readonly finalSpent: Spent | undefined
  /** Digest of the `RunInput` that is recorded beside the events. */
  readonly inputDigest: string | undefined
  /** When it started or, if later, was resumed. */
  readonly startedAt: DateTime.Utc
  readonly endedAt: DateTime.Utc | undefined
  /** When something was last told of it. */
  readonly toldAt: DateTime.Utc
  readonly heartbeat: HeartbeatState
  readonly agents: HashMap.HashMap<string, ResourceState>
  readonly teams: HashMap.HashMap<string, ResourceState>
  /** Tasks of each team, by subject. */
  readonly tasks: HashMap.HashMap<string, HashMap.HashMap<string, TaskState>>
  readonly outcome: Outcome | undefined
  readonly reason: string
  readonly teardown: "remove" | "keep" | undefined
  /** Of how many resources that were removed a list has shown nothing afterwards, once the run is over. */
  readonly checked: number | undefined
  /** Whether all that has happened is recorded, where there is a journal. */
  readonly recorded: boolean
}

const start = (event: Started | Resumed): RunState => ({
  run: event.run,
  workflow: event.workflow,
  url: event.url,
  embedded: event.embedded ?? false,
  policy: event.policy,
  declared: { agents: event.agents, teams: event.teams },
  budget: event.budget,
  usage: UsageOfRun.none,
  finalSpent: undefined,
  inputDigest: event.inputDigest,
  startedAt: event.at,
  endedAt: undefined,
  toldAt: event.at,
  heartbeat: { status: "alive", lastAnswer: event.at, failures: 0, interval: event.heartbeatInterval },
  agents: HashMap.empty(),
  teams: HashMap.empty(),
  tasks: HashMap.fromIterable(
    event.teams.map((team) => [
      team.name,
      HashMap.fromIterable(team.tasks.map((task): [string, TaskState] => [task.subject, OfTask.declared(team.name, task)]))
    ])
  ),
  outcome: undefined,
  reason: "",
  teardown: undefined,
  checked: undefined,
  recorded: true
})

const resume = (event: Resumed): RunState =>
  event.resources.reduce(
    (state, { except, id, kind, uncertainSince, ...named }) =>
      resource(state, kind, named, { status: id === undefined ? "creating" : "created", id, except, uncertainSince }),
    { ...start(event), usage: event.spent === undefined ? UsageOfRun.none : UsageOfRun.from(event.spent) }
  )

const resource = (
  state: RunState,
  kind: "agent" | "team",
  event: { readonly name: string; readonly key: string },
  change: Partial<ResourceState>
): RunState => {
  const field = kind === "agent" ? "agents" : "teams"
  const before: ResourceState = Option.getOrElse(HashMap.get(state[field], event.name), () => ({
    kind,
    name: event.name,
    key: event.key,
    id: undefined,
    reused: false,
    except: [],
    status: "creating",
    error: undefined,
    usedBy: undefined,
    uncertainSince: undefined,
    neverMade: false,
    confirmed: false
  }))
  return { ...state, [field]: HashMap.set(state[field], event.name, { ...before, ...change }) }
}

/** What was kept or left before is to be removed now. */
const reconsider = (state: RunState): RunState => {
  const again = (before: ResourceState): ResourceState =>
    before.status === "kept" || before.status === "left"
      ? { ...before, status: before.id === undefined ? "creating" : "created", error: undefined, usedBy: undefined }
      : before
  return { ...state, agents: HashMap.map(state.agents, again), teams: HashMap.map(state.teams, again) }
}

const task = (state: RunState, event: UsageOfRun.TaskEvent, change: (before: TaskState) => Partial<TaskState>): RunState => {
  const { subject, team } = event
  const before = Option.flatMap(HashMap.get(state.tasks, team), HashMap.get(subject))
  const tasks = HashMap.modify(state.tasks, team, (tasks) => Instances.change(tasks, event, change))
  const after = Option.flatMap(HashMap.get(tasks, team), HashMap.get(subject))
  if (Option.isNone(before) || Option.isNone(after)) return state
  return { ...state, usage: UsageOfRun.afterTask(state.usage, event, before.value, after.value), tasks }
}

/** What a gate has sent back is done again, and the first of it is told why: of a workflow that is used, its first task. */
const sendBack = (state: RunState, { by, comment, redo = [] }: Extract<RunEvent, { readonly _tag: "gate.answered" }>): RunState => {
  const isWork = ({ subject, team }: (typeof redo)[number]) =>
    Option.exists(Option.flatMap(HashMap.get(state.tasks, team), HashMap.get(subject)), ({ uses }) => uses === undefined)
  const first = Math.max(0, redo.findIndex(isWork))
  return redo.reduce((before, { subject, team }, position) => ({
    ...before,
    tasks: HashMap.modify(before.tasks, team, (tasks) => Instances.redo(tasks, subject, position === first ? { by, comment } : undefined))
  }), state)
}

/**
 * Tasks of the same name keep what was known of them when the run goes on, with the instances of those that have some, and what
 * was used stays used.
 */
const carryOver = (before: RunState, after: RunState): RunState => {
  const state = {
    ...after,
    tasks: HashMap.map(after.tasks, (tasks, team) =>
      Option.match(HashMap.get(before.tasks, team), { onNone: () => tasks, onSome: (known) => Instances.carryOver(known, tasks) }))
  }
  // Agents that are gone with their Agamemnon were last there when something was told.
  const usage = UsageOfRun.allGone(before.usage, before.toldAt, (name) => HashMap.has(after.agents, name))
  return { ...state, usage: UsageOfRun.carryOver(usage, tasks(state)) }
}

/** An agent begins to live, or does no longer. */
const life = (
  state: RunState,
  event: { readonly name: string; readonly key: string; readonly at: DateTime.Utc },
  count: typeof UsageOfRun.born,
  change: Partial<ResourceState>
): RunState => ({ ...resource(state, "agent", event, change), usage: count(state.usage, event) })

const creating = ({ at, except }: Extract<RunEvent, { readonly _tag: "agent.creating" | "team.creating" }>) =>
  ({ status: "creating", id: undefined, except, uncertainSince: at, neverMade: false, confirmed: false }) as const

const created = ({ id, uncertain = false }: Extract<RunEvent, { readonly _tag: "agent.created" | "team.created" }>) =>
  ({ status: "created", id, ...(uncertain ? {} : { uncertainSince: undefined }) }) as const

const removed = ({ confirmed = false, made = true }: Extract<RunEvent, { readonly _tag: "agent.removed" | "team.removed" }>) =>
  ({ status: "removed", uncertainSince: undefined, neverMade: !made, confirmed }) as const

const step = (state: RunState) =>
  Match.typeTags<RunEvent, RunState>()({
    "run.started": start,
    "run.resumed": (event) => carryOver(state, resume(event)),
    "agent.creating": (event) => resource(state, "agent", event, creating(event)),
    "agent.created": (event) => life(state, event, UsageOfRun.born, created(event)),
    "agent.reused": (event) => life(state, event, UsageOfRun.born, { status: "created", id: event.id, reused: true }),
    "agent.started": (event) => resource(state, "agent", event, { status: "started" }),
    "agent.removed": (event) => life(state, event, UsageOfRun.gone, removed(event)),
    "agent.kept": (event) => life(state, event, UsageOfRun.gone, { status: "kept", usedBy: event.usedBy }),
    "agent.left": (event) => life(state, event, UsageOfRun.gone, { status: "left", error: event.error }),
    "team.creating": (event) => resource(state, "team", event, creating(event)),
    "team.created": (event) => resource(state, "team", event, created(event)),
    "team.reused": (event) => resource(state, "team", event, { status: "created", id: event.id, reused: true }),
    "team.removed": (event) => resource(state, "team", event, removed(event)),
    "team.kept": (event) => resource(state, "team", event, { status: "kept", usedBy: event.usedBy }),
    "team.left": (event) => resource(state, "team", event, { status: "left", error: event.error }),
    "task.expanded": (event) => ({ ...state, tasks: HashMap.modify(state.tasks, event.team, (tasks) => Instances.expand(tasks, event)) }),
    "task.submitting": (event) => task(state, event, OfTask.submitting(event)),
    "task.submitted": (event) => task(state, event, OfTask.submitted(event)),
    "task.watched": (event) => task(state, event, OfTask.watched(event)),
    "task.progressed": (event) => task(state, event, OfTask.progressed(event)),
    "task.failing": (event) => task(state, event, OfTask.failing(event)),
    "task.retrying": (event) => task(state, event, OfTask.retrying(event)),
    "task.finished": (event) => task(state, event, OfTask.finished(event)),
    "task.late": (event) => task(state, event, OfTask.late(event)),
    "task.refused": (event) => task(state, event, OfTask.refused(event)),
    "task.skipped": (event) => task(state, event, OfTask.skipped(event)),
    "gate.asked": (event) => task(state, event, OfTask.asked(event)),
    "gate.answered": (event) => sendBack(task(state, event, OfTask.answered(event)), event),
    "uses.started": (event) => task(state, event, OfTask.using(event)),
    "uses.finished": (event) => task(state, event, OfTask.used(event)),
    "request.failed": () => state,
    "connectivity.alive": ({ lastAnswer }) => ({ ...state, heartbeat: { ...state.heartbeat, status: "alive", lastAnswer, failures: 0 } }),
    "connectivity.suspect": ({ failures, lastAnswer }) => ({
      ...state,
      heartbeat: { ...state.heartbeat, status: "suspect", lastAnswer, failures }
    }),
    "connectivity.lost": ({ failures }) => ({
      ...state,
      heartbeat: { ...state.heartbeat, status: "lost", failures }
    }),
    "feed.lost": () => state,
    "feed.restored": () => state,
    "run.waiting": () => state,
    "run.cancelling": () => state,
    "team.shared": () => state,
    "leftovers.removed": () => state,
    "record.failed": () => ({ ...state, recorded: false }),
    "record.restored": () => ({ ...state, recorded: true }),
    "run.decided": ({ outcome, reason }) => ({ ...state, outcome, reason }),
    "teardown.started": ({ decision }) => ({
      ...(decision === "remove" ? reconsider(state) : state),
      teardown: decision
    }),
    "teardown.waiting": () => state,
    "run.finished": ({ at, checked, spent }) =>
      ({ ...state, endedAt: at, checked, usage: UsageOfRun.allGone(state.usage, at), finalSpent: spent }),
    "run.forgotten": () => state
  })

/**
 * The state after an event. Nothing is known before a run has started or is resumed.
 *
 * **Example** (How far a run is, event by event)
 *
 * ```ts
 * import { Stream } from "effect"
 * import { type RunEvent, RunState } from "telemachy"
 *
 * export const states = (events: Stream.Stream<RunEvent.RunEvent>) =>
 *   Stream.scan(events, undefined as RunState.RunState | undefined, RunState.fold)
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const fold = (state: RunState | undefined, event: RunEvent): RunState | undefined => {
  if (state !== undefined) return after(state, atElapsed(state, event))
  return event._tag === "run.started" ? start(event) : event._tag === "run.resumed" ? resume(event) : undefined
}

const after = (state: RunState, event: RunEvent): RunState => ({ ...step(state)(event), toldAt: event.at })

/**
 * An event at the time that has passed since the run began, as far as that is recorded: the clock by which its own time was
 * told may have been set meanwhile, and no task takes an hour more or less for that.
 */
const atElapsed = ({ startedAt }: RunState, event: RunEvent): RunEvent =>
  event.elapsed === undefined || event._tag === "run.started" || event._tag === "run.resumed"
    ? event
    : { ...event, at: DateTime.addDuration(startedAt, event.elapsed) }

/**
 * The state after events.
 *
 * **Example** (The outcome of a run of the store)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { type RunId, RunState, RunStore } from "telemachy"
 *
 * export const outcomeOf = (run: RunId.RunId) =>
 *   Effect.flatMap(RunStore.RunStore, ({ events }) => events(run)).pipe(
 *     Effect.map((events) => RunState.foldAll(events)?.outcome)
 *   )
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const foldAll = (events: Iterable<RunEvent>): RunState | undefined => {
  let state: RunState | undefined
  for (const event of events) state = fold(state, event)
  return state
}

/** How many events are folded before others have their turn. */
const perTurn = 1000

/**
 * The state after events that can be many, without a long stop of the process.
 *
 * @internal
 */
export const foldInTurns = (events: ReadonlyArray<RunEvent>): Effect.Effect<RunState | undefined> =>
  Effect.gen(function*() {
    let state: RunState | undefined
    for (const chunk of Arr.chunksOf(events, perTurn)) {
      if (state !== undefined) yield* Effect.sleep(0)
      state = chunk.reduce(fold, state)
    }
    return state
  })

/**
 * Keeps a Ref at the state that the events of a run have reached, until they end.
 *
 * **Example** (Showing the number of open tasks)
 *
 * ```ts
 * import { Effect, Ref, type Stream } from "effect"
 * import { type RunEvent, RunState } from "telemachy"
 *
 * export const countOpen = (events: Stream.Stream<RunEvent.RunEvent>) =>
 *   Effect.gen(function*() {
 *     const state = yield* Ref.make<RunState.RunState | undefined>(undefined)
 *     yield* Effect.fork(RunState.follow(events, state))
 *     return Effect.map(Ref.get(state), (reached) =>
 *       reached === undefined ? 0 : RunState.tasks(reached).filter(({ endedAt }) => endedAt === undefined).length)
 *   })
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const follow = <E, R>(
  events: Stream.Stream<RunEvent, E, R>,
  state: Ref.Ref<RunState | undefined>
): Effect.Effect<void, E, R> => Stream.runForEach(events, (event) => Ref.update(state, (before) => fold(before, event)))

/**
 * All tasks of a run, in the order of the workflow. A task with a matrix is there until it is due, and its instances are then.
 *
 * **Example** (The subjects of what failed)
 *
 * ```ts
 * import { RunState } from "telemachy"
 *
 * export const failures = (state: RunState.RunState) =>
 *   RunState.tasks(state).filter(({ status }) => status === "failed").map(({ subject }) => subject)
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const tasks = ({ declared, tasks }: RunState): ReadonlyArray<TaskState> => {
  const found: Array<TaskState> = []
  for (const team of declared.teams) {
    const known = Option.getOrUndefined(HashMap.get(tasks, team.name))
    if (known === undefined) continue
    for (const { subject } of team.tasks) {
      const task = Option.getOrUndefined(HashMap.get(known, subject))
      if (task !== undefined) found.push(...Instances.of(known, task))
    }
  }
  return found
}

/**
 * What a run has used by then. Of attempts that are under way nothing is known yet, which counts as unknown once the run is
 * decided.
 *
 * **Example** (What a run has cost)
 *
 * ```ts
 * import type { DateTime } from "effect"
 * import { RunState } from "telemachy"
 *
 * export const cost = (state: RunState.RunState, now: DateTime.Utc) => {
 *   const { unknown, usd } = RunState.spent(state, now)
 *   return unknown.usd === 0 ? `${usd} USD` : `${usd} USD, and what ${unknown.usd} tasks have cost`
 * }
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const spent = ({ finalSpent, outcome, usage }: RunState, at: DateTime.Utc): Spent =>
  finalSpent ?? UsageOfRun.spentAt(usage, at, outcome !== undefined)

/**
 * Whether a task has failed, and the run can complete nonetheless.
 *
 * **Example** (What failed without harm)
 *
 * ```ts
 * import { RunState } from "telemachy"
 *
 * export const tolerated = (state: RunState.RunState) => RunState.tasks(state).filter(RunState.isTolerated)
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const isTolerated = ({ continueOnError, status }: TaskState): boolean => continueOnError && isFailure(status)

/**
 * Finds the tasks that a task waits for, of any team.
 *
 * @internal
 */
export const blockers = (state: RunState): (task: TaskState) => ReadonlyArray<TaskState> => {
  let byRef: ReadonlyMap<string, TaskState> | undefined
  const refs = () =>
    byRef ??= new Map(state.declared.teams.flatMap(({ name, tasks }) =>
      tasks.flatMap(({ ref, subject }): ReadonlyArray<readonly [string, TaskState]> => {
        const task = ref === undefined ? Option.none() : Option.flatMap(HashMap.get(state.tasks, name), HashMap.get(subject))
        return ref === undefined || Option.isNone(task) ? [] : [[ref, task.value]]
      })))
  return ({ blockedBy, team }) =>
    blockedBy.flatMap((name) => {
      const inTeam = Option.flatMap(HashMap.get(state.tasks, team), HashMap.get(name))
      return Option.toArray(Option.orElse(inTeam, () => Option.fromNullable(refs().get(name))))
    })
}

/**
 * Finds the instances of a task with a matrix; none before it is due.
 *
 * @internal
 */
export const instances = ({ tasks }: RunState, task: TaskState): ReadonlyArray<TaskState> =>
  Option.match(HashMap.get(tasks, task.team), { onNone: () => [], onSome: (known) => Instances.instances(known, task) })

/**
 * The instances that the record has of a task with a matrix, each with its values; nothing before the task is due.
 *
 * @internal
 */
export const expansionOf = ({ tasks }: RunState, { subject, team }: { readonly team: string; readonly subject: string }) => {
  const known = Option.getOrUndefined(HashMap.get(tasks, team))
  const task = known === undefined ? undefined : Option.getOrUndefined(HashMap.get(known, subject))
  return known === undefined || task?.expansion === undefined
    ? undefined
    : Instances.instances(known, task).map((each) => [each.subject, each.matrix] as const)
}

/**
 * The gates of a run that wait for an answer.
 *
 * **Example** (What a person is asked)
 *
 * ```ts
 * import { RunState } from "telemachy"
 *
 * export const questions = (state: RunState.RunState) => RunState.openGates(state).map(({ gate }) => gate?.question)
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const openGates = (state: RunState): ReadonlyArray<TaskState> => tasks(state).filter(({ status }) => status === "asked")

/** Those that the workflow declares, in its order, and then those of an earlier version of it. */
const inOrder = (known: HashMap.HashMap<string, ResourceState>, declared: ReadonlyArray<string>) => {
  const found = declared.flatMap((name) => Option.toArray(HashMap.get(known, name)))
  const named = new Set(declared)
  return found.length === HashMap.size(known) ? found : [
    ...found,
    ...HashMap.toValues(known).filter(({ name }) => !named.has(name))
  ]
}

/**
 * All teams and agents that a run has made or reused, teams first, in the order of the workflow.
 *
 * **Example** (The ids of all agents)
 *
 * ```ts
 * import { RunState } from "telemachy"
 *
 * export const agentIds = (state: RunState.RunState) =>
 *   RunState.resources(state).flatMap(({ id, kind }) => (kind === "agent" && id !== undefined ? [id] : []))
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const resources = ({ agents, declared, teams }: RunState): ReadonlyArray<ResourceState> => [
  ...inOrder(teams, declared.teams.map(({ name }) => name)),
  ...inOrder(agents, declared.agents)
]

/**
 * The state when others have removed what has these ids.
 *
 * @internal
 */
export const withRemoved = (state: RunState, ids: ReadonlySet<string>): RunState => {
  const after = (before: ResourceState): ResourceState =>
    before.id !== undefined && ids.has(before.id) ? { ...before, status: "removed", error: undefined, usedBy: undefined } : before
  return { ...state, agents: HashMap.map(state.agents, after), teams: HashMap.map(state.teams, after) }
}

/**
 * The teams and agents of a run that are still on Agamemnon, as far as the run knows.
 *
 * **Example** (Whether anything still costs money)
 *
 * ```ts
 * import { RunState } from "telemachy"
 *
 * export const costs = (state: RunState.RunState) => RunState.remaining(state).some(({ kind }) => kind === "agent")
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const remaining = (state: RunState): ReadonlyArray<ResourceState> =>
  resources(state).filter(({ status }) => status !== "removed")

/**
 * The teams and agents that were kept on purpose.
 *
 * **Example** (Naming what was kept)
 *
 * ```ts
 * import { RunState } from "telemachy"
 *
 * export const keptNames = (state: RunState.RunState) => RunState.kept(state).map(({ name }) => name)
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const kept = (state: RunState): ReadonlyArray<ResourceState> =>
  resources(state).filter(({ status }) => status === "kept")

/**
 * The teams and agents that teardown could not remove.
 *
 * **Example** (Saying why something is still there)
 *
 * ```ts
 * import { RunState } from "telemachy"
 *
 * export const reasons = (state: RunState.RunState) => RunState.left(state).map(({ error, name }) => `${name}: ${error}`)
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const left = (state: RunState): ReadonlyArray<ResourceState> =>
  resources(state).filter(({ status }) => status === "left")
