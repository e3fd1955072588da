/**
 * Submits the tasks of a team in the order of their dependencies: each as soon
 * as the last of its predecessors is completed.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import type { TaskId } from "../agamemnon/AgamemnonModel.ts"
import type { EndStatus } from "../run/TaskStatus.ts"
import * as TaskGraph from "../workflow/TaskGraph.ts"
import * as TaskPolicy from "../workflow/TaskPolicy.ts"
import type { TaskSpec } from "../workflow/WorkflowSpec.ts"
import { CurrentRun } from "./CurrentRun.ts"
import * as Monitor from "./Monitor.ts"
import type { ProvisionedTeam } from "./Provisioning.ts"
import { RunAgamemnon } from "./RunAgamemnon.ts"
import { RunRequest } from "./RunRequest.ts"
import * as TaskRun from "./TaskRun.ts"
import * as TeamTasks from "./TeamTasks.ts"

/** The dispatch of one team, between the ends of two tasks. */
interface State extends TaskRun.TeamWork {
  /** The tasks of the workflow, by subject. */
  readonly tasks: ReadonlyMap<string, TaskSpec>
  readonly frontier: TaskGraph.Frontier
  /** Succeeds when every task has ended or was skipped. */
  readonly done: Deferred.Deferred<void>
  /** How many tasks have neither ended nor were skipped. */
  unsettled: number
}

/** A task that has ended. */
interface Ended {
  readonly task: TaskSpec
  readonly status: EndStatus
}

/** Runs the tasks of a team until each of them has ended or was skipped. */
export const dispatch = Effect.fn("Dispatch.dispatch")(function*(team: ProvisionedTeam) {
  const state = yield* makeState(team)
  yield* release(state, state.frontier.ready)
  yield* Deferred.await(state.done).pipe(
    Effect.raceFirst(FiberSet.join(state.background)),
    Effect.raceFirst(state.monitor.watching)
  )
}, Effect.scoped)

const makeState = Effect.fnUntraced(function*(team: ProvisionedTeam) {
  const others = yield* TeamTasks.make(team)
  const monitor = yield* Monitor.make(team, others.onList)
  const { tasks } = team.spec
  return {
    team,
    agamemnon: yield* RunAgamemnon,
    run: yield* CurrentRun,
    request: yield* RunRequest,
    monitor,
    others,
    tasks: new Map(tasks.map((task) => [task.subject, task])),
    ids: new Map<string, TaskId>(),
    frontier: TaskGraph.frontier(TaskGraph.make(tasks)),
    background: yield* FiberSet.make<void, TaskRun.TaskRunError>(),
    done: yield* Deferred.make<void>(),
    unsettled: tasks.length
  } satisfies State as State
})

const release = (state: State, subjects: ReadonlyArray<string>): Effect.Effect<void> =>
  Effect.forEach(
    subjects.flatMap((subject) => state.tasks.get(subject) ?? []),
    (task) =>
      FiberSet.run(state.background, Effect.flatMap(TaskRun.run(state, task), (status) => settle(state, { task, status }))),
    { discard: true }
  )

/** Draws the consequences of the end of a task: what can run now, and what never will. */
const settle = Effect.fnUntraced(function*(state: State, { status, task }: Ended) {
  const { done, frontier, run, team } = state
  const next = frontier.settle(task.subject, status === "completed" || TaskPolicy.isTolerated(task))
  state.unsettled -= 1 + next.skipped.length
  yield* Effect.forEach(next.skipped, (skipped) =>
    run.emit({ _tag: "task.skipped", team: team.spec.name, subject: skipped }), { discard: true })
  yield* state.unsettled === 0 ? Deferred.succeed(done, undefined) : release(state, next.ready)
})
