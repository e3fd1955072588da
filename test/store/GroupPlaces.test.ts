import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import type * as ConcurrencyGroup from "../../src/run/ConcurrencyGroup.ts"
import type { JournalError } from "../../src/run/JournalError.ts"
import { RunId } from "../../src/run/RunId.ts"
import { RunJournal } from "../../src/run/RunJournal.ts"
import { RunQueue } from "../../src/run/RunQueue.ts"
import * as Database from "../../src/store/Database.ts"
import * as RunIndex from "../../src/store/RunIndex.ts"
import * as SqlRunQueue from "../../src/store/SqlRunQueue.ts"
import * as TestPostgres from "../support/TestPostgres.ts"
import { identity, type Lives, newPath, openFile, process, runA, runB, started } from "../support/TestStore.ts"

type Opened = Effect.Effect<Context.Tag.Service<Database.Database>, JournalError, Scope.Scope>

const runC = RunId.make("cccccccccccccccc")

const asks = (limit = 1, isWaiting = false): ConcurrencyGroup.Entry => ({ group: "deploy", limit, isWaiting })

/** Who has the places, and how many wait before whoever asks, and one more; nothing when a place was taken. */
const full = (entered: ConcurrencyGroup.Entered) =>
  entered._tag === "Entered" ? undefined : [entered.place, ...entered.holders.map(({ run }) => run)]

const journal = (database: Context.Tag.Service<Database.Database>, pid: number, lives?: Lives) =>
  Effect.map(process(database, pid, lives), Context.get(RunJournal))

const numbered = (number: number) => RunId.make(number.toString(16).padStart(16, "0"))

const submit = (parts: Effect.Effect.Success<ReturnType<typeof process>>, run: RunId, group: string | null = "deploy", at = 0, workflow = "flow") =>
  Effect.gen(function*() {
    const queue = Context.get(yield* Layer.build(Layer.provide(Layer.effect(RunQueue, SqlRunQueue.make), Layer.succeedContext(parts))), RunQueue)
    yield* queue.submit(
      { _tag: "run.submitted", run, workflow, at: DateTime.unsafeMake(at), priority: 0, policy: "always", inputDigest: "d", agents: [], teams: [] },
      { digest: "d", json: "{}", fingerprint: "f", ...(group === null ? {} : { concurrency: { group, limit: 1, whenFull: "queue" } }) }
    )
    return queue
  })

