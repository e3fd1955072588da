import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { JournalError } from "../../src/run/JournalError.ts"
import * as RunId from "../../src/run/RunId.ts"
import type { Fence } from "../../src/run/RunLease.ts"
import * as AppendQueue from "../../src/store/AppendQueue.ts"
import * as Database from "../../src/store/Database.ts"
import * as EventLog from "../../src/store/EventLog.ts"
import * as HashChain from "../../src/store/HashChain.ts"
import * as TestPostgres from "../support/TestPostgres.ts"
import { newFile, numbered, owned, runA, runB } from "../support/TestStore.ts"

const rowsOf = (run: RunId.RunId, from: number, to: number, end = HashChain.empty) =>
  HashChain.extend(end, Arr.makeBy(to - from, (index) => numbered(from + index, run)))

const runs = Arr.makeBy(50, (position) => RunId.RunId.make(position.toString(16).padStart(16, "0")))

/** A database that counts the statements that add rows. */
const counting = (database: Database.Database["Type"]) => {
  const counted = { inserts: 0 }
  const sql = new Proxy(database.sql, {
    apply: (target, self, args: [TemplateStringsArray, ...ReadonlyArray<unknown>]) => {
      if (args[0].join("").includes("INSERT INTO telemachy_events")) counted.inserts += 1
      return Reflect.apply(target, self, args)
    }
  })
  return { counted, database: { ...database, sql } }
}

const laws = (open: Effect.Effect<Database.Database["Type"], JournalError, Scope.Scope>) => {
  const withDatabase = <A, E>(
    test: (counted: { readonly inserts: number }) => Effect.Effect<A, E, Database.Database | Scope.Scope>
  ) =>
    Effect.flatMap(Effect.map(open, counting), ({ counted, database }) =>
      Effect.provideService(test(counted), Database.Database, database))

  it.scopedLive("what several runs add at the same moment goes in one statement, each in its own log", () =>
    withDatabase((counted) =>
      Effect.gen(function*() {
        const queue = AppendQueue.make()
        const fences = yield* Effect.forEach(runs, owned)
        yield* Effect.forEach(fences, (fence) =>
          Effect.flatMap(rowsOf(RunId.RunId.make(fence.run), 0, 3), (rows) => queue.add(rows, fence)), { concurrency: "unbounded" })
        assert.strictEqual(counted.inserts, 1)
        for (const run of runs) {
          const found = yield* EventLog.rows(run)
          assert.lengthOf(found, 3)
          assert.isUndefined(HashChain.firstBreak(found))
        }
      })))

  it.scopedLive("what several runs add a little later than others goes with it", () =>
    withDatabase((counted) =>
      Effect.gen(function*() {
        const queue = AppendQueue.make()
        const fences = yield* Effect.forEach(runs, owned)
        const later = (turns: number) => Effect.replicateEffect(Effect.yieldNow(), turns, { discard: true })
        yield* Effect.forEach(fences, (fence, index) =>
          Effect.flatMap(rowsOf(RunId.RunId.make(fence.run), 0, 1), (rows) => Effect.zipRight(later(4 * index), queue.add(rows, fence))), {
          concurrency: "unbounded"
        })
        assert.strictEqual(counted.inserts, 1)
      })))

  it.scopedLive("more than one statement takes goes in several", () =>
    withDatabase((counted) =>
      Effect.gen(function*() {
        const queue = AppendQueue.make()
        const [first, second] = [yield* owned(runA), yield* owned(runB)]
        yield* Effect.all([
          queue.add(yield* rowsOf(runA, 0, 450), first),
          queue.add(yield* rowsOf(runB, 0, 1203), second),
          queue.add(yield* rowsOf(runA, 450, 500, HashChain.endOf((yield* rowsOf(runA, 0, 450)).at(-1))), first)
        ], { concurrency: "unbounded" })
        assert.strictEqual(counted.inserts, 5)
        assert.deepStrictEqual([(yield* EventLog.rows(runA)).length, (yield* EventLog.rows(runB)).length], [500, 1203])
      })))

  it.scopedLive("one whose run has another owner, or whose place is taken, fails alone", () =>
    withDatabase(() =>
      Effect.gen(function*() {
        const queue = AppendQueue.make()
        const [a, b] = [yield* owned(runA), yield* owned(runB)]
        const together = (former: Fence, rows: ReadonlyArray<HashChain.Row>, others: ReadonlyArray<HashChain.Row>) =>
          Effect.all([Effect.either(queue.add(rows, former)), Effect.either(queue.add(others, b))], { concurrency: "unbounded" })
        const failures = (results: ReadonlyArray<Either.Either<void, EventLog.AddError>>) =>
          results.map((result) => (Either.isLeft(result) ? result.left._tag : "added"))
        const ofA = yield* rowsOf(runA, 0, 2)
        const first = yield* rowsOf(runB, 0, 2)
        assert.deepStrictEqual(failures(yield* together({ ...a, token: "former" }, ofA, first)), ["FencedOff", "added"])
        yield* queue.add(ofA, a)
        const second = yield* rowsOf(runB, 2, 4, HashChain.endOf(first.at(-1)))
        assert.deepStrictEqual(failures(yield* together(a, yield* rowsOf(runA, 10, 12), second)), ["LogMoved", "added"])
        // An answer was lost: the same once more.
        const third = yield* rowsOf(runB, 4, 5, HashChain.endOf(second.at(-1)))
        assert.deepStrictEqual(failures(yield* together(a, ofA, third)), ["added", "added"])
        assert.deepStrictEqual([(yield* EventLog.rows(runA)).length, (yield* EventLog.rows(runB)).length], [2, 5])
      })))

  it.scopedLive("whoever is interrupted is not in the way of what it adds next", () =>
    withDatabase(() =>
      Effect.gen(function*() {
        const queue = AppendQueue.make()
        const fence = yield* owned(runA)
        const rows = yield* rowsOf(runA, 0, 4)
        const fiber = yield* Effect.fork(queue.add(rows.slice(0, 2), fence))
        yield* Effect.yieldNow()
        yield* Fiber.interrupt(fiber)
        yield* queue.add(rows, fence)
        assert.lengthOf(yield* EventLog.rows(runA), 4)
      })))
}

describe("AppendQueue in a file", () => laws(newFile))

describe.skipIf(TestPostgres.isMissing)(TestPostgres.named("AppendQueue in PostgreSQL"), () => {
  laws(Effect.flatMap(TestPostgres.database("telemachy_append_queue"), Database.openPostgres))
})
