import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Submission from "../../src/executor/Submission.ts"
import { RunQueue } from "../../src/run/RunQueue.ts"
import type { JournalError } from "../../src/run/JournalError.ts"
import { RunLease } from "../../src/run/RunLease.ts"
import * as RunState from "../../src/run/RunState.ts"
import type * as WorkflowSpec from "../../src/workflow/WorkflowSpec.ts"
import * as Database from "../../src/store/Database.ts"
import * as HashChain from "../../src/store/HashChain.ts"
import * as EventLog from "../../src/store/EventLog.ts"
import * as RunIndex from "../../src/store/RunIndex.ts"
import * as SqlRunQueue from "../../src/store/SqlRunQueue.ts"
import { make } from "../support/FakeAgamemnon.ts"
import { awaitThat, driver, list, made, recorded, type World, world } from "../support/JournaledRun.ts"
import * as TestPostgres from "../support/TestPostgres.ts"
import { identity, newFile, process } from "../support/TestStore.ts"
import { outcome, told, workflow } from "../support/TestRun.ts"

type Opened = Context.Tag.Service<Database.Database>

const queueOf = (database: Opened) =>
  Effect.flatMap(process(database, 8), (parts) =>
    Effect.map(Layer.build(Layer.provide(Layer.effect(RunQueue, SqlRunQueue.make), Layer.succeedContext(parts))), Context.get(RunQueue)))

const submit = (database: Opened, spec: WorkflowSpec.WorkflowSpec = workflow(), options?: Submission.Options) =>
  Effect.flatMap(queueOf(database), (queue) => Effect.provideService(Submission.record(spec, options), RunQueue, queue))

const summaries = (database: Opened) => Effect.flatMap(process(database, 9), (parts) => Effect.provide(RunIndex.list, parts))

const withSecret = workflow({
  agents: [{ name: "worker", program: "none", env: { TOKEN: "${{ secrets.TOKEN }}" } }],
  secrets: ["TOKEN"]
})

