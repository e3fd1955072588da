import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { JournalError } from "../../src/run/JournalError.ts"
import * as Database from "../../src/store/Database.ts"
import * as EventLog from "../../src/store/EventLog.ts"
import * as HashChain from "../../src/store/HashChain.ts"
import * as TestPostgres from "../support/TestPostgres.ts"
import { newPath, numbered, numbers, openFile, owned, runA, runB, started } from "../support/TestStore.ts"

type Opened = Effect.Effect<Context.Tag.Service<Database.Database>, JournalError, Scope.Scope>

const events = (from: number, to: number) => Arr.makeBy(to - from, (index) => numbered(from + index))

/** What holds in any database. `open` opens the same one each time. */
const laws = (open: Effect.Effect<Opened, never, Scope.Scope>) => {
  const withLog = <A, E>(test: (opened: Opened) => Effect.Effect<A, E, Database.Database | Scope.Scope>) =>
    Effect.gen(function*() {
      const opened = yield* open
      return yield* Effect.provideService(test(opened), Database.Database, yield* opened)
    })

  it.scopedLive("what is added is there for another connection at once, in its order", () =>
    withLog((opened) =>
      Effect.gen(function*() {
        const other = yield* opened
        const rows = yield* HashChain.extend(HashChain.empty, [started(), ...events(1, 20)])
        const fence = yield* owned()
        for (const row of rows) {
          yield* EventLog.add([row], fence)
          const seen = yield* Effect.provideService(EventLog.rows(runA), Database.Database, other)
          assert.deepStrictEqual(seen.map((each) => ({ ...each })), rows.slice(0, row.seq + 1))
        }
        assert.deepStrictEqual((yield* EventLog.rows(runA, 18)).map(({ seq }) => seq), [18, 19])
        assert.deepStrictEqual(yield* EventLog.rows(runB), [])
        const read = yield* EventLog.events(yield* EventLog.rows(runA))
        assert.deepStrictEqual(numbers(read), ["run.started", ...Arr.makeBy(19, (index) => String(index + 1))])
      })))

  it.scopedLive("more rows than one statement takes are added", () =>
    withLog(() =>
      Effect.gen(function*() {
        const rows = yield* HashChain.extend(HashChain.empty, events(0, 1203))
        yield* EventLog.add(rows, yield* owned())
        const found = yield* EventLog.rows(runA)
        assert.lengthOf(found, 1203)
        assert.isUndefined(HashChain.firstBreak(found))
        yield* EventLog.add(rows, yield* owned())
        assert.lengthOf(yield* EventLog.rows(runA), 1203)
      })))

  it.scopedLive("rows that are there already are not added again, the rest of them is", () =>
    withLog(() =>
      Effect.gen(function*() {
        const rows = yield* HashChain.extend(HashChain.empty, events(0, 10))
        for (const length of [1, 1, 4, 4, 10, 10]) {
          yield* EventLog.add(rows.slice(0, length), yield* owned())
          assert.deepStrictEqual((yield* EventLog.rows(runA)).map((row) => ({ ...row })), rows.slice(0, length))
        }
      })))

  it.scopedLive("a place that is taken by something else is not overwritten", () =>
    withLog(() =>
      Effect.gen(function*() {
        const first = yield* HashChain.extend(HashChain.empty, events(0, 3))
        const second = yield* HashChain.extend(HashChain.endOf(first[0]), events(10, 14))
        yield* EventLog.add(first, yield* owned())
        assert.strictEqual((yield* Effect.flip(EventLog.add(second, yield* owned())))._tag, "LogMoved")
        assert.deepStrictEqual(numbers(yield* EventLog.events(yield* EventLog.rows(runA))), ["0", "1", "2"])
      })))

  it.scopedLive("of two that add at the same place, one wins", () =>
    withLog((opened) =>
      Effect.gen(function*() {
        const connections = yield* Effect.replicateEffect(opened, 4)
        const fence = yield* owned()
        const exits = yield* Effect.forEach(connections, (connection, index) =>
          HashChain.extend(HashChain.empty, events(10 * index, 10 * index + 3)).pipe(
            Effect.flatMap((rows) => EventLog.add(rows, fence)),
            Effect.either,
            Effect.provideService(Database.Database, connection)
          ), { concurrency: "unbounded" })
        assert.lengthOf(exits.filter(({ _tag }) => _tag === "Right"), 1)
        const found = yield* EventLog.rows(runA)
        assert.lengthOf(found, 3)
        assert.isUndefined(HashChain.firstBreak(found))
      })))

  it.scopedLive("nobody but the owner of a run adds to its log", () =>
    withLog(() =>
      Effect.gen(function*() {
        const rows = yield* HashChain.extend(HashChain.empty, events(0, 3))
        const fence = yield* owned()
        const others = [{ ...fence, token: "other" }, { ...fence, number: 2 }, { ...fence, run: runB }]
        for (const other of others) {
          assert.strictEqual((yield* Effect.flip(EventLog.add(rows, other)))._tag, "FencedOff")
        }
        assert.deepStrictEqual(yield* EventLog.rows(runA), [])
        yield* EventLog.add(rows, fence)
        assert.lengthOf(yield* EventLog.rows(runA), 3)
      })))

  it.scopedLive("an event that can not be read is named", () =>
    withLog(() =>
      Effect.gen(function*() {
        yield* EventLog.add(yield* HashChain.extend(HashChain.empty, events(0, 3)), yield* owned())
        const { sql } = yield* Database.Database
        yield* sql`UPDATE telemachy_events SET payload = '{' WHERE seq = 1`
        const error = yield* Effect.flip(Effect.flatMap(EventLog.rows(runA), EventLog.events))
        assert.strictEqual(error._tag, "JournalError")
        assert.match(error.message, /cannot be read: event 1 \(request.failed\) of run a{16} is damaged$/)
        yield* sql`UPDATE telemachy_events SET payload = NULL WHERE seq = 1`
        assert.deepStrictEqual(numbers(yield* EventLog.events(yield* EventLog.rows(runA))), ["0", "2"])
      })))

  it.scopedLive("text of any kind comes back as it was", () =>
    withLog(() =>
      Effect.gen(function*() {
        const texts = ["", "\u0000", "a\u0000b", "\ud800", "\udc00\ud800", "\u2028", "🦑", "\"\\'", "é e\u0301"]
        const given = texts.map((error) => ({ ...numbered(0), _tag: "request.failed" as const, error, workflow: error }))
        yield* EventLog.add(yield* HashChain.extend(HashChain.empty, given), yield* owned())
        const found = yield* EventLog.rows(runA)
        assert.isUndefined(HashChain.firstBreak(found))
        assert.deepStrictEqual(yield* EventLog.events(found), given)
      })))
}

describe("EventLog in a file", () => {
  laws(Effect.map(newPath, openFile))
})

describe.skipIf(TestPostgres.isMissing)(TestPostgres.named("EventLog in PostgreSQL"), () => {
  laws(Effect.map(TestPostgres.database("telemachy_event_log"), Database.openPostgres))
})
