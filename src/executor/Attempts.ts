/**
 * The attempts at a task: one after the other, until one completes or none may
 * follow. The first that completes counts, once, though it was over.
 */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type Task, TaskId } from "../agamemnon/AgamemnonModel.ts"
import * as TaskLog from "../agamemnon/TaskLog.ts"
import * as MonotonicTime from "../liveness/MonotonicTime.ts"
import * as Race from "../liveness/Race.ts"
import * as RunSpan from "../run/RunSpan.ts"
import * as TaskStatus from "../run/TaskStatus.ts"
import * as Outputs from "../workflow/Outputs.ts"
import * as RetryPolicy from "../workflow/RetryPolicy.ts"
import * as TaskPolicy from "../workflow/TaskPolicy.ts"
import * as WorkflowGraph from "../workflow/WorkflowGraph.ts"
import type { TaskSpec } from "../workflow/WorkflowSpec.ts"
import * as AttemptLimits from "./AttemptLimits.ts"
import * as AttemptUsage from "./AttemptUsage.ts"
import * as AttemptVerification from "./AttemptVerification.ts"
import * as EarlierTasks from "./EarlierTasks.ts"
import * as TaskContext from "./TaskContext.ts"
import type * as TaskDescription from "./TaskDescription.ts"
import * as TaskDigest from "./TaskDigest.ts"
import type { TaskRunError, TeamWork } from "./TeamWork.ts"
import * as WatchedTask from "./WatchedTask.ts"

/** The attempts at a task. */
export interface Attempts {
  readonly work: TeamWork
  readonly task: TaskSpec
  readonly description: TaskDescription.TaskDescription
  readonly policy: TaskPolicy.TaskPolicy
  readonly hasChanged: boolean
  /** Those that this process watches or has watched, each with its number. */
  readonly watched: Array<Attempt>
  /** The numbers of those of which it was said what they have used. */
  readonly told: Set<number>
  /** Tasks on Agamemnon of the same subject that are over and are none of these attempts. */
  readonly done?: ReadonlyArray<TaskId>
  /** The number of the last one, of which the first is 1. */
  number: number
  /** How many may follow. */
  left: number
  /** What the check of the last one has said, if that has failed. */
  failure: string | undefined
  /** When the next one is due, in milliseconds. */
  dueAt: number
}

/** One attempt. */
interface Attempt {
  readonly number: number
  readonly watch: WatchedTask.Watch
  /** The agent that does it, if it is a member of the team. */
  readonly assignee: string
  /** The file with all that it writes, if it has one. */
  readonly log: { readonly log?: string }
}

/** How an attempt has ended. */
export interface End extends Omit<WatchedTask.AttemptEnd, "outputs" | "verification"> {
  readonly number: number
  /** What its check has said of it, if that has failed. */
  readonly verification?: string
  readonly outputs?: Outputs.OutputValues
  /** Why it counts as failed though its worker has completed it. */
  readonly problem?: string
  readonly log?: string
}

/** Notes which task on Agamemnon stands for a task of the workflow. */
export const setId = ({ ids, team }: TeamWork, subject: string, id: TaskId) =>
  ids.set(WorkflowGraph.keyOf({ team: team.spec.name, subject }), [id])

/** A time that is on record, by the clock of this process. */
export const monotonic = (time: DateTime.Utc) =>
  Effect.zipWith(MonotonicTime.millis, DateTime.now, (here, now) => here + DateTime.distance(now, time))

/** Makes attempts until one completes or none may follow, from the one on that is there before. */
export const untilEnd = Effect.fnUntraced(function*(attempts: Attempts, before: Task | undefined) {
  let end = before === undefined ? undefined : yield* takeUp(attempts, before)
  while (true) {
    const next = end ?? (yield* Effect.catchTag(another(attempts), "WorkspaceError", ({ message }) => Effect.succeed(message)))
    if (typeof next === "string") return yield* refuse(attempts, next)
    end = next
    const final = finality(attempts, end)
    if (final !== undefined) return yield* finish(attempts, end, final)
    yield* postpone(attempts, end)
    end = undefined
  }
})

