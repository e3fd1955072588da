import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import type * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as fc from "effect/FastCheck"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { JournalError } from "../../src/run/JournalError.ts"
import type { RunEvent } from "../../src/run/RunEvent.ts"
import { RunId } from "../../src/run/RunId.ts"
import * as RunState from "../../src/run/RunState.ts"
import * as Database from "../../src/store/Database.ts"
import * as HashChain from "../../src/store/HashChain.ts"
import * as Reindex from "../../src/store/Reindex.ts"
import * as RunIndex from "../../src/store/RunIndex.ts"
import * as TestPostgres from "../support/TestPostgres.ts"
import { newFile, numbered, process, runA, runB, started } from "../support/TestStore.ts"

type Opened = Context.Tag.Service<Database.Database>

/** The table as it is. */
const table = ({ sql }: Opened) => sql`SELECT * FROM telemachy_runs ORDER BY run`

/** The table as it is made from the events. */
const remade = (database: Opened) =>
  Effect.gen(function*() {
    yield* database.sql`DELETE FROM telemachy_runs`
    yield* Effect.provideService(Reindex.reindex, Database.Database, database)
    return yield* table(database)
  })

const reindex = (database: Opened) => Effect.provideService(Reindex.reindex, Database.Database, database)

const idOf = (index: number) => RunId.make(index.toString(16).padStart(16, "0"))

/** What a run does next, by a number and the time. */
const steps: ReadonlyArray<(run: RunId, at: DateTime.Utc, number: number) => RunEvent> = [
  (run, at, number) => ({ ...numbered(number, run), at }),
  (run, at, number) => ({
    ...started(run, `a "workflow" ${number % 2}`, `http://host-${number % 3}.test`),
    at,
    _tag: "run.resumed",
    resources: [],
    policy: number % 2 === 0 ? "never" : "always",
    ...(number % 3 === 0 ? { embedded: true } : {})
  }),
  (run, at) => ({ ...numbered(0, run), at, _tag: "run.decided", outcome: "failed", reason: "\"left\":0" }),
  (run, at, number) => ({
    ...numbered(0, run),
    at,
    workflow: `a "workflow" ${number % 2}`,
    _tag: "run.finished",
    outcome: number % 2 === 0 ? "failed" : "completed",
    left: number % 3,
    kept: number % 5 === 0 ? 1 : 0,
    ...(number % 4 === 0 ? { keptBranches: number % 3 } : {})
  })
]

const Step = fc.record({ step: fc.nat({ max: steps.length - 1 }), number: fc.nat({ max: 30 }) })

/** The logs of some runs. */
const Logs = fc.array(fc.array(Step, { maxLength: 6 }), { minLength: 1, maxLength: 5 }).map((logs) =>
  logs.map((log, index): ReadonlyArray<RunEvent> => {
    const run = idOf(index)
    const at = (position: number) => DateTime.unsafeMake(index * 7 + position)
    return [
      { ...started(run), at: at(0) },
      ...log.map(({ number, step }, position): RunEvent => steps[step]?.(run, at(position + 1), number) ?? numbered(number, run))
    ]
  }))

/** What is done to logs by others than their runs: where, and what. */
const Changes = fc.array(fc.record({ what: fc.nat({ max: 7 }), run: fc.nat({ max: 4 }), seq: fc.nat({ max: 6 }) }), { maxLength: 5 })

// A run is forgotten as a whole, and for good: nobody gives one of its events a payload again, which no trigger sees.
const change = ({ sql }: Opened, { run: index, seq, what }: { readonly what: number; readonly run: number; readonly seq: number }) => {
  const run = idOf(index)
  switch (what) {
    case 0:
      return sql`UPDATE telemachy_events SET payload = '{}' WHERE run = ${run} AND seq = ${seq} AND payload IS NOT NULL`
    case 1:
      return sql`UPDATE telemachy_events SET payload = '{"workflow":' WHERE run = ${run} AND seq = ${seq} AND payload IS NOT NULL`
    case 2:
      return sql`UPDATE telemachy_events SET payload = '"\\u0000"' WHERE run = ${run} AND seq = ${seq} AND payload IS NOT NULL`
    case 3:
      return sql`UPDATE telemachy_events SET payload = NULL WHERE run = ${run}`
    case 4:
      return sql`UPDATE telemachy_events SET run = ${idOf(index + 10)} WHERE run = ${run}`
    case 5:
      return sql`UPDATE telemachy_events SET at = 'never', tag = 'request.failed' WHERE run = ${run} AND seq = ${seq}`
    case 6:
      return sql`DELETE FROM telemachy_events WHERE run = ${run} AND seq = ${seq}`
    default:
      return sql`UPDATE telemachy_events SET seq = seq + 20 WHERE run = ${run}`
  }
}

