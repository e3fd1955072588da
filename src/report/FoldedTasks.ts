/**
 * The tasks of a run as rows: the instances of a matrix, when they are many, are
 * folded into one row, and those of them that have failed follow it.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as RunState from "../run/RunState.ts"
import { isFailure } from "../run/TaskStatus.ts"

/** One row. */
export interface Row {
  readonly task: RunState.TaskState
  /** The instances that it stands for; none, if it is a task of its own. */
  readonly instances: ReadonlyArray<RunState.TaskState>
}

/** How many instances have rows of their own. */
const mostInstances = 8

/** How many failed instances follow the row that stands for all. */
const mostFailed = 5

/** The rows of all tasks, in the order of the workflow. */
export const rows = (state: RunState.RunState): ReadonlyArray<Row> => {
  const found: Array<Row> = []
  let group: Array<RunState.TaskState> = []
  const flush = () => {
    const whole = group.length > mostInstances ? wholeOf(state, group[0]) : undefined
    const own = whole === undefined ? group : group.filter(({ status }) => isFailure(status)).slice(0, mostFailed)
    if (whole !== undefined) found.push({ task: whole, instances: group })
    found.push(...own.map((task) => ({ task, instances: [] })))
    group = []
  }
  for (const task of RunState.tasks(state)) {
    const [before] = group
    if (before !== undefined && (task.instanceOf === undefined || task.instanceOf !== before.instanceOf || task.team !== before.team)) flush()
    group.push(task)
    if (task.instanceOf === undefined) flush()
  }
  flush()
  return found
}

const wholeOf = ({ tasks }: RunState.RunState, instance: RunState.TaskState | undefined): RunState.TaskState | undefined =>
  instance?.instanceOf === undefined
    ? undefined
    : Option.getOrUndefined(Option.flatMap(HashMap.get(tasks, instance.team), HashMap.get(instance.instanceOf)))
