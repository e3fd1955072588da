/** What changes on the embedded Agamemnon, as far as others are told of it. */
import * as Data from "effect/Data"
import type { Agent, Task, Team, TeamId } from "../agamemnon/AgamemnonModel.ts"

/** A change, told as soon as it is stored. */
export type StateChange = Data.TaggedEnum<{
  AgentCreated: { readonly agent: Agent }
  /** An agent was started or stopped, or was told to be what it already was. */
  AgentStatusSet: { readonly agent: Agent }
  AgentPatched: { readonly agent: Agent }
  AgentDeleted: { readonly agent: Agent }
  TeamCreated: { readonly team: Team }
  TeamUpdated: { readonly team: Team }
  TeamDeleted: { readonly id: TeamId }
  TaskCreated: { readonly task: Task }
  TaskUpdated: { readonly task: Task }
  /** A worker has said that it has completed a task. Agamemnon does not repeat it on NATS, where that was said. */
  TaskCompleted: { readonly task: Task }
}>

export const {
  $match: match,
  AgentCreated,
  AgentDeleted,
  AgentPatched,
  AgentStatusSet,
  TaskCompleted,
  TaskCreated,
  TaskUpdated,
  TeamCreated,
  TeamDeleted,
  TeamUpdated
} = Data.taggedEnum<StateChange>()
