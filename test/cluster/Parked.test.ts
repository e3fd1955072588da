import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { AgamemnonClient } from "../../src/agamemnon/AgamemnonClient.ts"
import * as Parked from "../../src/cluster/Parked.ts"
import * as Submission from "../../src/executor/Submission.ts"
import type { JournalError } from "../../src/run/JournalError.ts"
import type { RunId } from "../../src/run/RunId.ts"
import { RunQueue } from "../../src/run/RunQueue.ts"
import { type Runner, RunnerRegistry } from "../../src/run/RunnerRegistry.ts"
import * as AnswerTable from "../../src/store/AnswerTable.ts"
import * as Database from "../../src/store/Database.ts"
import * as SqlRunQueue from "../../src/store/SqlRunQueue.ts"
import type { WorkflowInput } from "../../src/workflow/WorkflowSpec.ts"
import { make } from "../support/FakeAgamemnon.ts"
import { driver, list } from "../support/JournaledRun.ts"
import * as TestPostgres from "../support/TestPostgres.ts"
import { team, workflow } from "../support/TestRun.ts"
import { newFile, process } from "../support/TestStore.ts"

const asking = (gate: Partial<WorkflowInput["teams"][number]["tasks"][number]> = {}) =>
  workflow({ park_after: 0.05, teams: [team("core", { id: "ask", subject: "ask", approve: "Shall it end?", ...gate })] })

/** A journal in which runs park that were submitted, and a runner that looks for them. */
const world = Effect.fnUntraced(function*(opened: Effect.Effect<Context.Tag.Service<Database.Database>, JournalError, Scope.Scope>) {
  const fake = make()
  const database = yield* opened
  const there = { fake, database, lives: new Map() }
  const parts = yield* process(database, 9, there.lives)
  const queue = Context.get(yield* Layer.build(Layer.provide(Layer.effect(RunQueue, SqlRunQueue.make), Layer.succeedContext(parts))), RunQueue)
  const since = yield* DateTime.now
  const row = { host: "here", pid: 1, agamemnon: fake.client.url, since, maxRuns: 1, running: 0, draining: false, reachable: true, overdueMessages: 0 }
  let oldest: Runner = { ...row, id: "this" }
  const registry = RunnerRegistry.of({ join: () => Effect.void, living: Effect.sync(() => [oldest, { ...row, id: "another" }]) })
  const woken: Array<string> = []
  const looker = () =>
    Parked.look({ id: "this", wake: Effect.sync(() => void woken.push("woken")) }).pipe(
      Effect.provide(parts),
      Effect.provideService(RunQueue, queue),
      Effect.provideService(AgamemnonClient, fake.client),
      Effect.provideService(RunnerRegistry, registry)
    )
  const runner = yield* driver(there, 1)
  return {
    looker,
    runner,
    queue,
    woken,
    drain: () => (oldest = { ...oldest, draining: true }),
    park: Effect.fnUntraced(function*(spec = asking()) {
      const { run } = yield* Effect.provideService(Submission.record(spec), RunQueue, queue)
      yield* Effect.flip(runner.resume(run))
      return run
    }),
    answer: (run: RunId) =>
      Effect.provideService(
        AnswerTable.give(run, { team: "core", subject: "ask", asked: 1 }, { decision: "approved", by: "penelope" }),
        Database.Database,
        database
      ),
    statusOf: (run: RunId) => Effect.map(list(parts), (all) => all.find((each) => each.run === run)?.status)
  }
})

const laws = (opened: () => Effect.Effect<Context.Tag.Service<Database.Database>, JournalError, Scope.Scope>) => {
  it.scopedLive("goes on when somebody has answered, and those that nobody has answered stay parked", () =>
    Effect.gen(function*() {
      const { answer, looker, park, queue, runner, statusOf, woken } = yield* world(opened())
      const [answered, silent] = [yield* park(), yield* park()]
      const look = looker()
      yield* look
      assert.deepStrictEqual([yield* statusOf(answered), yield* statusOf(silent), woken], ["waiting", "waiting", []])
      yield* answer(answered)
      yield* look
      assert.deepStrictEqual([yield* statusOf(answered), yield* statusOf(silent), woken], ["queued", "waiting", ["woken"]])
      yield* look
      const claimed = yield* queue.claim({ most: 5, except: [] })
      assert.deepStrictEqual(claimed.map(({ run }) => run), [answered])
      yield* runner.resume(answered)
      assert.strictEqual(yield* statusOf(answered), "completed")
      yield* look
      assert.deepStrictEqual([yield* queue.parked, woken], [[{ run: silent, answers: 0 }], ["woken"]])
    }))

  it.scopedLive("goes on when the time for an answer is over", () =>
    Effect.gen(function*() {
      const { looker, park, statusOf } = yield* world(opened())
      const run = yield* park(asking({ timeout: 3 }))
      yield* looker()
      assert.strictEqual(yield* statusOf(run), "waiting")
      yield* Effect.sleep("3100 millis")
      yield* looker()
      assert.strictEqual(yield* statusOf(run), "queued")
    }))

  it.scopedLive("is left to another runner by one that drains", () =>
    Effect.gen(function*() {
      const { answer, drain, looker, park, statusOf } = yield* world(opened())
      const run = yield* park()
      yield* answer(run)
      drain()
      yield* looker()
      assert.strictEqual(yield* statusOf(run), "waiting")
    }))
}

describe("a parked run that was submitted, in a file,", () => laws(() => newFile))

describe.skipIf(TestPostgres.isMissing)(TestPostgres.named("a parked run that was submitted, in PostgreSQL,"), () =>
  laws(() => Effect.flatMap(TestPostgres.database("telemachy_parked"), (url) => Database.openPostgres(url))))
