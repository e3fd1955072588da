/**
 * Everything that can happen in a run, as one tagged union.
 *
 * Progress, log, record and metrics are made from these events alone. Encoded,
 * an event is one JSON object with stable names: this is what `--json` prints.
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import { TeardownPolicy } from "../workflow/WorkflowSpec.ts"

/** Identifies a run: sixteen hexadecimal digits. */
export const RunId = Schema.String.pipe(Schema.pattern(/^[0-9a-f]{16}$/), Schema.brand("telemachy/RunId"))
export type RunId = typeof RunId.Type

/** How a run ended. */
export const Outcome = Schema.Literal("completed", "failed", "connectivity_lost", "state_lost", "timed_out", "cancelled")
export type Outcome = typeof Outcome.Type

/** The statuses from which a task does not move any more. */
export const TerminalStatus = Schema.Literal("completed", "failed", "error", "cancelled")
export type TerminalStatus = typeof TerminalStatus.Type

const optional = <A, I, R>(schema: Schema.Schema<A, I, R>) => Schema.optionalWith(schema, { exact: true })

// In JSON a duration is a number of seconds, and its name says so.
const seconds = (key: `${string}Seconds`) =>
  Schema.propertySignature(
    Schema.transform(Schema.Number, Schema.DurationFromSelf, {
      strict: true,
      decode: (value) => Duration.seconds(value),
      encode: Duration.toSeconds
    })
  ).pipe(Schema.fromKey(key))

const common = { run: RunId, workflow: Schema.String, at: Schema.DateTimeUtc }

const event = <Tag extends string, Fields extends Schema.Struct.Fields>(tag: Tag, fields: Fields) =>
  Schema.TaggedStruct(tag, { ...common, ...fields })

const resource = { name: Schema.String, key: Schema.String }

/** What can happen to an agent or to a team; the tags begin with its kind. */
const lifecycle = <Kind extends "agent" | "team">(kind: Kind) =>
  [
    // `except` are resources of the same key that are not this run's.
    event(`${kind}.creating`, { ...resource, except: Schema.Array(Schema.String) }),
    event(`${kind}.created`, { ...resource, id: Schema.String }),
    event(`${kind}.reused`, { ...resource, id: Schema.String }),
    event(`${kind}.removed`, resource),
    event(`${kind}.kept`, { ...resource, id: optional(Schema.String) }),
    event(`${kind}.left`, { ...resource, id: optional(Schema.String), error: Schema.String })
  ] as const

const task = { team: Schema.String, subject: Schema.String }

/** Schema of an event of a run. */
export const RunEvent = Schema.Union(
  event("run.started", {
    url: Schema.String,
    policy: TeardownPolicy,
    timeout: seconds("timeoutSeconds"),
    agents: Schema.Array(Schema.String),
    teams: Schema.Array(Schema.Struct({
      name: Schema.String,
      tasks: Schema.Array(Schema.Struct({
        subject: Schema.String,
        assignTo: Schema.String,
        blockedBy: Schema.Array(Schema.String)
      }))
    }))
  }),
  ...lifecycle("agent"),
  event("agent.started", { ...resource, id: Schema.String }),
  ...lifecycle("team"),
  event("task.submitting", task),
  event("task.submitted", { ...task, id: Schema.String }),
  event("task.watched", { ...task, id: Schema.String }),
  event("task.progressed", { ...task, status: Schema.String }),
  event("task.finished", {
    ...task,
    id: Schema.String,
    status: TerminalStatus,
    /** Whether an earlier run of this workflow did it. */
    earlier: Schema.Boolean,
    result: optional(Schema.String)
  }),
  event("task.skipped", task),
  event("request.failed", { error: Schema.String }),
  event("connectivity.alive", { lastAnswer: Schema.DateTimeUtc }),
  event("connectivity.suspect", { lastAnswer: Schema.DateTimeUtc, failures: Schema.Int }),
  event("connectivity.lost", { lastAnswer: optional(Schema.DateTimeUtc), failures: Schema.Int }),
  event("run.decided", { outcome: Outcome, reason: Schema.String }),
  event("teardown.started", { decision: Schema.Literal("remove", "keep") }),
  event("teardown.waiting", { grace: seconds("graceSeconds") }),
  event("run.finished", { outcome: Outcome, left: Schema.Int })
).annotations({ identifier: "RunEvent" })
export type RunEvent = typeof RunEvent.Type

/** The tags of all events. */
export type Tag = RunEvent["_tag"]

type WithoutCommon<E> = E extends RunEvent ? Omit<E, keyof typeof common> : never

/** An event without what every event of its run has in common. */
export type Happening = WithoutCommon<RunEvent>

/** Schema of an event as a line of JSON. */
export const Json = Schema.parseJson(RunEvent)
