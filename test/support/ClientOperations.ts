/** Every operation of a client, with all that it can be given. */
import * as Effect from "effect/Effect"
import * as Record from "effect/Record"
import type { AgamemnonClient } from "../../src/agamemnon/AgamemnonClient.ts"
import type { AgamemnonError } from "../../src/agamemnon/AgamemnonError.ts"
import { AgentId, TaskId, TeamId } from "../../src/agamemnon/AgamemnonModel.ts"

export const agentId = AgentId.make("a")
export const teamId = TeamId.make("t")
export const taskId = TaskId.make("k")

/** No agent, team or task. */
export const none: ReadonlySet<never> = new Set()

/** The request that each operation sends, as the API has it. */
export const paths = {
  listAgents: ["GET", "/v1/agents?limit=1000&offset=0"],
  createAgent: ["POST", "/v1/agents"],
  createBareAgent: ["POST", "/v1/agents"],
  patchAgent: ["PATCH", "/v1/agents/a"],
  startAgent: ["POST", "/v1/agents/a/start"],
  deleteAgent: ["DELETE", "/v1/agents/a"],
  listTeams: ["GET", "/v1/teams?limit=1000&offset=0"],
  hasTeam: ["GET", "/v1/teams/t"],
  createTeam: ["POST", "/v1/teams"],
  setMembers: ["PUT", "/v1/teams/t"],
  deleteTeam: ["DELETE", "/v1/teams/t"],
  listTasks: ["GET", "/v1/teams/t/tasks?limit=1000&offset=0"],
  getTask: ["GET", "/v1/teams/t/tasks/k"],
  createTask: ["POST", "/v1/teams/t/tasks"],
  createBareTask: ["POST", "/v1/teams/t/tasks"],
  failTask: ["PATCH", "/v1/teams/t/tasks/k"]
} as const

export type Operation = keyof typeof paths

const isOperation = (name: string): name is Operation => name in paths

export const names = Object.keys(paths).filter(isOperation)

type Operations = Readonly<{ [Name in Operation]: Effect.Effect<void, AgamemnonError> }>

/** The operations of a client. */
export const operations = (agamemnon: typeof AgamemnonClient.Service): Operations => Record.map({
  listAgents: agamemnon.listAgents,
  createAgent: agamemnon.createAgent({
    name: "agent",
    label: "an agent",
    program: "sh",
    programArgs: "--model M",
    workingDirectory: "/tmp",
    taskDescription: "works",
    host: "docker",
    owner: "me",
    role: "worker",
    tags: ["telemachy"]
  }, none),
  createBareAgent: agamemnon.createAgent({ name: "bare" }, none),
  patchAgent: agamemnon.patchAgent(agentId, { image: "img:1", cpus: 2, memory: "4g", hostId: "h" }),
  startAgent: agamemnon.startAgent(agentId),
  deleteAgent: agamemnon.deleteAgent(agentId),
  listTeams: agamemnon.listTeams,
  hasTeam: agamemnon.hasTeam(teamId),
  createTeam: agamemnon.createTeam("team", [agentId], none),
  setMembers: agamemnon.setMembers(teamId, []),
  deleteTeam: agamemnon.deleteTeam(teamId),
  listTasks: agamemnon.listTasks(teamId),
  getTask: agamemnon.getTask(teamId, taskId),
  createTask: agamemnon.createTask(teamId, {
    subject: "subject",
    description: "description",
    assigneeAgentId: "a",
    blockedBy: ["b"],
    type: "review"
  }, none),
  createBareTask: agamemnon.createTask(teamId, { subject: "bare" }, none),
  failTask: agamemnon.failTask(teamId, taskId, "words")
}, (operation: Effect.Effect<unknown, AgamemnonError>) => Effect.asVoid(operation))
