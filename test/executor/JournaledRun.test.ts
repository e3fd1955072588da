import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { TaskId } from "../../src/agamemnon/AgamemnonModel.ts"
import * as TaskFeed from "../../src/agamemnon/TaskFeed.ts"
import type { RunEvent } from "../../src/run/RunEvent.ts"
import { RunJournal } from "../../src/run/RunJournal.ts"
import { RunLease } from "../../src/run/RunLease.ts"
import type * as Database from "../../src/store/Database.ts"
import { answers, hangs, make } from "../support/FakeAgamemnon.ts"
import * as FakeTaskFeed from "../support/FakeTaskFeed.ts"
import { awaitThat, driver, list, only, recorded, type World, world } from "../support/JournaledRun.ts"
import { failure, told, workflow } from "../support/TestRun.ts"
import { numbered, type Parts } from "../support/TestStore.ts"

type Sql = Context.Tag.Service<Database.Database>["sql"]

/** Lets nothing be written any more, or everything again. */
const fill = (sql: Sql) =>
  sql`CREATE TRIGGER full BEFORE INSERT ON telemachy_events BEGIN SELECT RAISE(ABORT, 'it is full'); END`
const empty = (sql: Sql) => sql`DROP TRIGGER full`

const declarations = ({ database }: World) => database.sql`SELECT json FROM telemachy_declarations`

const theOne = (parts: Parts) => Effect.flatMap(list(parts), Arr.head)

/** What a process publishes of its next run. */
const hear = Effect.fnUntraced(function*({ events }: { readonly events: Effect.Effect.Success<ReturnType<typeof driver>>["events"] }) {
  const heard: Array<RunEvent> = []
  const stream = yield* events
  const hearing = yield* Effect.forkScoped(Stream.runForEach(
    Stream.takeUntil(stream, ({ _tag }) => _tag === "run.finished"),
    (event) => Effect.sync(() => heard.push(event))
  ))
  return { heard, all: Effect.as(Fiber.join(hearing), heard) }
})

/** A process that can drive runs, in a world of its own. */
const driven = Effect.gen(function*() {
  const fake = make()
  const there = yield* world(fake)
  return { fake, there, process: yield* driver(there, 1) }
})

