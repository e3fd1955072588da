/** How much of a run is done, and whether there is more that it can do. */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as TaskGraph from "../workflow/TaskGraph.ts"
import * as RunState from "./RunState.ts"
import * as TaskStatus from "./TaskStatus.ts"

/** The tasks of a team, as far as their order goes. */
interface Team {
  readonly name: string
  readonly tasks: ReadonlyArray<TaskGraph.Node>
}

/** The task of a subject, as the journal has it. */
const taskOf = (state: RunState.RunState, team: string, subject: string): Option.Option<RunState.TaskState> =>
  Option.flatMap(HashMap.get(state.tasks, team), HashMap.get(subject))

/** The task of a subject, if it is completed. */
export const completedTask = (state: RunState.RunState, team: string, subject: string): Option.Option<RunState.TaskState> =>
  Option.filter(taskOf(state, team, subject), ({ status }) => status === "completed")

/** Whether some task of these teams can still run, or there is only teardown left to do. */
export const canProceed = (state: RunState.RunState, teams: ReadonlyArray<Team>, retryFailed: boolean): boolean => {
  const isDone = (team: string, subject: string) => Option.isSome(completedTask(state, team, subject))
  const isSettled = (team: string, subject: string) =>
    isDone(team, subject) || Option.exists(taskOf(state, team, subject), RunState.isTolerated)
  const hasFailed = (team: string, subject: string) =>
    !retryFailed && Option.exists(taskOf(state, team, subject), ({ status }) => TaskStatus.isFailure(status))
  return teams.every(({ name, tasks }) => tasks.every(({ subject }) => isSettled(name, subject))) ||
    teams.some(({ name, tasks }) => {
      const frontier = TaskGraph.frontier(TaskGraph.make(tasks))
      const ready = [...frontier.ready]
      for (const subject of ready) {
        if (!isDone(name, subject) && !hasFailed(name, subject)) return true
        ready.push(...frontier.settle(subject, isSettled(name, subject)).ready)
      }
      return false
    })
}
