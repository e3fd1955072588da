/** What the tasks before one have answered, as its expressions and its program can read it. */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type { TaskState } from "../run/RunState.ts"
import * as RunState from "../run/RunState.ts"
import * as TaskStatus from "../run/TaskStatus.ts"
import type * as DueTask from "../workflow/DueTask.ts"
import * as Value from "../workflow/expression/Value.ts"
import type { Place } from "../workflow/WorkflowGraph.ts"

/**
 * The answers of the tasks before one that have an id, by that; of one with a matrix, the answer of each instance. Of one that is
 * not completed, the outputs have nothing in them.
 */
export const of = (state: RunState.RunState, place: Place): DueTask.Known["tasks"] =>
  byId(state, tasksBefore(state, place).all)

/** The answers of all tasks of some teams that have an id. */
export const within = (state: RunState.RunState, teams: ReadonlyArray<string>): DueTask.Known["tasks"] =>
  byId(state, teams.flatMap((team) => Option.match(HashMap.get(state.tasks, team), { onNone: () => [], onSome: HashMap.toValues })))

const byId = (state: RunState.RunState, tasks: ReadonlyArray<TaskState>): DueTask.Known["tasks"] =>
  Object.fromEntries(tasks.flatMap((task) => (task.ref === undefined ? [] : [[idOf(task.ref), answersOf(state, task)]])))

/** The id that a task has in its own file. */
const idOf = (ref: string): string => ref.slice(ref.lastIndexOf("/") + 1)

const answersOf = (state: RunState.RunState, task: TaskState): DueTask.Answered | ReadonlyArray<DueTask.Answered> =>
  task.hasMatrix ? RunState.instances(state, task).map(answerOf) : answerOf(task)

const answerOf = ({ gate, isGate, matrix, outputNames, outputs = {}, result = "", status }: TaskState): DueTask.Answered => ({
  status,
  ...(isGate ? { comment: gate?.answer?.comment ?? "" } : {}),
  ...(matrix === undefined ? {} : { matrix }),
  result,
  outputs: Object.fromEntries(outputNames.map((name) => [name, Value.fromJson(outputs[name])]))
})

/** How the tasks before one have ended: those that it waits for, and all before those. */
export const ends = (state: RunState.RunState, place: Place): DueTask.Before => {
  const { all, direct } = tasksBefore(state, place)
  return {
    success: direct.every((each) => each.status === "completed" || RunState.isTolerated(each)),
    failure: all.some((each) => TaskStatus.isFailure(each.status) && !RunState.isTolerated(each))
  }
}

const tasksBefore = (state: RunState.RunState, { subject, team }: Place) => {
  const task = Option.getOrUndefined(Option.flatMap(HashMap.get(state.tasks, team), HashMap.get(subject)))
  const blockers = RunState.blockers(state)
  const direct = task === undefined ? [] : blockers(task)
  const seen = new Set<TaskState>()
  const pending = [...direct]
  for (let each = pending.pop(); each !== undefined; each = pending.pop()) {
    if (seen.has(each)) continue
    seen.add(each)
    pending.push(...blockers(each))
  }
  return { direct, all: [...seen] }
}