/** What holds in any database. */
const laws = (opened: () => Effect.Effect<Opened, JournalError, Scope.Scope>) => {
  it.scopedLive("is queued, in the order of priority and age, with what it declares and is told", () =>
    Effect.gen(function*() {
      const database = yield* opened()
      const ids = []
      for (const priority of [0, 5, 0, -1, 5]) ids.push((yield* submit(database, workflow(), { priority })).run)
      const places = new Map((yield* summaries(database)).map(({ place, run, status }) => [run, [status, place]]))
      assert.deepStrictEqual(ids.map((id) => places.get(id)), [
        ["queued", 3], ["queued", 1], ["queued", 4], ["queued", 5], ["queued", 2]
      ])
      const queue = yield* queueOf(database)
      assert.deepStrictEqual((yield* queue.open).map(({ priority }) => priority), [5, 5, 0, 0, -1])
      const state = yield* Effect.provideService(
        Effect.map(Effect.flatMap(EventLog.rows(ids[0] ?? ""), EventLog.events), RunState.foldAll), Database.Database, database)
      assert.deepInclude(state, { isQueued: true, url: "", policy: "always" })
      assert.deepStrictEqual(state === undefined ? [] : RunState.tasks(state).map(({ subject }) => subject), ["first", "second"])
    }))

  it.scopedLive("with one key there is one run, though many submit it at once", () =>
    Effect.gen(function*() {
      const database = yield* opened()
      const all = yield* Effect.replicateEffect(submit(database, workflow(), { key: "nightly" }), 12, { concurrency: "unbounded" })
      assert.lengthOf(new Set(all.map(({ run }) => run)), 1)
      assert.lengthOf(all.filter(({ isNew }) => isNew), 1)
      assert.isTrue(all.every(({ isSame }) => isSame))
      const other = yield* submit(database, workflow({ teardown: "never" }), { key: "nightly", source: "/elsewhere.yaml" })
      assert.deepStrictEqual([other.run, other.isNew, other.isSame], [all[0]?.run, false, false])
      const moved = yield* submit(database, workflow(), { key: "nightly", source: "/elsewhere.yaml" })
      assert.isTrue(moved.isSame)
      assert.lengthOf(yield* summaries(database), 1)
      yield* submit(database, workflow(), { key: "weekly" })
      yield* submit(database)
      yield* submit(database)
      assert.lengthOf(yield* summaries(database), 4)
    }))

  it.scopedLive("what is wrong with it is said before anything is on record", () =>
    Effect.gen(function*() {
      const database = yield* opened()
      const spec = workflow({ inputs: { ticket: { type: "string", required: true } } })
      const error = yield* Effect.flip(submit(database, spec))
      assert.strictEqual(error._tag, "InputsInvalidError")
      assert.deepStrictEqual(yield* summaries(database), [])
      yield* submit(database, spec, { inputs: { ticket: "ABC-1" } })
      assert.lengthOf(yield* summaries(database), 1)
    }))

  it.scopedLive("is given to one of those who ask at once, in the order of the queue, and again when nobody begins it", () =>
    Effect.gen(function*() {
      const database = yield* opened()
      const runs = yield* Effect.forEach([0, 5, 0, -1, 5, 0], (priority) => Effect.map(submit(database, workflow(), { priority }), ({ run }) => run))
      const ordered = [1, 4, 0, 2, 5, 3].map((position) => runs[position])
      const queue = yield* queueOf(database)
      const claim = queue.claim({ most: 2, except: [] })
      const claimed = yield* Effect.replicateEffect(claim, 4, { concurrency: "unbounded" })
      const given = claimed.flat().map(({ run }) => run)
      assert.strictEqual(new Set(given).size, given.length)
      for (const { length } of claimed) assert.isAtMost(length, 2)
      yield* Effect.replicateEffect(claim, 3)
      assert.deepStrictEqual(yield* claim, [])
      yield* Effect.sleep("2100 millis")
      const again = yield* queue.claim({ most: 9, except: runs.slice(0, 1) })
      assert.deepStrictEqual(again.map(({ run }) => run), ordered.filter((run) => run !== runs[0]))
      assert.isTrue(again.every(({ isQueued }) => isQueued))
    }))

  it.scopedLive("counts its defects, whoever notes them", () =>
    Effect.gen(function*() {
      const database = yield* opened()
      const { run } = yield* submit(database)
      const counts = yield* Effect.replicateEffect(Effect.flatMap(queueOf(database), ({ noteDefect }) => noteDefect(run)), 3)
      assert.deepStrictEqual(counts, [1, 2, 3])
    }))

  it.scopedLive("its key is free again when it is cancelled and forgotten, and its chain is whole", () =>
    Effect.gen(function*() {
      const database = yield* opened()
      const { run } = yield* submit(database, workflow(), { key: "nightly" })
      const parts = yield* process(database, 1)
      const withdraw = Effect.provide(Submission.withdraw(run, "penelope"), parts)
      assert.isTrue(yield* withdraw)
      assert.isFalse(yield* withdraw)
      const rows = yield* Effect.provideService(EventLog.rows(run), Database.Database, database)
      assert.isUndefined(HashChain.firstBreak(rows))
      assert.deepStrictEqual(rows.map(({ tag }) => tag), ["run.submitted", "run.cancelling", "run.decided", "run.finished"])
      assert.deepStrictEqual((yield* summaries(database)).map(({ place, status }) => [status, place]), [["cancelled", undefined]])
      assert.deepStrictEqual(yield* (yield* queueOf(database)).open, [])
    }))
}

describe("a run that is submitted, in a file", () => laws(() => newFile))

