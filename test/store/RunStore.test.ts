import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import type { RunEvent } from "../../src/run/RunEvent.ts"
import { RunId } from "../../src/run/RunId.ts"
import { RunJournal } from "../../src/run/RunJournal.ts"
import * as Database from "../../src/store/Database.ts"
import * as RunStore from "../../src/store/RunStore.ts"
import * as SqlRunStore from "../../src/store/SqlRunStore.ts"
import * as TestPostgres from "../support/TestPostgres.ts"
import { identity, newPath, numbered, numbers, openFile, runA, runB, started } from "../support/TestStore.ts"

/** A journal in a new file, with another connection to it. */
const withStore = <A, E>(test: (sql: Database.Sql) => Effect.Effect<A, E, SqlRunStore.Services>) =>
  Effect.gen(function*() {
    const path = yield* newPath
    const store = Effect.provide(SqlRunStore.layerFile(path))
    return yield* store(Effect.scoped(Effect.flatMap(openFile(path), ({ sql }) => test(sql))))
  }).pipe(Effect.provide(NodeContext.layer))

const finished = (run: RunId = runA, left = 0, kept = 0): RunEvent =>
  ({ ...numbered(9, run), _tag: "run.finished", outcome: "failed", left, kept })

/** Records a run that is over. */
const over = (events: ReadonlyArray<RunEvent>, run: RunId = runA) =>
  Effect.scoped(Effect.flatMap(RunJournal, ({ begin }) => Effect.flatMap(begin(identity(run)), ({ append }) => append(events))))

