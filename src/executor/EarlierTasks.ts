/** What earlier runs have left of the tasks of a team, and what the journal of a resumed run says of them. */
import type * as Context from "effect/Context"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type { Task, TaskId } from "../agamemnon/AgamemnonModel.ts"
import * as TaskStatus from "../run/TaskStatus.ts"
import * as Monitor from "./Monitor.ts"
import type { RunRequest } from "./RunRequest.ts"

/** The tasks of one subject: the newest, and the ids of all. */
export interface EarlierTask {
  newest: Task
  readonly ids: Set<TaskId>
}

// Times are whole seconds, so that a task and the one that replaced it can seem to be of the same age; but only one
// that has failed is ever replaced.
const isNewer = (task: Task, other: Task): boolean =>
  task.createdAt === other.createdAt ? TaskStatus.isFailure(other.status) : task.createdAt > other.createdAt

/** Groups the tasks of a team by their subjects. */
export const bySubject = (tasks: ReadonlyArray<Task>): ReadonlyMap<string, EarlierTask> => {
  const found = new Map<string, EarlierTask>()
  for (const task of tasks) {
    const known = found.get(task.subject)
    if (known === undefined) {
      found.set(task.subject, { newest: task, ids: new Set([task.id]) })
    } else {
      known.ids.add(task.id)
      if (isNewer(task, known.newest)) known.newest = task
    }
  }
  return found
}

/** How a task has ended by the journal of a resumed run, unless it is to be tried again. */
export const endedBefore = (
  { before, retryFailed }: Context.Tag.Service<RunRequest>,
  team: string,
  subject: string
) => {
  if (before === undefined) return undefined
  const task = Option.getOrUndefined(Option.flatMap(HashMap.get(before.tasks, team), HashMap.get(subject)))
  if (task?.id === undefined || !TaskStatus.isTerminal(task.status)) return undefined
  if (task.status !== "completed" && retryFailed) return undefined
  return { id: task.id, status: task.status, ...Monitor.resultOf(task.result) }
}
