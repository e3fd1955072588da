/**
 * One task, from the moment that nothing blocks it to its end: what earlier runs
 * have left of it, and then its attempts.
 */
import * as Either from "effect/Either"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Task } from "../agamemnon/AgamemnonModel.ts"
import * as TaskLog from "../agamemnon/TaskLog.ts"
import * as TaskState from "../run/TaskState.ts"
import * as TaskStatus from "../run/TaskStatus.ts"
import type * as Usage from "../run/Usage.ts"
import * as TaskPolicy from "../workflow/TaskPolicy.ts"
import type { TaskSpec } from "../workflow/WorkflowSpec.ts"
import * as Attempts from "./Attempts.ts"
import * as AttemptUsage from "./AttemptUsage.ts"
import * as EarlierTasks from "./EarlierTasks.ts"
import * as FailedCheck from "./FailedCheck.ts"
import * as TaskBase from "./TaskBase.ts"
import * as TaskDescription from "./TaskDescription.ts"
import * as TaskDigest from "./TaskDigest.ts"
import type { TeamWork } from "./TeamWork.ts"
import * as WatchedTask from "./WatchedTask.ts"

/** Runs a task to its end, or finds that an earlier run has done it or is at it. Answers how it has ended. */
export const run = Effect.fnUntraced(function*(work: TeamWork, declared: TaskSpec) {
  const { others, request, run, team } = work
  const { subject } = declared
  const ended = EarlierTasks.endedBefore(request, team.spec.name, declared)
  if (ended !== undefined) {
    const known = others.known(subject)?.tasks.find(({ id }) => id === ended.id)
    if (known !== undefined) Attempts.setId(work, subject, known.id)
    return yield* endEarlier(work, subject, ended)
  }
  const found = EarlierTasks.undismissed(request, team.spec.name, yield* others.find(subject))
  const based = yield* TaskBase.evaluate(work, declared)
  const described = Either.isLeft(based) ? Either.left(based.left) : yield* TaskDescription.make(work, declared)
  if (Either.isLeft(based) || Either.isLeft(described)) {
    const reason = Option.getOrElse(Option.orElse(Either.getLeft(based), () => Either.getLeft(described)), () => "")
    yield* run.emit({ _tag: "task.refused", team: team.spec.name, subject, reason })
    return "failed" as const
  }
  const task = based.right
  const attempts = yield* makeAttempts(work, task, described.right, found)
  const before = attempts.hasChanged ? undefined : EarlierTasks.counting(request, team.spec.name, found)
  const done = before?.status === "completed"
    ? Attempts.judged(task, { id: before.id, status: "completed", number: attempts.number, ...WatchedTask.answerOf(before), ...TaskLog.of(before) })
    : undefined
  if (before !== undefined && done?.status === "completed") {
    const { number: _, usage: __, usageProblem: ___, ...end } = done
    Attempts.setId(work, subject, before.id)
    yield* supersede(attempts, found)
    return yield* endEarlier(work, subject, { ...end, ...usedBefore(attempts, done) })
  }
  return yield* Attempts.untilEnd(attempts, before)
})

/** Says that the task was done before. */
const endEarlier = ({ run, team }: TeamWork, subject: string, ended: EarlierTasks.Ended) =>
  Effect.as(run.emit({ _tag: "task.finished", team: team.spec.name, subject, ...ended, earlier: true }), ended.status)

/** What is said of what an attempt has used that an earlier process of this run has submitted. Another run tells of its own. */
const usedBefore = (attempts: Attempts.Attempts, { id, ...end }: Attempts.End): Usage.Known => {
  const { task: { subject }, work: { request, team } } = attempts
  const record = EarlierTasks.recorded(request, team.spec.name, subject)
  if (record === undefined || record.attempt === 0) return {}
  return AttemptUsage.usedBy(attempts, { ...end, number: record.attempts.find((each) => each.id === id)?.number ?? record.attempt })
}

/** Finds out how many attempts there were by the journal of a resumed run, and how many may follow. */
const makeAttempts = Effect.fnUntraced(function*(
  work: TeamWork,
  task: TaskSpec,
  description: TaskDescription.TaskDescription,
  found: EarlierTasks.EarlierTask | undefined
) {
  const { request, team } = work
  const record = EarlierTasks.recorded(request, team.spec.name, task.subject)
  const hasChanged = EarlierTasks.hasChanged(request, team.spec.name, task) ||
    (found !== undefined && TaskDigest.differs({ ...found.newest, ...toldFirst(found.newest) }, { assignTo: task.assignTo, descriptions: task.assignTo.map((agent) => description.of(agent)) }, team.members))
  const policy = TaskPolicy.of(request.spec, task)
  const times = Option.match(policy.retry, { onNone: () => 0, onSome: ({ times }) => times })
  return {
    work,
    task,
    description,
    policy,
    hasChanged,
    watched: [],
    told: new Set(record === undefined ? [] : TaskState.numbersOf(record).filter((number) => TaskState.usageOf(record, number) !== undefined)),
    number: record === undefined ? 0 : EarlierTasks.isUnsent(record) ? record.attempt - 1 : record.attempt,
    failure: record === undefined ? undefined : TaskState.failureOf(record),
    left: record === undefined || hasChanged ? times : TaskStatus.isFailure(record.status) ? 0 : Math.max(0, times - record.attempts.filter(({ id }) => id === undefined || !record.dismissed.includes(id)).length),
    dueAt: record?.retryAt === undefined ? 0 : yield* Attempts.monotonic(record.retryAt)
  } satisfies Attempts.Attempts as Attempts.Attempts
})

/** What an attempt was told that may have followed one whose check had failed, as the first one was told it. */
const toldFirst = ({ description }: Task) => (typeof description === "string" ? { description: FailedCheck.without(description) } : {})

/** Gives the attempts up that go on though the task is completed. */
const supersede = ({ task: { subject }, work: { monitor, request, team } }: Attempts.Attempts, found: EarlierTasks.EarlierTask | undefined) =>
  Effect.forEach(EarlierTasks.superseded(request, team.spec.name, subject, found), (task) =>
    Effect.flatMap(monitor.watch(subject, task), (watch) => Attempts.supersede(watch, "an attempt before it has completed")), {
    discard: true
  })
