/** What attempts have used, and how it is said: once of each, whatever becomes of it later. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Task } from "../agamemnon/AgamemnonModel.ts"
import * as TaskStatus from "../run/TaskStatus.ts"
import * as Usage from "../run/Usage.ts"
import type { TaskSpec } from "../workflow/WorkflowSpec.ts"
import * as EarlierTasks from "./EarlierTasks.ts"
import type { TeamWork } from "./TeamWork.ts"
import * as WatchedTask from "./WatchedTask.ts"

/** Attempts whose usage is told. */
interface Counted {
  readonly work: TeamWork
  readonly task: TaskSpec
  /** The numbers of those of which it was said what they have used. */
  readonly told: Set<number>
  /** The number of the last one. */
  number: number
}

/** What is said of what an attempt has used: once, with the first that is known of it. */
export const usedBy = ({ told }: Pick<Counted, "told">, { number, usage, usageProblem }: Usage.Known & { readonly number: number }): Usage.Known => {
  if (told.has(number)) return {}
  if (usage !== undefined) told.add(number)
  return { ...(usage === undefined ? {} : { usage }), ...(usageProblem === undefined ? {} : { usageProblem }) }
}

/**
 * Tells what an attempt of this run has used that has failed while nobody drove it, as far as that is known: it counts, though
 * another attempt follows at once.
 */
export const tellUnseen = Effect.fnUntraced(function*(attempts: Counted, { id, status, ...before }: Task, number: number) {
  const { task: { subject }, work: { request, run, team } } = attempts
  const record = EarlierTasks.recorded(request, team.spec.name, subject)
  if (record === undefined) return undefined
  const isSent = record.id === id ? !TaskStatus.isEnd(record.status) : EarlierTasks.isUnsent(record)
  if (!isSent || !TaskStatus.isTerminal(status) || record.attempts.some((each) => each.id === id)) return undefined
  const used = usedBy(attempts, { ...Usage.read(before["usage"]), number })
  if (used.usage === undefined) return undefined
  attempts.number = number
  yield* run.emit({
    _tag: "task.retrying",
    team: team.spec.name,
    subject,
    id,
    attempt: number,
    status,
    wait: Duration.zero,
    ...WatchedTask.resultOf(before["result"]),
    ...used
  })
  return undefined
})
