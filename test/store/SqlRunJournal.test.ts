import { SqlError } from "@effect/sql/SqlError"
import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { JournalError, RunOwnedError } from "../../src/run/JournalError.ts"
import type { RunEvent } from "../../src/run/RunEvent.ts"
import { RunId } from "../../src/run/RunId.ts"
import { RunJournal } from "../../src/run/RunJournal.ts"
import * as Database from "../../src/store/Database.ts"
import * as EventLog from "../../src/store/EventLog.ts"
import * as HashChain from "../../src/store/HashChain.ts"
import * as TestPostgres from "../support/TestPostgres.ts"
import { identity, type Lives, newFile, newPath, numbered, numbers, openFile, process, runA, runB, started } from "../support/TestStore.ts"

type Opened = Context.Tag.Service<Database.Database>

const at = (index: number) => RunId.make(String(index).repeat(16))

const written = (database: Opened, run: RunId = runA) =>
  Effect.provideService(EventLog.rows(run), Database.Database, database)

const told = (database: Opened, run: RunId = runA) =>
  Effect.map(
    Effect.provideService(Effect.flatMap(EventLog.rows(run), EventLog.events), Database.Database, database),
    numbers
  )

const record = (database: Opened, pid = 1, lives: Lives = new Map()) =>
  Effect.map(process(database, pid, lives), Context.get(RunJournal))

const reset = Effect.fail(new SqlError({ message: "", cause: { code: "ECONNRESET", message: "the connection was reset" } }))

/** A database that carries out what is inserted and does not say so, and answers no questions, while `isCut` says so. */
const forgetful = (database: Opened, isCut: () => boolean): Opened => ({
  ...database,
  sql: new Proxy(database.sql, {
    apply: (target, _, [texts, ...values]) => {
      const statement = target(texts, ...values)
      // Parts of statements are not asked by themselves.
      const isWhole = /^\s*(SELECT|INSERT|UPDATE|DELETE)/.test(String(texts))
      if (!isCut() || !isWhole || !Effect.isEffect(statement)) return statement
      return String(texts).includes("INSERT INTO telemachy_events") ? Effect.zipRight(statement, reset) : reset
    }
  })
})

/** A run that has begun in a file whose answers can be cut off. */
const interruptible = Effect.gen(function*() {
  const database = yield* newFile
  let isCut = false
  const { begin } = yield* record(forgetful(database, () => isCut))
  const { append } = yield* begin(identity())
  yield* append([started()])
  const cut = (next: boolean) => {
    isCut = next
  }
  return { append, cut, database }
})