/** Says that no attempt can be made. */
const refuse = ({ task: { subject }, work: { run, team } }: Attempts, problem: string) =>
  Effect.as(run.emit({ _tag: "task.refused", team: team.spec.name, subject, reason: `it has no workspace: ${problem}` }), "failed" as const)

/** Takes an attempt up that an earlier process has begun. Nothing, when another is to be made at once. */
const takeUp = Effect.fnUntraced(function*(attempts: Attempts, before: Task): Effect.fn.Return<End | undefined, TaskRunError> {
  const { policy, task, work } = attempts
  const { subject } = task
  const { load, monitor, request, run, team } = work
  const { id, status } = before
  const record = EarlierTasks.recorded(request, team.spec.name, subject)
  const failure = EarlierTasks.failingBefore(request, team.spec.name, before)
  const isLast = record !== undefined && (record.id === id || EarlierTasks.isUnsent(record))
  const number = Math.max(1, isLast ? record.attempt : attempts.number)
  if (!TaskStatus.isTerminal(status)) {
    attempts.number = number
    setId(work, subject, id)
    const log = TaskLog.of(before)
    const [assignee = ""] = [...team.members].find(([, member]) => member === before["assigneeAgentId"]) ?? []
    load.assign([assignee])
    yield* run.emit({ _tag: "task.watched", team: team.spec.name, subject, id, ...log })
    const startedAt = record?.id === id && record.startedAt !== undefined ? yield* monotonic(record.startedAt) : undefined
    const watch = yield* monitor.watch(subject, before, { failure, startedAt })
    return yield* RunSpan.attempt(number, Effect.succeed({ number, watch, assignee, log }), (attempt) => awaitEnd(attempts, attempt))
  }
  // Of an end that this run has brought about it had said so; another is one that nobody has seen yet.
  const isOwn = failure !== undefined && !request.retryFailed
  const isNew = record?.id === id && !TaskStatus.isEnd(record.status) && Option.isSome(policy.retry)
  if (!isOwn && !isNew) return yield* AttemptUsage.tellUnseen(attempts, before, number)
  setId(work, subject, id)
  const as = failure?.as === undefined || failure.as === "superseded" ? status : failure.as
  return judged(task, { id, status: as, number, ...WatchedTask.answerOf(before), ...TaskLog.of(before) })
})

/** Submits another attempt when it is due, and waits for its end, or for that of one that was over. */
export const another = Effect.fnUntraced(function*(attempts: Attempts) {
  const wait = attempts.dueAt - (yield* MonotonicTime.millis)
  const late = wait <= 0 ? Option.none() : yield* Effect.timeoutOption(completedLate(attempts), Duration.millis(wait))
  if (Option.isSome(late)) return late.value
  return yield* RunSpan.attempt(attempts.number + 1, submit(attempts), (attempt) => awaitEnd(attempts, attempt))
})

