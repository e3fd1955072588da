/** What a status is shown as: a sign and words, so that nothing depends on a colour. */

/** How a status is meant. */
export type Tone = "good" | "bad" | "active" | "doubtful" | "quiet"

/** A status as it is shown. */
export interface StatusLook {
  readonly sign: string
  readonly words: string
  readonly tone: Tone
}

const looks: Readonly<Record<string, readonly [sign: string, tone: Tone]>> = {
  completed: ["✔", "good"],
  failed: ["✖", "bad"],
  error: ["✖", "bad"],
  timeout: ["✖", "bad"],
  stalled: ["✖", "bad"],
  connectivity_lost: ["✖", "bad"],
  state_lost: ["✖", "bad"],
  timed_out: ["✖", "bad"],
  over_budget: ["✖", "bad"],
  damaged: ["✖", "bad"],
  cancelled: ["⊘", "doubtful"],
  interrupted: ["!", "doubtful"],
  queued: ["◦", "quiet"],
  waiting: ["·", "quiet"],
  forgotten: ["−", "quiet"],
  running: ["▸", "active"],
  submitting: ["◦", "active"],
  submitted: ["◦", "active"],
  retrying: ["↻", "doubtful"],
  asked: ["?", "doubtful"],
  skipped: ["−", "quiet"],
  creating: ["◦", "active"],
  created: ["▸", "active"],
  started: ["▸", "active"],
  removed: ["✔", "quiet"],
  kept: ["■", "doubtful"],
  left: ["✖", "bad"],
  alive: ["✔", "good"],
  suspect: ["!", "doubtful"],
  lost: ["✖", "bad"]
}

const words: Readonly<Record<string, string>> = {
  asked: "waits for an answer",
  left: "could not be removed",
  kept: "kept on purpose",
  alive: "answers",
  suspect: "has not answered",
  started: "there",
  created: "there"
}

/** How a status of a run, a task, a resource or a heartbeat is shown. One that a newer server tells is shown in its own word. */
export const lookOf = (status: string): StatusLook => {
  const [sign, tone] = looks[status] ?? ["·", "quiet"]
  return { sign, tone, words: words[status] ?? status.replaceAll("_", " ") }
}

/** The statuses of runs that a list can be asked for, in the order in which they are offered. */
export const ofRuns = [
  "running",
  "queued",
  "waiting",
  "interrupted",
  "completed",
  "failed",
  "timed_out",
  "over_budget",
  "cancelled",
  "connectivity_lost",
  "state_lost",
  "damaged",
  "forgotten"
] as const

/** The statuses of tasks, in the order in which they are counted and offered. */
export const ofTasks = [
  "running",
  "asked",
  "retrying",
  "submitted",
  "submitting",
  "waiting",
  "completed",
  "failed",
  "error",
  "timeout",
  "stalled",
  "cancelled",
  "skipped"
] as const

/** Whether there is a sign for a status. */
export const isKnown = (status: string): boolean => looks[status] !== undefined
