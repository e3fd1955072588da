import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
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
  for (const status of ["completed", "failed", "pending"] as const) {
    it.scoped(`takes nothing more from the agent whose task somebody else has set to ${status}`, () =>
      Effect.gen(function*() {
        const { agent, state, task } = yield* claimed
        yield* state.updateTask("team", task.id, { status, result: "theirs" })
        const [before] = (yield* state.listAllTasks({})).items
        yield* TestClock.adjust("90 seconds")
        yield* state.finishTask(agent.id, task.id, { status: "completed", result: "mine" })
        assert.deepStrictEqual((yield* state.listAllTasks({})).items, before === undefined ? [] : [before])
      }))
  }
})
