/**
 * What Agamemnon keeps (agents, teams, tasks) and what it takes to create and
 * change them.
 *
 * Limits count UTF-8 bytes and the sentences of a refusal are the server's own
 * (observed on Agamemnon 0.1.0), so that a request that the server would refuse
 * is refused here, before it is sent, in the same words.
 */
import * as Schema from "effect/Schema"

/** Identifies an agent. Made by the server. */
export const AgentId = Schema.String.pipe(Schema.brand("telemachy/AgentId"))
export type AgentId = typeof AgentId.Type

/** Identifies a team. Made by the server. */
export const TeamId = Schema.String.pipe(Schema.brand("telemachy/TeamId"))
export type TeamId = typeof TeamId.Type

/** Identifies a task. Made by the server. */
export const TaskId = Schema.String.pipe(Schema.brand("telemachy/TaskId"))
export type TaskId = typeof TaskId.Type

// PATCH stores any field, so that every entity can carry more than its own; the server sorts them all by name.
const extras = Schema.Record({ key: Schema.String, value: Schema.Unknown })
const inOrder = { parseOptions: { propertyOrder: "original" } } as const

/** Schema of an agent as Agamemnon reports it. Its status can have been set to a value of any type, and then counts for none. */
export const Agent = Schema.Struct({
  createdAt: Schema.String,
  host: Schema.String,
  id: AgentId,
  name: Schema.String,
  program: Schema.optionalWith(Schema.String, { exact: true }),
  status: Schema.Unknown,
  updatedAt: Schema.String
}, extras).annotations({ identifier: "Agent", ...inOrder })
export type Agent = typeof Agent.Type

/** Schema of a team as Agamemnon reports it. */
export const Team = Schema.Struct({
  agentIds: Schema.Array(Schema.String),
  createdAt: Schema.String,
  id: TeamId,
  name: Schema.String,
  updatedAt: Schema.String
}, extras).annotations({ identifier: "Team", ...inOrder })
export type Team = typeof Team.Type

/**
 * Schema of a task as Agamemnon reports it. Its status is any string: what a
 * status means is for the reader to say, not for the wire. `completedAt` is a
 * time or null, unless somebody has set it to something else.
 */
export const Task = Schema.Struct({
  blockedBy: Schema.Array(Schema.String),
  completedAt: Schema.Unknown,
  createdAt: Schema.String,
  id: TaskId,
  status: Schema.String,
  subject: Schema.String,
  teamId: Schema.String,
  updatedAt: Schema.String
}, extras).annotations({ identifier: "Task", ...inOrder })
export type Task = typeof Task.Type

/** How many UTF-8 bytes Agamemnon takes for a field; a field that is not named here has no limit of its own. */
export const maxBytes = {
  name: 256,
  label: 256,
  program: 1024,
  taskDescription: 4096,
  subject: 512,
  description: 4096
}

/** The largest request body that Agamemnon reads, in bytes. */
export const maxBodyBytes = 1024 * 1024

/** The statuses that an agent can be given. */
export const agentStatuses = ["offline", "online", "error"] as const

/** The statuses that a task can be given. */
export const taskStatuses = ["pending", "running", "completed", "failed", "blocked"] as const

/** The types that a task can have. */
export const taskTypes = ["general", "research", "implementation", "review", "testing", "hello"] as const

const optional = <A, I, R>(schema: Schema.Schema<A, I, R>) => Schema.optionalWith(schema, { exact: true })

const text = (field: string) => Schema.String.annotations({ message: () => `'${field}' must be a string` })

const byteLength = (value: string) => new TextEncoder().encode(value).length

const tooLong = (field: keyof typeof maxBytes, value: string) =>
  byteLength(value) <= maxBytes[field] || `field '${field}' exceeds maximum length of ${maxBytes[field]}`

const limited = (field: keyof typeof maxBytes) => text(field).pipe(Schema.filter((value) => tooLong(field, value)))

// Only these count as space, and emptiness is told before length.
const isBlank = (value: string) => /^[ \t\n\v\f\r]*$/.test(value)

const named = (field: "name" | "subject") =>
  text(field).pipe(
    Schema.filter((value) => (isBlank(value) ? `'${field}' must be a non-empty string` : tooLong(field, value)))
  )

const oneOf = (field: string, values: ReadonlyArray<string>) =>
  text(field).pipe(Schema.filter((value) => values.includes(value) || `'${field}' has invalid value '${value}'`))

const ids = (field: string) =>
  Schema.Array(Schema.String.annotations({ message: () => `'${field}' elements must be strings` }))
    .annotations({ message: () => `'${field}' must be an array` })

/** Schema of the body that creates an agent. `image`, `cpus`, `memory` and `hostId` can only be patched in later. */
export const CreateAgent = Schema.Struct({
  name: optional(named("name")),
  label: optional(limited("label")),
  program: optional(limited("program")),
  programArgs: optional(Schema.Unknown),
  workingDirectory: optional(text("workingDirectory")),
  taskDescription: optional(limited("taskDescription")),
  host: optional(text("host")),
  owner: optional(text("owner")),
  role: optional(text("role")),
  tags: optional(Schema.Unknown),
  status: optional(oneOf("status", agentStatuses))
})
export type CreateAgent = typeof CreateAgent.Type

/** Schema of the body that changes an agent: any field is stored. */
export const PatchAgent = Schema.Struct({
  name: optional(named("name")),
  label: optional(limited("label")),
  program: optional(limited("program")),
  taskDescription: optional(limited("taskDescription")),
  host: optional(text("host")),
  status: optional(oneOf("status", agentStatuses))
}, extras)

/** Schema of the body that creates a team. When its members have both names, the older one counts. */
export const CreateTeam = Schema.Struct({
  name: optional(named("name")),
  agentIds: optional(ids("agentIds")),
  agent_ids: optional(ids("agent_ids"))
})

/** Schema of the body that changes a team: `agentIds` replaces all of its members, and counts before `agent_ids`. */
export const UpdateTeam = CreateTeam

/** Schema of the body that creates a task. It always starts as `pending`. */
export const CreateTask = Schema.Struct({
  subject: optional(named("subject")),
  description: optional(limited("description")),
  assigneeAgentId: optional(text("assigneeAgentId")),
  blockedBy: optional(ids("blockedBy")),
  type: optional(oneOf("type", taskTypes))
})
export type CreateTask = typeof CreateTask.Type

/** Schema of the body that changes a task: any field is stored. Unlike at its creation, the subject can be empty. */
export const UpdateTask = Schema.Struct({
  subject: optional(limited("subject")),
  description: optional(limited("description")),
  status: optional(oneOf("status", taskStatuses)),
  type: optional(oneOf("type", taskTypes)),
  blockedBy: optional(ids("blockedBy")),
  assigneeAgentId: optional(text("assigneeAgentId")),
  completedAt: optional(Schema.NullOr(Schema.String).annotations({ message: () => "'completedAt' must be a string" }))
}, extras)
