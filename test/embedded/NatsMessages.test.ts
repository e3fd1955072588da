import { assert, describe, it } from "@effect/vitest"
import { AgentId, TaskId, TeamId } from "../../src/agamemnon/AgamemnonModel.ts"
import * as NatsMessages from "../../src/embedded/NatsMessages.ts"
import * as StateChange from "../../src/embedded/StateChange.ts"

const times = { createdAt: "2026-11-23T16:41:58Z", updatedAt: "2026-11-23T16:41:58Z" }
const agent = { ...times, host: "docker", id: AgentId.make("a-1"), name: "worker", status: "online" }
const team = { ...times, agentIds: [], id: TeamId.make("t-1"), name: "core" }
const task = {
  ...times,
  assigneeAgentId: "a-1",
  blockedBy: [],
  completedAt: null,
  description: "do it",
  id: TaskId.make("k-1"),
  status: "pending",
  subject: "first",
  teamId: "t-1",
  type: "review"
}

const told = (change: StateChange.StateChange) =>
  NatsMessages.of(change, 1_795_453_024_790).map(({ payload, subject }) => [subject, JSON.parse(payload)])

const log = (message: string, metadata: object) => ({ level: "info", message, metadata, service: "agamemnon", timestamp: 1_795_453_024.79 })

describe("NatsMessages", () => {
  it("tells of agents as Agamemnon does", () => {
    assert.deepStrictEqual(told(StateChange.AgentCreated({ agent })), [
      ["hi.agents.docker.worker.created", { agent, id: "a-1" }],
      ["hi.logs.agamemnon.agent_created", log("Agent created: a-1", { agent_id: "a-1", host: "docker", name: "worker", type: "unknown" })]
    ])
    assert.deepStrictEqual(told(StateChange.AgentStatusSet({ agent })), [["hi.agents.local.unknown.updated", { id: "a-1", status: "online" }]])
    assert.deepStrictEqual(told(StateChange.AgentPatched({ agent })), [["hi.agents.docker.worker.updated", agent]])
    assert.deepStrictEqual(told(StateChange.AgentDeleted({ agent })), [["hi.agents.docker.worker.deleted", { id: "a-1" }]])
  })

  it("tells of teams as Agamemnon does", () => {
    assert.deepStrictEqual(told(StateChange.TeamCreated({ team })), [["hi.agents.team.created", { team }]])
    assert.deepStrictEqual(told(StateChange.TeamUpdated({ team })), [["hi.agents.team.updated", team]])
    assert.deepStrictEqual(told(StateChange.TeamDeleted({ id: team.id })), [["hi.agents.team.deleted", { id: "t-1" }]])
  })

  it("tells of tasks as Agamemnon does", () => {
    const order = { assignee: "a-1", description: "do it", subject: "first", task_id: "k-1", team_id: "t-1", type: "review" }
    assert.deepStrictEqual(told(StateChange.TaskCreated({ task })), [
      ["hi.tasks.created", { task }],
      ["hi.myrmidon.review.k-1", order],
      ["hi.myrmidon.pipeline.review.task.k-1", order],
      ["hi.logs.agamemnon.task_dispatched", log("Task dispatched: k-1", { subject: "first", task_id: "k-1", team_id: "t-1", type: "review" })]
    ])
    for (const status of ["pending", "running", "failed", "blocked"]) {
      const changed = { ...task, status }
      assert.deepStrictEqual(told(StateChange.TaskUpdated({ task: changed })), [["hi.tasks.t-1.k-1.updated", { task: changed }]])
    }
    const completed = { ...task, status: "completed", result: "42" }
    assert.deepStrictEqual(told(StateChange.TaskUpdated({ task: completed })), [
      ["hi.tasks.t-1.k-1.updated", { task: completed }],
      ["hi.logs.agamemnon.task_completed", log("Task completed: k-1", { assignee: "a-1", task_id: "k-1", team_id: "t-1", type: "review" })]
    ])
  })

  it("knows what NATS does not take", () => {
    const isPossible = (subject: string, payload = "") => NatsMessages.isPossible({ subject, payload }, 10)
    for (const subject of ["a", "hi.agents.local.a.b.c.created", "hi.agents.local.Jürgen.created"]) assert.isTrue(isPossible(subject), subject)
    for (const subject of ["", "a..b", ".a", "a.", "a b.c", "a\r\nPUB b 1", "a\tb", "a.*.b", "a.>", "a\u0000b", "a\u007f"]) {
      assert.isFalse(isPossible(subject), JSON.stringify(subject))
    }
    assert.isTrue(isPossible("a", "é".repeat(5)))
    assert.isFalse(isPossible("a", "é".repeat(6)))
  })
})
