import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { AgamemnonClient } from "../../src/agamemnon/AgamemnonClient.ts"
import { AgentId, TeamId } from "../../src/agamemnon/AgamemnonModel.ts"
import * as Cleanup from "../../src/executor/Cleanup.ts"
import type * as WorkflowExecutor from "../../src/executor/WorkflowExecutor.ts"
import { RunId } from "../../src/run/RunId.ts"
import * as ResourceKey from "../../src/workflow/ResourceKey.ts"
import type { WorkflowSpec } from "../../src/workflow/WorkflowSpec.ts"
import { answers, make } from "../support/FakeAgamemnon.ts"
import { awaitThat, drive, driver, list, type Point, recorded, type World, world } from "../support/JournaledRun.ts"
import { team, task, told, workflow } from "../support/TestRun.ts"

const named = (name: string) => workflow({ metadata: { name } })

let pids = 100

/** Runs a workflow in a process of its own until that is killed, and tells its run. */
const killed = Effect.fnUntraced(function*(there: World, point: Point, spec = workflow(), options: WorkflowExecutor.Options = {}) {
  pids += 1
  const process = yield* driver(there, pids, point)
  const before = new Set((yield* list(process.parts)).map(({ run }) => run))
  yield* process.untilKilled(process.execute(spec, options))
  there.lives.set(pids, "dead")
  return (yield* Arr.findFirst(yield* list(process.parts), ({ run }) => !before.has(run))).run
})

/** Puts an agent and a team of somebody else on Agamemnon. */
const addStrangers = ({ fake }: World) => {
  const common = { createdAt: "", updatedAt: "", host: "", status: "" }
  fake.agents.set("stranger", { ...common, id: AgentId.make("stranger"), name: "stranger" })
  fake.teams.set("strangers", { ...common, id: TeamId.make("strangers"), name: "strangers", agentIds: [] })
}

const strangers = ["agent stranger", "team strangers"]

const summary = (world: World, run: RunId) =>
  Effect.gen(function*() {
    pids += 1
    const { parts } = yield* driver(world, pids)
    return yield* Arr.findFirst(yield* list(parts), (each) => each.run === run)
  })

const statuses = (resources: ReadonlyArray<{ readonly name: string; readonly status: string }>) =>
  resources.map(({ name, status }) => `${name} ${status}`)