/** Writes logs with few statements, each of which is of several runs. */
const write = Effect.fnUntraced(function*({ sql }: Opened, logs: ReadonlyArray<ReadonlyArray<RunEvent>>) {
  const rows = yield* Effect.forEach(logs, (log) => HashChain.extend(HashChain.empty, log))
  const rounds = Arr.makeBy(3, (round) => rows.flatMap((log) => log.filter(({ seq }) => Math.floor(seq / 3) === round)))
  const statements = rounds.flatMap((round) => Arr.chunksOf(round, 500))
  yield* Effect.forEach(statements, (rows) => sql`INSERT INTO telemachy_events ${sql.insert(rows)}`)
})

const clear = ({ sql }: Opened) => Effect.zipRight(sql`DELETE FROM telemachy_events`, sql`DELETE FROM telemachy_runs`)

/** What an undamaged log says of its run. */
const glance = (log: ReadonlyArray<RunEvent>) => {
  const state = RunState.foldAll(log)
  const last = log.findLast(({ _tag }) => ["run.started", "run.resumed", "run.decided", "run.finished"].includes(_tag))
  const isOver = last?._tag === "run.finished"
  return {
    run: state?.run,
    workflow: last?.workflow,
    status: isOver ? last.outcome : "interrupted",
    left: isOver ? (state?.embedded === true ? 0 : last.left) : undefined,
    kept: isOver ? (state?.embedded === true ? 0 : last.kept) : undefined,
    keptBranches: isOver && last.keptBranches !== 0 ? last.keptBranches : undefined,
    embedded: state?.embedded
  }
}