describe("SqlRunJournal", () => {
  it.scopedLive("what is appended is on disk when that is said", () =>
    Effect.gen(function*() {
      const path = yield* newPath
      const { begin } = yield* record(yield* openFile(path))
      const { append } = yield* begin(identity())
      const other = yield* openFile(path)
      yield* append([started()])
      for (const number of Arr.range(1, 30)) {
        yield* append([numbered(number)])
        assert.lengthOf(yield* written(other), number + 1)
      }
      yield* append([])
      assert.isUndefined(HashChain.firstBreak(yield* written(other)))
    }))

  it.scopedLive("many events at once are appended", () =>
    Effect.gen(function*() {
      const database = yield* newFile
      const { begin } = yield* record(database)
      const { append } = yield* begin(identity())
      yield* append(Arr.makeBy(1777, (number) => numbered(number)))
      yield* append([numbered(1777)])
      const rows = yield* written(database)
      assert.lengthOf(rows, 1778)
      assert.isUndefined(HashChain.firstBreak(rows))
    }))

  it.scopedLive("repeating an append whose answer was lost writes nothing twice", () =>
    Effect.gen(function*() {
      const { append, cut, database } = yield* interruptible
      cut(true)
      const error = yield* Effect.flip(append([numbered(1), numbered(2)]))
      assert.instanceOf(error, JournalError)
      cut(false)
      assert.deepStrictEqual(yield* told(database), ["run.started", "1", "2"])
      yield* append([numbered(1), numbered(2)])
      yield* append([numbered(3)])
      assert.deepStrictEqual(yield* told(database), ["run.started", "1", "2", "3"])
    }))

  it.scopedLive("after an append whose answer was lost, others can be appended around what it wrote", () =>
    Effect.gen(function*() {
      const { append, cut, database } = yield* interruptible
      cut(true)
      yield* Effect.flip(append([numbered(1), numbered(1), numbered(2)]))
      cut(false)
      yield* append([numbered(0), numbered(1), numbered(1), numbered(2), numbered(1), numbered(3)])
      assert.deepStrictEqual(yield* told(database), ["run.started", "1", "1", "2", "0", "1", "3"])
      yield* append([numbered(4)])
      assert.isUndefined(HashChain.firstBreak(yield* written(database)))
      // And what it wrote may never be asked for again.
      cut(true)
      yield* Effect.flip(append([numbered(5)]))
      cut(false)
      yield* append([numbered(6)])
      assert.deepStrictEqual((yield* told(database)).slice(-3), ["4", "5", "6"])
      assert.isUndefined(HashChain.firstBreak(yield* written(database)))
    }))

  it.scopedLive("a writer whose run was taken can not write, and hears of it", () =>
    Effect.gen(function*() {
      const database = yield* newFile
      const first = yield* record(database, 1, new Map())
      const second = yield* record(database, 2, new Map([[1, "dead"]]))
      const stalled = yield* first.begin(identity())
      yield* stalled.append([started(), numbered(1)])
      const taken = yield* second.acquire(runA)
      assert.deepStrictEqual(numbers(taken.events), ["run.started", "1"])
      yield* taken.append([numbered(2)])
      const heard = yield* Effect.fork(Effect.flip(stalled.lost))
      const error = yield* Effect.flip(stalled.append([numbered(10)]))
      assert.instanceOf(error, RunOwnedError)
      assert.include(error.message, "process 2 on here")
      assert.include((yield* Fiber.join(heard)).message, "process 2 on here")
      yield* taken.append([numbered(3)])
      assert.deepStrictEqual(yield* told(database), ["run.started", "1", "2", "3"])
    }))

  it.scopedLive("what a stalled writer adds after its run was taken does not end the run of its new owner", () =>
    Effect.gen(function*() {
      const database = yield* newFile
      const first = yield* record(database, 1, new Map())
      const second = yield* record(database, 2, new Map([[1, "dead"]]))
      const stalled = yield* first.begin(identity())
      yield* stalled.append([started()])
      const taken = yield* second.acquire(runA)
      // It was on its way when the run was taken.
      yield* Effect.exit(stalled.append([numbered(1)]))
      yield* taken.append([numbered(2)])
      assert.instanceOf(yield* Effect.flip(stalled.append([numbered(10)])), RunOwnedError)
      yield* taken.append([numbered(3)])
      assert.deepStrictEqual((yield* told(database)).slice(-2), ["2", "3"])
      assert.isUndefined(HashChain.firstBreak(yield* written(database)))
    }))

  it.scopedLive("a run is begun once", () =>
    Effect.gen(function*() {
      const database = yield* newFile
      const { begin } = yield* record(database)
      yield* begin(identity())
      const error = yield* Effect.flip(begin(identity()))
      assert.include(error.message, "is driven by another process: process 1 on here")
    }))

  it.scopedLive("a run that is not recorded can not be taken", () =>
    Effect.gen(function*() {
      const database = yield* newFile
      const { begin, acquire } = yield* record(database)
      assert.strictEqual((yield* Effect.flip(acquire(runA)))._tag, "RunUnknownError")
      // One that has begun and said nothing is not known either.
      yield* Effect.scoped(begin(identity()))
      assert.strictEqual((yield* Effect.flip(acquire(runA)))._tag, "RunUnknownError")
    }))

  it.scopedLive("a run can be taken when its scope is closed, and not before", () =>
    Effect.gen(function*() {
      const database = yield* newFile
      const { begin, acquire } = yield* record(database)
      const scope = yield* Scope.make()
      const { append } = yield* Scope.extend(begin(identity()), scope)
      yield* append([started(), numbered(1)])
      assert.instanceOf(yield* Effect.flip(acquire(runA)), RunOwnedError)
      yield* Scope.close(scope, yield* Effect.exit(Effect.void))
      const taken = yield* acquire(runA)
      assert.deepStrictEqual(numbers(taken.events), ["run.started", "1"])
      yield* taken.append([numbered(2)])
      assert.deepStrictEqual(yield* told(database), ["run.started", "1", "2"])
    }))

  it.scopedLive("what a run was told is there until it is completed", () =>
    Effect.gen(function*() {
      const database = yield* newFile
      const { begin, acquire } = yield* record(database)
      const finished = (outcome: "failed" | "completed"): RunEvent =>
        ({ ...numbered(9), _tag: "run.finished", outcome, left: 0, kept: 0 })
      yield* Effect.scoped(Effect.gen(function*() {
        const { append, writeInput } = yield* begin(identity())
        yield* writeInput({ digest: "d", json: "{\"a\":\"\\u0000\"}" })
        yield* writeInput({ digest: "d", json: "{\"a\":\"\\u0000\"}" })
        yield* append([started(), finished("failed")])
      }))
      yield* Effect.scoped(Effect.gen(function*() {
        const { append, inputs } = yield* acquire(runA)
        assert.deepStrictEqual([...inputs], [["d", "{\"a\":\"\\u0000\"}"]])
        yield* append([finished("completed")])
      }))
      assert.deepStrictEqual([...(yield* acquire(runA)).inputs], [])
    }))

  it.scopedLive("abandoned are the runs on an Agamemnon of which something may be there, and that nobody drives", () =>
    Effect.gen(function*() {
      const database = yield* newFile
      const dead = new Map([[1, "dead" as const]])
      const [died, lives] = [yield* record(database, 1), yield* record(database, 2, dead)]
          const finished = (run: RunId, left: number, kept: number): RunEvent =>
        ({ ...numbered(9, run), _tag: "run.finished", outcome: "failed", left, kept })
      const url = "http://fake.test"
      const runs: ReadonlyArray<readonly [typeof died, ReadonlyArray<RunEvent>]> = [
        [died, [started(at(0))]],
        [lives, [started(at(1))]],
        [died, [started(at(2)), finished(at(2), 0, 0)]],
        [died, [started(at(3)), finished(at(3), 1, 0)]],
        [died, [started(at(4)), finished(at(4), 0, 1)]],
        [died, [started(at(5), "flow", "http://other.test")]],
        [died, [{ ...started(at(6)), embedded: true }]],
        [died, [started(at(7)), { ...numbered(1, at(7)), _tag: "run.decided", outcome: "failed", reason: "" }]]
      ]
      yield* Effect.forEach(runs, ([by, [first, ...rest]], index) =>
        Effect.flatMap(by.begin(identity(at(index))), ({ append }) => append([first ?? started(), ...rest])))
      assert.sameMembers([...(yield* lives.abandoned(url))], [at(0), at(3), at(7)])
      assert.lengthOf(yield* lives.abandoned("HTTP://Fake.Test:80/"), 3)
      assert.deepStrictEqual(yield* lives.abandoned("http://nobody.test"), [])
    }))

  it.scopedLive("to know what is abandoned, nothing is read of the runs of this process, however many it drives", () =>
    Effect.gen(function*() {
      const database = yield* newFile
      let rows = 0
      const counting: Opened = {
        ...database,
        reading: new Proxy(database.reading, {
          apply: (target, _, [texts, ...values]) => {
            const statement = target(texts, ...values)
            if (!String(texts).startsWith("SELECT") || !Effect.isEffect(statement)) return statement
            return Effect.tap(statement, (found) => {
              rows += Array.isArray(found) ? found.length : 0
            })
          }
        })
      }
      const [died, lives] = [yield* record(database, 1), yield* record(counting, 2, new Map([[1, "dead" as const]]))]
      yield* Effect.flatMap(died.begin(identity(at(0))), ({ append }) => append([started(at(0))]))
      yield* Effect.forEach(Arr.range(1, 9), (index) =>
        Effect.flatMap(lives.begin(identity(at(index))), ({ append }) => append([started(at(index))])))
      rows = 0
      assert.deepStrictEqual(yield* lives.abandoned("http://fake.test"), [at(0)])
      assert.strictEqual(rows, 1)
    }))

  it.scopedLive("to know what is abandoned, no log is read", () =>
    Effect.gen(function*() {
      const database = yield* newFile
      const [died, lives] = [yield* record(database, 1), yield* record(database, 2, new Map([[1, "dead" as const]]))]
      const odd = "http://fake.test/\"embedded\":true,\"url\":\"x\""
      const begin = (run: RunId, url: string, more: ReadonlyArray<RunEvent> = []) =>
        Effect.flatMap(died.begin(identity(run)), ({ append }) =>
          append([started(run, "\"url\":\"http://fake.test\"", url), ...Arr.makeBy(2000, (number) => numbered(number, run)), ...more]))
      yield* begin(runA, "http://fake.test")
      yield* begin(runB, odd)
      // It is on another Agamemnon since it went on.
      yield* begin(at(1), "http://fake.test", [{ ...started(at(1), "flow", "http://moved.test"), _tag: "run.resumed", resources: [] }])
      yield* database.sql`UPDATE telemachy_events SET payload = '{' WHERE tag = 'request.failed'`
      assert.deepStrictEqual(yield* lives.abandoned("http://fake.test"), [runA])
      assert.deepStrictEqual(yield* lives.abandoned(odd), [runB])
      assert.deepStrictEqual(yield* lives.abandoned("http://moved.test"), [at(1)])
    }))
})

describe.skipIf(TestPostgres.isMissing)(TestPostgres.named("Recorder in PostgreSQL"), () => {
  it.scopedLive("a connection that is cut costs no event, and none is written twice", () =>
    Effect.gen(function*() {
      const url = yield* TestPostgres.database("telemachy_recorder")
      const { append } = yield* Effect.flatMap(
        Effect.flatMap(Database.openPostgres(url), (database) => record(database)),
        ({ begin }) => begin(identity())
      )
      const other = yield* Database.openPostgres(Redacted.make(Redacted.value(url)))
      yield* append([started()])
      for (const number of Arr.range(1, 20)) {
        yield* TestPostgres.ask(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'telemachy_recorder' AND pid <> pg_backend_pid()"
        )
        yield* Effect.eventually(append([numbered(number)]))
      }
      const seen = yield* Effect.eventually(told(other))
      assert.deepStrictEqual(seen, ["run.started", ...Arr.range(1, 20).map(String)])
    }))
})