describe("Cleanup", () => {
  it.scopedLive("removes what a run that was killed at any point has left, and nothing else", () =>
    Effect.gen(function*() {
      const points = [
        ...Arr.range(1, 17).map((events): Point => ({ events })),
        ...Arr.range(1, 14).flatMap((request): ReadonlyArray<Point> => [{ request }, { request, isAfter: true }])
      ]
      yield* Effect.forEach(points, (point) =>
        Effect.scoped(Effect.gen(function*() {
          const at = JSON.stringify(point)
          const there = yield* world(make())
          addStrangers(there)
          const run = yield* killed(there, point)
          const { cleanup } = yield* driver(there, 2)
          const { remaining } = yield* cleanup(run)
          assert.deepStrictEqual([there.fake.existing(), remaining], [strangers, []], at)
          const after = yield* summary(there, run)
          assert.include(["cancelled", "completed"], after.status, at)
          assert.deepStrictEqual([after.left, after.kept], [0, 0], at)
          const length = (yield* recorded(there, run)).length
          assert.deepStrictEqual((yield* cleanup(run)).removed, [], at)
          assert.lengthOf(yield* recorded(there, run), length, at)
        })), { concurrency: 10, discard: true })
    }))

  it.scopedLive("finds by its key what was made and never acknowledged, and leaves others of that key", () =>
    Effect.gen(function*() {
      const there = yield* world(make())
      const other = yield* killed(there, { events: 8 }, workflow(), { teardown: "never" })
      const run = yield* killed(there, { request: 2, isAfter: true }, workflow(), { force: true })
      assert.deepStrictEqual([...there.fake.agents.keys()], ["agent-1", "agent-3"])
      const { cleanup } = yield* driver(there, 2)
      assert.deepStrictEqual(statuses((yield* cleanup(run)).removed), ["worker removed"])
      assert.deepStrictEqual([...there.fake.agents.keys()], ["agent-1"])
      assert.deepStrictEqual(statuses((yield* cleanup(other)).removed), ["core removed", "worker removed"])
      assert.deepStrictEqual(there.fake.existing(), [])
    }))

  it.scopedLive("keeps what a living run of the workflow uses, and says who", () =>
    Effect.gen(function*() {
      const there = yield* world(make())
      const run = yield* killed(there, { events: 8 })
      there.fake.begins.set("first", "running")
      const living = yield* driver(there, 3)
      const running = yield* Effect.fork(living.execute(workflow()))
      const under = yield* awaitThat(list(living.parts), Arr.some(({ status }) => status === "running"))
      const own = yield* Arr.findFirst(under, ({ status }) => status === "running")
      yield* awaitThat(Effect.sync(() => there.fake.tasks.size), (size) => size === 1)
      const { cleanup } = yield* driver(there, 2)
      const { remaining, removed } = yield* cleanup(run)
      assert.deepStrictEqual([statuses(remaining), removed], [["core kept", "worker kept"], []])
      assert.deepStrictEqual(remaining.map(({ usedBy }) => usedBy), [own.run, own.run])
      assert.deepInclude(yield* summary(there, run), { kept: 2, left: 0, status: "cancelled" })
      assert.lengthOf(there.fake.existing(), 2)
      assert.strictEqual((yield* Effect.flip(cleanup(own.run)))._tag, "RunOwnedError")
      there.fake.change("first", { status: "completed" })
      yield* Fiber.join(running)
      // The run that has used it again has removed it, and written that down for both.
      assert.deepInclude(yield* summary(there, run), { kept: 0, left: 0 })
      assert.deepStrictEqual((yield* cleanup(run)).removed, [])
    }))

  it.scopedLive("refuses a run of another Agamemnon, where all that it made would seem to be gone", () =>
    Effect.gen(function*() {
      const there = yield* world(make())
      const run = yield* killed(there, { events: 8 })
      const { parts } = yield* driver(there, 2)
      const elsewhere = { ...there.fake.client, url: "http://other.test" }
      const clean = (moved?: boolean) =>
        Cleanup.run(run, { moved }).pipe(Effect.provideService(AgamemnonClient, elsewhere), Effect.provide(parts))
      const error = yield* Effect.flip(clean())
      assert.strictEqual(error.message, `run ${run} is on http://fake.test, not on http://other.test`)
      assert.lengthOf(there.fake.existing(), 2)
      assert.lengthOf((yield* clean(true)).removed, 2)
    }))

  it.scopedLive("takes an address that is written otherwise for the same Agamemnon", () =>
    Effect.gen(function*() {
      const there = yield* world(make())
      const run = yield* killed(there, { events: 8 })
      const { parts } = yield* driver(there, 2)
      const same = { ...there.fake.client, url: "http://FAKE.test:80/" }
      const { removed } = yield* Cleanup.run(run).pipe(
        Effect.provideService(AgamemnonClient, same),
        Effect.provide(parts)
      )
      assert.lengthOf(removed, 2)
    }))

  it.scopedLive("leaves what it can not remove, with the reason, and the next one removes it", () =>
    Effect.gen(function*() {
      const there = yield* world(make())
      const run = yield* killed(there, { events: 8 })
      const { cleanup } = yield* driver(there, 2)
      there.fake.heal()
      there.fake.on("deleteAgent", answers(400, "not now"), 1)
      const first = yield* cleanup(run)
      assert.deepStrictEqual([statuses(first.removed), statuses(first.remaining)], [["core removed"], ["worker left"]])
      assert.include(first.remaining[0]?.error, "not now")
      assert.deepInclude(yield* summary(there, run), { left: 1, kept: 0 })
      const second = yield* cleanup(run)
      assert.deepStrictEqual([statuses(second.removed), second.remaining], [["worker removed"], []])
      assert.deepInclude(yield* summary(there, run), { left: 0, kept: 0 })
      assert.deepStrictEqual(there.fake.existing(), [])
    }))

  it.scoped("waits for an Agamemnon that does not answer, for as long as the grace", () =>
    Effect.gen(function*() {
      const there = yield* world(make())
      const process = yield* driver(there, 1, { events: 8 })
      yield* process.untilKilled(process.execute(workflow()))
      const { run } = yield* Effect.flatMap(list(process.parts), Arr.head)
      const { cleanup } = yield* driver(there, 2)
      there.fake.health = "gone"
      const settings = { teardownGrace: Duration.seconds(20) }
      const { remaining } = yield* Effect.flatten(drive(cleanup(run, { settings })))
      assert.deepStrictEqual(statuses(remaining), ["core left", "worker left"])
      assert.strictEqual(remaining[0]?.error, "Agamemnon did not answer within 20s")
      const events = told(yield* recorded(there, run)).filter((line) => line !== "request.failed")
      assert.deepStrictEqual(events.slice(-6), [
        "run.decided",
        "teardown.started",
        "teardown.waiting",
        "team.left core",
        "agent.left worker",
        "run.finished"
      ])
      there.fake.health = "well"
      assert.deepStrictEqual(statuses((yield* Effect.flatten(drive(cleanup(run)))).removed), ["core removed", "worker removed"])
    }))

  it.scopedLive("of a run whose Agamemnon has ended with it, only says that it is gone", () =>
    Effect.gen(function*() {
      const there = yield* world(make())
      const run = yield* killed(there, { events: 8 }, workflow(), { embedded: true })
      const { cleanup } = yield* driver(there, 2)
      const before = there.fake.calls.length
      const { removed } = yield* cleanup(run)
      assert.deepStrictEqual(statuses(removed), ["core removed", "worker removed"])
      assert.deepStrictEqual(there.fake.calls.slice(before), [])
      assert.deepInclude(yield* summary(there, run), { left: 0, kept: 0, status: "cancelled" })
    }))

  it.scopedLive("is refused for a run that is not in the journal", () =>
    Effect.gen(function*() {
      const { cleanup } = yield* driver(yield* world(make()), 2)
      assert.strictEqual((yield* Effect.flip(cleanup(RunId.make("0".repeat(16)))))._tag, "RunUnknownError")
    }))
})

