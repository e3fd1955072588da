/**
 * Agamemnon as the steps of a run use it. Whatever changes something there takes
 * the proof that its intent is on record, and a create goes on when the step
 * that waits for it is interrupted.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import type { AgamemnonError } from "../agamemnon/AgamemnonError.ts"
import type { Agent, AgentId, CreateAgent, CreateTask, PatchAgent, Task, TaskId, Team, TeamId } from "../agamemnon/AgamemnonModel.ts"
import type { OnRecord } from "./CurrentRun.ts"
import * as PendingCreates from "./PendingCreates.ts"
import { TeamLists } from "./TeamLists.ts"

type Client = Context.Tag.Service<AgamemnonClient>

/** A resource is about to be made. */
export type Creating = OnRecord<"agent.creating" | "team.creating">

/** A resource was about to be made, or an earlier one is used again. */
export type Using = Creating | OnRecord<"agent.reused" | "team.reused">

/** A task is about to be submitted. */
export type Submitting = OnRecord<"task.submitting">

/** Agamemnon is about to be told that a task has failed. */
export type Failing = OnRecord<"task.failing">

/** The Agamemnon of a run. */
export class RunAgamemnon extends Context.Tag("telemachy/executor/RunAgamemnon")<
  RunAgamemnon,
  Pick<Client, "listAgents" | "listTeams" | "listTasks" | "countTasks" | "hasTeam" | "getTask" | "contexts" | "activity"> & {
    /** The tasks of a team, if they are read together with those of other runs. They are also there when the team is gone. */
    readonly listTogether: Context.Tag.Service<TeamLists>["together"]
    readonly createAgent: (
      intent: Creating,
      agent: CreateAgent & { readonly name: string },
      except: ReadonlySet<AgentId>
    ) => Effect.Effect<PendingCreates.Made<Agent>, AgamemnonError>
    readonly patchAgent: (intent: Using, id: AgentId, fields: typeof PatchAgent.Type) => Effect.Effect<void, AgamemnonError>
    readonly startAgent: (intent: Using, id: AgentId) => Effect.Effect<void, AgamemnonError>
    readonly createTeam: (
      intent: Creating,
      name: string,
      members: ReadonlyArray<AgentId>,
      except: ReadonlySet<TeamId>
    ) => Effect.Effect<PendingCreates.Made<Team>, AgamemnonError>
    readonly setMembers: (intent: Using, id: TeamId, members: ReadonlyArray<AgentId>) => Effect.Effect<void, AgamemnonError>
    readonly createTask: (
      intent: Submitting,
      team: TeamId,
      task: CreateTask & { readonly subject: string },
      except: ReadonlySet<TaskId>
    ) => Effect.Effect<Task, AgamemnonError>
    readonly failTask: (
      intent: Failing,
      team: TeamId,
      id: TaskId,
      reason: string | undefined
    ) => Effect.Effect<void, AgamemnonError>
    /** The create of a key, if this process has begun one. */
    readonly findCreate: PendingCreates.PendingCreates["find"]
  }
>() {}

/** Makes the Agamemnon of a run from the client. */
export const make: Effect.Effect<Context.Tag.Service<RunAgamemnon>, never, AgamemnonClient | TeamLists | Scope.Scope> = Effect.gen(function*() {
  const client = yield* AgamemnonClient
  const { together } = yield* TeamLists
  const creates = yield* PendingCreates.make
  return RunAgamemnon.of({
    listAgents: client.listAgents,
    listTeams: client.listTeams,
    listTasks: client.listTasks,
    listTogether: together,
    countTasks: client.countTasks,
    hasTeam: client.hasTeam,
    getTask: client.getTask,
    contexts: client.contexts,
    activity: client.activity,
    createAgent: (_, agent, except) => creates.run(agent.name, client.createAgent(agent, except)),
    patchAgent: (_, id, fields) => client.patchAgent(id, fields),
    startAgent: (_, id) => client.startAgent(id),
    createTeam: (_, name, members, except) => creates.run(name, client.createTeam(name, members, except)),
    setMembers: (_, id, members) => client.setMembers(id, members),
    createTask: (_, team, task, except) =>
      Effect.map(creates.run(`${team} ${task.subject}`, client.createTask(team, task, except)), ({ made }) => made),
    failTask: (_, team, id, reason) => client.failTask(team, id, reason),
    findCreate: creates.find
  })
})