const suite = (open: Opened) => {
  it.scopedLive("gives out so many places and no more, and one again that has one", () =>
    Effect.gen(function*() {
      const database = yield* open
      const [one, two, three] = [yield* journal(database, 1), yield* journal(database, 2), yield* journal(database, 3)]
      const a = yield* one.begin(identity(runA, "first"))
      const b = yield* two.begin(identity(runB))
      const c = yield* three.begin(identity(runC))
      assert.isUndefined(full(yield* a.enter(asks(2))))
      assert.isUndefined(full(yield* a.enter(asks(2))))
      assert.isUndefined(full(yield* b.enter(asks(2))))
      assert.deepStrictEqual(full(yield* c.enter(asks(2))), [1, runA, runB])
      // It counts by its own limit, and of another group nobody is there.
      assert.isUndefined(full(yield* c.enter(asks(3))))
      assert.isUndefined(full(yield* c.enter({ ...asks(), group: "other" })))
    }))

  it.scopedLive("of many that ask at the same instant, as many have one as there are", () =>
    Effect.gen(function*() {
      const database = yield* open
      const handles = yield* Effect.forEach(Array.from({ length: 10 }, (_, number) => numbered(number + 1)), (run, position) =>
        Effect.flatMap(journal(database, position + 1), ({ begin }) => begin(identity(run))))
      const answers = yield* Effect.forEach(handles, (handle) => handle.enter(asks(3)), { concurrency: "unbounded" })
      assert.lengthOf(answers.filter(({ _tag }) => _tag === "Entered"), 3)
      const again = yield* Effect.forEach(handles, (handle) => handle.enter(asks(3)), { concurrency: "unbounded" })
      assert.deepStrictEqual(again.map(({ _tag }) => _tag), answers.map(({ _tag }) => _tag))
    }))

  it.scopedLive("who waits is given its place by its age, before who comes later", () =>
    Effect.gen(function*() {
      const database = yield* open
      const scope = yield* Scope.make()
      const a = yield* Scope.extend(Effect.flatMap(journal(database, 1), ({ begin }) => begin(identity(runA))), scope)
      const b = yield* Effect.flatMap(journal(database, 2), ({ begin }) => begin(identity(runB)))
      const c = yield* Effect.flatMap(journal(database, 3), ({ begin }) => begin(identity(runC)))
      yield* a.enter(asks())
      assert.deepStrictEqual(full(yield* b.enter(asks(1, true))), [1, runA])
      assert.deepStrictEqual(full(yield* c.enter(asks(1, true))), [2, runA])
      const parts = yield* process(database, 9)
      const seen = yield* Effect.provide(RunIndex.list, parts)
      assert.deepStrictEqual(seen.map(({ group, place, run, status }) => [run, status, place, group]), [
        [runC, "queued", 2, { name: "deploy", holders: [runA] }],
        [runB, "queued", 1, { name: "deploy", holders: [runA] }]
      ])
      assert.strictEqual((yield* Effect.provide(RunIndex.find("bbb"), parts)).owner?.slice(0, 17), "process 2 on here")
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(full(yield* c.enter(asks(1, true))), [2])
      assert.isUndefined(full(yield* b.enter(asks(1, true))))
      assert.deepStrictEqual(full(yield* c.enter(asks(1, true))), [1, runB])
    }))

  it.scopedLive("who has died has no place, nor has who waits for one and leaves", () =>
    Effect.gen(function*() {
      const database = yield* open
      const lives: Lives = new Map()
      const scope = yield* Scope.make()
      const a = yield* Effect.flatMap(journal(database, 1, lives), ({ begin }) => begin(identity(runA)))
      const b = yield* Scope.extend(Effect.flatMap(journal(database, 2, lives), ({ begin }) => begin(identity(runB))), scope)
      const c = yield* Effect.flatMap(journal(database, 3, lives), ({ begin }) => begin(identity(runC)))
      yield* a.append([started(runA)])
      yield* a.enter(asks())
      yield* b.enter(asks(1, true))
      assert.deepStrictEqual(full(yield* c.enter(asks(1, true))), [2, runA])
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(full(yield* c.enter(asks(1, true))), [1, runA])
      lives.set(1, "dead")
      assert.isUndefined(full(yield* c.enter(asks(1, true))))
      // Whoever goes on with it takes its place again, as everybody does.
      const again = yield* Effect.flatMap(journal(database, 4, lives), ({ acquire }) => acquire(runA))
      assert.deepStrictEqual(full(yield* again.enter(asks(1, true))), [1, runC])
      assert.strictEqual((yield* Effect.flip(a.enter(asks())))._tag, "RunOwnedError")
    }))

  it.scopedLive("a run that runners go on with has its place, whoever drives it, until it is over", () =>
    Effect.gen(function*() {
      const database = yield* open
      const lives: Lives = new Map()
      const parts = yield* process(database, 1, lives)
      yield* submit(parts, runA)
      const a = yield* Context.get(parts, RunJournal).acquire(runA, "http://fake.test")
      assert.isUndefined(full(yield* a.enter(asks())))
      yield* a.append([started(runA)])
      lives.set(1, "dead")
      const b = yield* Effect.flatMap(journal(database, 2, lives), ({ begin }) => begin(identity(runB)))
      assert.deepStrictEqual(full(yield* b.enter(asks())), [1, runA])
      const scope = yield* Scope.make()
      const other = yield* Scope.extend(Effect.flatMap(journal(database, 3, lives), ({ acquire }) => acquire(runA)), scope)
      assert.isUndefined(full(yield* other.enter(asks())))
      yield* other.append([{ _tag: "run.finished", run: runA, workflow: "flow", at: DateTime.unsafeMake(1), outcome: "failed", left: 0, kept: 0 }])
      assert.deepStrictEqual(full(yield* b.enter(asks())), [1, runA])
      yield* Scope.close(scope, Exit.void)
      assert.isUndefined(full(yield* b.enter(asks())))
    }))

  it.scopedLive("those that were submitted are held back while it is full, in their order, and behind who waits in the foreground", () =>
    Effect.gen(function*() {
      const database = yield* open
      const parts = yield* process(database, 1)
      const scope = yield* Scope.make()
      const queue = yield* submit(parts, runA, "deploy", 1)
      yield* submit(parts, runB, "deploy", 2)
      yield* submit(parts, runC, null, 3)
      const held = Effect.map(Effect.forEach([runA, runB, runC], queue.find), (found) =>
        found.map((each) => each._tag === "Some" ? each.value.heldBackBy : "over"))
      const places = Effect.map(Effect.provide(RunIndex.list, parts), (runs) =>
        [runA, runB, runC].map((id) => runs.find(({ run }) => run === id)).map((each) => [each?.place, each?.group?.name]))
      assert.deepStrictEqual(yield* held, [undefined, "deploy", undefined])
      assert.deepStrictEqual(yield* places, [[1, undefined], [3, "deploy"], [2, undefined]])
      const foreground = yield* Scope.extend(Effect.flatMap(journal(database, 2), ({ begin }) => begin(identity(numbered(1)))), scope)
      yield* foreground.enter(asks())
      assert.deepStrictEqual(yield* held, ["deploy", "deploy", undefined])
      assert.deepStrictEqual(yield* places, [[2, "deploy"], [3, "deploy"], [1, undefined]])
      yield* Scope.close(scope, Exit.void)
      const waiting = yield* Effect.flatMap(journal(database, 3), ({ begin }) => begin(identity(numbered(2))))
      yield* Effect.flatMap(journal(database, 4), ({ begin }) => begin(identity(numbered(3)))).pipe(
        Effect.flatMap((other) => other.enter(asks(1, true)))
      )
      assert.strictEqual((yield* waiting.enter(asks(1, true)))._tag, "Full")
      assert.deepStrictEqual(yield* held, ["deploy", "deploy", undefined])
    }))

  it.scopedLive("a dead holder is found out by whoever is held back", () =>
    Effect.gen(function*() {
      const database = yield* open
      const lives: Lives = new Map()
      const parts = yield* process(database, 1, lives)
      const queue = yield* submit(parts, runA)
      const dies = yield* Effect.flatMap(journal(database, 2, lives), ({ begin }) => begin(identity(runB)))
      yield* dies.enter(asks())
      assert.deepInclude(yield* queue.find(runA), { _tag: "Some" })
      lives.set(2, "dead")
      const found = yield* queue.find(runA)
      assert.isUndefined(found._tag === "Some" ? found.value.heldBackBy : "over")
    }))

  it.scopedLive("workflows take turns in the queue, as it is shown", () =>
    Effect.gen(function*() {
      const database = yield* open
      const parts = yield* process(database, 1)
      for (let number = 1; number <= 4; number++) yield* submit(parts, numbered(number), null, number, "many")
      const queue = yield* submit(parts, numbered(9), null, 9, "one")
      const order = Effect.map(Effect.provide(RunIndex.list, parts), (runs) =>
        runs.toSorted((one, other) => (one.place ?? 0) - (other.place ?? 0)).map(({ run }) => run))
      assert.deepStrictEqual(yield* order, [1, 9, 2, 3, 4].map(numbered))
      const claimed = Effect.map(queue.claim({ most: 1, except: [] }), (runs) => runs.map(({ run }) => run))
      assert.deepStrictEqual(yield* claimed, [numbered(1)])
      yield* Effect.sleep(Duration.millis(5))
      assert.deepStrictEqual((yield* order)[0], numbered(9))
      assert.deepStrictEqual(yield* claimed, [numbered(9)])
      assert.deepStrictEqual((yield* order)[0], numbered(1))
    }))
}

describe("GroupPlaces in a file", () => suite(Effect.flatMap(newPath, openFile)))

describe("GroupPlaces in memory", () => suite(Database.openMemory))

describe.skipIf(TestPostgres.isMissing)(TestPostgres.named("GroupPlaces in PostgreSQL"), () =>
  suite(Effect.flatMap(TestPostgres.database("telemachy_places"), (url) => Database.openPostgres(url))))
