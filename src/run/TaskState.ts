/**
 * A task as the events of its run tell it, attempt by attempt: what is declared
 * of it, and what each event changes.
 */
import * as DateTime from "effect/DateTime"
import type { GateDecision } from "./GateAnswer.ts"
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
  /** What its check has said, if that has failed. */
  readonly verification: string | undefined
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
  /** The id by which the workflow refers to it, if it has one; of an instance, that of its task. */
  readonly ref: string | undefined
  /** Who does it; of several, all of them until one has been chosen, separated by commas. */
  readonly assignTo: string
  /** What it waits for: subjects of the same team, or ids of any. */
  readonly blockedBy: ReadonlyArray<string>
  readonly status: "waiting" | "asked" | "submitting" | "submitted" | "running" | "retrying" | "skipped" | EndStatus
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
  /** What the check of its last attempt has said, if that has failed. */
  readonly verification: string | undefined
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
  /** Whether its last attempt has completed after all, when the task had ended already. */
  readonly late: boolean
  /** Whether the run can complete though this task fails. */
  readonly continueOnError: boolean
  /** Whether it waits for a person, and no agent does it. */
  readonly isGate: boolean
  /** The file of the workflow that it uses, if it does: then it is done when the tasks of that are. */
  readonly uses: string | undefined
  /** The ids of the tasks whose branches it merges, if it does. */
  readonly merge: ReadonlyArray<string> | undefined
  /** What was asked last, and the answer, if it is a gate that was due. */
  readonly gate: GateState | undefined
  /** Why it is done again, and what was said to that, if a gate has sent it back. */
  readonly sentBack: { readonly by: string; readonly comment: string | undefined } | undefined
  /** The ids of the attempts that were made before a gate has sent it back: they do not count. */
  readonly dismissed: ReadonlyArray<string>
  /** Whether it is done in instances, one for each combination of the values of its matrix. */
  readonly hasMatrix: boolean
  /** The subject of the task of which it is an instance, if it is one. */
  readonly instanceOf: string | undefined
  /** The values of the matrix that it is an instance of, by their names. */
  readonly matrix: Readonly<Record<string, unknown>> | undefined
  /** The instances that it is done in, if it has a matrix and is due. */
  readonly expansion: Expansion | undefined
  /** Digest of what was declared of it when it was submitted, as far as that is recorded. */
  readonly digest: string | undefined
  /** What Agamemnon was about to be told of its failure, until the attempt has ended. */
  readonly failing: { readonly id: string; readonly reason: string | undefined; readonly as: Event<"task.failing">["as"] } | undefined
}

/** What a gate has asked. */
export interface GateState {
  readonly question: string
  /** For which time it was asked; the first is 1. */
  readonly asked: number
  readonly askedAt: DateTime.Utc
  /** When it counts as rejected, if it has a limit. */
  readonly until: DateTime.Utc | undefined
  readonly answer: { readonly decision: GateDecision; readonly by: string; readonly comment: string | undefined; readonly at: DateTime.Utc } | undefined
}

/** The instances of a task with a matrix. */
export interface Expansion {
  /** Their subjects, in the order of the matrix. */
  readonly subjects: ReadonlyArray<string>
  /** How many of them have not ended. */
  readonly open: number
}

/** What an event changes in a task. */
type Change = (before: TaskState) => Partial<TaskState>

/**
 * A task of which nothing has been told but what is declared of it. Each field is named: an object that is made of the rest of
 * another one takes a hundred times as long, and a run may have 10,000 tasks.
 */
