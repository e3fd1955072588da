/** What the row of a task says. */
import * as DateTime from "effect/DateTime"
import * as Status from "./Status.ts"
import * as Words from "./Words.ts"

/** A task as it is told at a glance. */
export interface TaskGlance {
  readonly team: string
  readonly subject: string
  readonly assignTo: string
  readonly status: string
  readonly earlier: boolean
  readonly late: boolean
  readonly attempt: number
  readonly mostAttempts: number
  readonly problem?: string | undefined
  readonly waitedFor: ReadonlyArray<string>
  readonly isGate: boolean
  readonly uses?: string | undefined
  readonly submittedAt?: DateTime.Utc | undefined
  readonly startedAt?: DateTime.Utc | undefined
  readonly endedAt?: DateTime.Utc | undefined
  readonly retryAt?: DateTime.Utc | undefined
  readonly gate?: { readonly askedAt: DateTime.Utc } | undefined
}

/** Its state in words. */
export const state = ({ attempt, earlier, late, retryAt, status, waitedFor }: TaskGlance, now: number): string => {
  if (status === "waiting" && waitedFor.length > 0) return `after ${Words.listed(waitedFor)}`
  if (status === "retrying") {
    const left = retryAt === undefined ? 0 : DateTime.toEpochMillis(retryAt) - now
    return `attempt ${attempt + 1}${left > 0 ? ` in ${Words.lasted(left)}` : ""}`
  }
  return `${Status.lookOf(status).words}${earlier ? " earlier" : ""}${late ? ", completed late" : ""}`
}

/** Its attempts, where there are or can be several. */
export const attempts = ({ attempt, mostAttempts }: TaskGlance): string => {
  const most = Math.max(attempt, mostAttempts)
  return attempt === 0 || most < 2 ? "" : `${attempt}/${most}`
}

/** From when to when it was or is done, in milliseconds since 1970; without an end while it is. */
export const times = ({ endedAt, gate, startedAt, submittedAt }: TaskGlance): { readonly from: number; readonly to: number | undefined } | undefined => {
  const begun = submittedAt ?? startedAt ?? gate?.askedAt
  return begun === undefined ? undefined : { from: DateTime.toEpochMillis(begun), to: endedAt === undefined ? undefined : DateTime.toEpochMillis(endedAt) }
}

/** How long it took, or takes so far. */
export const took = (task: TaskGlance, now: number): string => {
  const known = times(task)
  return known === undefined ? "" : Words.lasted((known.to ?? now) - known.from)
}
