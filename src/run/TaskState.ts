/**
 * A task as the events of its run tell it, attempt by attempt: what is declared
 * of it, and what each event changes.
 */
import * as DateTime from "effect/DateTime"
import type { RunEvent } from "./RunEvent.ts"
import { type EndStatus, isEnd, isFailure } from "./TaskStatus.ts"
import type { Usage } from "./Usage.ts"

type Event<Tag extends RunEvent["_tag"]> = Extract<RunEvent, { readonly _tag: Tag }>

/** An attempt at a task that has ended, and that the task has not ended with. */
export interface AttemptState {
  /** The first is 1. */
  readonly number: number
  readonly id: string | undefined
  readonly status: EndStatus
  readonly result: string | undefined
  readonly log: string | undefined
  /** What it has used, as far as that is known. */
  readonly usage: Usage | undefined
  readonly submittedAt: DateTime.Utc | undefined
  readonly endedAt: DateTime.Utc | undefined
  /** Whether it has completed after all, when its task had ended already. */
  readonly late: boolean
}

/** Where a task is in its life. */
export interface TaskState {
  readonly team: string
  readonly subject: string
  /** The id by which the workflow refers to it, if it has one. */
  readonly ref: string | undefined
  /** Who does it; of several, all of them until one has been chosen, separated by commas. */
  readonly assignTo: string
  /** What it waits for: subjects of the same team, or ids of any. */
  readonly blockedBy: ReadonlyArray<string>
  readonly status: "waiting" | "submitting" | "submitted" | "running" | "retrying" | "skipped" | EndStatus
  readonly id: string | undefined
  /** Whether an earlier run did it. */
  readonly earlier: boolean
  readonly result: string | undefined
  /** What it has answered by name, where that is declared. */
  readonly outputs: Readonly<Record<string, unknown>> | undefined
  /** The names of what it is to answer. */
  readonly outputNames: ReadonlyArray<string>
  /** Why it has failed though its worker has completed it, or nothing has been submitted. */
  readonly problem: string | undefined
  /** Whether it decides when it is due whether it runs. */
  readonly conditional: boolean
  /** Whether it was skipped by a condition, its own or that of one that it waits for, which is no failure. */
  readonly byCondition: boolean
  /** The file, on Agamemnon's machine, that holds all that it writes. */
  readonly log: string | undefined
  /** What its last attempt has used, as far as that is known. */
  readonly usage: Usage | undefined
  readonly submittedAt: DateTime.Utc | undefined
  /** When its last attempt was first seen running. */
  readonly startedAt: DateTime.Utc | undefined
  readonly endedAt: DateTime.Utc | undefined
  /** The number of its last attempt, of which the first is 1, or 0 before that. */
  readonly attempt: number
  /** How many attempts there are at most, as far as that is known. */
  readonly mostAttempts: number
  /** The attempts before the last, in their order. */
  readonly attempts: ReadonlyArray<AttemptState>
  /** When the next attempt is due, while that is waited for. */
  readonly retryAt: DateTime.Utc | undefined
  /** Why no other attempt follows one that did not complete, where others were possible. */
  readonly final: string | undefined
  /** Whether the run can complete though this task fails. */
  readonly continueOnError: boolean
  /** Digest of what was declared of it when it was submitted, as far as that is recorded. */
  readonly digest: string | undefined
  /** What Agamemnon was about to be told of its failure, until the attempt has ended. */
  readonly failing: { readonly id: string; readonly reason: string | undefined; readonly as: Event<"task.failing">["as"] } | undefined
}

/** What an event changes in a task. */
type Change = (before: TaskState) => Partial<TaskState>

/** A task of which nothing has been told but what is declared of it. */
export const declared = (
  team: string,
  { assignees = [], conditional = false, continueOnError = false, outputs = [], ref, ...task }: Event<"run.started">["teams"][number]["tasks"][number]
): TaskState => ({
  ...task,
  team,
  ref,
  assignTo: assignees.length === 0 ? task.assignTo : assignees.join(", "),
  status: "waiting",
  id: undefined,
  earlier: false,
  result: undefined,
  outputs: undefined,
  outputNames: outputs,
  problem: undefined,
  conditional,
  byCondition: false,
  log: undefined,
  usage: undefined,
  submittedAt: undefined,
  startedAt: undefined,
  endedAt: undefined,
  attempt: 0,
  mostAttempts: 1,
  attempts: [],
  retryAt: undefined,
  final: undefined,
  continueOnError,
  digest: undefined,
  failing: undefined
})

/**
 * What a run that goes on knows of a task: one that has ended stays so, though the process that resumes the run may end
 * before it says so; what was said of its failure is not said again, and its attempts are counted on.
 */
export const carryOver = (before: TaskState, task: TaskState): TaskState => {
  const { attempt, attempts, failing, mostAttempts, retryAt, status } = before
  if (isEnd(status)) return { ...before, ...declaredOf(task), earlier: true, failing: undefined }
  return { ...task, failing, attempt, attempts, mostAttempts, ...(status === "retrying" ? { status, retryAt } : {}) }
}