describe("a run with a journal", () => {
  it.scopedLive("is in the journal as it was told", () =>
    Effect.gen(function*() {
      const there = yield* world(make())
      const process = yield* driver(there, 1)
      const { all } = yield* hear(process)
      const { run } = yield* process.execute(workflow(), { source: "/somewhere/flow.yaml" })
      const summary = yield* theOne(process.parts)
      assert.deepInclude(summary, { workflow: "flow", status: "completed", left: 0, kept: 0, owner: undefined })
      assert.strictEqual(summary.run, run)
      assert.deepStrictEqual(yield* recorded(there, summary.run), yield* all)
    }))

  it.scopedLive("nothing is made before the journal says that it is about to be", () =>
    Effect.gen(function*() {
      const { fake, process, there } = yield* driven
      fake.heal()
      const seen: Array<readonly [string, string | undefined]> = []
      const look = (call: string) => {
        fake.on(call, (usual) =>
          Effect.orDie(only(process.parts)).pipe(
            Effect.flatMap((run) => run === undefined ? Effect.succeed([]) : Effect.orDie(recorded(there, run.run))),
            Effect.tap((events) => Effect.sync(() => seen.push([call, told(events, "agent.creating", "team.creating", "task.submitting", "task.failing").at(-1)]))),
            Effect.zipRight(usual)
          ))
      }
      for (const call of ["createAgent worker", "createTeam core", "createTask first", "createTask second"]) look(call)
      yield* process.execute(workflow())
      assert.deepStrictEqual(seen, [
        ["createAgent worker", "agent.creating worker"],
        ["createTeam core", "team.creating core"],
        ["createTask first", "task.submitting first"],
        ["createTask second", "task.submitting second"]
      ])
    }))

  it.scopedLive("Agamemnon is not told of a failure before the journal says that it is about to be", () =>
    Effect.gen(function*() {
      const feed = yield* FakeTaskFeed.make()
      const { fake, process, there } = yield* Effect.provideService(driven, TaskFeed.TaskFeed, feed.service)
      fake.heal()
      fake.begins.set("first", "pending")
      const seen: Array<string | undefined> = []
      fake.on("failTask first", (usual) =>
        Effect.orDie(only(process.parts)).pipe(
          Effect.flatMap((run) => run === undefined ? Effect.succeed([]) : Effect.orDie(recorded(there, run.run))),
          Effect.tap((events) => Effect.sync(() => seen.push(told(events, "task.").at(-1)))),
          Effect.zipRight(usual)
        ))
      const running = yield* Effect.fork(Effect.flip(process.execute(workflow())))
      yield* awaitThat(Effect.sync(() => fake.tasks.size), (size) => size === 1)
      const [id = ""] = fake.tasks.keys()
      yield* feed.tell(TaskFeed.Failed({ id: TaskId.make(id), reason: "no disk" }))
      assert.strictEqual((yield* Fiber.join(running))._tag, "TasksFailedError")
      assert.deepStrictEqual(seen, ["task.failing first"])
    }))

  it.scopedLive("is cancelled by whoever asks the journal, and takes down what it made", () =>
    Effect.gen(function*() {
      const fake = make()
      const there = yield* world(fake)
      const [process, other] = [yield* driver(there, 1), yield* driver(there, 2)]
      fake.begins.set("first", "running")
      const running = yield* Effect.fork(process.execute(workflow({ teardown: "on_failure" })))
      yield* awaitThat(Effect.sync(() => fake.tasks.size), (size) => size === 1)
      const run = yield* theOne(other.parts)
      assert.strictEqual(run.status, "running")
      const { cancel } = Context.get(other.parts, RunLease)
      assert.isTrue(yield* cancel(run.run, "somebody"))
      const error = yield* Effect.timeout(Effect.flip(Fiber.join(running)), "2 seconds")
      assert.deepInclude(error, { _tag: "RunCancelledError", by: "somebody", message: "cancelled by somebody" })
      assert.deepStrictEqual(fake.existing(), [])
      const events = yield* recorded(there, run.run)
      assert.deepStrictEqual(told(events).slice(-6), [
        "run.cancelling",
        "run.decided",
        "teardown.started",
        "team.removed core",
        "agent.removed worker",
        "run.finished"
      ])
      assert.deepInclude(yield* theOne(other.parts), { status: "cancelled", owner: undefined })
      assert.isFalse(yield* cancel(run.run, "somebody"))
    }))

  it.scopedLive("what it was told is recorded until it is completed", () =>
    Effect.gen(function*() {
      const { fake, process, there } = yield* driven
      fake.begins.set("first", "failed")
      yield* Effect.flip(process.execute(workflow()))
      const [row, ...more] = yield* declarations(there)
      assert.deepStrictEqual(more, [])
      assert.include(String(row?.["json"]), "do second")
      const run = yield* theOne(process.parts)
      for (const event of yield* recorded(there, run.run)) {
        assert.notInclude(JSON.stringify(event), "do first", "events are not to tell what the tasks are")
      }
      fake.begins.clear()
      yield* process.execute(workflow())
      assert.lengthOf(yield* declarations(there), 1)
      yield* process.resume(run.run, { retryFailed: true })
      assert.deepStrictEqual(yield* declarations(there), [])
    }))

  it.scopedLive("makes nothing when nothing can be recorded", () =>
    Effect.gen(function*() {
      const { fake, process, there } = yield* driven
      const { heard } = yield* hear(process)
      yield* fill(there.database.sql)
      const error = yield* Effect.flip(process.execute(workflow()))
      assert.strictEqual(error._tag, "JournalError")
      assert.match(error.message, /^the journal of runs \(memory:\) cannot be written: .*it is full/)
      assert.deepStrictEqual([fake.changes(), heard], [[], []])
    }))

  it.scopedLive("stops when the journal fails before anything is made", () =>
    Effect.gen(function*() {
      const { fake, process, there } = yield* driven
      const { all } = yield* hear(process)
      fake.heal()
      fake.on("listAgents", (usual) => Effect.zipRight(Effect.orDie(fill(there.database.sql)), usual), 1)
      assert.strictEqual((yield* Effect.flip(process.execute(workflow())))._tag, "JournalError")
      assert.deepStrictEqual(fake.changes(), [])
      assert.deepStrictEqual(told(yield* all, "run", "record"), ["run.started", "record.failed", "run.decided", "run.finished"])
      yield* empty(there.database.sql)
    }))

  it.scopedLive("that has made something waits with its next intent for a journal that fails, and goes on without a gap", () =>
    Effect.gen(function*() {
      const { fake, process, there } = yield* driven
      const { all, heard } = yield* hear(process)
      fake.heal()
      fake.on("startAgent", (usual) => Effect.zipRight(Effect.orDie(fill(there.database.sql)), usual), 1)
      const running = yield* Effect.fork(process.execute(workflow()))
      yield* awaitThat(Effect.sync(() => told(heard, "record")), (events) => events.length > 0)
      assert.notInclude(fake.calls, "createTeam core")
      yield* empty(there.database.sql)
      const { run } = yield* Fiber.join(running)
      const events = yield* all
      assert.deepStrictEqual(fake.existing(), [])
      assert.deepStrictEqual(told(events, "record"), ["record.failed", "record.restored"])
      const found = yield* theOne(process.parts)
      assert.strictEqual(found.run, run)
      assert.deepStrictEqual(yield* recorded(there, found.run), events)
    }))

  it.scopedLive("that another process takes ends at once, and leaves what it made to that one", () =>
    Effect.gen(function*() {
      const { fake, process, there } = yield* driven
      fake.begins.set("first", "running")
      fake.begins.set("second", "running")
      const running = yield* Effect.fork(process.execute(workflow()))
      yield* awaitThat(Effect.sync(() => fake.tasks.size), (size) => size === 1)
      const { run: id } = yield* theOne(process.parts)
      const other = yield* driver({ ...there, lives: new Map([[1, "dead"]]) }, 2)
      const taken = yield* Effect.flatMap(Effect.succeed(Context.get(other.parts, RunJournal)), ({ acquire }) => acquire(id))
      const before = (yield* recorded(there, id)).length
      const error = yield* Effect.timeout(Effect.flip(Fiber.join(running)), "3 seconds")
      assert.match(error.message, /is driven by another process: process 2 on here/)
      assert.lengthOf(fake.existing(), 2)
      // It may have written until it heard of that, but does not say how the run ended: it did not.
      assert.deepStrictEqual(told((yield* recorded(there, id)).slice(before), "run.", "teardown."), [])
      yield* taken.append([numbered(1, id)])
      assert.strictEqual((yield* recorded(there, id)).at(-1)?._tag, "request.failed")
    }))

  it.scopedLive("that is refused or interrupted is in the journal as such", () =>
    Effect.gen(function*() {
      const { fake, process } = yield* driven
      fake.heal()
      fake.on("createTeam", answers(400), 1)
      assert.strictEqual(failure(yield* Effect.exit(process.execute(workflow())))?._tag, "AgamemnonError")
      fake.on("createTask", hangs)
      const running = yield* Effect.fork(process.execute(workflow()))
      yield* awaitThat(Effect.sync(() => fake.calls.includes("createTask first")), Boolean)
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(running)))
      const runs = yield* list(process.parts)
      assert.sameMembers(runs.map(({ status }) => status), ["failed", "cancelled"])
      assert.deepStrictEqual(runs.map(({ left }) => left), [0, 0])
      assert.deepStrictEqual(fake.existing(), [])
    }))
})