describe("RunStore", () => {
  it.scopedLive("finds a run by the beginning of its id", () =>
    withStore(() =>
      Effect.gen(function*() {
        const { find } = yield* RunStore.RunStore
        const near = RunId.make("aaaaaaaaaaaaaaab")
        yield* over([started(), finished()])
        yield* over([started(near), finished(near)], near)
        yield* over([started(runB), finished(runB)], runB)
        assert.strictEqual((yield* find("b")).run, runB)
        assert.strictEqual((yield* find(near)).run, near)
        const ambiguous = yield* Effect.flip(find("aaaa"))
        assert.match(ambiguous.message, /^2 runs begin with aaaa:\n {2}a{16} {2}failed {2}flow {2}1970-.*\n {2}a{15}b /)
        const unknown = yield* Effect.flip(find("bbbbbbbbbbbbbbbc"))
        assert.include(unknown.message, `did you mean ${runB}?`)
        assert.strictEqual((yield* Effect.flip(find("")))._tag, "RunUnknownError")
        assert.strictEqual((yield* Effect.flip(find("%")))._tag, "RunUnknownError")
      })))

  it.scopedLive("names the newest runs, and every other that needs attention", () =>
    withStore(() =>
      Effect.gen(function*() {
        const { list, notable } = yield* RunStore.RunStore
        const at = (index: number) => RunId.make(index.toString(16).padStart(16, "0"))
        const begun = (index: number) => {
          const event = started(at(index), "a workflow of \"left\":0,\"outcome\": and such")
          return { ...event, at: DateTime.add(event.at, { minutes: index }) }
        }
        const done = (index: number, left = 0) => over([begun(index), finished(at(index), left)], at(index))
        // From the oldest: one that left something, one that died, one that went on after its end and died.
        yield* done(0, 2)
        yield* over([begun(1)], at(1))
        yield* over([begun(2), finished(at(2)), { ...begun(2), _tag: "run.resumed", resources: [] }], at(2))
        // One that went on, and is over again.
        yield* over([begun(3), finished(at(3)), { ...begun(3), _tag: "run.resumed", resources: [] }, finished(at(3))], at(3))
        for (const index of [4, 5, 6, 7]) yield* done(index)
        const { runs, total } = yield* notable(2)
        assert.deepStrictEqual(runs.map(({ run }) => run), [7, 6, 2, 1, 0].map(at))
        assert.deepStrictEqual(runs.map(({ status }) => status), ["failed", "failed", "interrupted", "interrupted", "failed"])
        assert.strictEqual(total, 8)
        assert.lengthOf((yield* notable(0)).runs, 3)
        assert.lengthOf(yield* list, 8)
      })))

  it.scopedLive("reads some of the runs, from one on, of a workflow, with a status", () =>
    withStore(() =>
      Effect.gen(function*() {
        const { some } = yield* RunStore.RunStore
        const at = (index: number) => RunId.make(index.toString(16).padStart(16, "0"))
        const record = (index: number, workflow: string, isOver: boolean) => {
          const event = { ...started(at(index), workflow), at: DateTime.add(started().at, { minutes: index }), workflow }
          return over([event, ...(isOver ? [{ ...finished(at(index)), workflow }] : [])], at(index))
        }
        for (const index of [0, 1, 2, 3, 4, 5]) yield* record(index, index % 2 === 0 ? "even" : "odd", index < 4)
        const found = (selection: RunStore.Selection) =>
          Effect.map(Stream.runCollect(some(selection)), (runs) => Chunk.toReadonlyArray(runs).map(({ run }) => Number.parseInt(run, 16)))
        assert.deepStrictEqual(yield* found({}), [5, 4, 3, 2, 1, 0])
        assert.deepStrictEqual(yield* found({ after: at(3) }), [2, 1, 0])
        assert.deepStrictEqual(yield* found({ workflow: "even" }), [4, 2, 0])
        assert.deepStrictEqual(yield* found({ status: "interrupted" }), [5, 4])
        assert.deepStrictEqual(yield* found({ status: "failed", workflow: "odd", after: at(3) }), [1])
        assert.deepStrictEqual(yield* found({ status: "completed" }), [])
        assert.strictEqual((yield* Effect.flip(found({ after: at(9) })))._tag, "RunUnknownError")
      })))

  it.scopedLive("reads the events of a run a page at a time, and follows it from a place on", () =>
    withStore(() =>
      Effect.gen(function*() {
        const { followFrom, page } = yield* RunStore.RunStore
        yield* over([started(), numbered(1), numbered(2), finished()])
        const placesOf = (events: Iterable<RunStore.PlacedEvent>) => Array.from(events, ({ event, seq }) => [seq, event._tag === "run.started"])
        assert.deepStrictEqual(placesOf(yield* page(runA, 0, 2)), [[0, true], [1, false]])
        assert.deepStrictEqual(placesOf(yield* page(runA, 2, 9)), [[2, false], [3, false]])
        assert.deepStrictEqual(yield* page(runA, 4, 9), [])
        assert.deepStrictEqual(placesOf(yield* Stream.runCollect(followFrom(runA, 3))), [[3, false]])
        assert.deepStrictEqual(placesOf(yield* Stream.runCollect(followFrom(runA, 4))), [])
      })))

  it.scopedLive("follows a run until it is over", () =>
    withStore(() =>
      Effect.gen(function*() {
        const { cancel, follow, list, ...store } = yield* RunStore.RunStore
        const { begin } = yield* RunJournal
        yield* Effect.scoped(Effect.gen(function*() {
          const { append } = yield* begin(identity())
          yield* append([started(), numbered(1)])
          const isFollowed = yield* Effect.makeLatch()
          const events = Stream.tap(follow(runA), () => isFollowed.open)
          const following = yield* Effect.fork(Stream.runCollect(events))
          yield* isFollowed.await
          assert.isTrue(yield* cancel(runA, "me"))
          assert.deepInclude((yield* list)[0], { status: "running", endedAt: undefined })
          yield* append([numbered(2)])
          yield* append([numbered(3), finished()])
          const heard = numbers(Chunk.toReadonlyArray(yield* Fiber.join(following)))
          assert.deepStrictEqual(heard, ["run.started", "1", "2", "3", "run.finished"])
          assert.deepStrictEqual(numbers(yield* store.events(runA)), heard)
        }))
        assert.isFalse(yield* cancel(runA, "me"))
        // Of one that nobody drives, all that there is.
        yield* over([started(runB)], runB)
        assert.lengthOf(yield* Stream.runCollect(follow(runB)), 1)
        assert.lengthOf(yield* Stream.runCollect(follow(RunId.make("0".repeat(16)))), 0)
      })))

  it.scopedLive("forgets what a run that is over has said, and nothing else", () =>
    withStore((sql) =>
      Effect.gen(function*() {
        const { events, find, forget, rows, verify } = yield* RunStore.RunStore
        const at = (index: number) => RunId.make(String(index).repeat(16))
        yield* over([started(at(1)), finished(at(1))], at(1))
        yield* over([started(at(2))], at(2))
        yield* over([started(at(3)), finished(at(3), 1)], at(3))
        yield* over([started(at(4)), finished(at(4), 0, 2)], at(4))
        yield* sql`INSERT INTO telemachy_declarations (run, digest, json) VALUES (${at(1)}, 'd', '{}')`
        for (const [index, reason] of [[2, "it was interrupted"], [3, "1 of its agents"], [4, "2 of its agents"]] as const) {
          const error = yield* Effect.flip(forget(at(index)))
          assert.include(error.message, `run ${at(index)} cannot be forgotten: ${reason}`)
        }
        assert.strictEqual((yield* Effect.flip(forget(at(9))))._tag, "RunUnknownError")
        yield* forget(at(1))
        assert.deepStrictEqual(yield* events(at(1)), [])
        assert.deepInclude(yield* find(at(1)), { status: "forgotten", workflow: undefined })
        assert.deepStrictEqual(yield* sql`SELECT 1 FROM telemachy_declarations`, [])
        assert.deepStrictEqual(yield* verify(), { runs: 4, events: 8, breaks: [] })
        assert.lengthOf(yield* events(at(3)), 2)
        // The chain says so, and that it was forgotten once.
        yield* forget(at(1))
        const told = Effect.map(Stream.runCollect(rows(at(1))), (found) =>
          Chunk.toReadonlyArray(found).map((row) => [row.tag, "payload" in row && row.payload !== null]))
        assert.deepStrictEqual(yield* told, [["run.started", false], ["run.finished", false], ["run.forgotten", true]])
      })))

  it.scopedLive("a run that goes on is not forgotten, whoever asked for that before", () =>
    withStore((sql) =>
      Effect.gen(function*() {
        const { events, forget, verify } = yield* RunStore.RunStore
        const { acquire } = yield* RunJournal
        yield* over([started(), finished()])
        yield* Effect.scoped(Effect.gen(function*() {
          const { append } = yield* acquire(runA)
          yield* append([{ ...started(), _tag: "run.resumed", resources: [] }])
          assert.include((yield* Effect.flip(forget(runA))).message, "drives it")
        }))
        assert.include((yield* Effect.flip(forget(runA))).message, "it was interrupted")
        assert.lengthOf(yield* events(runA), 3)
        assert.deepStrictEqual(yield* verify(), { runs: 1, events: 3, breaks: [] })
        assert.deepStrictEqual(yield* sql`SELECT 1 FROM telemachy_owners WHERE token <> ''`, [])
      })))

  it.scopedLive("forgetting is all or nothing", () =>
    withStore((sql) =>
      Effect.gen(function*() {
        const { events, find, forget, verify } = yield* RunStore.RunStore
        yield* over([started(), numbered(1), finished()])
        yield* sql`INSERT INTO telemachy_declarations (run, digest, json) VALUES (${runA}, 'd', '{}')`
        yield* sql`CREATE TRIGGER no BEFORE INSERT ON telemachy_events WHEN NEW.tag = 'run.forgotten'
          BEGIN SELECT RAISE(ABORT, 'no'); END`
        assert.strictEqual((yield* Effect.flip(forget(runA)))._tag, "JournalError")
        assert.lengthOf(yield* events(runA), 3)
        assert.lengthOf(yield* sql`SELECT 1 FROM telemachy_declarations`, 1)
        yield* sql`DROP TRIGGER no`
        yield* forget(runA)
        assert.deepStrictEqual(yield* events(runA), [])
        assert.deepInclude(yield* find(runA), { status: "forgotten" })
        assert.deepStrictEqual((yield* verify()).breaks, [])
      })))

  it.scopedLive("a run of which one event says nothing is damaged, and not forgotten", () =>
    withStore((sql) =>
      Effect.gen(function*() {
        const { find, verify } = yield* RunStore.RunStore
        yield* over([started(), numbered(1), finished()])
        yield* sql`UPDATE telemachy_events SET payload = NULL WHERE seq = 2`
        assert.deepInclude(yield* find(runA), { status: "damaged" })
        assert.deepInclude((yield* verify()).breaks[0], { seq: 2, tag: "run.finished" })
        // As an earlier version has forgotten it.
        yield* sql`UPDATE telemachy_events SET payload = NULL`
        assert.deepInclude(yield* find(runA), { status: "forgotten" })
        assert.deepStrictEqual((yield* verify()).breaks, [])
      })))

  it.scopedLive("what a run has kept is gone when another run has used it again and removed it", () =>
    withStore(() =>
      Effect.gen(function*() {
        const { find, forget, list, removedByOthers } = yield* RunStore.RunStore
        const at = (index: number) => RunId.make(String(index).repeat(16))
        const agent = (name: string) => ({ name, key: `key-${name}` })
        const kept = (run: RunId): ReadonlyArray<RunEvent> => [
          started(run),
          { ...numbered(1, run), _tag: "agent.created", ...agent("one"), id: `one-${run}` },
          { ...numbered(1, run), _tag: "agent.created", ...agent("two"), id: `two-${run}` },
          { ...numbered(1, run), _tag: "agent.kept", ...agent("one"), id: `one-${run}` },
          { ...numbered(1, run), _tag: "agent.kept", ...agent("two") },
          finished(run, 0, 2)
        ]
        const reuse = (run: RunId, of: RunId, names: ReadonlyArray<string>): ReadonlyArray<RunEvent> => [
          started(run),
          ...names.map((name): RunEvent => ({ ...numbered(2, run), _tag: "agent.reused", ...agent(name), id: `${name}-${of}` })),
          ...names.map((name): RunEvent => ({ ...numbered(2, run), _tag: "agent.removed", ...agent(name) })),
          finished(run)
        ]
        for (const index of [1, 2, 3]) yield* over(kept(at(index)), at(index))
        const counts = Effect.map(list, (runs) => Object.fromEntries(runs.map(({ kept, run }) => [run[0], kept])))
        assert.deepStrictEqual(yield* counts, { 1: 2, 2: 2, 3: 2 })
        yield* over(reuse(at(4), at(1), ["one"]), at(4))
        yield* over(reuse(at(5), at(2), ["one", "two"]), at(5))
        assert.deepStrictEqual(yield* counts, { 1: 1, 2: 0, 3: 2, 4: 0, 5: 0 })
        assert.deepStrictEqual([...(yield* removedByOthers(at(1)))], [`one-${at(1)}`])
        assert.deepStrictEqual([...(yield* removedByOthers(at(3)))], [])
        yield* forget(at(2))
        assert.deepInclude(yield* find(at(2)), { status: "forgotten" })
      })))

  it.scopedLive("a run that cannot be read hides no other", () =>
    withStore((sql) =>
      Effect.gen(function*() {
        const { find, list, notable, verify } = yield* RunStore.RunStore
        const { abandoned } = yield* RunJournal
        const other = RunId.make("cccccccccccccccc")
        yield* over([started()], runA)
        yield* over([started(runB), finished(runB)], runB)
        yield* over([started(other)], other)
        const damages = [
          sql`UPDATE telemachy_events SET payload = CAST(x'ff' AS text) WHERE run = ${runA}`,
          sql`UPDATE telemachy_events SET payload = '{}' WHERE run = ${runA}`,
          sql`UPDATE telemachy_events SET payload = 5 WHERE run = ${runA}`,
          sql`UPDATE telemachy_events SET at = CAST(x'ff' AS text) WHERE run = ${runA}`,
          sql`UPDATE telemachy_events SET seq = 'first' WHERE run = ${runA}`,
          sql`UPDATE telemachy_events SET run = ${`${runA}-no-id`} WHERE run = ${runA}`,
          sql`UPDATE telemachy_events SET run = CAST(x'61ff' AS text) WHERE run = ${`${runA}-no-id`}`
        ]
        for (const damage of damages) {
          yield* damage
          const whole = (runs: ReadonlyArray<{ readonly run: string; readonly status: string }>) =>
            Object.fromEntries(runs.map(({ run, status }) => [run.startsWith("a") ? "a" : run, status]))
          const expected = { a: "damaged", [runB]: "failed", [other]: "interrupted" }
          assert.deepStrictEqual(whole(yield* list), expected)
          assert.deepStrictEqual(whole((yield* notable(3)).runs), expected)
          assert.deepInclude(whole((yield* notable(0)).runs), { a: "damaged", [other]: "interrupted" })
          assert.deepInclude(yield* find("b"), { status: "failed" })
          assert.strictEqual((yield* Effect.flip(find("dd")))._tag, "RunUnknownError")
          assert.include(yield* abandoned("http://fake.test"), other)
          assert.deepStrictEqual((yield* verify()).breaks.map(({ seq }) => seq).length, 1)
        }
      })))

  it.scopedLive("finds the first broken link of each run, whatever is broken", () =>
    withStore((sql) =>
      Effect.gen(function*() {
        const { rows, verify } = yield* RunStore.RunStore
        yield* over([started(), numbered(1), numbered(2), finished()])
        yield* over([started(runB), numbered(1, runB), finished(runB)], runB)
        assert.deepStrictEqual(yield* verify(), { runs: 2, events: 7, breaks: [] })
        assert.lengthOf(yield* Stream.runCollect(rows()), 7)
        const places = (found: RunStore.Verification) => found.breaks.map(({ run, seq }) => [run, seq])

        yield* sql`UPDATE telemachy_events SET payload = '{"a":1}' WHERE run = ${runA} AND seq > 1`
        assert.deepStrictEqual(places(yield* verify()), [[runA, 2]])
        assert.deepStrictEqual(places(yield* verify(runB)), [])
        // A run whose beginning is gone is still one that is checked.
        yield* sql`DELETE FROM telemachy_events WHERE run = ${runB} AND seq = 0`
        const broken = yield* verify()
        assert.sameDeepMembers([...places(broken)], [[runA, 2], [runB, 1]])
        yield* sql`DELETE FROM telemachy_events WHERE run = ${runB} AND seq <> 1`
        assert.strictEqual((yield* verify()).runs, 2)
      })))
})

