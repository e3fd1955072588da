import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as AgamemnonState from "../../src/embedded/AgamemnonState.ts"
import * as ProcessGroups from "../../src/embedded/ProcessGroups.ts"
import * as LocalSlots from "../../src/embedded/LocalSlots.ts"
import * as ProgramEnvironments from "../../src/embedded/ProgramEnvironments.ts"
import * as Worker from "../../src/embedded/Worker.ts"
import { eventually } from "../support/HttpQuestion.ts"

/** A state whose agents work: on program `none`, which starts no process. */
const working = Effect.gen(function*() {
  const state = yield* AgamemnonState.make()
  const groups = yield* ProcessGroups.make(Duration.seconds(1))
  yield* Worker.make({ environments: ProgramEnvironments.make(), slots: LocalSlots.unlimited }).pipe(
    Effect.provideService(AgamemnonState.AgamemnonState, state),
    Effect.provideService(ProcessGroups.ProcessGroups, groups)
  )
  const agent = yield* state.createAgent({ name: "worker", program: "none" })
  return { agent: agent.id, state }
}).pipe(Effect.provide(NodeContext.layer))

describe("the queue of an agent", () => {
  it.scopedLive("keeps a task that comes as the agent is stopped until it is started again", () =>
    Effect.gen(function*() {
      const { agent, state } = yield* working
      const isDone = (task: string) =>
        eventually(state.getTask("team", task), (found) => Option.isSome(found) && found.value.status === "completed").pipe(
          Effect.timeout("20 seconds")
        )
      yield* state.setAgentStatus(agent, "online")
      const first = yield* state.createTask("team", { subject: "first", assigneeAgentId: agent })
      yield* isDone(first.id)
      // The worker hears of both at once.
      const second = yield* state.createTask("team", { subject: "second", assigneeAgentId: agent })
      const events = yield* state.events
      yield* state.setAgentStatus(agent, "offline")
      yield* Effect.repeat(Queue.take(events), { until: ({ _tag }) => _tag === "AgentOffline" })
      // The worker has been told of it as well: it does what it has to do before the next turn of the loop.
      yield* Effect.promise(() => new Promise(setImmediate))
      yield* state.setAgentStatus(agent, "online")
      const ended = yield* isDone(second.id)
      assert.isTrue(Option.isSome(ended))
    }))
})
