import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { AgamemnonClient } from "../../src/agamemnon/AgamemnonClient.ts"
import * as RunDriver from "../../src/cluster/RunDriver.ts"
import * as Submission from "../../src/executor/Submission.ts"
import { WorkflowExecutor } from "../../src/executor/WorkflowExecutor.ts"
import { RunJournal } from "../../src/run/RunJournal.ts"
import { RunQueue } from "../../src/run/RunQueue.ts"
import * as SqlRunQueue from "../../src/store/SqlRunQueue.ts"
import type { WorkflowSpec } from "../../src/workflow/WorkflowSpec.ts"
import { hangs, make } from "../support/FakeAgamemnon.ts"
import { awaitThat, driver, list, made, recorded, type World, world } from "../support/JournaledRun.ts"
import { outcome, told, workflow } from "../support/TestRun.ts"

type Resume = Context.Tag.Service<WorkflowExecutor>["resume"]

/** A runner without a cluster, whose executor may be another. */
const runner = Effect.fnUntraced(function*(there: World, pid: number, places = 10, resume?: (usual: Resume) => Resume) {
  const process = yield* driver(there, pid)
  const queue = Context.get(
    yield* Layer.build(Layer.provide(SqlRunQueue.layer, Layer.succeedContext(process.parts))),
    RunQueue
  )
  const executor = WorkflowExecutor.of({ ...process, resume: resume?.(process.resume) ?? process.resume })
  const made = yield* RunDriver.make(places).pipe(
    Effect.provideService(WorkflowExecutor, executor),
    Effect.provideService(RunQueue, queue),
    Effect.provideService(AgamemnonClient, there.fake.client),
    Effect.provideService(RunJournal, Context.get(process.parts, RunJournal))
  )
  const submitted = (spec: WorkflowSpec) => Effect.map(Effect.provideService(Submission.record(spec), RunQueue, queue), ({ run }) => run)
  return { ...made, submit: submitted(workflow()), submitted, parts: process.parts }
})

