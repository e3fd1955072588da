/**
 * Submits the tasks of a workflow in the order of their dependencies: each as
 * soon as the last of its predecessors is completed, of whichever team that is.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberSet from "effect/FiberSet"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import type { TaskId } from "../agamemnon/AgamemnonModel.ts"
import type { EndStatus } from "../run/TaskStatus.ts"
import * as DueTask from "../workflow/DueTask.ts"
import * as TaskGraph from "../workflow/TaskGraph.ts"
import * as TaskPolicy from "../workflow/TaskPolicy.ts"
import * as WorkflowGraph from "../workflow/WorkflowGraph.ts"
import type { TaskSpec } from "../workflow/WorkflowSpec.ts"
import * as AgentLoad from "./AgentLoad.ts"
import { BudgetGuard } from "./BudgetGuard.ts"
import { CurrentRun } from "./CurrentRun.ts"
import * as Monitor from "./Monitor.ts"
import type { ProvisionedTeam } from "./Provisioning.ts"
import { RunAgamemnon } from "./RunAgamemnon.ts"
import { RunRequest } from "./RunRequest.ts"
import * as TaskAnswers from "./TaskAnswers.ts"
import * as TaskRun from "./TaskRun.ts"
import * as TeamTasks from "./TeamTasks.ts"
import type { TaskRunError, TeamWork } from "./TeamWork.ts"

/** The dispatch of a workflow, between the ends of two tasks. */
interface State {
  readonly workflow: WorkflowGraph.WorkflowGraph<TaskSpec>
  readonly frontier: TaskGraph.Frontier
  readonly teams: Map<string, Team>
  readonly background: TeamWork["background"]
  /** The tasks that have failed or were skipped because one before them had. */
  readonly failed: Set<string>
  /** Succeeds when every task has ended or was skipped. */
  readonly done: Deferred.Deferred<void>
}

/** A team that has tasks left. */
interface Team {
  readonly work: TeamWork
  /** Watches its tasks no longer. */
  readonly close: Effect.Effect<void>
  /** How many of its tasks have neither ended nor were skipped. */
  unsettled: number
}

/** Runs the tasks of some teams until each of them has ended or was skipped. */
export const dispatch = Effect.fn("Dispatch.dispatch")(function*(provisioned: ReadonlyArray<ProvisionedTeam>) {
  const workflow = WorkflowGraph.make(provisioned.map(({ spec }) => spec))
  const background = yield* FiberSet.make<void, TaskRunError>()
  const shared = { workflow, background, ids: new Map<string, TaskId>(), load: AgentLoad.make() }
  const teams = yield* Effect.forEach(provisioned, (team) => open(team, shared), { concurrency: "unbounded" })
  const state: State = {
    workflow,
    frontier: TaskGraph.frontier(workflow.graph),
    teams: new Map(teams.map((team) => [team.work.team.spec.name, team])),
    background,
    failed: new Set(),
    done: yield* Deferred.make<void>()
  }
  yield* release(state, state.frontier.ready)
  yield* Effect.raceFirst(Deferred.await(state.done), FiberSet.join(background))
}, Effect.scoped)

/** Begins to watch the tasks of a team, in a scope of its own, which ends when it has no more to do. */
const open = Effect.fnUntraced(function*(
  team: ProvisionedTeam,
  shared: Pick<TeamWork, "workflow" | "background" | "ids" | "load">
) {
  const scope = yield* Scope.fork(yield* Effect.scope, ExecutionStrategy.sequential)
  const { monitor, others } = yield* Scope.extend(
    Effect.gen(function*() {
      const others = yield* TeamTasks.make(team)
      return { others, monitor: yield* Monitor.make(team, others.onList) }
    }),
    scope
  )
  const watching = yield* FiberSet.run(shared.background, monitor.watching)
  yield* Scope.addFinalizer(scope, Fiber.interrupt(watching))
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
      monitor,
      others
    },
    close: Scope.close(scope, Exit.void),
    unsettled: team.spec.tasks.length
  } satisfies Team as Team
})

/** Begins the tasks that nothing blocks any longer, each in a fiber. */
const release = (state: State, keys: ReadonlyArray<string>): Effect.Effect<void> =>
  Effect.forEach(keys, (key) => {
    const place = state.workflow.tasks.get(key)
    const team = place === undefined ? undefined : state.teams.get(place.team)
    if (place === undefined || team === undefined) return Effect.void
    return FiberSet.run(
      state.background,
      Effect.flatMap(runIfDue(team, place.task), (status) => settle(state, key, place.task, status))
    )
  }, { discard: true })

/** Runs a task unless its condition does not hold. */
const runIfDue = Effect.fnUntraced(function*({ work }: Team, task: TaskSpec): Effect.fn.Return<
  EndStatus | "skipped",
  TaskRunError
> {
  if (Option.isNone(task.condition)) return yield* TaskRun.run(work, task)
  const { request, run, team } = work
  const place = { team: team.spec.name, subject: task.subject }
  const state = yield* run.state
  const decided = state === undefined
    ? Either.right(true)
    : DueTask.runs(task.condition.value, { early: request.rest.contexts, tasks: TaskAnswers.of(state, place) }, TaskAnswers.ends(state, place))
  if (Either.isRight(decided)) {
    if (decided.right) return yield* TaskRun.run(work, task)
    yield* run.emit({ _tag: "task.skipped", ...place, condition: true })
    return "skipped"
  }
  yield* run.emit({ _tag: "task.refused", ...place, reason: `its condition can not be evaluated: ${decided.left}` })
  return "failed"
})

/** Draws the consequences of the end of a task: what can run now, and what never will. */
const settle = Effect.fnUntraced(function*(state: State, key: string, task: TaskSpec, status: EndStatus | "skipped") {
  const { done, failed, frontier, teams } = state
  const isWell = status === "completed" || (status !== "skipped" && TaskPolicy.isTolerated(task))
  if (!isWell && status !== "skipped") failed.add(key)
  const next = frontier.settle(key, isWell)
  yield* Effect.forEach(next.skipped, (skipped) => skip(state, skipped), { discard: true })
  yield* release(state, next.ready)
  for (const each of [key, ...next.skipped]) yield* leave(state, each)
  if (teams.size === 0) yield* Deferred.succeed(done, undefined)
})

/** Says that a task will never run. */
const skip = ({ failed, teams, workflow }: State, key: string) => {
  const place = workflow.tasks.get(key)
  const team = place === undefined ? undefined : teams.get(place.team)
  if (place === undefined || team === undefined) return Effect.void
  const hasFailed = workflow.blockersOf(place, place.task).some((blocker) => failed.has(WorkflowGraph.keyOf(blocker)))
  if (hasFailed) failed.add(key)
  const { subject } = place
  return team.work.run.emit({ _tag: "task.skipped", team: place.team, subject, ...(hasFailed ? {} : { condition: true }) })
}

/** Counts a task that has no more to do, and leaves its team when it was the last. */
const leave = ({ teams, workflow }: State, key: string): Effect.Effect<void> => {
  const name = workflow.tasks.get(key)?.team ?? ""
  const team = teams.get(name)
  if (team === undefined) return Effect.void
  team.unsettled -= 1
  if (team.unsettled > 0) return Effect.void
  teams.delete(name)
  return team.close
}
