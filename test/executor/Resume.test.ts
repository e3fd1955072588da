import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { AgamemnonClient } from "../../src/agamemnon/AgamemnonClient.ts"
import { TaskId } from "../../src/agamemnon/AgamemnonModel.ts"
import * as TaskFeed from "../../src/agamemnon/TaskFeed.ts"
import * as WorkflowExecutor from "../../src/executor/WorkflowExecutor.ts"
import type { RunEvent } from "../../src/run/RunEvent.ts"
import { RunId } from "../../src/run/RunId.ts"
import * as RunState from "../../src/run/RunState.ts"
import { make } from "../support/FakeAgamemnon.ts"
import * as FakeTaskFeed from "../support/FakeTaskFeed.ts"
import { awaitThat, drive, driver, list, made, only, type Point, recorded, stateOf, type World, world } from "../support/JournaledRun.ts"
import { failure, steady, task, team, told, workflow } from "../support/TestRun.ts"

/** A run that was killed, and the process that is to resume it. */
const interrupted = Effect.fnUntraced(function*(
  point: Point,
  spec = workflow(),
  options: WorkflowExecutor.Options = {},
  fake = make()
) {
  const there = yield* world(fake)
  const first = yield* driver(there, 1, point)
  yield* first.untilKilled(first.execute(spec, options))
  const second = yield* driver(there, 2)
  const id = (yield* Arr.head(yield* list(second.parts))).run
  return { there, second, id }
})

/** A run that has ended otherwise than completed, and the process that is to resume it. */
const ended = Effect.fnUntraced(function*(there: World, spec = workflow(), options: WorkflowExecutor.Options = {}) {
  const first = yield* driver(there, 1)
  const exit = yield* Effect.exit(first.execute(spec, options))
  assert.isTrue(Exit.isFailure(exit))
  const second = yield* driver(there, 2)
  const id = (yield* Arr.head(yield* list(second.parts))).run
  return { second, id, error: failure(exit) }
})

const since = (events: ReadonlyArray<RunEvent>) =>
  events.slice(events.findLastIndex(({ _tag }) => _tag === "run.resumed"))

