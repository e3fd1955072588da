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

const WholeMillis = Schema.DurationFromSelf.annotations({
  arbitrary: () => (fc) =>
    fc.oneof(fc.nat(1e9).map((millis) => Duration.millis(millis)), fc.constant(Duration.infinity))
})

// In JSON a duration is a number of seconds, and its name says so; one that never ends is null.
const seconds = (key: `${string}Seconds`) =>
  Schema.propertySignature(
    Schema.transform(Schema.NullOr(Schema.Number), WholeMillis, {
      strict: true,
      decode: (value) => (value === null ? Duration.infinity : Duration.seconds(value)),
      encode: (duration) => (Duration.isFinite(duration) ? Duration.toSeconds(duration) : null)
    })
  ).pipe(Schema.fromKey(key))

const common = { run: RunId, workflow: Schema.String, at: Schema.DateTimeUtc }

const event = <Tag extends string, Fields extends Schema.Struct.Fields>(tag: Tag, description: string, fields: Fields) =>
  Schema.TaggedStruct(tag, { ...common, ...fields }).annotations({ description })

const resource = { name: Schema.String, key: Schema.String }
const identified = { ...resource, id: Schema.String }
const perhapsIdentified = { ...resource, id: optional(Schema.String) }

/** What can happen to an agent or to a team; the tags begin with its kind. */
const lifecycle = <Kind extends "agent" | "team">(kind: Kind) =>
  [
    event(`${kind}.creating`, `The ${kind} is about to be created. \`except\` are others of the same key, not this run's.`, {
      ...resource,
      except: Schema.Array(Schema.String)
    }),
    event(`${kind}.created`, `The ${kind} was created.`, identified),
    event(`${kind}.reused`, `The ${kind} that an earlier run has left is used again.`, identified),
    event(`${kind}.removed`, `The ${kind} was removed, or was gone already.`, resource),
    event(`${kind}.kept`, `The ${kind} was kept on purpose.`, perhapsIdentified),
    event(`${kind}.left`, `The ${kind} could not be removed.`, { ...perhapsIdentified, error: Schema.String })
  ] as const

const task = { team: Schema.String, subject: Schema.String }

/** Schema of an event of a run. */
export const RunEvent = Schema.Union(
  event("run.started", "The run begins. Always the first event.", {
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
  event("agent.started", "An agent takes tasks from now on.", identified),
  ...lifecycle("team"),
  event("task.submitting", "A task is about to be submitted: nothing blocks it any longer.", task),
  event("task.submitted", "A task was submitted.", { ...task, id: Schema.String }),
  event("task.watched", "A task that an earlier run has submitted is still in progress and is watched.", {
    ...task,
    id: Schema.String
  }),
  event("task.progressed", "The status of a task has changed.", { ...task, status: Schema.String }),
  event("task.finished", "A task has ended. `earlier`: an earlier run did it. `result`: what it wrote, if anything.", {
    ...task,
    id: Schema.String,
    status: TerminalStatus,
    earlier: Schema.Boolean,
    result: optional(Schema.String)
  }),
  event("task.skipped", "A task will never run: one that it waits for did not complete.", task),
  event("request.failed", "A request failed and is going to be repeated.", { error: Schema.String }),
  event("connectivity.alive", "A ping was answered.", { lastAnswer: Schema.DateTimeUtc }),
  event("connectivity.suspect", "Pings were not answered, fewer than the threshold.", {
    lastAnswer: Schema.DateTimeUtc,
    failures: Schema.Int
  }),
  event("connectivity.lost", "As many pings in a row were not answered as the threshold says: the run ends.", {
    lastAnswer: optional(Schema.DateTimeUtc),
    failures: Schema.Int
  }),
  event("run.decided", "The work is over; only teardown is left.", { outcome: Outcome, reason: Schema.String }),
  event("teardown.started", "Teardown has decided by its table.", { decision: Schema.Literal("remove", "keep") }),
  event("teardown.waiting", "Connectivity was lost: teardown waits for an answer before it removes.", {
    grace: seconds("graceSeconds")
  }),
  event("run.finished", "The run is over. Always the last event. `left`: how many resources could not be removed.", {
    outcome: Outcome,
    left: Schema.Int
  })
).annotations({ identifier: "RunEvent" })
export type RunEvent = typeof RunEvent.Type

/** The tags of all events. */
export type Tag = RunEvent["_tag"]

type WithoutCommon<E> = E extends RunEvent ? Omit<E, keyof typeof common> : never

/** An event without what every event of its run has in common. */
export type Happening = WithoutCommon<RunEvent>

/** Schema of an event as a line of JSON. */
export const Json = Schema.parseJson(RunEvent)
