/** What somebody is told of a run, made from its events. */
import * as Schema from "effect/Schema"
import { Outcome } from "../run/Outcome.ts"
import type { RunEvent } from "../run/RunEvent.ts"
import { RunId } from "../run/RunId.ts"
import { type NotifyDestination, Occasion } from "../workflow/NotifyDestination.ts"

const optional = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { exact: true })

/**
 * Schema of a notification. Encoded, it is what a destination of the form `json` is sent.
 *
 * - `id`: the same for as long as this is told, also when it is told again
 * - `number`: of the notifications of the run, the first is 1
 * - `outcome`, `reason`: of a run that is over
 * - `left`: how many agents, teams and workspaces could not be removed, when it is over
 * - `question`, `team`, `task`: of one that waits for the answer of a person
 *
 * **Example** (Reading what a webhook was sent)
 *
 * ```ts
 * import { Schema } from "effect"
 * import { Notification } from "telemachy"
 *
 * export const decodeBody = Schema.decodeUnknown(Schema.parseJson(Notification.Notification))
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const Notification = Schema.Struct({
  id: Schema.String,
  number: Schema.Int,
  event: Occasion,
  run: RunId,
  workflow: Schema.String,
  at: Schema.DateTimeUtc,
  outcome: optional(Outcome),
  reason: optional(Schema.String),
  left: optional(Schema.Int),
  question: optional(Schema.String),
  team: optional(Schema.String),
  task: optional(Schema.String)
})
export interface Notification extends Schema.Schema.Type<typeof Notification> {}

/**
 * What there is to tell of a run, and to whom, as far as its events go.
 *
 * @internal
 */
export interface Report {
  /** Whom its workflow names. */
  readonly destinations: ReadonlyArray<NotifyDestination>
  readonly notifications: ReadonlyArray<Notification>
  /** Whether the run is over, until it goes on. */
  readonly isOver: boolean
  /** How many events there are that notifications are made of. */
  readonly seen: number
}

const occasionOf = (outcome: Outcome): Occasion | undefined => {
  switch (outcome) {
    case "completed":
      return "completed"
    case "failed":
    case "timed_out":
    case "over_budget":
      return "failed"
    case "connectivity_lost":
    case "state_lost":
      return "lost"
    // Who has cancelled it knows, and what a run waits for that was parked was told when it was asked.
    case "cancelled":
    case "waiting":
      return undefined
  }
}

/**
 * Makes the notifications of a run from its events, each with the number that it always has.
 *
 * @internal
 */
export const report = (events: ReadonlyArray<RunEvent>): Report => {
  let destinations: ReadonlyArray<NotifyDestination> = []
  let reason = ""
  let isOver = false
  let seen = 0
  const notifications: Array<Notification> = []
  const add = ({ at, run, workflow }: RunEvent, event: Occasion, rest: Partial<Notification>) => {
    const number = notifications.length + 1
    notifications.push({ id: `${run}-${number}`, number, event, run, workflow, at, ...rest })
  }
  for (const event of events) {
    switch (event._tag) {
      case "run.submitted":
        destinations = event.notify ?? destinations
        isOver = false
        break
      case "run.started":
      case "run.resumed":
        destinations = event.notify ?? []
        isOver = false
        break
      case "gate.asked":
        seen++
        add(event, "waiting", { question: event.question, team: event.team, task: event.subject })
        break
      case "run.decided":
        reason = event.reason
        break
      case "run.finished": {
        const { left, outcome } = event
        const occasion = occasionOf(outcome)
        const rest = { outcome, ...(reason === "" ? {} : { reason }), left }
        seen++
        isOver = true
        if (occasion !== undefined) add(event, occasion, rest)
        if (left > 0) add(event, "left", rest)
        break
      }
      default:
    }
  }
  return { destinations, notifications, isOver, seen }
}

/**
 * Whether an event is one that notifications are made of.
 *
 * @internal
 */
export const isTelling = ({ _tag }: RunEvent): boolean => _tag === "gate.asked" || _tag === "run.finished"