const declaredOf = ({ blockedBy, conditional, continueOnError, outputNames, ref, subject, team }: TaskState) =>
  ({ blockedBy, conditional, continueOnError, outputNames, ref, subject, team })

/** What is not known of a task that is done again. */
const anew = {
  id: undefined,
  earlier: false,
  result: undefined,
  outputs: undefined,
  problem: undefined,
  byCondition: false,
  log: undefined,
  usage: undefined,
  startedAt: undefined,
  endedAt: undefined,
  retryAt: undefined,
  final: undefined
}

/** The last attempt of a task, which has ended like this. */
const ended = (
  { attempt, log, submittedAt, usage }: TaskState,
  end: Pick<AttemptState, "id" | "status" | "result" | "endedAt"> & { readonly log?: string | undefined; readonly usage?: Usage | undefined }
): AttemptState => ({ log, usage, ...end, number: attempt, submittedAt, late: false })

/** What is known of what an attempt has used. */
export const usageOf = ({ attempt, attempts, usage }: TaskState, number: number): Usage | undefined =>
  attempts.find((each) => each.number === number)?.usage ?? (number === attempt ? usage : undefined)

/** The numbers of the attempts at a task. */
export const numbersOf = ({ attempt, attempts }: TaskState): ReadonlyArray<number> => [attempt, ...attempts.map(({ number }) => number)]

/** Whether an attempt was begun and is not known to have ended. */
export const isOpen = ({ attempt, attempts, status }: TaskState): boolean =>
  attempt > 0 && !isEnd(status) && status !== "skipped" && !attempts.some(({ number }) => number === attempt)

/** Another attempt begins: one that has failed for good, and is tried again nonetheless, is then one of those before it. */
export const submitting = ({ assignee, at, attempt = 1, digest, of = attempt }: Event<"task.submitting">): Change =>
(before) => ({
  ...anew,
  ...(assignee === undefined ? {} : { assignTo: assignee }),
  status: "submitting",
  submittedAt: at,
  digest,
  attempt,
  mostAttempts: of,
  attempts: isEnd(before.status) && isFailure(before.status) && before.attempt < attempt
    ? [...before.attempts, ended(before, { id: before.id, status: before.status, result: before.result, endedAt: before.endedAt })]
    : before.attempts,
  failing: undefined
})

/** An attempt has ended, and another is to follow. */
export const retrying = ({ at, id, log, result, status, usage, wait }: Event<"task.retrying">): Change =>
(before) => ({
  ...anew,
  status: "retrying",
  attempts: [...before.attempts, ended(before, { id, status, result, usage, endedAt: at, ...(log === undefined ? {} : { log }) })],
  retryAt: DateTime.addDuration(at, wait),
  failing: undefined
})

export const progressed = ({ at, status }: Event<"task.progressed">): Change =>
({ startedAt = at }) =>
  status === "running" ? { status, startedAt } : { status: "submitted" }

export const submitted = ({ id, log }: Event<"task.submitted">): Change => () => ({ status: "submitted", id, log })

export const watched = ({ at, id, log }: Event<"task.watched">): Change => ({ attempt }) =>
  ({ ...anew, status: "submitted", id, log, submittedAt: at, attempt: Math.max(1, attempt) })

export const failing = ({ as, id, reason }: Event<"task.failing">): Change => () => ({ failing: { id, reason, as } })

export const skipped = ({ at, condition = false }: Event<"task.skipped">): Change => () =>
  ({ status: "skipped", endedAt: at, byCondition: condition })

export const refused = ({ at, reason }: Event<"task.refused">): Change => () =>
  ({ ...anew, status: "failed", endedAt: at, problem: reason, failing: undefined })

/**
 * The task has ended. When that is by an attempt before the last, which has completed after all, it is the last that is one
 * of the others.
 */
export const finished = ({ at, attempt, earlier, final, id, log, outputs, problem, result, status, usage }: Event<"task.finished">): Change =>
(before) => ({
  status,
  id,
  earlier,
  result,
  outputs,
  problem,
  endedAt: at,
  attempt: attempt ?? before.attempt,
  attempts: attempt === undefined ? before.attempts : others(before, attempt, at),
  retryAt: undefined,
  final,
  failing: undefined,
  // Of what another run has submitted, it has told itself.
  usage: before.attempt === 0 ? undefined : usageOf(before, attempt ?? before.attempt) ?? usage,
  ...(log === undefined ? {} : { log })
})

const others = (before: TaskState, attempt: number, at: DateTime.Utc): ReadonlyArray<AttemptState> => {
  const known = before.attempts.filter(({ number }) => number !== attempt)
  return before.id === undefined || before.attempt === attempt
    ? known
    : [...known, ended(before, { id: before.id, status: "cancelled", result: undefined, endedAt: at })]
}

export const late = ({ attempt: number, id, usage }: Event<"task.late">): Change => (before) => ({
  attempts: before.attempts.map((attempt) =>
    attempt.id === id ? { ...attempt, late: true, usage: attempt.usage ?? usage } : attempt),
  ...(before.id === id && before.attempt === number ? { usage: before.usage ?? usage } : {})
})
