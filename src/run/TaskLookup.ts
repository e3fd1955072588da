/** The task of a recorded run that a command is about, and the attempts at it. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { RunEvent } from "./RunEvent.ts"
import * as RunState from "./RunState.ts"
import * as Suggestion from "../workflow/Suggestion.ts"

/** A run has no task of this name, or several. */
export class TaskUnknownError extends Schema.TaggedError<TaskUnknownError>()("TaskUnknownError", {
  run: Schema.String,
  name: Schema.String,
  /** Those that can have been meant. */
  similar: Schema.Array(Schema.String)
}) {
  override get message(): string {
    const [first, ...others] = this.similar
    if (first === undefined) return `run ${this.run} has no task ${this.name}: telemachy status ${this.run} shows them`
    return others.length === 0
      ? `run ${this.run} has no task ${this.name}; did you mean ${first}?`
      : `run ${this.run} has several tasks ${this.name}: name one as ${this.similar.join(" or ")}`
  }
}

const nameOf = ({ subject, team }: Pick<RunState.TaskState, "team" | "subject">): string => `${team}/${subject}`

/** Finds a task by `TEAM/SUBJECT`, or by its subject when no other team has a task of that. */
export const find = (state: RunState.RunState, name: string): Effect.Effect<RunState.TaskState, TaskUnknownError> =>
  Effect.suspend(() => {
    const tasks = RunState.tasks(state)
    const exact = tasks.find((task) => nameOf(task) === name)
    const bySubject = tasks.filter(({ subject }) => subject === name)
    const [only, ...others] = exact === undefined ? bySubject : [exact]
    if (only !== undefined && others.length === 0) return Effect.succeed(only)
    const nearest = Suggestion.nearest(name, name.includes("/") ? tasks.map(nameOf) : tasks.map(({ subject }) => subject))
    const similar = only === undefined ? nearest === undefined ? [] : [nearest] : bySubject.map(nameOf)
    return new TaskUnknownError({ run: state.run, name, similar })
  })

/** One attempt at a task, which is a task of its own on Agamemnon. */
export interface Attempt {
  readonly id: string
  /** The file that holds what it writes, if Agamemnon has named one. */
  readonly log: string | undefined
  readonly isOver: boolean
  /** What it wrote at its end, as far as the record has it. */
  readonly result: string | undefined
}

type OfAttempt = Extract<RunEvent, { readonly _tag: "task.submitted" | "task.watched" | "task.retrying" | "task.finished" }>

const isOfAttempt = (event: RunEvent): event is OfAttempt =>
  event._tag === "task.submitted" || event._tag === "task.watched" || event._tag === "task.retrying" || event._tag === "task.finished"

/** The attempts at a task after an event, the latest last. */
export const attemptsAfter = (
  attempts: ReadonlyArray<Attempt>,
  task: Pick<RunState.TaskState, "team" | "subject">,
  event: RunEvent
): ReadonlyArray<Attempt> => {
  if (event._tag === "run.finished") return attempts.map((each) => ({ ...each, isOver: true }))
  if (!isOfAttempt(event) || event.team !== task.team || event.subject !== task.subject) return attempts
  const { id, log } = event
  const before = attempts.find((each) => each.id === id)
  const isFinished = event._tag === "task.finished" || event._tag === "task.retrying"
  const after: Attempt = {
    id,
    log: log ?? before?.log,
    isOver: isFinished,
    result: isFinished ? event.result : before?.result
  }
  return before === undefined ? [...attempts, after] : attempts.map((each) => each.id === id ? after : each)
}
