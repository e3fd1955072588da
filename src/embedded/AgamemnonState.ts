/**
 * All that the embedded Agamemnon knows, in memory: agents, teams, tasks and
 * injected faults, created and changed as Agamemnon 0.1.0 does it. Nothing is
 * unique, no id has to exist, tasks outlive their teams.
 *
 * Whoever works on the tasks hears of them as {@link StateEvent}s, claims one,
 * tells that the work goes on, and finishes it, unless somebody else does.
 */
import { randomUUID } from "node:crypto"
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import * as PubSub from "effect/PubSub"
import type * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { defaultPageSize, type Fault, maxPageSize, type Page } from "../agamemnon/AgamemnonApi.ts"
import {
  Agent,
  AgentId,
  type CreateTask,
  type CreateTeam,
  Task,
  TaskId,
  type Team,
  TeamId
} from "../agamemnon/AgamemnonModel.ts"
import type { TaskVerification } from "../agamemnon/TaskVerification.ts"
import * as TaskStatus from "../run/TaskStatus.ts"
import { Collection } from "./Collection.ts"
import type { CreateAgent, PatchAgent, UpdateTask } from "./RequestFields.ts"
import * as StateChange from "./StateChange.ts"

/** What happens to agents and tasks, as far as it concerns those who work on them. */
export type StateEvent = Data.TaggedEnum<{
  /** An agent can take tasks. */
  AgentOnline: { readonly agent: AgentId }
  /** An agent takes no more tasks: it was stopped or deleted. */
  AgentOffline: { readonly agent: AgentId }
  /** A task waits for its agent, which need not exist. */
  TaskWaiting: { readonly agent: string; readonly task: TaskId }
  /** A task has ended, whoever has said so. */
  TaskOver: { readonly task: TaskId }
  /** Everything is forgotten. */
  Forgotten: {}
}>
const { AgentOffline, AgentOnline, Forgotten, TaskOver, TaskWaiting } = Data.taggedEnum<StateEvent>()

/** Part of a list, with what it is a part of. */
export interface Slice<A> {
  readonly items: ReadonlyArray<A>
  readonly position: { readonly limit: number; readonly offset: number; readonly total: number }
}

type Query = typeof Page.Type

/** The memory of the embedded Agamemnon. */
export class AgamemnonState extends Context.Tag("telemachy/embedded/AgamemnonState")<AgamemnonState, {
  readonly listAgents: (query: Query) => Effect.Effect<Slice<Agent>>
  readonly getAgent: (id: string) => Effect.Effect<Option.Option<Agent>>
  /** Finds the youngest agent of a name. */
  readonly findAgent: (name: string) => Effect.Effect<Option.Option<Agent>>
  readonly createAgent: (fields: typeof CreateAgent.Type) => Effect.Effect<Agent>
  readonly patchAgent: (id: string, fields: typeof PatchAgent.Type) => Effect.Effect<Option.Option<Agent>>
  readonly setAgentStatus: (id: string, status: "online" | "offline") => Effect.Effect<Option.Option<Agent>>
  readonly deleteAgent: (id: string) => Effect.Effect<boolean>
  readonly listTeams: (query: Query) => Effect.Effect<Slice<Team>>
  readonly getTeam: (id: string) => Effect.Effect<Option.Option<Team>>
  readonly createTeam: (fields: typeof CreateTeam.Type) => Effect.Effect<Team>
  readonly updateTeam: (id: string, fields: typeof CreateTeam.Type) => Effect.Effect<Option.Option<Team>>
  readonly deleteTeam: (id: string) => Effect.Effect<boolean>
  readonly listAllTasks: (query: Query) => Effect.Effect<Slice<Task>>
  readonly listTasks: (team: string, query: Query) => Effect.Effect<Slice<Task>>
  readonly getTask: (team: string, id: string) => Effect.Effect<Option.Option<Task>>
  readonly createTask: (team: string, fields: CreateTask) => Effect.Effect<Task>
  readonly updateTask: (team: string, id: string, fields: typeof UpdateTask.Type) => Effect.Effect<Option.Option<Task>>
  /** Completes a task, whatever team it is in. One that is not known is no failure. */
  readonly completeTask: (id: string) => Effect.Effect<void>
  readonly listFaults: (query: Query) => Effect.Effect<Slice<Fault>>
  readonly createFault: (type: string) => Effect.Effect<Fault>
  readonly deleteFault: (id: string) => Effect.Effect<boolean>
  /** Sets a task running for its agent, if it still waits for that agent. */
  readonly claimTask: (
    agent: string,
    task: string
  ) => Effect.Effect<Option.Option<{ readonly agent: Agent; readonly task: Task }>>
  /** Says that the work on a claimed task goes on. It is not told to others: who reads the task sees it. */
  readonly touchTask: (agent: string, task: string) => Effect.Effect<void>
  /** Says how a claimed task went, unless somebody else has said so meanwhile. */
  readonly finishTask: (
    agent: string,
    task: string,
    outcome: {
      readonly status: "completed" | "failed"
      readonly result: string
      readonly outputs?: Readonly<Record<string, unknown>>
      readonly usage?: unknown
      readonly verification?: TaskVerification
    }
  ) => Effect.Effect<void>
  /** Forgets everything, as a restart does. */
  readonly forget: Effect.Effect<void>
  readonly events: Effect.Effect<Queue.Dequeue<StateEvent>, never, Scope.Scope>
  /** What Agamemnon tells others of. */
  readonly changes: Effect.Effect<Queue.Dequeue<StateChange.StateChange>, never, Scope.Scope>
}>() {}

