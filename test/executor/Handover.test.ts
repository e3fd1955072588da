import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import type { RunEvent } from "../../src/run/RunEvent.ts"
import type * as WorkflowExecutor from "../../src/executor/WorkflowExecutor.ts"
import { hangs, make, slow } from "../support/FakeAgamemnon.ts"
import { awaitThat, drive, driver, list, made, only, recorded, type World, world } from "../support/JournaledRun.ts"
import * as Sweep from "../support/Sweep.ts"
import { failure, outcome, told, workflow } from "../support/TestRun.ts"

/** A run in a process that is asked to hand it over when `stopping` is done. */
const handedOver = Effect.fnUntraced(function*(
  there: World,
  until: (events: ReadonlyArray<string>) => boolean,
  resume?: WorkflowExecutor.RunResult["run"]
) {
  const process = yield* driver(there, 1)
  const stopping = yield* Deferred.make<string>()
  const options = { yieldOn: Deferred.await(stopping) }
  const fiber = yield* Effect.fork(resume === undefined ? process.execute(workflow(), options) : process.resume(resume, options))
  yield* awaitThat(Effect.flatMap(only(process.parts), (run) => run === undefined ? Effect.succeed([]) : recorded(there, run.run)), (events) => until(told(events)))
  yield* Deferred.succeed(stopping, "a deploy")
  const error = failure(yield* Fiber.await(fiber))
  const { owner, run, status } = yield* Effect.flatMap(list(process.parts), Arr.head)
  assert.deepStrictEqual([status, owner], ["interrupted", undefined])
  return { error, run, events: yield* recorded(there, run) }
})

const tag = (error: unknown) => typeof error === "object" && error !== null && "_tag" in error ? error._tag : error