describe("Resume", () => {
  it.scopedLive("tells what the run has, reuses it, and ends as the run would have", () =>
    Effect.gen(function*() {
      const { id, second, there } = yield* interrupted({ events: 10 })
      const result = yield* second.resume(id)
      assert.strictEqual(result.run, id)
      const events = yield* recorded(there, id)
      const [resumed] = since(events)
      assert.deepInclude(resumed, { _tag: "run.resumed", url: "http://fake.test", policy: "always", agents: ["worker"] })
      assert.deepStrictEqual(
        resumed?._tag === "run.resumed" && resumed.resources.map(({ id, kind, name }) => [kind, name, id]),
        [["team", "core", "team-2"], ["agent", "worker", "agent-1"]]
      )
      assert.deepStrictEqual(told(since(events), "agent.", "team."), [
        "agent.reused worker",
        "agent.started worker",
        "team.reused core",
        "team.removed core",
        "agent.removed worker"
      ])
      assert.deepStrictEqual(result.tasks.map(({ earlier, status, subject }) => [subject, status, earlier]), [
        ["first", "completed", true],
        ["second", "completed", false]
      ])
    }))

  it.scopedLive("what is published is what is recorded", () =>
    Effect.gen(function*() {
      const { id, second, there } = yield* interrupted({ events: 8 })
      const heard: Array<RunEvent> = []
      const events = yield* second.events
      const hearing = yield* Effect.fork(Stream.runForEach(
        Stream.takeUntil(events, ({ _tag }) => _tag === "run.finished"),
        (event) => Effect.sync(() => heard.push(event))
      ))
      yield* second.resume(id)
      yield* Fiber.join(hearing)
      assert.deepStrictEqual(since(yield* recorded(there, id)), heard)
    }))

  it.scopedLive("tasks in progress are watched, and their results are kept", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("first", "running")
      const { id, second, there } = yield* interrupted({ events: 10 }, workflow(), {}, fake)
      const resuming = yield* Effect.fork(second.resume(id))
      yield* awaitThat(recorded(there, id), (events) => told(events).includes("task.watched first"))
      fake.change("first", { status: "completed", result: "done" })
      const { tasks } = yield* Fiber.join(resuming)
      assert.strictEqual(tasks[0]?.result, "done")
      assert.deepStrictEqual(made(fake), { first: 1, second: 1 })
    }))

  for (const isAfter of [false, true]) {
    it.scopedLive(`tells Agamemnon of a failure when the process was killed ${isAfter ? "after" : "before"} it had done so`, () =>
      Effect.gen(function*() {
        const fake = make()
        fake.begins.set("first", "pending")
        const there = yield* world(fake)
        const feed = yield* FakeTaskFeed.make()
        const first = yield* Effect.provideService(driver(there, 1, { call: "failTask", isAfter }), TaskFeed.TaskFeed, feed.service)
        const killed = yield* Effect.fork(first.untilKilled(first.execute(workflow())))
        yield* awaitThat(Effect.sync(() => fake.tasks.size), (size) => size === 1)
        const [id = ""] = fake.tasks.keys()
        yield* feed.tell(TaskFeed.Failed({ id: TaskId.make(id), reason: "no disk" }))
        yield* Fiber.join(killed)
        const second = yield* driver(there, 2)
        const { run } = yield* Arr.head(yield* list(second.parts))
        const error = yield* Effect.flip(second.resume(run))
        assert.strictEqual(error._tag, "TasksFailedError")
        const events = since(yield* recorded(there, run))
        const ends = events.flatMap((event) => event._tag === "task.finished" ? [[event.subject, event.status, event.result]] : [])
        assert.deepStrictEqual(ends, [["first", "failed", "no disk"]])
        assert.deepStrictEqual(told(events, "task.failing"), isAfter ? [] : ["task.failing first"])
        assert.deepStrictEqual(made(fake), { first: 1 })
      }))
  }

  it.scopedLive("is refused for a run that is completed, unknown, driven by a living process, or not in the journal", () =>
    Effect.gen(function*() {
      const fake = make()
      const there = yield* world(fake)
      const first = yield* driver(there, 1)
      const { run } = yield* first.execute(workflow())
      const second = yield* driver(there, 2)
      const completed = yield* Effect.flip(second.resume(RunId.make(run)))
      assert.strictEqual(completed.message, `run ${run} is completed: there is nothing to resume`)
      assert.strictEqual((yield* Effect.flip(second.resume(RunId.make("0".repeat(16)))))._tag, "RunUnknownError")

      fake.begins.set("first", "running")
      const driven = yield* Effect.fork(first.execute(workflow()))
      const under = yield* awaitThat(list(second.parts), Arr.some(({ status }) => status === "running"))
      const own = yield* Arr.findFirst(under, ({ status }) => status === "running")
      const error = yield* Effect.flip(second.resume(own.run))
      assert.match(error.message, /is driven by another process: process 1 on here/)
      assert.strictEqual((yield* Effect.flip(first.resume(own.run)))._tag, "RunOwnedError")
      yield* Fiber.interrupt(driven)

      const without = yield* Effect.provideService(WorkflowExecutor.make(), AgamemnonClient, fake.client)
      assert.strictEqual((yield* Effect.flip(without.resume(RunId.make(run))))._tag, "RunUnknownError")
    }))

  it.scopedLive("of two at once, one wins and the other says who has it", () =>
    Effect.gen(function*() {
      const { id, second, there } = yield* interrupted({ events: 9 })
      const third = yield* driver(there, 3)
      const exits = yield* Effect.forEach([second, third, second, third], ({ resume }) => Effect.exit(resume(id)), {
        concurrency: "unbounded"
      })
      assert.lengthOf(exits.filter(Exit.isSuccess), 1)
      for (const exit of exits.filter(Exit.isFailure)) {
        assert.include(["RunOwnedError", "NothingToResumeError"], failure(exit)?._tag)
      }
      assert.deepStrictEqual([made(there.fake), there.fake.existing()], [{ first: 1, second: 1 }, []])
    }))

  it.scopedLive("failed tasks stay failed, unless they are to be retried", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("first", "failed")
      const { error, id, second } = yield* ended(yield* world(fake))
      assert.strictEqual(error?._tag, "TasksFailedError")
      fake.begins.clear()
      const again = yield* Effect.flip(second.resume(id))
      assert.include(again.message, "can do no more: each task left has failed, or waits for one that has")
      assert.deepStrictEqual([made(fake), fake.existing()], [{ first: 1 }, []])
      yield* second.resume(id, { retryFailed: true })
      assert.deepStrictEqual([made(fake), fake.existing()], [{ first: 2, second: 1 }, []])
    }))

  it.scopedLive("a changed workflow is refused, with what differs, and accepted when told so", () =>
    Effect.gen(function*() {
      const { id, second, there } = yield* interrupted({ events: 13 })
      const changed = workflow({ teams: [team("core", task("first"), task("second", "first"), task("third", "second"))] })
      const error = yield* Effect.flip(second.resume(id, { spec: changed }))
      assert.strictEqual(error._tag, "WorkflowChangedError")
      assert.include(error.message, "teams[\"core\"].tasks[\"third\"] is new")
      assert.strictEqual((yield* only(second.parts))?.status, "interrupted")
      assert.deepStrictEqual(since(yield* recorded(there, id)).map(({ _tag }) => _tag).includes("run.resumed"), false)
      yield* second.resume(id, { spec: changed, acceptChanges: true })
      assert.deepStrictEqual([made(there.fake), there.fake.existing()], [{ first: 1, second: 1, third: 1 }, []])
    }))

  it.scopedLive("what the workflow no longer names is removed with the rest", () =>
    Effect.gen(function*() {
      const { id, second, there } = yield* interrupted({ events: 9 })
      const changed = workflow({
        agents: [{ name: "other", program: "none" }],
        teams: [{ name: "crew", agents: ["other"], tasks: [{ ...task("first"), assign_to: "other" }] }]
      })
      yield* second.resume(id, { spec: changed, acceptChanges: true })
      assert.deepStrictEqual(there.fake.existing(), [])
    }))

  it.scopedLive("the policy of teardown is the one that the run had, unless it is given", () =>
    Effect.gen(function*() {
      for (const [given, left] of [[undefined, 2], ["always", 0]] as const) {
        const { id, second, there } = yield* interrupted({ events: 9 }, workflow(), { teardown: "never" })
        yield* second.resume(id, { teardown: given })
        assert.lengthOf(there.fake.existing(), left)
        assert.strictEqual((yield* only(second.parts))?.kept, left)
      }
    }))

  it.scopedLive("what was kept is removed when its run is resumed", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("second", "failed")
      const there = yield* world(fake)
      const { id, second } = yield* ended(there, workflow({ teardown: "on_completion" }))
      assert.lengthOf(fake.existing(), 2)
      fake.begins.clear()
      yield* second.resume(id, { retryFailed: true })
      assert.deepStrictEqual([made(fake), fake.existing()], [{ first: 1, second: 2 }, []])
      const state = yield* stateOf(there, id)
      assert.deepStrictEqual(state && RunState.remaining(state), [])
    }))

  it.scopedLive("a run that ignored what existed ignores it again, and finds its own", () =>
    Effect.gen(function*() {
      const fake = make()
      const there = yield* world(fake)
      const before = yield* driver(there, 9)
      yield* before.execute(workflow(), { teardown: "never" })
      fake.heal()
      const first = yield* driver(there, 1, { events: 5 })
      yield* first.untilKilled(first.execute(workflow(), { force: true }))
      const second = yield* driver(there, 2)
      const own = yield* Arr.findFirst(yield* list(second.parts), ({ status }) => status === "interrupted")
      yield* second.resume(own.run)
      // The other run's are there, and nothing else.
      assert.deepStrictEqual([...fake.agents.keys(), ...fake.teams.keys()], ["agent-1", "team-2"])
      assert.deepStrictEqual(made(fake), { first: 2, second: 2 })
    }))

  it.scopedLive("a run whose Agamemnon has forgotten everything is done again as far as it was not done", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("second", "running")
      const { id, second, there } = yield* interrupted({ events: 13 }, workflow(), {}, fake)
      fake.forget()
      fake.begins.clear()
      yield* second.resume(id)
      const events = yield* recorded(there, id)
      assert.deepStrictEqual(told(since(events), "task"), [
        "task.finished first",
        "task.submitting second",
        "task.submitted second",
        "task.finished second"
      ])
      assert.deepStrictEqual(fake.existing(), [])
    }))

  it.scopedLive("a run that was on an Agamemnon of its process makes everything again, but completed tasks", () =>
    Effect.gen(function*() {
      const plain = make()
      const fake = { ...plain, client: { ...plain.client, embedded: true } }
      const { id, second, there } = yield* interrupted({ events: 10 }, workflow(), {}, fake)
      fake.forget()
      yield* second.resume(id)
      const events = since(yield* recorded(there, id))
      assert.deepInclude(events[0], { _tag: "run.resumed", embedded: true, resources: [] })
      assert.deepStrictEqual(told(events, "agent.creat", "team.creat"), [
        "agent.creating worker",
        "agent.created worker",
        "team.creating core",
        "team.created core"
      ])
      assert.deepStrictEqual(made(fake), { second: 1 })
    }))

  it.scoped("a run that has lost its Agamemnon goes on when it answers again", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("first", "running")
      const there = yield* world(fake)
      const first = yield* driver(there, 1)
      const running = yield* Effect.forkDaemon(first.execute(workflow({ teardown: "always" })))
      yield* TestClock.adjust("2 seconds")
      fake.health = "gone"
      const exit = yield* Effect.flatten(drive(Fiber.await(running)))
      assert.strictEqual(failure(exit)?._tag, "WorkflowConnectivityError")
      assert.lengthOf(fake.existing(), 2)
      fake.health = "well"
      fake.change("first", { status: "completed" })
      const second = yield* driver(there, 2)
      const run = yield* only(second.parts)
      assert.deepStrictEqual([run?.status, run?.left], ["connectivity_lost", 2])
      yield* Effect.flatten(drive(second.resume(run?.run ?? RunId.make(""))))
      assert.deepStrictEqual([made(fake), fake.existing()], [{ first: 1, second: 1 }, []])
    }).pipe(Effect.withRandom(steady)))
})