const now = Effect.map(DateTime.now, (time) => `${DateTime.formatIso(time).slice(0, 19)}Z`)

const slice = <A extends { readonly id: string }>(
  from: Collection<A> | undefined,
  { limit = defaultPageSize, offset = 0 }: Query
): Slice<A> => {
  const capped = Math.min(limit, maxPageSize)
  return {
    items: from?.slice(offset, capped) ?? [],
    position: { limit: capped, offset, total: from?.size ?? 0 }
  }
}

const byKey = Order.mapInput(Order.string, ([key]: readonly [string, unknown]) => key)

const sorted = (fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Arr.sort(Object.entries(fields), byKey))

const agentOf = Schema.decodeUnknownSync(Agent)
const taskOf = Schema.decodeUnknownSync(Task)

/** What is remembered. */
interface Memory {
  readonly events: PubSub.PubSub<StateEvent>
  readonly changes: PubSub.PubSub<StateChange.StateChange>
  agents: Collection<Agent>
  teams: Collection<Team>
  tasks: Collection<Task>
  /** The tasks of each team. */
  tasksOf: Map<string, Collection<Task>>
  /** The agents that have claimed tasks, by task, until somebody says that a task does not run any more. */
  claims: Map<string, string>
  faults: Collection<Fault>
}

const nothing = (): Omit<Memory, "events" | "changes"> => ({
  agents: new Collection(),
  teams: new Collection(),
  tasks: new Collection(),
  tasksOf: new Map(),
  claims: new Map(),
  faults: new Collection()
})

/** What a task has in addition when it is created, by the agent that it is assigned to. */
export type ExtraFields = (task: Pick<Task, "id" | "subject">, agent: Agent | undefined) => Readonly<Record<string, unknown>>

/** Makes an empty memory. */
export const make = Effect.fn("AgamemnonState.make")(function*(extra: ExtraFields = () => ({})): Effect.fn.Return<
  Context.Tag.Service<AgamemnonState>
> {
  const memory: Memory = {
    events: yield* PubSub.unbounded<StateEvent>(),
    changes: yield* PubSub.unbounded<StateChange.StateChange>(),
    ...nothing()
  }
  return AgamemnonState.of({
    listAgents: (query) => Effect.sync(() => slice(memory.agents, query)),
    getAgent: (id) => Effect.sync(() => Option.fromNullable(memory.agents.get(id))),
    findAgent: (name) => Effect.sync(() => Arr.findLast(memory.agents.added, (agent) => agent.name === name)),
    createAgent: (fields) => createAgent(memory, fields),
    patchAgent: (id, fields) => patchAgent(memory, id, fields),
    setAgentStatus: (id, status) => setAgentStatus(memory, id, status),
    deleteAgent: (id) => deleteAgent(memory, id),
    listTeams: (query) => Effect.sync(() => slice(memory.teams, query)),
    getTeam: (id) => Effect.sync(() => Option.fromNullable(memory.teams.get(id))),
    createTeam: (fields) => createTeam(memory, fields),
    updateTeam: (id, fields) => updateTeam(memory, id, fields),
    deleteTeam: (id) => deleteTeam(memory, id),
    listAllTasks: (query) => Effect.sync(() => slice(memory.tasks, query)),
    listTasks: (team, query) => Effect.sync(() => slice(memory.tasksOf.get(team), query)),
    getTask: (team, id) => Effect.sync(() => Option.fromNullable(memory.tasksOf.get(team)?.get(id))),
    createTask: (team, fields) => createTask(memory, extra, team, fields),
    updateTask: (team, id, fields) =>
      Effect.suspend(() =>
        memory.tasksOf.get(team)?.get(id) === undefined ? Effect.succeedNone : mergeTask(memory, id, fields)),
    completeTask: (id) => completeTask(memory, id),
    listFaults: (query) => Effect.sync(() => slice(memory.faults, query)),
    createFault: (type) => createFault(memory, type),
    deleteFault: (id) => Effect.sync(() => memory.faults.delete(id)),
    claimTask: (agent, task) => claimTask(memory, agent, task),
    touchTask: (agent, task) => touchTask(memory, agent, task),
    finishTask: (agent, task, outcome) =>
      Effect.suspend(() =>
        memory.claims.get(task) === agent ? Effect.asVoid(mergeTask(memory, task, outcome)) : Effect.void),
    forget: Effect.suspend(() => {
      Object.assign(memory, nothing())
      return Effect.asVoid(PubSub.publish(memory.events, Forgotten()))
    }),
    events: PubSub.subscribe(memory.events),
    changes: PubSub.subscribe(memory.changes)
  })
})