/** Submits an attempt. */
const submit = Effect.fnUntraced(function*(attempts: Attempts) {
  const { hasChanged, left, task, work } = attempts
  const { agamemnon, budget, ids, load, monitor, others, request, run, team, workflow, workspaces } = work
  const { assignTo, subject } = task
  const recorded = EarlierTasks.recorded(request, team.spec.name, subject)
  const assignee = load.assign(assignTo)
  const named = { team: team.spec.name, subject }
  const workspace = workspaces.of({ team: team.spec.name, task, agent: assignee })
  // Work begins in a workspace after it is on record that this was made, so that none of it is taken for half made.
  if (workspace !== undefined) yield* Effect.tapError(workspaces.ready(workspace), () => Effect.sync(() => load.release(assignee)))
  yield* budget.admit(recorded?.attempt === attempts.number + 1)
  const number = attempts.number += 1
  const intent = yield* run.emitBefore({
    _tag: "task.submitting",
    ...named,
    digest: TaskDigest.make(task),
    ...(hasChanged ? { changed: true } : {}),
    ...(assignTo.length === 1 ? {} : { assignee }),
    ...(number === 1 && left === 0 ? {} : { attempt: number, of: number + left })
  })
  const assigneeAgentId = team.members.get(assignee)
  // A task that a resumed run has done on another team is not there to wait for.
  const blockers = workflow.blockersOf(named, task).flatMap((place) => ids.get(WorkflowGraph.keyOf(place)) ?? [])
  const sent = {
    subject,
    description: attempts.description.of(assignee, attempts.failure),
    ...(assigneeAgentId === undefined ? {} : { assigneeAgentId }),
    ...(blockers.length === 0 ? {} : { blockedBy: blockers }),
    ...Option.match(task.type, { onNone: () => ({}), onSome: (type) => ({ type }) })
  }
  const check = AttemptVerification.checkOf(attempts.policy)
  agamemnon.contexts?.put(team.id, subject, {
    json: yield* TaskContext.make(work, subject),
    team: team.spec.name,
    traceparent: yield* RunSpan.traceparent,
    ...(check === undefined ? {} : { check }),
    ...(workspace === undefined ? {} : { workspace: { path: workspace.path, directory: workspace.directory } })
  })
  const dismissed = EarlierTasks.recorded(request, team.spec.name, subject)?.dismissed ?? []
  const except = new Set([
    ...EarlierTasks.idsOf(others.known(subject)),
    ...attempts.watched.map(({ watch }) => watch.id),
    ...attempts.done ?? [],
    ...dismissed.map((id) => TaskId.make(id))
  ])
  const created = yield* others.submitting(subject, agamemnon.createTask(intent, team.id, sent, except))
  const log = TaskLog.of(created)
  yield* run.emit({ _tag: "task.submitted", ...named, id: created.id, ...log })
  setId(work, subject, created.id)
  return { number, watch: yield* monitor.watch(subject, created), assignee, log } satisfies Attempt
})

/** Waits for the end of an attempt within its limits, or until one that was over has completed. */
const awaitEnd = Effect.fnUntraced(function*(attempts: Attempts, attempt: Attempt) {
  const { task, policy: { timeout }, watched, work: { agamemnon, load, request } } = attempts
  const { assignee, number, watch, log } = attempt
  const stalledAfter = TaskPolicy.stalledAfter(request.spec, task, assignee)
  const ended = Effect.map(
    AttemptLimits.awaitEnd({ watch, timeout, stalledAfter, isRunningSeen: request.isAlone, quietFor: agamemnon.activity?.quietFor(watch.id) }),
    (end) => judged(task, { ...end, number, ...log })
  )
  const judgedEnd = yield* Race.first([ended, completedLate(attempts)])
  watched.push(attempt)
  // The agent has its next task when the work on this one is committed.
  const end = yield* committed(attempts, attempt, judgedEnd)
  load.release(assignee)
  if (end.number !== number) yield* supersede(watch, `attempt ${end.number} has completed`)
  return end
})

/** How long the end of an attempt is waited for that another one has made needless. */
const supersedeLimit = Duration.seconds(10)

/** Gives an attempt up because another one has completed, and waits a while until it is over: its team may have no more to do. */
export const supersede = ({ ended, giveUp }: WatchedTask.Watch, reason: string) =>
  Effect.zipRight(giveUp("superseded", reason), Effect.timeoutOption(ended, supersedeLimit))

/** Waits until an attempt that was over has completed after all. */
const completedLate = ({ task, watched }: Attempts): Effect.Effect<End> =>
  Race.first(watched.map(({ log, number, watch }) => {
    const late = Effect.map(watch.completedLate, (end) => judged(task, { ...end, number, ...log }))
    return Effect.flatMap(late, (end) => (end.status === "completed" ? Effect.succeed(end) : Effect.never))
  }))

/** Commits what was done in a worktree, whatever came of it: the branch and the commit are among what the task answers. */
const committed = Effect.fnUntraced(function*({ task, work: { team, workspaces } }: Attempts, { assignee }: Attempt, end: End) {
  const workspace = workspaces.of({ team: team.spec.name, task, agent: assignee })
  // What is merged is committed by whoever merges it.
  if (workspace === undefined || Option.isSome(task.merge)) return end
  return Either.match(yield* workspaces.commit(workspace, task.subject), {
    onLeft: ({ message }): End => {
      const problem = [...(end.problem === undefined ? [] : [end.problem]), `its work is not committed: ${message}`].join("; ")
      return { ...end, status: end.status === "completed" ? "failed" : end.status, problem }
    },
    onRight: Option.match({
      onNone: () => end,
      onSome: ({ branch, commit }): End => ({ ...end, outputs: { ...end.outputs, branch, commit } })
    })
  })
})

