import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as fc from "effect/FastCheck"
import type * as Scope from "effect/Scope"
import type { JournalError } from "../../src/run/JournalError.ts"
import type { RunEvent } from "../../src/run/RunEvent.ts"
import { RunId } from "../../src/run/RunId.ts"
import { RunJournal } from "../../src/run/RunJournal.ts"
import type { Usage } from "../../src/run/Usage.ts"
import * as Database from "../../src/store/Database.ts"
import * as HashChain from "../../src/store/HashChain.ts"
import * as Reindex from "../../src/store/Reindex.ts"
import * as RunIndex from "../../src/store/RunIndex.ts"
import * as StatementPlans from "../support/StatementPlans.ts"
import * as TestPostgres from "../support/TestPostgres.ts"
import { identity, newFile, newPath, numbered, openFile, process, runA, runB, started } from "../support/TestStore.ts"

type Opened = Context.Tag.Service<Database.Database>

const table = ({ sql }: Opened) =>
  Effect.map(
    sql<{ readonly run: string; readonly day: string; readonly micros: number | string; readonly reports: number | string }>`
      SELECT run, day, micros, reports FROM telemachy_spending ORDER BY run, day`,
    (rows) => rows.map(({ day, micros, reports, run }) => [run, day, Number(micros), Number(reports)])
  )

const reindex = (database: Opened) => Effect.provideService(Reindex.reindex, Database.Database, database)

const idOf = (index: number) => RunId.make(index.toString(16).padStart(16, "0"))

const named = { team: "core", subject: "a \"usage\":{\"usd\":9} task", id: "t" } as const

/** The end of a task, an attempt or a late one, at some hour. */
const ended = (run: RunId, hour: number, kind: number, usage?: Usage): RunEvent => {
  const common = { ...numbered(0, run), at: DateTime.unsafeMake(hour * 3_600_000), ...named, ...(usage === undefined ? {} : { usage }) }
  switch (kind % 3) {
    case 0:
      return { ...common, _tag: "task.finished", status: "completed", earlier: false, outputs: { usage: { usd: 7 } } }
    case 1:
      return { ...common, _tag: "task.retrying", attempt: 1, status: "failed", wait: Duration.seconds(1) }
    default:
      return { ...common, _tag: "task.late", attempt: 1 }
  }
}

const Told = fc.record({
  kind: fc.nat({ max: 2 }),
  hour: fc.nat({ max: 60 }),
  usage: fc.option(fc.record({ usd: fc.nat({ max: 3_000_000 }).map((micros) => micros / 1_000_000), inputTokens: fc.nat({ max: 1000 }) }, { requiredKeys: [] }), { nil: undefined })
})

/** The logs of some runs. */
const Logs = fc.array(fc.array(Told, { maxLength: 8 }), { minLength: 1, maxLength: 4 })

const eventsOf = (logs: ReadonlyArray<ReadonlyArray<{ readonly kind: number; readonly hour: number; readonly usage: Usage | undefined }>>) =>
  logs.map((log, index): ReadonlyArray<RunEvent> =>
    [started(idOf(index)), ...log.map(({ hour, kind, usage }) => ended(idOf(index), hour, kind, usage))])

const write = Effect.fnUntraced(function*({ sql }: Opened, logs: ReadonlyArray<ReadonlyArray<RunEvent>>) {
  const rows = (yield* Effect.forEach(logs, (log) => HashChain.extend(HashChain.empty, log))).flat()
  yield* Effect.forEach(Arr.chunksOf(rows, 5), (part) => sql`INSERT INTO telemachy_events ${sql.insert(part)}`, { discard: true })
})

/** The rows that undamaged logs make. */
const due = (logs: ReadonlyArray<ReadonlyArray<RunEvent>>) => {
  const rows = new Map<string, [string, string, number, number]>()
  for (const event of logs.flat()) {
    const usd = "usage" in event ? event.usage?.usd : undefined
    if (usd === undefined) continue
    const day = DateTime.formatIsoDateUtc(event.at)
    const row = rows.get(`${event.run} ${day}`) ?? [event.run, day, 0, 0]
    row[2] += Math.round(usd * 1_000_000)
    row[3] += 1
    rows.set(`${event.run} ${day}`, row)
  }
  return [...rows].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, row]) => row)
}

/** What others than their runs do to logs: where, and what. */
const Changes = fc.array(fc.record({ what: fc.nat({ max: 7 }), run: fc.nat({ max: 3 }), seq: fc.nat({ max: 8 }) }), { maxLength: 6 })

const change = ({ sql }: Opened, { run: index, seq, what }: { readonly what: number; readonly run: number; readonly seq: number }) => {
  const run = idOf(index)
  switch (what) {
    case 0:
      return sql`UPDATE telemachy_events SET payload = '{"usage":{"usd":' WHERE run = ${run} AND seq = ${seq}`
    case 1:
      return sql`UPDATE telemachy_events SET payload = '{"usage":{"usd":[1]}}' WHERE run = ${run} AND seq = ${seq}`
    case 2:
      return sql`UPDATE telemachy_events SET payload = '{"usage":{"usd":2.25}}', tag = 'task.late' WHERE run = ${run} AND seq = ${seq}`
    case 3:
      return sql`UPDATE telemachy_events SET payload = NULL WHERE run = ${run}`
    case 4:
      return sql`UPDATE telemachy_events SET run = ${idOf(index + 10)} WHERE run = ${run}`
    case 5:
      return sql`UPDATE telemachy_events SET at = '2026-01-31T00:00:00.000Z' WHERE run = ${run} AND seq = ${seq}`
    case 6:
      return sql`DELETE FROM telemachy_events WHERE run = ${run} AND seq = ${seq}`
    default:
      return sql`UPDATE telemachy_events SET tag = 'request.failed' WHERE run = ${run} AND seq = ${seq}`
  }
}

