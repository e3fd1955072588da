/** What Agamemnon 0.1.0 says on NATS of each change: subjects and payloads, in their order. */
import * as Schema from "effect/Schema"
import type { Agent, Task } from "../agamemnon/AgamemnonModel.ts"
import * as StateChange from "./StateChange.ts"

/** A message that is to be published. */
export interface Message {
  readonly subject: string
  readonly payload: string
}

const encode = Schema.encodeSync(Schema.parseJson())

const message = (subject: string, body: unknown): Message => ({ subject, payload: encode(body) })

const log = (what: string, at: number, words: string, metadata: Readonly<Record<string, unknown>>): Message =>
  message(`hi.logs.agamemnon.${what}`, { level: "info", message: words, metadata, service: "agamemnon", timestamp: at / 1000 })

const ofAgent = ({ host, name }: Agent, what: string): string => `hi.agents.${host}.${name}.${what}`

const textOf = (value: unknown): string => (typeof value === "string" ? value : "")

const created = (task: Task, at: number): ReadonlyArray<Message> => {
  const { id: task_id, subject, teamId: team_id } = task
  const type = textOf(task["type"])
  const order = { assignee: textOf(task["assigneeAgentId"]), description: textOf(task["description"]), subject, task_id, team_id, type }
  return [
    message("hi.tasks.created", { task }),
    message(`hi.myrmidon.${type}.${task_id}`, order),
    message(`hi.myrmidon.pipeline.${type}.task.${task_id}`, order),
    log("task_dispatched", at, `Task dispatched: ${task_id}`, { subject, task_id, team_id, type })
  ]
}

const updated = (task: Task, at: number): ReadonlyArray<Message> => {
  const { id: task_id, status, teamId: team_id } = task
  const told = message(`hi.tasks.${team_id}.${task_id}.updated`, { task })
  const metadata = { assignee: textOf(task["assigneeAgentId"]), task_id, team_id, type: textOf(task["type"]) }
  return status === "completed" ? [told, log("task_completed", at, `Task completed: ${task_id}`, metadata)] : [told]
}

/** The messages about a change at this time, in milliseconds since 1970. */
export const of = (change: StateChange.StateChange, at: number): ReadonlyArray<Message> =>
  StateChange.match(change, {
    AgentCreated: ({ agent }) => [
      message(ofAgent(agent, "created"), { agent, id: agent.id }),
      log("agent_created", at, `Agent created: ${agent.id}`, { agent_id: agent.id, host: agent.host, name: agent.name, type: "unknown" })
    ],
    // Agamemnon looks for host and name where they are not: whatever the agent, its subject is the same.
    AgentStatusSet: ({ agent: { id, status } }) => [message("hi.agents.local.unknown.updated", { id, status })],
    AgentPatched: ({ agent }) => [message(ofAgent(agent, "updated"), agent)],
    AgentDeleted: ({ agent }) => [message(ofAgent(agent, "deleted"), { id: agent.id })],
    TeamCreated: ({ team }) => [message("hi.agents.team.created", { team })],
    TeamUpdated: ({ team }) => [message("hi.agents.team.updated", team)],
    TeamDeleted: ({ id }) => [message("hi.agents.team.deleted", { id })],
    TaskCreated: ({ task }) => created(task, at),
    TaskUpdated: ({ task }) => updated(task, at),
    TaskCompleted: () => []
  })

// Whitespace would end the subject and begin something else in the protocol of NATS; * and > are for subscriptions.
const canBeSubject = /^(?!\.)(?!.*\.\.)(?!.*\.$)[^\s\p{Cc}*>]+$/u

/** Whether NATS takes a message of which the payload may have so many bytes. */
export const isPossible = ({ payload, subject }: Message, maxPayload: number): boolean =>
  canBeSubject.test(subject) && Buffer.byteLength(payload) <= maxPayload