export const declared = (team: string, task: Event<"run.started">["teams"][number]["tasks"][number]): TaskState => ({
  subject: task.subject,
  assignTo: task.assignees === undefined || task.assignees.length === 0 ? task.assignTo : task.assignees.join(", "),
  blockedBy: task.blockedBy,
  team,
  ref: task.ref,
  status: "waiting",
  id: undefined,
  earlier: false,
  result: undefined,
  outputs: undefined,
  outputNames: task.outputs ?? [],
  problem: undefined,
  conditional: task.conditional ?? false,
  byCondition: false,
  log: undefined,
  verification: undefined,
  usage: undefined,
  submittedAt: undefined,
  startedAt: undefined,
  endedAt: undefined,
  attempt: 0,
  mostAttempts: 1,
  attempts: [],
  retryAt: undefined,
  final: undefined,
  late: false,
  continueOnError: task.continueOnError ?? false,
  isGate: task.gate ?? false,
  uses: task.uses,
  merge: task.merge,
  gate: undefined,
  sentBack: undefined,
  dismissed: [],
  hasMatrix: task.matrix ?? false,
  instanceOf: undefined,
  matrix: undefined,
  expansion: undefined,
  digest: undefined,
  failing: undefined
})

/** An instance of a task of which nothing has been told but its values. */
export const instance = (of: TaskState, { matrix, subject }: Event<"task.expanded">["instances"][number]): TaskState => ({
  ...of,
  ...anew,
  subject,
  status: "waiting",
  conditional: false,
  hasMatrix: false,
  instanceOf: of.subject,
  matrix
})

/** Whether a task has ended, or never begins. */
export const isOver = ({ status }: TaskState): boolean => status === "skipped" || isEnd(status)

/** What a task is when these are its instances, of which those that are known already are as they are. */
export const expanded = (instances: ReadonlyArray<TaskState>, at: DateTime.Utc): Change => ({ startedAt = at }) => {
  const open = instances.filter((each) => !isOver(each)).length
  return { ...anew, startedAt, expansion: { subjects: instances.map(({ subject }) => subject), open }, ...joined(instances, open, at) }
}

/** What a task is when one of its instances has ended, or begins anew. */
export const withInstance = (
  instances: () => ReadonlyArray<TaskState>,
  change: -1 | 1,
  at: DateTime.Utc
): Change => ({ expansion = { subjects: [], open: 0 } }) => {
  const open = expansion.open + change
  return { expansion: { ...expansion, open }, ...joined(open === 0 ? instances() : [], open, at) }
}

const joined = (instances: ReadonlyArray<TaskState>, open: number, at: DateTime.Utc): Pick<TaskState, "status" | "endedAt"> =>
  open > 0
    ? { status: "running", endedAt: undefined }
    : { status: instances.every(({ status }) => status === "completed") ? "completed" : "failed", endedAt: at }

/**
 * What a run that goes on knows of a task: one that has ended stays so, though the process that resumes the run may end
 * before it says so; what was said of its failure is not said again, and its attempts are counted on.
 */
export const carryOver = (before: TaskState, task: TaskState): TaskState => {
  const { attempt, attempts, dismissed, failing, gate, mostAttempts, retryAt, sentBack, status } = before
  const expansion = task.hasMatrix ? before.expansion : undefined
  if (isEnd(status)) return { ...before, ...declaredOf(task), earlier: true, failing: undefined, expansion }
  if (expansion !== undefined) return { ...task, status, expansion, startedAt: before.startedAt }
  if (task.isGate) return { ...task, gate, ...(status === "asked" ? { status } : {}) }
  return { ...task, sentBack, dismissed, failing, attempt, attempts, mostAttempts, ...(status === "retrying" ? { status, retryAt } : {}) }
}

const declaredOf = ({ blockedBy, conditional, continueOnError, hasMatrix, isGate, merge, outputNames, ref, subject, team, uses }: TaskState) =>
  ({ blockedBy, conditional, continueOnError, hasMatrix, isGate, merge, outputNames, ref, subject, team, uses })

/** What is not known of a task that is done again. */
const anew = {
  id: undefined,
  earlier: false,
  result: undefined,
  outputs: undefined,
  problem: undefined,
  byCondition: false,
  log: undefined,
  verification: undefined,
  usage: undefined,
  startedAt: undefined,
  endedAt: undefined,
  retryAt: undefined,
  final: undefined,
  expansion: undefined,
  late: false
}

/** The last attempt of a task, which has ended like this. */
const ended = (
  { attempt, late, log, submittedAt, usage, verification }: TaskState,
  end: Pick<AttemptState, "id" | "status" | "result" | "endedAt"> & Partial<Pick<AttemptState, "log" | "usage" | "verification">>
): AttemptState => ({ log, usage, verification, ...end, number: attempt, submittedAt, late })

