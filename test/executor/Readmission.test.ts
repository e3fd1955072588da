import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { AgamemnonClient } from "../../src/agamemnon/AgamemnonClient.ts"
import * as Readmission from "../../src/executor/Readmission.ts"
import * as Submission from "../../src/executor/Submission.ts"
import type { JournalError } from "../../src/run/JournalError.ts"
import { RunId } from "../../src/run/RunId.ts"
import * as RunInput from "../../src/run/RunInput.ts"
import { RunQueue } from "../../src/run/RunQueue.ts"
import * as Database from "../../src/store/Database.ts"
import * as SqlRunJournal from "../../src/store/SqlRunJournal.ts"
import * as SqlRunQueue from "../../src/store/SqlRunQueue.ts"
import { type FakeAgamemnon, make } from "../support/FakeAgamemnon.ts"
import { awaitThat, driver, list, made, recorded, stateOf, type World } from "../support/JournaledRun.ts"
import { told, workflow } from "../support/TestRun.ts"
import * as TestPostgres from "../support/TestPostgres.ts"
import { newFile, type Parts, process } from "../support/TestStore.ts"

type Opened = Context.Tag.Service<Database.Database>

const worldOf = (database: Opened, fake: FakeAgamemnon): World => ({ fake, database, lives: new Map() })

/** A server, which puts runs back for whoever asks, and the queue that it shares with runners. */
const server = Effect.fnUntraced(function*({ database, fake, lives }: World) {
  const parts: Parts = yield* process(database, 9, lives)
  const queue = Context.get(yield* Layer.build(Layer.provide(Layer.effect(RunQueue, SqlRunQueue.make), Layer.succeedContext(parts))), RunQueue)
  const request = (run: RunId, options: Partial<Readmission.Options> = {}, client = fake.client) =>
    Readmission.request(run, { by: "penelope", ...options }).pipe(
      Effect.provide(parts),
      Effect.provideService(RunQueue, queue),
      Effect.provideService(AgamemnonClient, client)
    )
  return { parts, queue, request }
})

const tagOf = <A, E extends { readonly _tag: string }>(effect: Effect.Effect<A, E>) => Effect.map(Effect.flip(effect), ({ _tag }) => _tag)

const the = (parts: Parts) => Effect.map(list(parts), ([run]) => run)

/** A run in the foreground of a process, of which one task has failed. */
const failedRun = Effect.fnUntraced(function*(there: World) {
  there.fake.begins.set("second", "failed")
  const process = yield* driver(there, 1)
  yield* Effect.flip(process.execute(workflow({ teardown: "always" })))
  const run = (yield* the(process.parts))?.run
  return run === undefined ? yield* Effect.dieMessage("no run") : run
})

/** What holds in any database. */
const laws = (opened: () => Effect.Effect<Opened, JournalError, Scope.Scope>) => {
  it.scopedLive("that has failed waits for a runner with what has failed, and is taken to its end by it, with nothing done twice", () =>
    Effect.gen(function*() {
      const fake = make()
      const there = worldOf(yield* opened(), fake)
      const run = yield* failedRun(there)
      const { parts, queue, request } = yield* server(there)
      assert.deepStrictEqual(yield* queue.open, [])
      const refused = yield* Effect.flip(request(run))
      assert.match(refused.message, /failed tasks can be tried again/)
      assert.deepStrictEqual(yield* queue.open, [])

      const events = (yield* recorded(there, run)).length
      assert.deepStrictEqual(yield* request(run, { retryFailed: true }), { isNew: true, place: events })
      assert.deepStrictEqual(yield* request(run), { isNew: false, place: events })
      assert.deepInclude(yield* the(parts), { status: "queued", place: 1, owner: undefined, endedAt: undefined })
      assert.deepInclude(yield* stateOf(there, run), { again: { by: "penelope", retryFailed: true }, endedAt: undefined, outcome: "failed" })
      // What it was told to do is what it was told before.
      const input = yield* Effect.flatten(Effect.provide(SqlRunJournal.inputOf(run), parts))
      assert.strictEqual((yield* RunInput.decode(input)).spec.teardown, "always")

      const [claimed] = yield* queue.claim({ most: 1, except: [] })
      assert.strictEqual(claimed?.run, run)
      fake.begins.set("second", "completed")
      const runner = yield* driver(there, 2)
      yield* runner.resume(run)
      const after = yield* recorded(there, run)
      assert.deepStrictEqual(told(after, "run."), [
        "run.started", "run.decided", "run.finished", "run.submitted", "run.resumed", "run.decided", "run.finished"
      ])
      assert.deepStrictEqual(made(fake), { first: 1, second: 2 })
      assert.deepInclude(yield* the(parts), { status: "completed", left: 0, kept: 0 })
      assert.deepInclude(yield* stateOf(there, run), { again: undefined, outcome: "completed" })
      assert.deepStrictEqual(yield* queue.open, [])
      const done = yield* Effect.flip(request(run))
      assert.match(done.message, /is completed: there is nothing to resume/)
    }))

  it.scopedLive("whose process has died is no longer swept or interrupted, and is cancelled like any that waits", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("first", "running")
      const there = worldOf(yield* opened(), fake)
      const first = yield* driver(there, 1, { call: "createTask first", isAfter: true })
      yield* first.untilKilled(first.execute(workflow()))
      const { parts, queue, request } = yield* server(there)
      const run = (yield* the(parts))?.run ?? (yield* Effect.dieMessage("no run"))
      const elsewhere = yield* Effect.flip(request(run, {}, { ...fake.client, url: "http://other.test" }))
      assert.match(elsewhere.message, /is on http:\/\/.*, not on http:\/\/other\.test/)
      assert.deepInclude(yield* request(run), { isNew: true })
      assert.deepStrictEqual((yield* queue.open).map((each) => [each.run, each.isQueued]), [[run, true]])
      assert.strictEqual((yield* the(parts))?.status, "queued")
      assert.isTrue(yield* Effect.provide(Submission.withdraw(run, "penelope"), parts))
      assert.deepInclude(yield* the(parts), { status: "cancelled", left: 2 })
      assert.deepStrictEqual(yield* queue.open, [])
      // And again, to its end.
      yield* request(run)
      fake.change("first", { status: "completed" }, 0)
      const runner = yield* driver(there, 2)
      yield* runner.resume(run)
      assert.deepStrictEqual([made(fake), fake.existing()], [{ first: 1, second: 1 }, []])
    }))

  it.scopedLive("that somebody drives, or that nobody knows, is left as it is", () =>
    Effect.gen(function*() {
      const fake = make()
      const there = worldOf(yield* opened(), fake)
      const run = yield* failedRun(there)
      const { request } = yield* server(there)
      yield* request(run, { retryFailed: true })
      fake.begins.set("second", "running")
      const runner = yield* driver(there, 2)
      yield* Effect.forkScoped(runner.resume(run))
      yield* awaitThat(recorded(there, run), (events) => told(events).includes("run.resumed"))
      assert.strictEqual(yield* tagOf(request(run)), "RunOwnedError")
      const last = run.endsWith("0") ? "1" : "0"
      assert.strictEqual(yield* tagOf(request(RunId.make(`${run.slice(0, -1)}${last}`))), "RunUnknownError")
    }))
}

describe("a run that is to go on, in a file", () => laws(() => newFile))

describe.skipIf(TestPostgres.isMissing)("a run that is to go on, in PostgreSQL", () => {
  let number = 0
  laws(() => Effect.flatMap(TestPostgres.database(`telemachy_readmission_${number++}`), (url) => Database.openPostgres(url)))
})