const tests = (open: Effect.Effect<Opened, JournalError, Scope.Scope>, numRuns: number) => {
  it.scopedLive("is what the events of each run say, whatever is written", () =>
    Effect.gen(function*() {
      const database = yield* open
      const context = yield* process(database, 1)
      for (const logs of fc.sample(Logs, numRuns)) {
        yield* clear(database)
        yield* write(database, logs)
        const found = yield* Effect.provide(RunIndex.list, context)
        const expected = Arr.reverse(logs).map(glance)
        const told = found.map(({ embedded, kept, keptBranches, left, run, status, workflow }) => ({ run, workflow, status, left, kept, keptBranches, embedded }))
        assert.sameDeepMembers(told, expected)
        assert.deepStrictEqual(found.map(({ startedAt }) => startedAt), logs.map((log) => log[0]?.at).toReversed())
      }
    }))

  it.scopedLive("is what it would be if it were made anew, whatever is done to the events", () =>
    Effect.gen(function*() {
      const database = yield* open
      for (const [logs, changes] of fc.sample(fc.tuple(Logs, Changes), numRuns)) {
        yield* clear(database)
        yield* write(database, logs)
        // One that would take the place of another event is refused.
        yield* Effect.forEach(changes, (each) => Effect.ignore(change(database, each)))
        const kept = yield* table(database)
        assert.deepStrictEqual(yield* reindex(database), { runs: kept.length, changed: 0 }, JSON.stringify({ logs, changes }))
        assert.deepStrictEqual(yield* remade(database), kept, JSON.stringify({ logs, changes }))
      }
    }))

  it.scopedLive("is what it would be if it were made anew when the first row is none of the run and goes", () =>
    Effect.gen(function*() {
      const database = yield* open
      yield* write(database, [[started(idOf(1)), { ...numbered(1, idOf(1)), _tag: "run.decided", outcome: "failed", reason: "" }]])
      for (const what of [5, 6]) {
        yield* change(database, { what, run: 1, seq: 0 })
        assert.deepStrictEqual(yield* reindex(database), { runs: 1, changed: 0 })
      }
    }))

  it.scopedLive("is made anew where it is damaged, and nowhere else", () =>
    Effect.gen(function*() {
      const database = yield* open
      const { sql } = database
      const runs = Arr.makeBy(1200, idOf)
      yield* write(database, runs.map((run) => [started(run)]))
      const before = yield* table(database)
      assert.lengthOf(before, 1200)
      yield* sql`DELETE FROM telemachy_runs WHERE run = ${idOf(0)} OR run = ${idOf(1199)}`
      yield* sql`UPDATE telemachy_runs SET state = 'over' WHERE run = ${idOf(700)}`
      yield* sql`UPDATE telemachy_runs SET run = ${runA} WHERE run = ${idOf(3)}`
      // What some were told to do: the second is of a run that has not begun.
      const inputs = [idOf(700), idOf(1300), idOf(2)].map((run) => ({ run, digest: "d", json: "{}", is_pending: run === idOf(1300) ? 0 : 1 }))
      yield* sql`INSERT INTO telemachy_declarations ${sql.insert(inputs)}`
      assert.deepStrictEqual(yield* reindex(database), { runs: 1200, changed: 8 })
      assert.deepStrictEqual(yield* sql`SELECT run FROM telemachy_declarations WHERE is_pending = 1`, [{ run: idOf(1300) }])
      assert.deepStrictEqual(yield* table(database), before)
      assert.deepStrictEqual(yield* reindex(database), { runs: 1200, changed: 0 })
    }))

  it.scopedLive("an event that is not written leaves the table as it was", () =>
    Effect.gen(function*() {
      const database = yield* open
      const rows = [
        ...yield* HashChain.extend(HashChain.empty, [started()]),
        ...yield* HashChain.extend(HashChain.empty, [started(runB), { ...numbered(1, runB), _tag: "run.decided", outcome: "failed", reason: "" }])
      ]
      yield* database.sql`INSERT INTO telemachy_events ${database.sql.insert(rows.slice(0, 1))}`
      const before = yield* table(database)
      // The last one is there already.
      yield* Effect.flip(database.sql`INSERT INTO telemachy_events ${database.sql.insert(rows.toReversed())}`)
      assert.deepStrictEqual(yield* table(database), before)
    }))

  it.scopedLive("every run is read, a page at a time, and the newest of a workflow, and those that are not settled", () =>
    Effect.gen(function*() {
      const database = yield* open
      const context = yield* process(database, 1)
      const ofIndex = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.provide(effect, context)
      // Many begin at the same time.
      const begun = (index: number) => ({ ...started(idOf(index), `flow ${index % 2}`), at: DateTime.unsafeMake(Math.floor(index / 900)) })
      const ended = (index: number, left: number, kept: number): RunEvent =>
        ({ ...numbered(9, idOf(index)), workflow: `flow ${index % 2}`, _tag: "run.finished", outcome: "failed", left, kept })
      yield* write(database, Arr.makeBy(2100, (index) => [begun(index), ...(index === 6 ? [] : [ended(index, index === 7 ? 1 : 0, index === 8 ? 1 : 0)])]))
      const listed = (yield* ofIndex(RunIndex.list)).map(({ run }) => run)
      const expected = Arr.makeBy(2100, (index) => index).toSorted((one, other) =>
        Math.floor(other / 900) - Math.floor(one / 900) || one - other)
      assert.deepStrictEqual(listed, expected.map(idOf))
      const ids = (found: ReadonlyArray<{ readonly run: RunId }>) => found.map(({ run }) => run)
      assert.deepStrictEqual(ids(Option.toArray(yield* ofIndex(RunIndex.newest()))), [idOf(1800)])
      assert.deepStrictEqual(ids(Option.toArray(yield* ofIndex(RunIndex.newest("flow 1")))), [idOf(1801)])
      assert.isTrue(Option.isNone(yield* ofIndex(RunIndex.newest("flow 2"))))
      assert.deepStrictEqual(ids(yield* ofIndex(RunIndex.unsettled())), [6, 7, 8].map(idOf))
      assert.deepStrictEqual(ids(yield* ofIndex(RunIndex.unsettled("flow 1"))), [idOf(7)])
    }))
}

describe("the table of runs in a file", () => tests(newFile, 60))

describe.skipIf(TestPostgres.isMissing)(TestPostgres.named("the table of runs in PostgreSQL"), () =>
  tests(Effect.flatMap(TestPostgres.database("telemachy_runs"), (url) => Database.openPostgres(url)), 30))
