/**
 * Submits the tasks of a workflow in the order of their dependencies: each as
 * soon as the last of its predecessors is completed, of whichever team that is.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import type { TaskId } from "../agamemnon/AgamemnonModel.ts"
import * as Parallel from "../liveness/Parallel.ts"
import * as RunSpan from "../run/RunSpan.ts"
import * as RunState from "../run/RunState.ts"
import type { EndStatus } from "../run/TaskStatus.ts"
import * as DueTask from "../workflow/DueTask.ts"
import * as Inlining from "../workflow/Inlining.ts"
import * as TaskGraph from "../workflow/TaskGraph.ts"
import * as TaskPolicy from "../workflow/TaskPolicy.ts"
import * as WorkflowGraph from "../workflow/WorkflowGraph.ts"
import type { TaskSpec } from "../workflow/WorkflowSpec.ts"
import * as AgentLoad from "./AgentLoad.ts"
import * as Background from "./Background.ts"
import { BudgetGuard } from "./BudgetGuard.ts"
import { CurrentRun } from "./CurrentRun.ts"
import * as GateTask from "./GateTask.ts"
import * as LimitedTask from "./LimitedTask.ts"
import * as MatrixTask from "./MatrixTask.ts"
import * as MergeTask from "./MergeTask.ts"
import * as Monitor from "./Monitor.ts"
import * as Parking from "./Parking.ts"
import type { ProvisionedTeam } from "./Provisioning.ts"
import { RunAgamemnon } from "./RunAgamemnon.ts"
import { gatesOf, RunWaitingError } from "./RunError.ts"
import { RunRequest } from "./RunRequest.ts"
import { RunWorkspaces } from "./RunWorkspaces.ts"
import * as TaskAnswers from "./TaskAnswers.ts"
import * as TeamTasks from "./TeamTasks.ts"
import type { TaskRunError, TeamWork } from "./TeamWork.ts"
import * as UsedTask from "./UsedTask.ts"

/** The dispatch of a workflow, between the ends of two tasks. */
interface State {
  readonly workflow: WorkflowGraph.WorkflowGraph<TaskSpec>
  readonly teams: Map<string, Team>
  /** What the tasks of each team are run with. */
  readonly work: ReadonlyMap<string, TeamWork>
  readonly background: TeamWork["background"]
  readonly parking: Parking.Parking
  /** The tasks that have failed or were skipped because one before them had. */
  readonly failed: Set<string>
  /** Counts a task that has no more to do. */
  readonly leave: (key: string) => Effect.Effect<void>
}

/** A team that has tasks left. */
interface Team {
  readonly work: TeamWork
  /** Watches its tasks no longer. */
  readonly close: Effect.Effect<void>
  /** How many of its tasks have neither ended nor were skipped, and how many gates can send some of them back. */
  unsettled: number
}

/** Runs the tasks of some teams until each of them has ended or was skipped. */
export const dispatch = Effect.fn("Dispatch.dispatch")(function*(provisioned: ReadonlyArray<ProvisionedTeam>) {
  const run = yield* CurrentRun
  const request = yield* RunRequest
  const workflow = WorkflowGraph.make(Inlining.usedTeams(provisioned.map(({ spec }) => spec), request.rest.used))
  const background = yield* Background.make<TaskRunError | RunWaitingError>()
  const slots = LimitedTask.slotsOf(workflow, request)
  const shared = { workflow, background, ids: new Map<string, ReadonlyArray<TaskId>>(), load: AgentLoad.make() }
  const teams = yield* Parallel.forEach(provisioned, (team) => open(team, { ...shared, slots: slots.get(team.spec.name) ?? [] }))
  const state: State = {
    workflow,
    teams: new Map(teams.map((team) => [team.work.team.spec.name, team])),
    work: new Map(teams.map(({ work }) => [work.team.spec.name, work])),
    background,
    parking: yield* Parking.make(parkAfter(request, run)),
    failed: new Set(),
    leave: (key) => leave(state, key)
  }
  for (const name of [...workflow.tasks.keys()].flatMap((key) => heldBy(state, key))) hold(state, name)
  if (Option.isSome(state.parking.parked)) {
    yield* background.run(Effect.zipRight(state.parking.parked.value, Effect.flatMap(waiting, Effect.fail)))
  }
  yield* inOrder(state, WorkflowGraph.usedBy(workflow, undefined), background.over)
})

/** How long the run waits for gates with its agents, if it has any. One that is not on record could not go on. */
const parkAfter = ({ spec }: RunRequest["Type"], { journal }: CurrentRun["Type"]) =>
  Option.isNone(journal) || gatesOf(spec).length === 0
    ? Option.none()
    : Option.match(spec.parkAfter, {
      onNone: () => Option.some(Parking.usual),
      onSome: (given) => (given === "never" ? Option.none() : Option.some(given))
    })

