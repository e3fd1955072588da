/** What earlier runs have left of the tasks of a team, and what the journal of a resumed run says of them. */
import type * as Context from "effect/Context"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type { Task, TaskId } from "../agamemnon/AgamemnonModel.ts"
import type { TaskState } from "../run/TaskState.ts"
import * as TaskStatus from "../run/TaskStatus.ts"
import type * as Usage from "../run/Usage.ts"
import type { TaskSpec } from "../workflow/WorkflowSpec.ts"
import type { RunRequest } from "./RunRequest.ts"
import * as TaskDigest from "./TaskDigest.ts"
import * as WatchedTask from "./WatchedTask.ts"

/** The tasks of one subject: the newest, and all. */
export interface EarlierTask {
  newest: Task
  readonly tasks: Array<Task>
}

/** The ids of the tasks of one subject. */
export const idsOf = (earlier: EarlierTask | undefined): ReadonlySet<TaskId> => new Set(earlier?.tasks.map(({ id }) => id))

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
      found.set(task.subject, { newest: task, tasks: [task] })
    } else {
      known.tasks.push(task)
      if (isNewer(task, known.newest)) known.newest = task
    }
  }
  return found
}

/** What the journal of a resumed run says of a task. */
export const recorded = ({ before }: Context.Tag.Service<RunRequest>, team: string, subject: string) =>
  before === undefined
    ? undefined
    : Option.getOrUndefined(Option.flatMap(HashMap.get(before.tasks, team), HashMap.get(subject)))

const underWay: ReadonlySet<string> = new Set(["submitting", "submitted", "running", "retrying"])

/** Whether a task was begun by an earlier process, and has not ended by the journal. */
export const isUnderWay = (request: Context.Tag.Service<RunRequest>, team: string, subject: string): boolean => {
  const record = recorded(request, team, subject)
  return record !== undefined && !record.hasMatrix && record.uses === undefined && record.merge === undefined && underWay.has(record.status)
}

/** Whether the journal of a resumed run has a task that was declared otherwise than it is now. */
export const hasChanged = (request: Context.Tag.Service<RunRequest>, team: string, task: TaskSpec): boolean => {
  const digest = recorded(request, team, task.subject)?.digest
  return digest !== undefined && digest !== TaskDigest.make(task)
}

/** What of a task counts that was found: not what was done before a gate has sent it back. */
export const undismissed = (request: Context.Tag.Service<RunRequest>, team: string, found: EarlierTask | undefined): EarlierTask | undefined => {
  const dismissed = new Set(found === undefined ? [] : recorded(request, team, found.newest.subject)?.dismissed)
  if (found === undefined || dismissed.size === 0) return found
  return bySubject(found.tasks.filter(({ id }) => !dismissed.has(id))).get(found.newest.subject)
}

/** The failure that Agamemnon was about to be told when the process of a resumed run ended. */
export const failingBefore = (request: Context.Tag.Service<RunRequest>, team: string, { id, subject }: Task) => {
  const failing = recorded(request, team, subject)?.failing
  return failing?.id === id ? { id, reason: failing.reason, as: failing.as } : undefined
}

/** Whether an attempt was about to be submitted, and is not known to have been. */
export const isUnsent = ({ id, status }: TaskState): boolean => status === "submitting" && id === undefined

/** How a task has ended before. */
export interface Ended extends Usage.Known {
  readonly id: string
  readonly status: TaskStatus.EndStatus
  readonly result?: string
  readonly outputs?: Readonly<Record<string, unknown>>
  readonly problem?: string
  readonly log?: string
}

/** How a task has ended by the journal of a resumed run, unless it is to be tried again. */
export const endedBefore = (request: Context.Tag.Service<RunRequest>, team: string, declared: TaskSpec): Ended | undefined => {
  const task = recorded(request, team, declared.subject)
  if (task?.id === undefined || !TaskStatus.isEnd(task.status) || hasChanged(request, team, declared)) return undefined
  const { retryFailed } = request
  if (task.status !== "completed" && retryFailed) return undefined
  return {
    id: task.id,
    status: task.status,
    ...WatchedTask.resultOf(task.result),
    ...(task.outputs === undefined ? {} : { outputs: task.outputs }),
    ...(task.problem === undefined ? {} : { problem: task.problem }),
    ...(task.log === undefined ? {} : { log: task.log })
  }
}

/** The task that counts of those of a subject: an attempt of this run that has completed, though it was over, or the newest. */
export const counting = (request: Context.Tag.Service<RunRequest>, team: string, found: EarlierTask | undefined): Task | undefined => {
  const attempts = found === undefined ? [] : recorded(request, team, found.newest.subject)?.attempts ?? []
  const isOwn = (task: Task) => attempts.some(({ id }) => id === task.id)
  return found?.tasks.find((task) => task.status === "completed" && isOwn(task)) ?? found?.newest
}

/** The attempts of this run that go on though another one has completed. */
export const superseded = (request: Context.Tag.Service<RunRequest>, team: string, subject: string, found: EarlierTask | undefined) => {
  const record = recorded(request, team, subject)
  return (found?.tasks ?? []).filter(({ id, status }) => id === record?.id && !TaskStatus.isTerminal(status))
}