/** Stores an agent, and tells of the change, and when it has begun or ceased to take tasks. */
const storeAgent = (
  { agents, changes, events }: Memory,
  agent: Agent,
  changed: (of: { readonly agent: Agent }) => StateChange.StateChange
) =>
  Effect.suspend(() => {
    const wasOnline = agents.get(agent.id)?.status === "online"
    const isOnline = agent.status === "online"
    agents.set(agent)
    changes.unsafeOffer(changed({ agent }))
    return wasOnline === isOnline
      ? Effect.succeed(agent)
      : Effect.as(PubSub.publish(events, (isOnline ? AgentOnline : AgentOffline)({ agent: agent.id })), agent)
  })

const createAgent = (memory: Memory, fields: typeof CreateAgent.Type) =>
  Effect.flatMap(now, (time) =>
    storeAgent(memory, {
      createdAt: time,
      host: fields.host ?? "local",
      id: AgentId.make(randomUUID()),
      label: fields.label ?? "",
      name: fields.name ?? "unnamed",
      owner: fields.owner ?? "",
      program: fields.program ?? "",
      programArgs: fields.programArgs === undefined ? [] : fields.programArgs,
      role: fields.role ?? "worker",
      status: "offline",
      tags: fields.tags === undefined ? [] : fields.tags,
      taskDescription: fields.taskDescription ?? "",
      updatedAt: time,
      workingDirectory: fields.workingDirectory ?? ""
    }, StateChange.AgentCreated))

const patchAgent = (memory: Memory, id: string, fields: typeof PatchAgent.Type) =>
  Effect.flatMap(now, (updatedAt) => {
    const agent = memory.agents.get(id)
    if (agent === undefined) return Effect.succeedNone
    const { createdAt } = agent
    const merged = { ...agent, ...fields, createdAt, id, updatedAt }
    return Effect.asSome(storeAgent(memory, agentOf(sorted(merged)), StateChange.AgentPatched))
  })

const setAgentStatus = (memory: Memory, id: string, status: "online" | "offline") =>
  Effect.suspend(() => {
    const agent = memory.agents.get(id)
    return agent === undefined ? Effect.succeedNone : Effect.asSome(storeAgent(memory, { ...agent, status }, StateChange.AgentStatusSet))
  })

const deleteAgent = ({ agents, changes, events }: Memory, id: string) =>
  Effect.suspend(() => {
    const agent = agents.get(id)
    if (agent === undefined) return Effect.succeed(false)
    agents.delete(id)
    changes.unsafeOffer(StateChange.AgentDeleted({ agent }))
    return Effect.as(PubSub.publish(events, AgentOffline({ agent: AgentId.make(id) })), true)
  })

const deleteTeam = ({ changes, teams }: Memory, id: string) =>
  Effect.sync(() => {
    const isDeleted = teams.delete(id)
    if (isDeleted) changes.unsafeOffer(StateChange.TeamDeleted({ id: TeamId.make(id) }))
    return isDeleted
  })

const createTeam = ({ changes, teams }: Memory, { agent_ids: older, agentIds = [], name = "unnamed-team" }: typeof CreateTeam.Type) =>
  Effect.map(now, (time) => {
    const id = TeamId.make(randomUUID())
    const team = { agentIds: older ?? agentIds, createdAt: time, id, name, updatedAt: time }
    teams.set(team)
    changes.unsafeOffer(StateChange.TeamCreated({ team }))
    return team
  })