const tests = (open: Effect.Effect<Opened, JournalError, Scope.Scope>, numRuns: number) => {
  it.scopedLive("is what the events of each day say, whatever is written, and whatever others do to it", () =>
    Effect.gen(function*() {
      const database = yield* open
      for (const [logs, changes] of fc.sample(fc.tuple(Logs, Changes), numRuns)) {
        yield* database.sql`DELETE FROM telemachy_events`
        assert.deepStrictEqual(yield* table(database), [])
        const events = eventsOf(logs)
        yield* write(database, events)
        assert.deepStrictEqual(yield* table(database), due(events))
        yield* Effect.forEach(changes, (each) => Effect.ignore(change(database, each)))
        const kept = yield* table(database)
        yield* database.sql`DELETE FROM telemachy_spending`
        yield* reindex(database)
        assert.deepStrictEqual(kept, yield* table(database))
      }
    }), 60_000)

  it.scopedLive("is made anew where it says something else", () =>
    Effect.gen(function*() {
      const database = yield* open
      const { sql } = database
      yield* write(database, [[started(runA), ended(runA, 1, 0, { usd: 1.5 })], [started(runB), ended(runB, 30, 0, { usd: 2 })]])
      assert.deepStrictEqual(yield* reindex(database), { runs: 2, changed: 0 })
      yield* sql`UPDATE telemachy_spending SET micros = 7 WHERE run = ${runA}`
      yield* sql`DELETE FROM telemachy_spending WHERE run = ${runB}`
      yield* sql`INSERT INTO telemachy_spending ${sql.insert({ run: idOf(5), day: "2026-01-31", micros: 1, reports: 1 })}`
      assert.deepStrictEqual(yield* reindex(database), { runs: 2, changed: 3 })
      assert.deepStrictEqual(yield* table(database), [[runA, "1970-01-01", 1_500_000, 1], [runB, "1970-01-02", 2_000_000, 1]])
    }))

  it.scopedLive("tells what all runs have used on a day, and what a run has", () =>
    Effect.gen(function*() {
      const database = yield* open
      const { usdOn } = Context.get(yield* process(database, 1), RunJournal)
      yield* write(database, [
        [started(runA), ended(runA, 1, 0, { usd: 0.1 }), ended(runA, 2, 1, { usd: 0.2 }), ended(runA, 25, 0, { usd: 4 })],
        [started(runB), ended(runB, 3, 0, { usd: 0.000001 }), ended(runB, 4, 0, { inputTokens: 5 }), ended(runB, 5, 0)]
      ])
      assert.deepStrictEqual([yield* usdOn("1970-01-01"), yield* usdOn("1970-01-02"), yield* usdOn("1970-01-03")], [0.300001, 4, 0])
      const list = yield* Effect.provide(RunIndex.list, yield* process(database, 1))
      assert.deepStrictEqual(list.map(({ run, usd }) => [run, usd]), [[runA, 4.3], [runB, 0.000001]])
    }))
}

/** Asks what grew with the record of all runs, and fails when a whole table is read for it. */
const readsNoTable = <R>(open: Effect.Effect<Opened, JournalError, R>) =>
  Effect.gen(function*() {
    const opened = yield* open
    const { database, scans } = StatementPlans.explained(opened, yield* open)
    yield* write(opened, Arr.makeBy(200, (index) => [started(idOf(index)), ended(idOf(index), index, 0, { usd: 1 })]))
    const { begin, usdOn } = Context.get(yield* process(database, 1), RunJournal)
    assert.strictEqual(yield* usdOn("1970-01-02"), 24)
    const { append } = yield* begin(identity(idOf(300)))
    yield* append([started(idOf(300)), ended(idOf(300), 1, 0, { usd: 1 })])
    assert.deepStrictEqual(scans, [])
  })

describe("the table of spending in a file", () => {
  tests(newFile, 40)
  it.scopedLive("is asked without reading a table that grows with the record", () =>
    Effect.flatMap(newPath, (path) => readsNoTable(openFile(path))))
})

describe("the table of spending in memory", () => tests(Database.openMemory, 20))

describe.skipIf(TestPostgres.isMissing)(TestPostgres.named("the table of spending in PostgreSQL"), () => {
  const name = "telemachy_spending"
  const open = Effect.flatMap(TestPostgres.database(name), (url) => Database.openPostgres(url))
  tests(open, 20)
  it.scopedLive("is asked without reading a table that grows with the record", () =>
    Effect.gen(function*() {
      const url = yield* TestPostgres.database(name)
      // Tables of a few rows are read from their beginning to their end, unless nothing else is possible.
      yield* TestPostgres.ask(`ALTER DATABASE ${name} SET enable_seqscan = off`)
      yield* readsNoTable(Database.openPostgres(url))
    }))
})
