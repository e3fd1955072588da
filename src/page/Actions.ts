/** What can be done with a run, and what will happen then: said before it is done. */
import { count, listed } from "./Words.ts"

/** What there is to know of a run for that. */
export interface ActionSubject {
  readonly run: string
  readonly workflow?: string | undefined
  readonly status: string
  readonly policy: string
  readonly url: string
  readonly owner?: string | undefined
  readonly left?: number | undefined
  readonly kept?: number | undefined
  readonly total: number
  readonly counts: Readonly<Record<string, number>>
  readonly resources: ReadonlyArray<{ readonly kind: string; readonly name: string; readonly status: string }>
}

/** Something that can be done. */
export interface Action {
  readonly kind: "cancel" | "resume" | "cleanup" | "forget"
  readonly label: string
  /** What will happen. */
  readonly says: string
  /** Whether it can not be undone, or ends something. */
  readonly isGrave: boolean
  /** Whether it is asked for as well that what has failed is tried again. */
  readonly canRetryFailed: boolean
}

const failures = ["failed", "error", "timeout", "stalled", "cancelled"]

/** What of a run is still there, in words: `2 agents and 1 team`. */
export const remainingInWords = (resources: ActionSubject["resources"]): string => {
  const there = resources.filter(({ status }) => status !== "removed")
  const kinds = [["agent", "agents"], ["team", "teams"], ["workspace", "workspaces"]] as const
  return listed(kinds.flatMap(([kind, plural]) => {
    const number = there.filter((each) => each.kind === kind).length
    return number === 0 ? [] : [count(number, kind, plural)]
  }))
}

const removal = ({ policy, resources }: ActionSubject): string => {
  const there = remainingInWords(resources)
  if (there === "") return "It has made nothing that is still there."
  return policy === "never"
    ? `Its policy is to remove nothing, ever: ${there} stay.`
    : `Then what it has made is removed: ${there}.`
}

/** The counts of tasks that a resume concerns. */
const rest = ({ counts, total }: ActionSubject) => {
  const completed = counts["completed"] ?? 0
  const failed = failures.reduce((sum, status) => sum + (counts[status] ?? 0), 0)
  return { completed, failed, others: total - completed - failed }
}

/** What can be done with a run now. */
export const available = (subject: ActionSubject): ReadonlyArray<Action> => {
  const { kept = 0, left = 0, owner, run, status } = subject
  const isDriven = owner !== undefined
  const isOver = !isDriven && status !== "queued" && status !== "interrupted"
  const isReadable = status !== "forgotten" && status !== "damaged"
  const there = remainingInWords(subject.resources)
  const { completed, failed, others } = rest(subject)
  const actions: ReadonlyArray<Action | undefined> = [
    status === "running" || status === "queued"
      ? {
        kind: "cancel",
        label: "Cancel",
        says: status === "queued" && !isDriven
          ? "It waits for a runner, and will not begin."
          : `${owner ?? "Whoever drives it"} is asked to end it. What its tasks are doing is lost. ${removal(subject)}`,
        isGrave: true,
        canRetryFailed: false
      }
      : undefined,
    isReadable && !isDriven && status !== "queued" && status !== "completed"
      ? {
        kind: "resume",
        label: "Resume",
        says: `It waits for a runner, which takes it to its end: ${count(completed, "task")} that ${completed === 1 ? "is" : "are"} completed ${
          completed === 1 ? "is" : "are"
        } not done again, and ${count(others, "other")} ${others === 1 ? "goes" : "go"} on.`,
        isGrave: false,
        canRetryFailed: failed > 0
      }
      : undefined,
    isReadable && !isDriven && status !== "queued" && (there !== "" && (left + kept > 0 || status === "interrupted"))
      ? {
        kind: "cleanup",
        label: "Clean up",
        says: `What it has left or kept is removed from ${subject.url === "" ? "its Agamemnon" : subject.url}: ${there}. What another run uses stays.`,
        isGrave: true,
        canRetryFailed: false
      }
      : undefined,
    isOver && status !== "forgotten" && left + kept === 0
      ? {
        kind: "forget",
        label: "Forget",
        says: `What the journal says of run ${run} is removed, and the logs of its tasks on the server's machine. Its chain of hashes stays. This can not be undone.`,
        isGrave: true,
        canRetryFailed: false
      }
      : undefined
  ]
  return actions.filter((action) => action !== undefined)
}
