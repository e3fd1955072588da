import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"

import type { JournalError } from "../../src/run/JournalError.ts"
import { RunId } from "../../src/run/RunId.ts"
import { type Reserved, RunJournal } from "../../src/run/RunJournal.ts"
import * as Database from "../../src/store/Database.ts"
import * as TestPostgres from "../support/TestPostgres.ts"
import { identity, type Lives, newPath, openFile, process, runA, runB, started } from "../support/TestStore.ts"

type Opened = Effect.Effect<Context.Tag.Service<Database.Database>, JournalError, Scope.Scope>

const use = { all: true, purpose: "use" } as const

const held = ({ holders }: Reserved) => holders.map(({ key, purpose, run }) => [key, run, purpose])

/** A process with the journal in this database. */
const journal = (database: Context.Tag.Service<Database.Database>, pid: number, lives?: Lives) =>
  Effect.map(process(database, pid, lives), Context.get(RunJournal))

const suite = (open: Opened) => {
  it.scopedLive("a key is held by one living run, and others hear by which", () =>
    Effect.gen(function*() {
      const database = yield* open
      const one = yield* (yield* journal(database, 1)).begin(identity(runA))
      const other = yield* (yield* journal(database, 2)).begin(identity(runB, "flow", "http://FAKE.test:80/"))
      assert.deepStrictEqual(held(yield* one.reserve(["a", "b"], use)), [])
      const reserved = yield* other.reserve(["b", "c"], use)
      const { holders } = reserved
      assert.deepStrictEqual(held(reserved), [["b", runA, "use"]])
      assert.match(holders[0]?.owner ?? "", /^process 1 on here, since /)
      // Nothing was taken.
      assert.deepStrictEqual(held(yield* one.reserve(["c"], use)), [])
      // What is free is taken all the same when that is enough.
      assert.deepStrictEqual(held(yield* other.reserve(["c", "d"], { all: false, purpose: "remove" })), [["c", runA, "use"]])
      assert.deepStrictEqual(held(yield* one.reserve(["d"], use)), [["d", runB, "remove"]])
    }))

  it.scopedLive("of another Agamemnon, the same key is another", () =>
    Effect.gen(function*() {
      const database = yield* open
      const one = yield* (yield* journal(database, 1)).begin(identity(runA))
      const other = yield* (yield* journal(database, 2)).begin(identity(runB, "flow", "http://other.test"))
      assert.deepStrictEqual(held(yield* one.reserve(["a"], use)), [])
      assert.deepStrictEqual(held(yield* other.reserve(["a"], use)), [])
    }))

  it.scopedLive("a run that takes its keys again changes what for", () =>
    Effect.gen(function*() {
      const database = yield* open
      const one = yield* (yield* journal(database, 1)).begin(identity(runA))
      const other = yield* (yield* journal(database, 2)).begin(identity(runB))
      yield* one.reserve(["a"], use)
      assert.deepStrictEqual(held(yield* one.reserve(["a"], { all: false, purpose: "remove" })), [])
      assert.deepStrictEqual(held(yield* other.reserve(["a"], use)), [["a", runA, "remove"]])
    }))

  it.scopedLive("a run that is over, and one whose process is dead, hold nothing", () =>
    Effect.gen(function*() {
      const database = yield* open
      const lives: Lives = new Map()
      const processes = yield* Effect.forEach([1, 2, 3], (pid) => journal(database, pid, lives))
      const [first, second, third] = processes
      if (first === undefined || second === undefined || third === undefined) return assert.fail("three were asked for")
      const scope = yield* Scope.make()
      const ended = yield* Scope.extend(first.begin(identity(runA)), scope)
      yield* ended.reserve(["a", "b"], use)
      yield* Scope.close(scope, Exit.void)
      const dies = yield* second.begin(identity(runB))
      assert.deepStrictEqual(held(yield* dies.reserve(["a", "b"], use)), [])
      lives.set(2, "dead")
      const next = yield* third.begin(identity(RunId.make("c".repeat(16))))
      // It hears whose keys it takes, who did not live to let go of them.
      assert.deepStrictEqual(yield* next.reserve(["b", "c"], use), { holders: [], former: [runB] })
      // Whoever acquires the dead run does not hold what it held.
      yield* dies.append([started(runB)])
      const again = yield* third.acquire(runB)
      assert.deepStrictEqual(held(yield* again.reserve(["a", "b"], { all: false, purpose: "remove" })), [["b", "c".repeat(16), "use"]])
    }))

  it.scopedLive("of many that take the same keys at the same instant, one has all of them", () =>
    Effect.gen(function*() {
      const database = yield* open
      const runs = Array.from({ length: 8 }, (_, number) => RunId.make(String(number).repeat(16)))
      const handles = yield* Effect.forEach(runs, (run, position) =>
        Effect.flatMap(journal(database, position + 1), ({ begin }) => begin(identity(run))))
      const keys = ["k1", "k2", "k3"]
      const answers = yield* Effect.forEach(handles, (handle, position) =>
        handle.reserve(position % 2 === 0 ? keys : keys.toReversed(), use), { concurrency: "unbounded" })
      assert.lengthOf(answers.filter(({ holders }) => holders.length === 0), 1)
      assert.isTrue(answers.every(({ holders }) => holders.length === 0 || holders.length === 3))
    }))

  it.scopedLive("a former owner takes nothing", () =>
    Effect.gen(function*() {
      const database = yield* open
      const lives: Lives = new Map()
      const [one, two] = [yield* journal(database, 1, lives), yield* journal(database, 2, lives)]
      const former = yield* one.begin(identity(runA))
      yield* former.append([started(runA)])
      lives.set(1, "dead")
      yield* two.acquire(runA)
      assert.strictEqual((yield* Effect.flip(former.reserve(["a"], use)))._tag, "RunOwnedError")
    }))
}

describe("Reservations in a file", () => suite(Effect.flatMap(newPath, openFile)))

describe("Reservations in memory", () => suite(Database.openMemory))

describe.skipIf(TestPostgres.isMissing)(TestPostgres.named("Reservations in PostgreSQL"), () =>
  suite(Effect.flatMap(TestPostgres.database("telemachy_reservations"), (url) => Database.openPostgres(url))))