describe.skipIf(TestPostgres.isMissing)("a run that is submitted, in PostgreSQL", () => {
  let number = 0
  const opened = () => Effect.flatMap(TestPostgres.database(`telemachy_submission_${number++}`), (url) => Database.openPostgres(url))
  laws(opened)

  it.scopedLive("is given to nobody while its lease holds", () =>
    Effect.gen(function*() {
      const database = yield* opened()
      const { run } = yield* submit(database)
      const { claim } = yield* queueOf(database)
      const given = Effect.delay(claim({ most: 1, except: [] }), "2100 millis")
      const lease = Context.get(yield* process(database, 1), RunLease)
      yield* Effect.scoped(Effect.gen(function*() {
        yield* lease.acquire(identity(run))
        assert.deepStrictEqual(yield* given, [])
      }))
      assert.deepStrictEqual((yield* claim({ most: 1, except: [] })).map((each) => each.run), [run])
    }))
})

describe("a run that was submitted", () => {
  const submitted = Effect.fnUntraced(function*(there: World, ...rest: [spec?: WorkflowSpec.WorkflowSpec, options?: Submission.Options]) {
    return (yield* submit(there.database, ...rest)).run
  })

  it.scopedLive("is begun by its id from the record, once", () =>
    Effect.gen(function*() {
      const fake = make()
      const there = yield* world(fake)
      const run = yield* submitted(there, workflow(), { inputs: {} })
      const processes = [yield* driver(there, 1), yield* driver(there, 2), yield* driver(there, 3)]
      const exits = yield* Effect.forEach(processes, ({ resume }) => Effect.either(resume(run)), { concurrency: "unbounded" })
      assert.deepStrictEqual(exits.map((exit) => exit._tag === "Right" ? "completed" : exit.left._tag).toSorted(), ["RunOwnedError", "RunOwnedError", "completed"])
      assert.deepStrictEqual(told(yield* recorded(there, run), "run."), ["run.submitted", "run.started", "run.decided", "run.finished"])
      assert.deepStrictEqual([made(fake), fake.existing()], [{ first: 1, second: 1 }, []])
    }))

  it.scopedLive("has agents and teams of its own, so that two of a workflow are under way at once", () =>
    Effect.gen(function*() {
      const fake = make()
      const there = yield* world(fake)
      const process = yield* driver(there, 1)
      const runs = [yield* submitted(there), yield* submitted(there)]
      yield* Effect.forEach(runs, (run) => process.resume(run), { concurrency: "unbounded" })
      assert.deepStrictEqual([made(fake), fake.existing()], [{ first: 2, second: 2 }, []])
    }))

  it.scopedLive("has failed when it can not begin, and says why", () =>
    Effect.gen(function*() {
      const fake = make()
      const there = yield* world(fake)
      const process = yield* driver(there, 1)
      const run = yield* submitted(there, withSecret)
      const error = yield* Effect.flip(process.resume(run))
      assert.include(["SecretsInvalidError", "SecretsUnsupportedError"], error._tag)
      const events = yield* recorded(there, run)
      assert.deepStrictEqual(told(events), ["run.submitted", "run.decided", "run.finished"])
      assert.deepStrictEqual(outcome(events), ["failed"])
      assert.strictEqual((yield* list(process.parts))[0]?.status, "failed")
    }))

  it.scopedLive("is not swept by another run after the process that began it has died", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("first", "running")
      const there = yield* world(fake)
      const run = yield* submitted(there)
      const first = yield* driver(there, 1, { call: "createTask first", isAfter: true })
      yield* first.untilKilled(first.resume(run))
      fake.begins.set("first", "completed")
      const second = yield* driver(there, 2)
      yield* second.execute(workflow({ metadata: { name: "another" } }))
      assert.lengthOf(fake.existing(), 2)
      const resuming = yield* Effect.fork(second.resume(run))
      yield* awaitThat(recorded(there, run), (events) => told(events).includes("task.watched first"))
      fake.change("first", { status: "completed" }, 0)
      yield* Fiber.join(resuming)
      assert.deepStrictEqual(fake.existing(), [])
      assert.deepStrictEqual(made(fake), { first: 2, second: 2 })
    }))
})