describe("a run that is handed over", () => {
  it.scopedLive("keeps what it made, has no outcome, and goes on elsewhere at once: what is completed is not repeated, what runs is watched", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("second", "running")
      const there = yield* world(fake)
      const { error, events, run } = yield* handedOver(there, (events) => events.includes("task.submitted second"))
      assert.strictEqual(tag(error), "RunYieldedError")
      assert.deepStrictEqual(outcome(events), [])
      assert.deepStrictEqual(told(events, "teardown", "run.", "agent.removed"), ["run.started", "run.yielded"])
      assert.deepInclude(events.at(-1), { _tag: "run.yielded", reason: "a deploy" })
      assert.deepStrictEqual(fake.existing().length, 2)
      const second = yield* driver(there, 2)
      const resuming = yield* Effect.fork(second.resume(run))
      yield* awaitThat(recorded(there, run), (events) => told(events).includes("task.watched second"))
      fake.change("second", { status: "completed", result: "done" })
      const { tasks } = yield* Fiber.join(resuming)
      assert.deepStrictEqual(tasks.map(({ earlier, status, subject }) => [subject, status, earlier]), [
        ["first", "completed", true],
        ["second", "completed", false]
      ])
      assert.deepStrictEqual([made(fake), fake.existing()], [{ first: 1, second: 1 }, []])
    }))

  it.scopedLive("tells what its requests under way have made, so that nobody has to wait for that", () =>
    Effect.gen(function*() {
      for (const [call, about, tells] of [
        ["createAgent", "agent.creating worker", "agent.created worker"],
        ["createTeam", "team.creating core", "team.created core"],
        ["createTask first", "task.submitting first", "task.submitted first"]
      ] as const) {
        const fake = make()
        fake.on(call, slow("200 millis"))
        const there = yield* world(fake)
        const { events, run } = yield* handedOver(there, (events) => events.includes(about))
        assert.deepStrictEqual(told(events).slice(-2), [tells, "run.yielded"])
        fake.heal()
        const second = yield* driver(there, 2)
        yield* second.resume(run)
        assert.deepStrictEqual(told(yield* recorded(there, run), "run.waiting"), [])
        assert.deepStrictEqual([made(fake), fake.existing()], [{ first: 1, second: 1 }, []])
      }
    }))

  it.scopedLive("says so when another has acquired it, and not that it has failed, if others drive it when this process does not", () =>
    Effect.gen(function*() {
      for (const [options, last, error] of [[{ yieldOn: Effect.never }, "run.yielded", "RunYieldedError"], [{}, "run.finished", "RunOwnedError"]] as const) {
        const fake = make()
        fake.begins.set("first", "running")
        fake.begins.set("second", "running")
        const there = yield* world(fake)
        const first = yield* driver(there, 1)
        const said: Array<RunEvent> = []
        yield* Effect.fork(Stream.runForEach(yield* first.events, (event) => Effect.sync(() => void said.push(event))))
        const losing = yield* Effect.fork(first.execute(workflow(), options))
        yield* awaitThat(Effect.sync(() => told(said)), (tags) => tags.includes("task.submitted first"))
        there.lives.set(1, "dead")
        const { run } = yield* Effect.flatMap(list(first.parts), Arr.head)
        const second = yield* driver(there, 2)
        const resuming = yield* Effect.fork(second.resume(run))
        yield* awaitThat(recorded(there, run), (events) => told(events).includes("run.resumed"))
        fake.change("first", { status: "completed" })
        assert.strictEqual(tag(failure(yield* Fiber.await(losing))), error)
        yield* awaitThat(Effect.sync(() => told(said, "run.")), (tags) => tags.includes(last))
        assert.deepStrictEqual(outcome(said), last === "run.yielded" ? [] : ["failed"])
        assert.match(String(said.flatMap((event) => event._tag === "run.yielded" || event._tag === "run.decided" ? [event.reason] : [])), /is driven by another process/)
        yield* awaitThat(recorded(there, run), (events) => told(events).includes("task.submitted second"))
        fake.change("second", { status: "completed" })
        yield* Fiber.join(resuming)
        assert.deepStrictEqual([made(fake), fake.existing()], [{ first: 1, second: 1 }, []])
      }
    }))

  it.scopedLive("is not over when its work was done and its teardown was not", () =>
    Effect.gen(function*() {
      const fake = make()
      const there = yield* world(fake)
      fake.on("deleteTeam", hangs)
      const { error, events, run } = yield* handedOver(there, (events) => events.includes("teardown.started"))
      assert.strictEqual(tag(error), "RunYieldedError")
      assert.deepStrictEqual(told(events, "run."), ["run.started", "run.decided", "run.yielded"])
      fake.heal()
      const second = yield* driver(there, 2)
      yield* second.resume(run)
      assert.deepStrictEqual([made(fake), fake.existing()], [{ first: 1, second: 1 }, []])
    }))

  it.scopedLive("is handed on more than once", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("first", "running")
      const there = yield* world(fake)
      const { run } = yield* handedOver(there, (events) => events.includes("task.submitted first"))
      yield* handedOver(there, (events) => events.includes("task.watched first"), run)
      fake.change("first", { status: "completed" })
      const last = yield* driver(there, 3)
      yield* last.resume(run)
      assert.deepStrictEqual(told(yield* recorded(there, run), "run."), [
        "run.started",
        "run.yielded",
        "run.resumed",
        "run.yielded",
        "run.resumed",
        "run.decided",
        "run.finished"
      ])
      assert.deepStrictEqual([made(fake), fake.existing()], [{ first: 1, second: 1 }, []])
    }))

  it.scoped("does nothing twice and leaves nothing, wherever it was", () =>
    Effect.gen(function*() {
      const endings = new Set<string>()
      const points = Array.from({ length: 60 }, (_, power) => Math.floor(150 * 1.1 ** power))
      for (const steps of Sweep.some(points, 7)) {
        const fake = make()
        const there = yield* world(fake)
        const process = yield* driver(there, 1)
        const stopping = yield* Deferred.make<string>()
        let taken = 0
        const scheduler: Scheduler.Scheduler = {
          scheduleTask: (step, priority) => Scheduler.defaultScheduler.scheduleTask(step, priority),
          shouldYield: (fiber) => {
            if (taken++ === steps) Deferred.unsafeDone(stopping, Exit.succeed("a deploy"))
            return Scheduler.defaultScheduler.shouldYield(fiber)
          }
        }
        const exit = yield* drive(Effect.withScheduler(process.execute(workflow(), { yieldOn: Deferred.await(stopping) }), scheduler))
        if (Exit.isFailure(exit)) {
          assert.strictEqual(tag(failure(exit)), "RunYieldedError", `${steps} steps`)
          const { run } = yield* Effect.flatMap(list(process.parts), Arr.head)
          const second = yield* driver(there, 2)
          const resumed = yield* drive(second.resume(run))
          assert.isTrue(Exit.isSuccess(resumed), `${steps} steps: ${String(failure(resumed))}`)
          assert.deepStrictEqual(told(yield* recorded(there, run), "run.").filter((tag) => tag === "run.finished"), ["run.finished"])
        }
        endings.add(Exit.isSuccess(exit) ? "completed" : "yielded")
        assert.deepStrictEqual([made(fake), fake.existing()], [{ first: 1, second: 1 }, []], `${steps} steps`)
      }
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(endings, new Set(["yielded", "completed"]))
    }))
})
