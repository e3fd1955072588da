import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as TestClock from "effect/TestClock"
import * as AgamemnonState from "../../src/embedded/AgamemnonState.ts"

const claimed = Effect.gen(function*() {
  const state = yield* AgamemnonState.make()
  const agent = yield* state.createAgent({ name: "worker" })
  yield* state.setAgentStatus(agent.id, "online")
  const task = yield* state.createTask("team", { subject: "s", assigneeAgentId: agent.id })
  yield* TestClock.adjust("1 minute")
  yield* state.claimTask(agent.id, task.id)
  return { agent, state, task }
})

describe("AgamemnonState", () => {
  it.scoped("shows in a task when it was begun", () =>
    Effect.gen(function*() {
      const { state } = yield* claimed
      const [task] = (yield* state.listAllTasks({})).items
      assert.deepInclude(task, { status: "running", createdAt: "1970-01-01T00:00:00Z", updatedAt: "1970-01-01T00:01:00Z" })
    }))

  it.scoped("shows in a task that the work on it goes on, and tells nobody of it", () =>
    Effect.gen(function*() {
      const { agent, state, task } = yield* claimed
      const [changes, events] = [yield* state.changes, yield* state.events]
      yield* TestClock.adjust("90 seconds")
      yield* state.touchTask(agent.id, task.id)
      const [ofTeam] = (yield* state.listTasks("team", {})).items
      const [ofAll] = (yield* state.listAllTasks({})).items
      assert.deepInclude(ofTeam, { status: "running", createdAt: "1970-01-01T00:00:00Z", updatedAt: "1970-01-01T00:02:30Z" })
      assert.deepStrictEqual(ofAll, ofTeam)
      assert.deepStrictEqual([yield* Queue.size(changes), yield* Queue.size(events)], [0, 0])
    }))

  for (const status of ["completed", "failed", "pending"] as const) {
    it.scoped(`takes nothing more from the agent whose task somebody else has set to ${status}`, () =>
      Effect.gen(function*() {
        const { agent, state, task } = yield* claimed
        yield* state.updateTask("team", task.id, { status, result: "theirs" })
        const [before] = (yield* state.listAllTasks({})).items
        yield* TestClock.adjust("90 seconds")
        yield* state.touchTask(agent.id, task.id)
        yield* state.finishTask(agent.id, task.id, { status: "completed", result: "mine" })
        assert.deepStrictEqual((yield* state.listAllTasks({})).items, before === undefined ? [] : [before])
      }))
  }
})
