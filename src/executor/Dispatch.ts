/**
 * Submits the tasks of a workflow in the order of their dependencies: each as
 * soon as the last of its predecessors is completed, of whichever team that is.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberSet from "effect/FiberSet"
import * as Scope from "effect/Scope"
import type { TaskId } from "../agamemnon/AgamemnonModel.ts"
import type { EndStatus } from "../run/TaskStatus.ts"
import * as TaskGraph from "../workflow/TaskGraph.ts"
import * as TaskPolicy from "../workflow/TaskPolicy.ts"
import * as WorkflowGraph from "../workflow/WorkflowGraph.ts"
import type { TaskSpec } from "../workflow/WorkflowSpec.ts"
import * as AgentLoad from "./AgentLoad.ts"
import { CurrentRun } from "./CurrentRun.ts"
import * as Monitor from "./Monitor.ts"
import type { ProvisionedTeam } from "./Provisioning.ts"
import { RunAgamemnon } from "./RunAgamemnon.ts"
import { RunRequest } from "./RunRequest.ts"
import * as TaskRun from "./TaskRun.ts"
import * as TeamTasks from "./TeamTasks.ts"

/** The dispatch of a workflow, between the ends of two tasks. */
interface State {
  readonly workflow: WorkflowGraph.WorkflowGraph<TaskSpec>
  readonly frontier: TaskGraph.Frontier
  readonly teams: Map<string, Team>
  readonly background: TaskRun.TeamWork["background"]
  /** Succeeds when every task has ended or was skipped. */
  readonly done: Deferred.Deferred<void>
}

/** A team that has tasks left. */
interface Team {
  readonly work: TaskRun.TeamWork
  /** Watches its tasks no longer. */
  readonly close: Effect.Effect<void>
  /** How many of its tasks have neither ended nor were skipped. */
  unsettled: number
}

/** Runs the tasks of some teams until each of them has ended or was skipped. */
export const dispatch = Effect.fn("Dispatch.dispatch")(function*(provisioned: ReadonlyArray<ProvisionedTeam>) {
  const workflow = WorkflowGraph.make(provisioned.map(({ spec }) => spec))
  const background = yield* FiberSet.make<void, TaskRun.TaskRunError>()
  const shared = { workflow, background, ids: new Map<string, TaskId>(), load: AgentLoad.make() }
  const teams = yield* Effect.forEach(provisioned, (team) => open(team, shared), { concurrency: "unbounded" })
  const state: State = {
    workflow,
    frontier: TaskGraph.frontier(workflow.graph),
    teams: new Map(teams.map((team) => [team.work.team.spec.name, team])),
    background,
    done: yield* Deferred.make<void>()
  }
  yield* release(state, state.frontier.ready)
  yield* Effect.raceFirst(Deferred.await(state.done), FiberSet.join(background))
}, Effect.scoped)

/** Begins to watch the tasks of a team, in a scope of its own, which ends when it has no more to do. */
const open = Effect.fnUntraced(function*(
  team: ProvisionedTeam,
  shared: Pick<TaskRun.TeamWork, "workflow" | "background" | "ids" | "load">
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
  return {
    work: {
      ...shared,
      team,
      agamemnon: yield* RunAgamemnon,
      run: yield* CurrentRun,
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
      Effect.flatMap(TaskRun.run(team.work, place.task), (status) => settle(state, key, place.task, status))
    )
  }, { discard: true })

/** Draws the consequences of the end of a task: what can run now, and what never will. */
const settle = Effect.fnUntraced(function*(state: State, key: string, task: TaskSpec, status: EndStatus) {
  const { done, frontier, teams } = state
  const next = frontier.settle(key, status === "completed" || TaskPolicy.isTolerated(task))
  yield* Effect.forEach(next.skipped, (skipped) => skip(state, skipped), { discard: true })
  yield* release(state, next.ready)
  for (const each of [key, ...next.skipped]) yield* leave(state, each)
  if (teams.size === 0) yield* Deferred.succeed(done, undefined)
})

/** Says that a task will never run. */
const skip = ({ teams, workflow }: State, key: string) => {
  const place = workflow.tasks.get(key)
  const team = place === undefined ? undefined : teams.get(place.team)
  return place === undefined || team === undefined
    ? Effect.void
    : team.work.run.emit({ _tag: "task.skipped", team: place.team, subject: place.subject })
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
