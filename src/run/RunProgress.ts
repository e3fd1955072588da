/** How much of a run is done, and whether there is more that it can do. */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as TaskGraph from "../workflow/TaskGraph.ts"
import * as WorkflowGraph from "../workflow/WorkflowGraph.ts"
import * as RunState from "./RunState.ts"
import * as TaskStatus from "./TaskStatus.ts"

/** The tasks of teams, as far as their order goes. */
type Teams = ReadonlyArray<WorkflowGraph.Team<WorkflowGraph.Task>>

/** The teams of a run, as they were declared. */
export const declaredTeams = ({ declared }: RunState.RunState): Teams =>
  declared.teams.map(({ name, tasks, usedBy }) => ({
    name,
    usedBy,
    tasks: tasks.map(({ blockedBy, conditional = false, ref, subject }) => ({
      subject,
      blockedBy,
      id: Option.fromNullable(ref),
      condition: conditional ? Option.some(conditional) : Option.none()
    }))
  }))

/** The task of a subject, as the journal has it. */
const taskOf = (state: RunState.RunState, team: string, subject: string): Option.Option<RunState.TaskState> =>
  Option.flatMap(HashMap.get(state.tasks, team), HashMap.get(subject))

/** The task of a subject, if it is completed. */
export const completedTask = (state: RunState.RunState, team: string, subject: string): Option.Option<RunState.TaskState> =>
  Option.filter(taskOf(state, team, subject), ({ status }) => status === "completed")

/** What counts when it is asked whether a run can go on. */
interface Options {
  /** Whether tasks that have failed are tried again. */
  readonly retryFailed?: boolean
  /** Whether a task can not go on though nothing before it keeps it from that. */
  readonly isBlocked?: (task: RunState.TaskState) => boolean
}

/** Whether some task of these teams can still run, or there is only teardown left to do. */
export const canProceed = (state: RunState.RunState, teams: Teams, { isBlocked = () => false, retryFailed = false }: Options = {}): boolean => {
  const workflow = WorkflowGraph.make(teams)
  const { graph, tasks } = workflow
  const recorded = (key: string) => {
    const place = tasks.get(key)
    return place === undefined ? Option.none() : taskOf(state, place.team, place.subject)
  }
  const isDone = (key: string) => Option.exists(recorded(key), ({ status }) => status === "completed")
  const isSettled = (key: string) => isDone(key) || Option.exists(recorded(key), RunState.isTolerated)
  const isSkipped = (key: string) => Option.exists(recorded(key), ({ byCondition }) => byCondition)
  const hasFailed = (key: string) =>
    isSkipped(key) || (!retryFailed && Option.exists(recorded(key), ({ status }) => TaskStatus.isFailure(status)))
  /** Whether what a task waits for lets it begin, if it is of a workflow that is used: that of the task that uses it as well. */
  const canBegin = (key: string): boolean => {
    const user = userOf(tasks.get(key))
    return user === undefined || canBegin(WorkflowGraph.keyOf(user)) &&
      (Option.isSome(user.task.condition) || workflow.blockersOf(user, user.task).every((each) => isSettled(WorkflowGraph.keyOf(each))))
  }
  const userOf = (place: WorkflowGraph.Place | undefined) => {
    const user = place === undefined ? undefined : workflow.userOf(place)
    return user === undefined ? undefined : tasks.get(user)
  }
  /** Of a task that uses a workflow, there is more to do than what the tasks of that have left. */
  const isOnlyUsing = (key: string) =>
    workflow.isUsing(key) && !WorkflowGraph.usedBy(workflow, key).every((each) => isSettled(each) || isSkipped(each))
  if (graph.keys.every((key) => isSettled(key) || isSkipped(key))) return true
  const frontier = TaskGraph.frontier(graph)
  const ready = [...frontier.ready]
  for (const key of ready) {
    if (!isDone(key) && !hasFailed(key) && !isOnlyUsing(key) && canBegin(key) && !Option.exists(recorded(key), isBlocked)) return true
    ready.push(...frontier.settle(key, isSettled(key)).ready)
  }
  return false
}