/** Takes the outputs of a task from what its worker has answered: it has failed where one is missing or of another type. */
export const judged = (
  { outputs: declared }: TaskSpec,
  { outputs, verification, ...answered }: WatchedTask.AttemptEnd & Pick<End, "number" | "log">
): End => {
  const end = { ...answered, ...AttemptVerification.toldOf(answered, verification) }
  if (Option.isNone(declared) || end.status !== "completed") return end
  // What its check has written is none of its answer.
  return Either.match(Outputs.read(declared.value, { outputs, result: answered.result }), {
    onLeft: (problem): End => ({ ...end, status: "failed", problem }),
    onRight: (values): End => ({ ...end, outputs: values })
  })
}

/** What is said of an end after which no other attempt follows, and why, where one was to be expected. */
interface Final {
  readonly final?: string
}

/** Whether an end is final, or undefined when another attempt may follow. */
const finality = ({ left, number, policy: { retry } }: Attempts, { status }: End): Final | undefined => {
  if (status === "completed" || Option.isNone(retry)) return {}
  if (status === "cancelled") return { final: "what was cancelled is not tried again" }
  if (!RetryPolicy.covers(retry.value, status)) return { final: `retry.on does not name ${status}` }
  return left > 0 ? undefined : { final: `${number} of ${number} attempts were made` }
}

/** Says that an attempt has ended and another is to follow, and when. */
const postpone = Effect.fnUntraced(function*(attempts: Attempts, end: End) {
  const { id, log, number, problem, result, status, verification } = end
  const { policy, task: { subject }, work: { run, team } } = attempts
  const wait = Option.match(policy.retry, {
    onNone: () => Duration.zero,
    onSome: (retry) => RetryPolicy.waitAfter(retry, number)
  })
  attempts.left -= 1
  attempts.failure = verification
  attempts.dueAt = (yield* MonotonicTime.millis) + Duration.toMillis(wait)
  yield* run.emit({
    _tag: "task.retrying",
    team: team.spec.name,
    subject,
    id,
    attempt: number,
    status,
    wait,
    ...(problem === undefined ? {} : { problem }),
    ...(result === undefined ? {} : { result }),
    ...(log === undefined ? {} : { log }),
    ...(verification === undefined ? {} : { verification }),
    ...AttemptUsage.usedBy(attempts, end)
  })
})

/** Says how the task has ended, and watches the attempts that may complete though it has. */
const finish = Effect.fnUntraced(function*(attempts: Attempts, end: End, final: Final) {
  const { number, task: { subject }, watched, work: { background, run, team } } = attempts
  const { id, log, outputs, problem, result, status, verification } = end
  yield* run.emit({
    _tag: "task.finished",
    team: team.spec.name,
    subject,
    id,
    status,
    earlier: false,
    ...(result === undefined ? {} : { result }),
    ...(outputs === undefined ? {} : { outputs }),
    ...(problem === undefined ? {} : { problem }),
    ...(log === undefined ? {} : { log }),
    ...(verification === undefined ? {} : { verification }),
    ...(end.number === number ? {} : { attempt: end.number }),
    ...AttemptUsage.usedBy(attempts, end),
    ...final
  })
  if (watched.length > 1 || status === "timeout" || status === "stalled") {
    for (const attempt of watched) {
      if (attempt.watch.id !== id || status !== "completed") yield* background.run(tellLate(attempts, attempt))
    }
  }
  return status
})

/** Says that an attempt has completed when its task had ended. */
const tellLate = (attempts: Attempts, { number, watch }: Attempt) =>
  Effect.flatMap(watch.ended, (end) => (end.status === "completed" ? Effect.succeed(end) : watch.completedLate)).pipe(
    Effect.flatMap((end) => {
      const { task: { subject }, work: { run, team } } = attempts
      const used = AttemptUsage.usedBy(attempts, { ...end, number })
      return run.emit({ _tag: "task.late", team: team.spec.name, subject, id: end.id, attempt: number, ...used })
    })
  )