const updateTeam = ({ changes, teams }: Memory, id: string, fields: typeof CreateTeam.Type) =>
  Effect.map(now, (updatedAt) => {
    const team = teams.get(id)
    if (team === undefined) return Option.none()
    const { agentIds = fields.agent_ids ?? team.agentIds, name = team.name } = fields
    const updated = { agentIds, createdAt: team.createdAt, id: team.id, name, updatedAt }
    teams.set(updated)
    changes.unsafeOffer(StateChange.TeamUpdated({ team: updated }))
    return Option.some(updated)
  })

const setTask = ({ tasks, tasksOf }: Memory, task: Task) => {
  const ofTeam = tasksOf.get(task.teamId) ?? new Collection<Task>()
  tasksOf.set(task.teamId, ofTeam)
  ofTeam.set(task)
  tasks.set(task)
}

/** Stores a task, and tells of the change, and when it waits for an agent or has ended. */
const storeTask = (memory: Memory, task: Task, changed: (of: { readonly task: Task }) => StateChange.StateChange) =>
  Effect.suspend(() => {
    const { changes, claims, events } = memory
    setTask(memory, task)
    if (task.status !== "running") claims.delete(task.id)
    changes.unsafeOffer(changed({ task }))
    if (TaskStatus.isTerminal(task.status)) return Effect.as(PubSub.publish(events, TaskOver({ task: task.id })), task)
    const agent = task["assigneeAgentId"]
    return task.status === "pending" && typeof agent === "string" && agent !== ""
      ? Effect.as(PubSub.publish(events, TaskWaiting({ agent, task: task.id })), task)
      : Effect.succeed(task)
  })

const createTask = (memory: Memory, extra: ExtraFields, teamId: string, fields: CreateTask) =>
  Effect.flatMap(now, (time) => {
    const { assigneeAgentId = "", subject = "" } = fields
    const id = TaskId.make(randomUUID())
    return storeTask(memory, {
      assigneeAgentId,
      blockedBy: fields.blockedBy ?? [],
      completedAt: null,
      createdAt: time,
      description: fields.description ?? "",
      id,
      ...extra({ id, subject }, memory.agents.get(assigneeAgentId)),
      status: "pending",
      subject,
      teamId,
      type: fields.type ?? "general",
      updatedAt: time
    }, StateChange.TaskCreated)
  })

const mergeTask = (memory: Memory, id: string, fields: typeof UpdateTask.Type) =>
  Effect.flatMap(now, (updatedAt) => {
    const task = memory.tasks.get(id)
    if (task === undefined) return Effect.succeedNone
    const { createdAt, teamId } = task
    const merged = { ...task, ...fields, createdAt, id, teamId, updatedAt }
    const completedAt = fields.status === "completed" && merged.completedAt === null ? updatedAt : merged.completedAt
    return Effect.asSome(storeTask(memory, taskOf(sorted({ ...merged, completedAt })), StateChange.TaskUpdated))
  })

const completeTask = (memory: Memory, id: string) =>
  Effect.flatMap(now, (completedAt) => {
    const task = memory.tasks.get(id)
    return task === undefined
      ? Effect.void
      : Effect.asVoid(storeTask(memory, { ...task, completedAt, status: "completed" }, StateChange.TaskCompleted))
  })

const claimTask = (memory: Memory, agentId: string, id: string) =>
  Effect.suspend(() => {
    const agent = memory.agents.get(agentId)
    const task = memory.tasks.get(id)
    if (agent?.status !== "online" || task?.status !== "pending" || task["assigneeAgentId"] !== agentId) return Effect.succeedNone
    memory.claims.set(id, agentId)
    return Effect.map(mergeTask(memory, id, { status: "running" }), Option.map((claimed) => ({ agent, task: claimed })))
  })

const touchTask = (memory: Memory, agentId: string, id: string) =>
  Effect.map(now, (updatedAt) => {
    const task = memory.tasks.get(id)
    if (task !== undefined && memory.claims.get(id) === agentId) setTask(memory, { ...task, updatedAt })
  })

const createFault = ({ faults }: Memory, type: string) =>
  Effect.map(now, (time) => {
    const fault = { active: true, createdAt: time, id: randomUUID(), type, updatedAt: time }
    faults.set(fault)
    return fault
  })
