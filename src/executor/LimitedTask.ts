/** A task of which no more than some may be under way at once: it waits for a slot, unless there is nothing to do for it. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as TaskStatus from "../run/TaskStatus.ts"
import * as TaskGraph from "../workflow/TaskGraph.ts"
import * as TaskPolicy from "../workflow/TaskPolicy.ts"
import * as WorkflowGraph from "../workflow/WorkflowGraph.ts"
import type { TaskSpec } from "../workflow/WorkflowSpec.ts"
import * as EarlierTasks from "./EarlierTasks.ts"
import * as Slots from "./Slots.ts"
import * as TaskRun from "./TaskRun.ts"
import type { TeamWork } from "./TeamWork.ts"

/** Runs a task to its end, as soon as it has a slot in all of these and in those of its team. */
export const run = (work: TeamWork, task: TaskSpec, slots: ReadonlyArray<Slots.Slots> = []) =>
  Effect.suspend(() => {
    const { request, team } = work
    const { subject } = task
    const isDone = EarlierTasks.endedBefore(request, team.spec.name, task) !== undefined
    const key = WorkflowGraph.keyOf({ team: team.spec.name, subject })
    const isUnderWay = EarlierTasks.isUnderWay(request, team.spec.name, subject)
    return isDone
      ? TaskRun.run(work, task)
      : Slots.withinAll([...slots, ...work.slots], { key, isUnderWay })(TaskRun.run(work, task))
  })

/**
 * Makes the slots of a workflow and of its teams. Those tasks have one from the start that an earlier process has begun, and
 * for which nothing is done again that is before them.
 */
export const slotsOf = (workflow: WorkflowGraph.WorkflowGraph<TaskSpec>, request: TeamWork["request"]) => {
  const { maxParallel, teams } = request.spec
  const used = [...request.rest.used.values()]
  const isLimited = [maxParallel, ...teams.map((team) => team.maxParallel), ...used.map((each) => each.maxParallel)].some(Option.isSome)
  const begun = isLimited && request.before !== undefined ? begunIn(workflow, request) : []
  const ofWorkflow = Slots.make(maxParallel, begun.map(WorkflowGraph.keyOf))
  // Those of a file that is used hold for those that it uses as well.
  const isOf = (team: string, { prefix }: (typeof used)[number]) => used.some((each) => each.prefix.startsWith(prefix) && each.teams.includes(team))
  const ofFiles = used.toSorted((one, other) => other.prefix.length - one.prefix.length)
    .map((file) => [file, Slots.make(file.maxParallel, begun.filter(({ team }) => isOf(team, file)).map(WorkflowGraph.keyOf))] as const)
  return new Map(teams.map((team) => {
    const ofTeam = begun.filter((place) => place.team === team.name)
    return [team.name, [Slots.make(team.maxParallel, ofTeam.map(WorkflowGraph.keyOf)), ...ofFiles.filter(([file]) => isOf(team.name, file)).map(([, slots]) => slots), ofWorkflow]] as const
  }))
}

const begunIn = ({ graph, tasks }: WorkflowGraph.WorkflowGraph<TaskSpec>, request: TeamWork["request"]) => {
  const isWell = (key: string): boolean => {
    const place = tasks.get(key)
    const status = place === undefined ? undefined : endOf(request, place.team, place.task)
    return status === "completed" || (status !== undefined && place !== undefined && TaskPolicy.isTolerated(place.task))
  }
  return [...tasks].flatMap(([key, { subject, team }]) =>
    EarlierTasks.isUnderWay(request, team, subject) && TaskGraph.ancestors(graph, key).every(isWell) ? [{ team, subject }] : [])
}

/** How a task has ended by the journal of a resumed run, if nothing is done again of it. */
const endOf = (request: TeamWork["request"], team: string, task: TaskSpec): TaskStatus.EndStatus | undefined => {
  if (Option.isNone(task.approve) && Option.isNone(task.matrix) && Option.isNone(task.uses)) {
    return EarlierTasks.endedBefore(request, team, task)?.status
  }
  // Agamemnon has no task for a gate, a matrix or the use of a file: the record is all that there is of them.
  const status = EarlierTasks.recorded(request, team, task.subject)?.status
  return status !== undefined && TaskStatus.isEnd(status) ? status : undefined
}
