/** What each attempt of a run has used, with who has made it and when it has ended, as the events of the run tell it. */
import type * as DateTime from "effect/DateTime"
import type { RunEvent } from "./RunEvent.ts"
import * as RunState from "./RunState.ts"
import * as TaskState from "./TaskState.ts"
import type { Usage } from "./Usage.ts"

/** One attempt that has ended, or that a run which is over has given up. */
export interface AttemptCost {
  /** The agent that has made it, as the workflow names it. */
  readonly agent: string
  /** The model that it was told to use, nothing where its program decides; not known of a run of an earlier version. */
  readonly model: { readonly name: string | undefined } | undefined
  readonly endedAt: DateTime.Utc
  /** What it has used, as far as that is known. */
  readonly usage: Usage | undefined
}

const keyOf = (team: string, subject: string, attempt: number): string => JSON.stringify([team, subject, attempt])

/** Who has made the attempts for which several could. */
const assignees = (events: ReadonlyArray<RunEvent>): ReadonlyMap<string, string> =>
  new Map(events.flatMap((event) =>
    event._tag === "task.submitting" && event.assignee !== undefined
      ? [[keyOf(event.team, event.subject, event.attempt ?? 1), event.assignee] as const]
      : []))

/** Lists the attempts of a run. Those that are under way have yet to report. */
export const of = (events: ReadonlyArray<RunEvent>, state: RunState.RunState): ReadonlyArray<AttemptCost> => {
  const chosen = assignees(events)
  const models = events.findLast((event) => event._tag === "run.started" || event._tag === "run.resumed")?.models
  const modelOf = (agent: string) => (models === undefined ? undefined : { name: Object.hasOwn(models, agent) ? models[agent] : undefined })
  return RunState.tasks(state).flatMap((task) => {
    if (task.hasMatrix || task.isGate || task.uses !== undefined) return []
    const numbers = new Set(TaskState.numbersOf(task).filter((number) => number > 0))
    return [...numbers].flatMap((number): ReadonlyArray<AttemptCost> => {
      const before = task.attempts.find((each) => each.number === number)
      const endedAt = before?.endedAt ?? (number === task.attempt ? task.endedAt : undefined) ?? state.endedAt
      const agent = chosen.get(keyOf(task.team, task.subject, number)) ?? task.assignTo
      return endedAt === undefined ? [] : [{ agent, model: modelOf(agent), endedAt, usage: TaskState.usageOf(task, number) }]
    })
  })
}
