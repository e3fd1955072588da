/**
 * The state of a run is a fold over its events, written once (`RunFold`): {@link fold}.
 * The live view, the summary, teardown and the result are read from it.
 */
import * as Arr from "effect/Array"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import type { RunEvent } from "./RunEvent.ts"
import * as RunFold from "./RunFold.ts"
import * as UsageOfRun from "./RunUsage.ts"
import * as Instances from "./TaskInstances.ts"
import type * as OfTask from "./TaskState.ts"
import { isFailure } from "./TaskStatus.ts"

/**
 * Where an agent, a team or a workspace is in its life.
 *
 * @since 0.1.0
 * @category models
 */
export interface ResourceState extends RunFold.ResourceState {}

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
export interface HeartbeatState extends RunFold.HeartbeatState {}

/**
 * A run as its events tell it.
 *
 * @since 0.1.0
 * @category models
 */
export interface RunState extends RunFold.RunState {}

/**
 * The state after an event. Nothing is known before a run was submitted, has started or is resumed.
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
export const fold = (state: RunState | undefined, event: RunEvent): RunState | undefined => RunFold.next(state, event)

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
export const tasks = (state: RunState): ReadonlyArray<TaskState> => Instances.all(state)

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
 * All teams and agents that a run has made or reused, teams first, in the order of the workflow, and then its workspaces.
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
export const resources = ({ agents, declared, teams, workspaces }: RunState): ReadonlyArray<ResourceState> => [
  ...inOrder(teams, declared.teams.map(({ name }) => name)),
  ...inOrder(agents, declared.agents),
  ...Arr.sortWith(HashMap.values(workspaces), ({ name }) => name, Order.string)
]

/**
 * The workspaces that a run has made whose branches were kept when they were removed, because they have commits that are
 * nowhere else.
 *
 * **Example** (Naming the branches that a run leaves)
 *
 * ```ts
 * import { RunState } from "telemachy"
 *
 * export const branches = (state: RunState.RunState) =>
 *   RunState.keptBranches(state).map(({ worktree }) => worktree?.branch)
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const keptBranches = (state: RunState): ReadonlyArray<ResourceState> =>
  resources(state).filter(({ status, worktree }) => status === "removed" && worktree !== undefined && worktree.commits > 0)

/**
 * How many branches of worktrees of a run are still there: those that were kept, and those of worktrees that were not removed.
 *
 * @internal
 */
export const countBranches = (state: RunState): number =>
  keptBranches(state).length + remaining(state).filter(({ worktree }) => worktree !== undefined).length

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

/** An agent or a team. */
type OnAgamemnon = ResourceState & { readonly kind: "agent" | "team" }

/**
 * Whether a resource is on Agamemnon, and no workspace.
 *
 * @internal
 */
export const isOnAgamemnon = (resource: ResourceState): resource is OnAgamemnon => resource.kind !== "workspace"

/**
 * The teams and agents of a run that are still on Agamemnon, and its workspaces that are still there, as far as the run knows.
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
 * The teams, agents and workspaces that were kept on purpose.
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
 * The teams, agents and workspaces that teardown could not remove.
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