/** Says what the run waits for. */
const waiting = Effect.gen(function*() {
  const { id, state, workflow } = yield* CurrentRun
  const reached = yield* state
  const gates = reached === undefined ? [] : RunState.openGates(reached)
  return new RunWaitingError({
    workflow,
    run: id,
    gates: gates.map(({ gate, subject, team }) => ({ team, subject, question: gate?.question ?? "" }))
  })
})

/** Begins to watch the tasks of a team, in a scope of its own, which ends when it has no more to do. */
const open = Effect.fnUntraced(function*(
  team: ProvisionedTeam,
  shared: Pick<TeamWork, "workflow" | "background" | "ids" | "load" | "slots">
) {
  const scope = yield* Scope.fork(yield* Effect.scope, ExecutionStrategy.sequential)
  const { monitor, others } = yield* Scope.extend(
    Effect.gen(function*() {
      const others = yield* TeamTasks.make(team)
      return { others, monitor: yield* Monitor.make(team, others.onList, shared.background) }
    }),
    scope
  )
  const agamemnon = yield* RunAgamemnon
  yield* Scope.addFinalizer(scope, Effect.sync(() => agamemnon.contexts?.forget(team.id)))
  return {
    work: {
      ...shared,
      team,
      agamemnon,
      run: yield* CurrentRun,
      budget: yield* BudgetGuard,
      request: yield* RunRequest,
      workspaces: yield* RunWorkspaces,
      monitor,
      others
    },
    close: Scope.close(scope, Exit.void),
    unsettled: team.spec.tasks.length
  } satisfies Team as Team
})

/** Runs tasks of one file, each in a fiber as soon as none of the others blocks it any longer. Who is given says so, too, when all have ended. */
const inOrder = Effect.fnUntraced(function*<E = never>(state: State, keys: ReadonlyArray<string>, over?: Deferred.Deferred<void, E>) {
  const graph = WorkflowGraph.part(state.workflow, keys)
  const frontier = TaskGraph.frontier(graph)
  const done = over ?? (yield* Deferred.make<void, E>())
  let unsettled = graph.keys.length

  const release = (keys: ReadonlyArray<string>): Effect.Effect<void> =>
    Effect.forEach(keys, (key) =>
      state.background.run(Effect.flatMap(runIfDue(state, key), (status) => settle(key, status))), { discard: true })

  /** Draws the consequences of the end of a task: what can run now, and what never will. */
  const settle = Effect.fnUntraced(function*(key: string, status: EndStatus | "skipped") {
    const task = state.workflow.tasks.get(key)?.task
    const isWell = status === "completed" || (status !== "skipped" && task !== undefined && TaskPolicy.isTolerated(task))
    if (isWell) state.failed.delete(key)
    else if (status !== "skipped") state.failed.add(key)
    const next = frontier.settle(key, isWell)
    yield* Effect.forEach(next.skipped, (skipped) => skip(state, skipped), { discard: true })
    yield* release(next.ready)
    for (const each of [key, ...next.skipped]) yield* state.leave(each)
    unsettled -= 1 + next.skipped.length
    if (unsettled <= 0) yield* Deferred.succeed(done, undefined)
  })

  if (unsettled === 0) return
  yield* release(frontier.ready)
  yield* Deferred.await(done)
})

/** Runs a task unless its condition does not hold. */
const runIfDue = Effect.fnUntraced(function*(state: State, key: string): Effect.fn.Return<EndStatus | "skipped", TaskRunError> {
  const place = state.workflow.tasks.get(key)
  const work = place === undefined ? undefined : state.work.get(place.team)
  if (place === undefined || work === undefined) return "skipped"
  const { task } = place
  const begin = RunSpan.task({ team: work.team.spec.name, subject: task.subject })(begun(state, work, task))
  if (Option.isNone(task.condition)) return yield* begin
  const { request, run, team } = work
  const named = { team: team.spec.name, subject: task.subject }
  const reached = yield* run.state
  const decided = reached === undefined
    ? Either.right(true)
    : DueTask.runs(task.condition.value, { early: request.rest.contexts, tasks: TaskAnswers.of(reached, named) }, TaskAnswers.ends(reached, named))
  if (Either.isRight(decided)) {
    if (decided.right) return yield* begin
    yield* run.emit({ _tag: "task.skipped", ...named, condition: true })
    yield* skipUsed(state, key, true)
    return "skipped"
  }
  yield* skipUsed(state, key, false)
  yield* run.emit({ _tag: "task.refused", ...named, reason: `its condition can not be evaluated: ${decided.left}` })
  return "failed"
})