describe("RunDriver", () => {
  it.scopedLive("drives a run to its end, and finds that one which is over is over", () =>
    Effect.gen(function*() {
      const there = yield* world(make())
      const { drive, submit, takeOver } = yield* runner(there, 1)
      const run = yield* submit
      assert.strictEqual(yield* drive(run), "over")
      assert.strictEqual(yield* drive(run), "over")
      assert.deepStrictEqual(made(there.fake), { first: 1, second: 1 })
      assert.deepStrictEqual(yield* takeOver, [run, run])
    }))

  it.scopedLive("hands over what it drives and what waits when it stops, and another goes on", () =>
    Effect.gen(function*() {
      const there = yield* world(make())
      there.fake.begins.set("first", "running")
      const one = yield* runner(there, 1, 1)
      const [first, second] = [yield* one.submit, yield* one.submit]
      const fibers = yield* Effect.forEach([first, second], (run) => Effect.fork(one.drive(run)))
      yield* awaitThat(recorded(there, first), (events) => told(events).includes("task.submitted first"))
      assert.deepStrictEqual(yield* one.load, { running: 1, waiting: 1, draining: false })
      yield* one.stop("a deploy")
      assert.deepStrictEqual(yield* Effect.forEach(fibers, Fiber.join), ["handed over", "handed over"])
      assert.deepStrictEqual(told(yield* recorded(there, second)), ["run.submitted"])
      const other = yield* runner(there, 2)
      const going = yield* Effect.forEach([first, second], (run) => Effect.fork(other.drive(run)))
      yield* awaitThat(Effect.all([recorded(there, first), recorded(there, second)]), ([one, other]) =>
        told(one).includes("task.watched first") && told(other).includes("task.submitted first"))
      there.fake.change("first", { status: "completed" }, 0)
      there.fake.change("first", { status: "completed" }, 1)
      assert.deepStrictEqual(yield* Effect.forEach(going, Fiber.join), ["over", "over"])
      assert.deepStrictEqual([made(there.fake), there.fake.existing()], [{ first: 2, second: 2 }, []])
    }))

  it.scopedLive("waits for a run that another has, and goes on with it when that has let go", () =>
    Effect.gen(function*() {
      const there = yield* world(make())
      there.fake.begins.set("first", "running")
      const [one, other] = [yield* runner(there, 1), yield* runner(there, 2)]
      const run = yield* one.submit
      const driving = yield* Effect.fork(one.drive(run))
      yield* awaitThat(recorded(there, run), (events) => told(events).includes("task.submitted first"))
      const waiting = yield* Effect.fork(other.drive(run))
      // As the cluster does when the run becomes another's.
      yield* Fiber.interruptFork(driving)
      yield* awaitThat(recorded(there, run), (events) => told(events).includes("task.watched first"))
      there.fake.change("first", { status: "completed" })
      assert.strictEqual(yield* Fiber.join(waiting), "over")
      assert.deepStrictEqual(told(yield* recorded(there, run), "run."), [
        "run.submitted",
        "run.started",
        "run.yielded",
        "run.resumed",
        "run.decided",
        "run.finished"
      ])
      assert.deepStrictEqual(made(there.fake), { first: 1, second: 1 })
    }))

  it.scopedLive("tries a run three times that dies of a defect, and then it has failed, with nothing left", () =>
    Effect.gen(function*() {
      const there = yield* world(make())
      let times = 0
      const broken = yield* runner(there, 1, 10, () => () => {
        times += 1
        return Effect.die(new Error("a bug"))
      })
      const run = yield* broken.submit
      assert.strictEqual(yield* broken.drive(run), "over")
      assert.strictEqual(times, 3)
      const events = yield* recorded(there, run)
      assert.deepStrictEqual(outcome(events), ["failed"])
      assert.deepStrictEqual(told(events, "run."), ["run.submitted", "run.decided", "run.finished"])
      assert.strictEqual((yield* list(broken.parts))[0]?.status, "failed")
    }))

  it.scopedLive("a run whose group is full waits without a place of the runner, and begins when there is one in the group", () =>
    Effect.gen(function*() {
      const there = yield* world(make())
      there.fake.begins.set("first", "running")
      const { drive, load, submitted } = yield* runner(there, 1, 2)
      const grouped = workflow({ concurrency: { group: "deploy", limit: 1 } })
      const runs = [yield* submitted(grouped), yield* submitted(grouped), yield* submitted(workflow())] as const
      const fibers = yield* Effect.forEach(runs, (run) => Effect.fork(drive(run)))
      yield* awaitThat(Effect.all([recorded(there, runs[0]), recorded(there, runs[2])]), ([one, other]) =>
        told(one).includes("task.submitted first") && told(other).includes("task.submitted first"))
      assert.deepStrictEqual(yield* load, { running: 2, waiting: 0, draining: false })
      assert.deepStrictEqual(told(yield* recorded(there, runs[1])), ["run.submitted"])
      there.fake.begins.delete("first")
      there.fake.change("first", { status: "completed" }, 0)
      there.fake.change("first", { status: "completed" }, 1)
      assert.deepStrictEqual(yield* Effect.forEach(fibers, Fiber.join), ["over", "over", "over"])
      assert.deepStrictEqual(made(there.fake), { first: 3, second: 3 })
    }))

  it.scopedLive("with one place, a run that cancels another which nobody drives lets it be taken to its end", () =>
    Effect.gen(function*() {
      const there = yield* world(make())
      there.fake.begins.set("first", "running")
      const spec = workflow({ concurrency: { group: "deploy", limit: 1, when_full: "cancel_running" } })
      const one = yield* runner(there, 1, 1)
      const first = yield* one.submitted(spec)
      yield* Effect.fork(one.drive(first))
      yield* awaitThat(recorded(there, first), (events) => told(events).includes("task.submitted first"))
      yield* one.stop("a deploy")
      there.fake.begins.delete("first")
      const other = yield* runner(there, 2, 1)
      const second = yield* other.submitted(spec)
      const fibers = yield* Effect.forEach([second, first], (run) => Effect.fork(other.drive(run)))
      assert.deepStrictEqual(yield* Effect.forEach(fibers, Fiber.join), ["over", "over"])
      assert.deepStrictEqual(outcome(yield* recorded(there, first)), ["cancelled"])
      assert.deepStrictEqual(outcome(yield* recorded(there, second)), ["completed"])
    }), 20_000)

  it.scopedLive("a run that is not to wait has failed when its group is full", () =>
    Effect.gen(function*() {
      const there = yield* world(make())
      there.fake.begins.set("first", "running")
      const { drive, submitted } = yield* runner(there, 1, 2)
      const first = yield* submitted(workflow({ concurrency: "deploy" }))
      const driving = yield* Effect.fork(drive(first))
      yield* awaitThat(recorded(there, first), (events) => told(events).includes("task.submitted first"))
      const second = yield* submitted(workflow({ concurrency: { group: "deploy", when_full: "refuse" } }))
      assert.strictEqual(yield* drive(second), "over")
      const events = yield* recorded(there, second)
      const decided = events.find(({ _tag }) => _tag === "run.decided")
      assert.include(decided?._tag === "run.decided" ? decided.reason : "", `is full: run ${first} of flow has the place`)
      there.fake.change("first", { status: "completed" }, 0)
      assert.strictEqual(yield* Fiber.join(driving), "over")
    }))

  it.scopedLive("takes down a run whose runner has died in its teardown", () =>
    Effect.gen(function*() {
      const there = yield* world(make())
      there.fake.begins.set("second", "failed")
      there.fake.on("deleteTeam", hangs)
      const one = yield* runner(there, 1)
      const run = yield* one.submit
      yield* Effect.fork(one.drive(run))
      yield* awaitThat(recorded(there, run), (events) => told(events).includes("teardown.started"))
      yield* one.stop("a deploy")
      there.fake.heal()
      const other = yield* runner(there, 2)
      assert.strictEqual(yield* other.drive(run), "over")
      assert.deepStrictEqual(outcome(yield* recorded(there, run)), ["failed"])
      assert.deepStrictEqual(there.fake.existing(), [])
    }))
})
