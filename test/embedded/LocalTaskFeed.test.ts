import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as TestClock from "effect/TestClock"
import * as AgamemnonClient from "../../src/agamemnon/AgamemnonClient.ts"
import { TeamId } from "../../src/agamemnon/AgamemnonModel.ts"
import * as Connections from "../../src/agamemnon/Connections.ts"
import * as AgamemnonState from "../../src/embedded/AgamemnonState.ts"
import * as EmbeddedAgamemnon from "../../src/embedded/EmbeddedAgamemnon.ts"
import * as LocalTaskFeed from "../../src/embedded/LocalTaskFeed.ts"
import * as WorkflowExecutor from "../../src/executor/WorkflowExecutor.ts"
import * as WorkflowSpec from "../../src/workflow/WorkflowSpec.ts"

const started = Effect.gen(function*() {
  const state = yield* AgamemnonState.make()
  const { feed, interrupt } = yield* LocalTaskFeed.make(state)
  const [team, other] = [yield* state.createTeam({ name: "team" }), yield* state.createTeam({ name: "other" })]
  return { feed, interrupt, other, state, team }
})

/** What a listener has been told by now. */
const told = (queue: Queue.Dequeue<{ readonly _tag: string }>) =>
  Effect.map(Effect.zipRight(TestClock.adjust(0), Queue.takeAll(queue)), (events) => Chunk.toReadonlyArray(events).map(({ _tag }) => _tag))

describe("LocalTaskFeed", () => {
  it.scoped("tells each team of the changes of its own tasks, as they are then", () =>
    Effect.gen(function*() {
      const { feed, other, state, team } = yield* started
      const [mine, others] = [yield* feed.subscribe(team.id), yield* feed.subscribe(other.id)]
      const task = yield* state.createTask(team.id, { subject: "first", description: "" })
      yield* state.completeTask(task.id)
      const event = yield* Queue.take(mine)
      assert.deepInclude(event._tag === "Updated" ? event.task : {}, { id: task.id, status: "completed", subject: "first" })
      assert.deepStrictEqual([yield* told(mine), yield* told(others)], [[], []])
    }))

  it.scoped("tells all who listen to a team, and nobody who has ceased to", () =>
    Effect.gen(function*() {
      const { feed, state, team } = yield* started
      const first = yield* feed.subscribe(team.id)
      const ended = yield* Effect.scoped(feed.subscribe(team.id))
      const { id } = yield* state.createTask(team.id, { subject: "first", description: "" })
      yield* state.completeTask(id)
      assert.deepStrictEqual(yield* told(first), ["Updated"])
      assert.isTrue(yield* Queue.isShutdown(ended))
    }))

  it.scoped("tells a listener that is too slow that it has missed something", () =>
    Effect.gen(function*() {
      const { feed, state, team } = yield* started
      const queue = yield* feed.subscribe(team.id)
      const { id } = yield* state.createTask(team.id, { subject: "first", description: "" })
      yield* Effect.replicateEffect(state.completeTask(id), 10_001, { discard: true })
      yield* TestClock.adjust(0)
      assert.lengthOf(yield* told(queue), 10_000)
      yield* state.completeTask(id)
      assert.deepStrictEqual(yield* told(queue), ["Lost", "Restored", "Updated"])
    }))

  it.scoped("tells everybody that something is missing when all was forgotten", () =>
    Effect.gen(function*() {
      const { feed, interrupt } = yield* started
      const queue = yield* feed.subscribe(TeamId.make("any"))
      yield* interrupt
      assert.deepStrictEqual(yield* told(queue), ["Lost", "Restored"])
    }))
})

describe("a run on an Agamemnon of its own process", () => {
  it.scopedLive("is told of the end of each task, and hardly reads", () =>
    Effect.gen(function*() {
      const server = yield* EmbeddedAgamemnon.make()
      const tasks = Array.from({ length: 20 }, (_, position) => ({
        subject: `t${position}`,
        description: "",
        assign_to: "worker",
        blocked_by: position === 0 ? [] : [`t${position - 1}`]
      }))
      const spec = yield* WorkflowSpec.decodeUnknown({
        metadata: { name: "told" },
        agents: [{ name: "worker", program: "none" }],
        teams: [{ name: "team", agents: ["worker"], tasks }]
      })
      const Executor = WorkflowExecutor.layer({ monitorPoll: Duration.hours(1) }).pipe(
        Layer.provide(AgamemnonClient.layer(server)),
        Layer.provide(Connections.layer())
      )
      yield* Effect.provide(WorkflowExecutor.execute(spec), Executor)
      const reads = (yield* server.requestLog).filter(({ method, path }) => method === "GET" && path.includes("/tasks"))
      assert.isAtMost(reads.length, 5)
    }))
})
