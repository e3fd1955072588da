/** What a page is told of a run. Times are in ISO 8601, durations in seconds. */
import * as Schema from "effect/Schema"
import * as ApiModel from "./ApiModel.ts"

const optional = Schema.optional

/** Where a task is. */
export const TaskStatus = ApiModel.Task.fields.status

/** How many tasks have each status that some have. */
const Counts = Schema.Record({ key: Schema.String, value: Schema.Int })

/** How far a run is. */
export const Progress = Schema.Struct({
  run: Schema.String,
  tasks: Schema.Int,
  ended: Schema.Int.annotations({ description: "How many have ended, or never will begin" }),
  failed: Schema.Int
}).annotations({ identifier: "RunProgress" })

const OpenGate = Schema.Struct({
  team: Schema.String,
  subject: Schema.String,
  question: Schema.String,
  askedAt: Schema.DateTimeUtc,
  until: optional(Schema.DateTimeUtc),
  before: Schema.Array(Schema.String).annotations({ description: "The first tasks before it, as TEAM/SUBJECT, which it can send back: the nearest first" })
})

const { tasks: _tasks, ...withoutTasks } = ApiModel.Run.fields

/** A run without its tasks. */
export const RunView = Schema.Struct({
  ...withoutTasks,
  counts: Counts.annotations({ description: "How many of its tasks have each status" }),
  total: Schema.Int.annotations({ description: "How many tasks it has" }),
  teams: Schema.Array(Schema.String).annotations({ description: "The first of its teams" }),
  omittedResources: Schema.Int.annotations({ description: "How many resources more there are" }),
  gates: Schema.Array(OpenGate).annotations({ description: "The first of the gates that wait for an answer" }),
  heartbeat: Schema.Struct({
    status: Schema.Literal("alive", "suspect", "lost"),
    lastAnswer: Schema.DateTimeUtc,
    failures: Schema.Int,
    intervalSeconds: optional(Schema.Number)
  }),
  next: Schema.Int.annotations({ description: "The place of the first event that is not in it: `from` of what follows" })
}).annotations({ identifier: "RunView" })

const { merge: _merge, outputs: _outputs, result: _result, verification: _verification, ...glance } = ApiModel.Task.fields

/** A task without what it has answered. */
export const TaskRow = Schema.Struct({ ...glance, waitedFor: Schema.Array(Schema.String).annotations({ description: "The subjects of the first tasks that it waits for now" }) })
  .annotations({ identifier: "TaskRow" })

/** A part of the tasks of a run. */
export const TaskPage = Schema.Struct({
  tasks: Schema.Array(TaskRow),
  from: Schema.Int,
  total: Schema.Int.annotations({ description: "How many tasks there are of which this is a part" })
}).annotations({ identifier: "TaskPage" })

/** A task, or several of them. */
export const GraphNode = Schema.Struct({
  id: Schema.String,
  team: Schema.String,
  label: Schema.String,
  status: optional(TaskStatus).annotations({ description: "Of a task" }),
  assignTo: optional(Schema.String),
  attempt: optional(Schema.Int),
  mostAttempts: optional(Schema.Int),
  kind: Schema.Literal("task", "gate", "uses", "merge", "matrix", "group"),
  total: Schema.Int.annotations({ description: "How many tasks it stands for" }),
  counts: Counts
}).annotations({ identifier: "GraphNode" })

/** The graph of tasks of a run. */
export const Graph = Schema.Struct({
  nodes: Schema.Array(GraphNode),
  edges: Schema.Array(Schema.Tuple(Schema.Int, Schema.Int)).annotations({ description: "From one node to another that waits for it, by their places in `nodes`" }),
  isGrouped: Schema.Boolean,
  tasks: Schema.Int,
  omitted: Schema.Int.annotations({ description: "How many edges more there are" })
}).annotations({ identifier: "TaskGraph" })

/** A time of a run. */
export const Span = Schema.Struct({
  kind: Schema.Literal("queued", "preparing", "working", "teardown", "handed over", "interrupted", "away", "unrecorded"),
  from: Schema.DateTimeUtc,
  to: optional(Schema.DateTimeUtc).annotations({ description: "Nothing while it lasts" }),
  detail: optional(Schema.String)
}).annotations({ identifier: "Span" })

/** The life of a resource. */
export const Life = Schema.Struct({
  kind: Schema.Literal("agent", "team", "workspace"),
  name: Schema.String,
  from: Schema.DateTimeUtc,
  to: optional(Schema.DateTimeUtc),
  end: optional(Schema.Literal("removed", "kept", "left"))
}).annotations({ identifier: "Life" })

/** A ping, as the record has it. */
export const Ping = Schema.Struct({
  at: Schema.DateTimeUtc,
  result: Schema.Literal("answered", "missed", "lost"),
  tookSeconds: optional(Schema.Number).annotations({ description: "How long the answer took, as far as that is on record" })
}).annotations({ identifier: "Ping" })

/** The course of a run in time. */
export const Timeline = Schema.Struct({
  from: optional(Schema.DateTimeUtc),
  to: optional(Schema.DateTimeUtc).annotations({ description: "When it ended, or was last told of" }),
  spans: Schema.Array(Span),
  lives: Schema.Array(Life),
  omittedLives: Schema.Int,
  pings: Schema.Array(Ping).annotations({ description: "The latest" }),
  counts: Schema.Struct({ answered: Schema.Int, missed: Schema.Int, lost: Schema.Int })
}).annotations({ identifier: "Timeline" })

/** An event in words. */
export const Line = Schema.Struct({
  seq: Schema.Int,
  at: Schema.DateTimeUtc,
  tag: Schema.String,
  weight: Schema.Literal("step", "ordinary", "notable", "wrong"),
  text: Schema.String
}).annotations({ identifier: "EventLine" })

/** Events in words. */
export const LinePage = Schema.Struct({
  lines: Schema.Array(Line),
  next: optional(Schema.Int).annotations({ description: "What `from` is for those that follow; nothing when all were looked at" }),
  end: Schema.Int.annotations({ description: "The place behind the last event that was looked at" })
}).annotations({ identifier: "EventLines" })
