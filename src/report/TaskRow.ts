/** A task as the cells of a table: its mark, its subject, who does it, how far it is, and how long it took. */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import { isTolerated, type TaskState } from "../run/RunState.ts"
import { isEnd, isFailure } from "../run/TaskStatus.ts"
import { duration, oneLine } from "./Format.ts"
import type { Style } from "./Style.ts"
import { narrowest, type Yield } from "./Table.ts"

type Status = TaskState["status"]

const spinner = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"]

const marks: Record<Status, readonly [mark: string, paint: keyof Style]> = {
  waiting: ["·", "faint"],
  asked: ["?", "doubtful"],
  submitting: ["◦", "active"],
  submitted: ["◦", "active"],
  running: ["▸", "active"],
  completed: ["✔", "good"],
  failed: ["✖", "bad"],
  error: ["✖", "bad"],
  cancelled: ["✖", "bad"],
  timeout: ["✖", "bad"],
  stalled: ["✖", "bad"],
  retrying: ["↻", "doubtful"],
  skipped: ["−", "doubtful"]
}

const elapsed = ({ endedAt, expansion, startedAt, submittedAt }: TaskState, now: DateTime.Utc): string => {
  const begin = submittedAt ?? (expansion === undefined ? undefined : startedAt)
  return begin === undefined ? "" : duration(DateTime.distanceDuration(begin, endedAt ?? now))
}

const underWay = new Set<Status>(["submitting", "submitted", "running", "retrying"])

/** Which attempt a task is at, where there are or can be several. */
const attempts = ({ attempt, mostAttempts }: TaskState): string =>
  attempt === 0 || Math.max(attempt, mostAttempts) === 1 ? "" : ` ${attempt}/${Math.max(attempt, mostAttempts)}`

const untilRetry = ({ attempt, mostAttempts, retryAt }: TaskState, now: DateTime.Utc): string => {
  const left = retryAt === undefined ? 0 : Math.ceil(DateTime.distance(now, retryAt) / 1000)
  return `${attempt + 1}/${Math.max(attempt + 1, mostAttempts)}${left <= 0 ? "" : ` in ${duration(Duration.seconds(left))}`}`
}

/** What a gate asks, or what was answered. */
const atGate = ({ gate, problem, status }: TaskState): string => {
  const answer = gate?.answer
  if (status === "asked") return `waits for an answer: ${gate?.question ?? ""}`
  if (status === "completed" && answer !== undefined) return `approved by ${answer.by}`
  return answer?.decision === "rejected" ? `rejected by ${answer.by}` : problem ?? status
}

/** How far the instances of a matrix are. */
const folded = (instances: ReadonlyArray<TaskState>, isOver: boolean): string => {
  const counted = (status: Status) => instances.filter((task) => task.status === status).length
  const failed = instances.filter(({ status }) => isFailure(status)).length
  const unfinished = instances.filter(({ status }) => !isEnd(status) && status !== "skipped").length
  const parts = [
    ...(isOver ? [[unfinished, "not finished"]] as const : [[counted("running"), "running"], [counted("retrying"), "retrying"]] as const),
    [failed, "failed"]
  ] as const
  return [`${counted("completed")} of ${instances.length} completed`, ...parts.flatMap(([number, what]) => (number === 0 ? [] : [`${number} ${what}`]))].join(", ")
}

const words = (task: TaskState, { instances = [], isEmbedded = false, isOver = false, now, unfinished = [] }: Options): string => {
  if (instances.length > 0) return folded(instances, isOver)
  if (isOver && task.status === "waiting") return "not begun"
  if (isOver && underWay.has(task.status)) return "not finished"
  if (task.status === "waiting") return unfinished.length === 0 ? "waiting" : `after ${unfinished.join(", ")}`
  if (task.isGate && task.status !== "skipped") return atGate(task)
  if (task.status === "retrying") return `retrying ${untilRetry(task, now)}`
  // The embedded Agamemnon tells at once when a task begins: this one waits until its agent, or the machine, is free.
  if (isEmbedded && task.status === "submitted") return `waiting for its turn${attempts(task)}`
  if (task.byCondition) return "skipped by a condition"
  return `${task.status}${attempts(task)}${task.earlier ? " earlier" : ""}${task.late ? ", completed late" : ""}${isTolerated(task) ? ", tolerated" : ""}`
}

/** What a row is made with. */
export interface Options {
  readonly style: Style
  /** The time, for tasks that have not ended. */
  readonly now: DateTime.Utc
  /** Subjects that a task still waits for. */
  readonly unfinished?: ReadonlyArray<string> | undefined
  /** The instances of a matrix for which the row stands. */
  readonly instances?: ReadonlyArray<TaskState> | undefined
  /** Whether the programs of tasks run in the process of the run. */
  readonly isEmbedded?: boolean | undefined
  /** Whether the run is over, so that what has not ended never will. */
  readonly isOver?: boolean | undefined
  /** Which frame of the spinner is drawn; without it, a running task has a mark that stands still. */
  readonly frame?: number | undefined
}

/** What gives way in a table of tasks: what one waits for, then who does it, then its state, and last what it is. */
export const yielding: ReadonlyArray<Yield> = [
  { column: 3, least: "completed earlier".length },
  { column: 1, least: 8 },
  { column: 3, least: "completed".length },
  { column: 1, least: 4 },
  { column: 0, least: narrowest }
]

/** The cells of a task's row. */
export const cells = (task: TaskState, options: Options): ReadonlyArray<string> => {
  const { frame, now, style } = options
  const [mark, usual] = marks[task.status]
  const paint = isTolerated(task) ? "doubtful" : usual
  const moving = task.status === "running" && frame !== undefined ? spinner[frame % spinner.length] ?? mark : mark
  const isQuiet = task.status === "waiting" || task.status === "skipped"
  const subject = oneLine(task.subject)
  return [
    `  ${style[paint](moving)} ${isQuiet ? style.faint(subject) : subject}`,
    style.faint(oneLine(task.assignTo)),
    elapsed(task, now).padStart(7),
    style[paint](oneLine(words(task, options)))
  ]
}