/** What is known of what an attempt has used. */
export const usageOf = ({ attempt, attempts, usage }: TaskState, number: number): Usage | undefined =>
  attempts.find((each) => each.number === number)?.usage ?? (number === attempt ? usage : undefined)

/** What the check of its last attempt that has ended has said, if that has failed. */
export const failureOf = ({ attempts, status, verification }: TaskState): string | undefined =>
  isEnd(status) ? verification : attempts.at(-1)?.verification

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
export const retrying = ({ at, id, log, result, status, usage, verification, wait }: Event<"task.retrying">): Change =>
(before) => ({
  ...anew,
  status: "retrying",
  attempts: [...before.attempts, ended(before, { id, status, result, usage, verification, endedAt: at, ...(log === undefined ? {} : { log }) })],
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
export const finished = ({ at, attempt, earlier, final, id, log, outputs, problem, result, status, usage, verification }: Event<"task.finished">): Change =>
(before) => ({
  status,
  id,
  earlier,
  result,
  outputs,
  problem,
  verification,
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
  late: before.late || id === before.id,
  attempts: before.attempts.map((attempt) =>
    attempt.id === id ? { ...attempt, late: true, usage: attempt.usage ?? usage } : attempt),
  ...(before.id === id && before.attempt === number ? { usage: before.usage ?? usage } : {})
})

export const asked = ({ asked, at, question, timeout }: Event<"gate.asked">): Change => () => ({
  ...anew,
  status: "asked",
  gate: { question, asked, askedAt: at, until: timeout === undefined ? undefined : DateTime.addDuration(at, timeout), answer: undefined }
})

/** The end of a gate, unless it sends tasks back. An earlier process may have asked. */
export const answered = ({ asked, at, by, comment, decision }: Event<"gate.answered">): Change => ({ gate }) => ({
  gate: { question: "", askedAt: at, until: undefined, ...gate, asked, answer: { decision, by, comment, at } },
  ...(decision === "redo" ? { status: "waiting" } : { status: decision === "approved" ? "completed" : "failed", endedAt: at }),
  ...(decision === "rejected" ? { problem: `rejected by ${by}${comment === undefined ? "" : `: ${comment}`}` } : {})
})

/** The tasks of the workflow that the task uses begin. */
export const using = ({ at }: Event<"uses.started">): Change => () => ({ ...anew, status: "running", startedAt: at })

/** The tasks of the workflow that the task uses have ended. */
export const used = ({ at, outputs, problem, status }: Event<"uses.finished">): Change => () => ({ status, outputs, problem, endedAt: at })

/** A gate has sent the task back: nothing of what was done counts any more. */
export const redone = (sentBack: TaskState["sentBack"]): Change => (before) => ({
  ...anew,
  status: "waiting",
  sentBack,
  attempts: before.id === undefined || !isEnd(before.status)
    ? before.attempts
    : [...before.attempts, ended(before, { id: before.id, status: before.status, result: before.result, endedAt: before.endedAt })],
  dismissed: [...before.dismissed, ...[...before.attempts.map(({ id }) => id), before.id].flatMap((id) => id ?? [])],
  digest: undefined,
  failing: undefined
})

/** Branches are merged from now on. */
export const merging = ({ at }: Event<"merge.started">): Change => () => ({ ...anew, status: "running", startedAt: at })

/** An agent has ended that was to resolve conflicts, and the merge goes on. */
export const mergeAttempted = ({ at, id, log, result, status, usage }: Event<"merge.attempted">): Change => (before) => ({
  ...anew,
  startedAt: before.startedAt,
  status: "running",
  attempts: [...before.attempts, ended(before, { id, status, result, usage, endedAt: at, ...(log === undefined ? {} : { log }) })]
})

/** All branches are merged, or one could not be. */
export const merged = ({ at, outputs, problem, result, status }: Event<"merge.finished">): Change => () => ({ status, outputs, problem, result, endedAt: at })