describe.skipIf(TestPostgres.isMissing)(TestPostgres.named("RunStore in PostgreSQL"), () => {
  it.scopedLive("forgetting is all or nothing", () =>
    Effect.gen(function*() {
      const url = yield* TestPostgres.database("telemachy_forgetting")
      const { sql } = yield* Database.openPostgres(url)
      yield* Effect.gen(function*() {
        const { events, find, forget, verify } = yield* RunStore.RunStore
        yield* over([started(), numbered(1), finished()])
        yield* sql`INSERT INTO telemachy_declarations (run, digest, json) VALUES (${runA}, 'd', '{}')`
        yield* sql`ALTER TABLE telemachy_events ADD CONSTRAINT no CHECK (tag <> 'run.forgotten')`
        assert.strictEqual((yield* Effect.flip(forget(runA)))._tag, "JournalError")
        assert.lengthOf(yield* events(runA), 3)
        assert.lengthOf(yield* sql`SELECT 1 FROM telemachy_declarations`, 1)
        assert.deepStrictEqual(yield* sql`SELECT 1 FROM telemachy_owners WHERE token <> ''`, [])
        yield* sql`ALTER TABLE telemachy_events DROP CONSTRAINT no`
        yield* forget(runA)
        assert.deepStrictEqual(yield* events(runA), [])
        assert.deepInclude(yield* find(runA), { status: "forgotten" })
        assert.deepStrictEqual(yield* verify(), { runs: 1, events: 4, breaks: [] })
      }).pipe(Effect.scoped, Effect.provide(SqlRunStore.layerPostgres(url)))
    }))

  it.scopedLive("asks PostgreSQL what a file is asked", () =>
    Effect.gen(function*() {
      const url = yield* TestPostgres.database("telemachy_index")
      const { sql } = yield* Database.openPostgres(url)
      yield* Effect.gen(function*() {
        const { find, list, notable, removedByOthers } = yield* RunStore.RunStore
        const { abandoned } = yield* RunJournal
        const agent = { name: "one", key: "key-one" }
        yield* over([started(), { ...numbered(1), _tag: "agent.created", ...agent, id: "id" }, { ...numbered(1), _tag: "agent.kept", ...agent }, finished(runA, 0, 1)])
        yield* over([started(runB), { ...numbered(1, runB), _tag: "agent.reused", ...agent, id: "id" }, { ...numbered(1, runB), _tag: "agent.removed", ...agent }], runB)
        const statuses = Object.fromEntries((yield* list).map(({ kept, run, status }) => [run[0], [status, kept]]))
        assert.deepStrictEqual(statuses, { a: ["failed", 0], b: ["interrupted", undefined] })
        assert.deepStrictEqual([...(yield* removedByOthers(runA))], ["id"])
        assert.deepStrictEqual(yield* abandoned("http://fake.test"), [runB])
        assert.strictEqual((yield* notable(1)).total, 2)
        yield* sql`UPDATE telemachy_events SET payload = NULL WHERE run = ${runA} AND tag = 'run.finished'`
        assert.deepInclude(yield* find("a"), { status: "damaged" })
      }).pipe(Effect.scoped, Effect.provide(SqlRunStore.layerPostgres(url)))
    }))
})