/** Does a task as its kind is done. */
const begun = (state: State, work: TeamWork, task: TaskSpec): Effect.Effect<EndStatus, TaskRunError> => {
  const { parking } = state
  if (Option.isSome(task.uses)) return used(state, work, task)
  if (Option.isSome(task.merge)) return parking.working(MergeTask.run(work, task))
  if (Option.isNone(task.approve)) {
    return parking.working(Option.isSome(task.matrix) ? MatrixTask.run(work, task) : LimitedTask.run(work, task))
  }
  const key = WorkflowGraph.keyOf({ team: work.team.spec.name, subject: task.subject })
  return GateTask.run({
    work,
    task,
    parking,
    between: (target) => WorkflowGraph.between(state.workflow, target, key),
    redo: (places, reached) => redo(state, places, reached)
  })
}

/** Does the tasks of the workflow that a task uses, which read what that is given. */
const used = (state: State, work: TeamWork, task: TaskSpec): Effect.Effect<EndStatus, TaskRunError> => {
  const { workflow } = state
  const key = WorkflowGraph.keyOf({ team: work.team.spec.name, subject: task.subject })
  const keys = WorkflowGraph.usedBy(workflow, key)
  return UsedTask.run({
    work,
    task,
    skipTasks: skipUsed(state, key, false),
    runTasks: ({ teams }, contexts) => {
      const reading = ([name, work]: readonly [string, TeamWork]) => [
        name,
        teams.includes(name) ? { ...work, request: { ...work.request, rest: { ...work.request.rest, contexts } } } : work
      ] as const
      return Effect.map(inOrder({ ...state, work: new Map([...state.work].map(reading)) }, keys), () => {
        work.ids.set(key, WorkflowGraph.last(workflow, keys).flatMap((each) => work.ids.get(each) ?? []))
        return !keys.some((each) => state.failed.has(each))
      })
    }
  })
}

/** Says of the tasks of a workflow that a task uses that they will never run. */
const skipUsed = (state: State, key: string, condition: boolean): Effect.Effect<void> =>
  Effect.forEach(WorkflowGraph.withUsed(state.workflow, [key]).slice(1), (each) => {
    const place = state.workflow.tasks.get(each)
    const team = place === undefined ? undefined : state.work.get(place.team)
    if (place === undefined || team === undefined) return Effect.void
    if (!condition) state.failed.add(each)
    const { subject } = place
    return Effect.zipRight(
      team.run.emit({ _tag: "task.skipped", team: place.team, subject, ...(condition ? { condition } : {}) }),
      state.leave(each)
    )
  }, { discard: true })

/** Does tasks again that a gate has sent back, as a run that has got that far would. Answers whether all went well. */
const redo = (state: State, places: ReadonlyArray<WorkflowGraph.Place>, reached: RunState.RunState) => {
  const again: State = {
    ...state,
    leave: () => Effect.void,
    work: new Map([...state.work].map(([name, work]) => [name, { ...work, request: { ...work.request, before: reached } }]))
  }
  // Those of workflows that are used are done by the tasks that use them.
  const [first] = places
  const user = first === undefined ? undefined : state.workflow.userOf(first)
  const keys = places.filter((place) => state.workflow.userOf(place) === user).map(WorkflowGraph.keyOf)
  return Effect.map(inOrder(again, keys), () => !keys.some((key) => state.failed.has(key)))
}

/** Says that a task will never run, nor those of the workflow that it uses. */
const skip = (state: State, key: string) => {
  const { failed, work, workflow } = state
  const place = workflow.tasks.get(key)
  const team = place === undefined ? undefined : work.get(place.team)
  if (place === undefined || team === undefined) return Effect.void
  const hasFailed = workflow.blockersOf(place, place.task).some((blocker) => failed.has(WorkflowGraph.keyOf(blocker)))
  if (hasFailed) failed.add(key)
  const { subject } = place
  const told = team.run.emit({ _tag: "task.skipped", team: place.team, subject, ...(hasFailed ? {} : { condition: true }) })
  return workflow.isUsing(key) ? Effect.zipRight(told, skipUsed(state, key, !hasFailed)) : told
}

/** The teams that a gate holds, because it can send tasks of theirs back. */
const heldBy = ({ workflow }: State, key: string): ReadonlyArray<string> =>
  Option.isNone(workflow.tasks.get(key)?.task.approve ?? Option.none())
    ? []
    : [...new Set(TaskGraph.ancestors(workflow.graph, key).flatMap((each) => workflow.tasks.get(each)?.team ?? []))]

const hold = ({ teams }: State, name: string) => {
  const team = teams.get(name)
  if (team !== undefined) team.unsettled += 1
}

/** Counts a task that has no more to do, and leaves its team, and those that it holds, when it was the last. */
const leave = (state: State, key: string): Effect.Effect<void> =>
  Effect.forEach([state.workflow.tasks.get(key)?.team ?? "", ...heldBy(state, key)], (name) => {
    const team = state.teams.get(name)
    if (team === undefined) return Effect.void
    team.unsettled -= 1
    if (team.unsettled > 0) return Effect.void
    state.teams.delete(name)
    return team.close
  }, { discard: true })