describe("The sweep at the start of a run", () => {
  const leftovers = (world: World, spec: WorkflowSpec, options?: WorkflowExecutor.Options) =>
    Effect.gen(function*() {
      pids += 1
      const { execute, parts } = yield* driver(world, pids)
      const { run } = yield* execute(spec, options)
      const id = yield* Arr.findFirst(yield* list(parts), (each) => each.run === run)
      return (yield* recorded(world, id.run)).flatMap((event) => (event._tag === "leftovers.removed" ? [event] : []))
    })

  it.scopedLive("removes what dead runs of other workflows have left, and says so in one line", () =>
    Effect.gen(function*() {
      const there = yield* world(make())
      addStrangers(there)
      const [one, other] = [yield* killed(there, { events: 8 }, named("one")), yield* killed(there, { events: 5 }, named("other"))]
      const [event, ...more] = yield* leftovers(there, workflow())
      assert.deepStrictEqual(more, [])
      assert.sameMembers([...event?.runs ?? []], [one, other])
      assert.deepInclude(event, { removed: 3, left: 0 })
      assert.deepStrictEqual(there.fake.existing(), strangers)
      for (const run of [one, other]) assert.deepInclude(yield* summary(there, run), { status: "cancelled", left: 0 })
      assert.deepStrictEqual(yield* leftovers(there, workflow()), [])
    }))

  it.scopedLive("spares what the run is going to use", () =>
    Effect.gen(function*() {
      const there = yield* world(make())
      const run = yield* killed(there, { events: 11 }, workflow({
        agents: [{ name: "worker", program: "none" }, { name: "retired", program: "none" }]
      }))
      const before = there.fake.existing().length
      assert.isAbove(before, 2)
      const [event] = yield* leftovers(there, workflow())
      assert.deepInclude(event, { removed: 1, left: 0 })
      assert.isFalse(there.fake.calls.includes(`createTeam ${ResourceKey.make("flow", "core")}`))
      assert.deepStrictEqual(there.fake.existing(), [])
      assert.strictEqual((yield* summary(there, run)).status, "cancelled")
    }))

  it.scopedLive("leaves living runs alone, runs on another Agamemnon, and what policy wanted kept", () =>
    Effect.gen(function*() {
      const there = yield* world(make())
      yield* killed(there, { events: 8 }, named("kept"), { teardown: "never" })
      const elsewhere = make()
      const away = { ...there, fake: { ...elsewhere, client: { ...elsewhere.client, url: "http://other.test" } } }
      yield* killed(away, { events: 8 }, named("away"))
      there.fake.begins.set("slow", "running")
      const living = yield* driver(there, 3)
      const running = yield* Effect.fork(living.execute(workflow({ metadata: { name: "living" }, teams: [team("core", task("slow"))] })))
      yield* awaitThat(Effect.sync(() => there.fake.tasks.size), (size) => size === 1)
      assert.deepStrictEqual(yield* leftovers(there, workflow()), [])
      assert.lengthOf(there.fake.existing(), 4)
      assert.lengthOf(elsewhere.existing(), 2)
      there.fake.change("slow", { status: "completed" })
      yield* Fiber.join(running)
      assert.lengthOf(there.fake.existing(), 2)
    }))

  it.scopedLive("does not happen where Agamemnon ends with the run", () =>
    Effect.gen(function*() {
      const there = yield* world(make())
      yield* killed(there, { events: 8 }, named("one"))
      assert.deepStrictEqual(yield* leftovers(there, workflow(), { embedded: true }), [])
      assert.lengthOf(there.fake.existing(), 2)
    }))

  it.scopedLive("does not keep a run from its work when it fails or takes its time", () =>
    Effect.gen(function*() {
      const there = yield* world(make())
      yield* killed(there, { events: 8 }, named("one"))
      there.fake.heal()
      there.fake.on("deleteAgent", answers(400, "not now"), 1)
      const [event] = yield* leftovers(there, workflow({ teams: [team("core", task("first"))] }))
      assert.deepInclude(event, { removed: 1, left: 1 })
      const [again] = yield* leftovers(there, workflow())
      assert.deepInclude(again, { removed: 1, left: 0 })
    }))
})
