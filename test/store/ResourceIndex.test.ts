import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { JournalError } from "../../src/run/JournalError.ts"
import type { RunEvent } from "../../src/run/RunEvent.ts"
import { RunId } from "../../src/run/RunId.ts"
import { RunJournal } from "../../src/run/RunJournal.ts"
import * as Database from "../../src/store/Database.ts"
import * as HashChain from "../../src/store/HashChain.ts"
import * as OwnerTable from "../../src/store/OwnerTable.ts"
import * as ResourceIndex from "../../src/store/ResourceIndex.ts"
import * as StatementPlans from "../support/StatementPlans.ts"
import * as TestPostgres from "../support/TestPostgres.ts"
import { identity, newFile, newPath, numbered, openFile, process, runA, started } from "../support/TestStore.ts"

type Opened = Context.Tag.Service<Database.Database>

const idOf = (index: number) => RunId.make(index.toString(16).padStart(16, "0"))

const sorted = (set: ReadonlySet<string>) => [...set].toSorted()

const write = Effect.fnUntraced(function*({ sql }: Opened, logs: ReadonlyArray<ReadonlyArray<RunEvent>>) {
  const rows = yield* Effect.forEach(logs, (log) => HashChain.extend(HashChain.empty, log))
  yield* Effect.forEach(Arr.chunksOf(rows.flat(), 500), (part) => sql`INSERT INTO telemachy_events ${sql.insert(part)}`)
})

const finished = (run: RunId, left = 0, kept = 0): RunEvent =>
  ({ ...numbered(9, run), _tag: "run.finished", outcome: "completed", left, kept })

const creating = (run: RunId, key: string): RunEvent =>
  ({ ...numbered(1, run), _tag: "agent.creating", name: key, key, except: [] })

const created = (run: RunId, key: string, id: string): RunEvent => ({ ...numbered(2, run), _tag: "agent.created", name: key, key, id })

/** A run that has made an agent and a team, and removed both. */
const settled = (run: RunId): ReadonlyArray<RunEvent> => [
  started(run),
  creating(run, "worker"),
  created(run, "worker", `agent ${run}`),
  { ...numbered(3, run), _tag: "team.creating", name: "crew", key: "crew", except: [] },
  { ...numbered(4, run), _tag: "team.created", name: "crew", key: "crew", id: `team ${run}` },
  { ...numbered(5, run), _tag: "team.removed", name: "crew", key: "crew" },
  { ...numbered(5, run), _tag: "agent.removed", name: "worker", key: "worker" },
  finished(run)
]

const tests = (open: Effect.Effect<Opened, JournalError, Scope.Scope>) => {
  it.scopedLive("tells which ids other runs have made or used", () =>
    Effect.gen(function*() {
      const database = yield* open
      const reuse = { ...numbered(2, idOf(2)), _tag: "agent.reused", name: "worker", key: "worker", id: "shared" } as const
      yield* write(database, [
        settled(idOf(1)),
        [started(idOf(2)), reuse],
        [started(idOf(3)), { ...reuse, run: idOf(3) }, created(idOf(3), "other", "own")],
        // Longer than an entry of an index of PostgreSQL can be.
        [started(idOf(4)), created(idOf(4), "long", "x".repeat(9000)), created(idOf(4), "quoted", `"it's" \\ ü`)]
      ])
      const asked = ["shared", "own", "none", `agent ${idOf(1)}`, `team ${idOf(1)}`, "x".repeat(9000), "x".repeat(9001), `"it's" \\ ü`]
      const others = (run: RunId) =>
        Effect.provideService(Effect.map(ResourceIndex.idsOfOthers(run, asked), sorted), Database.Database, database)
      const all = asked.filter((id) => id !== "none" && id.length !== 9001).toSorted()
      assert.deepStrictEqual(yield* others(runA), all)
      // Another one uses what is shared as well.
      assert.deepStrictEqual(yield* others(idOf(3)), all.filter((id) => id !== "own"))
      assert.deepStrictEqual(yield* others(idOf(4)), all.filter((id) => id === "own" || id === "shared" || id.endsWith(idOf(1))))
    }))

  it.scopedLive("knows what runs have made, and what a run that may have more there was about to make", () =>
    Effect.gen(function*() {
      const database = yield* open
      const open1 = creating(idOf(2), "open")
      yield* write(database, [
        settled(idOf(1)),
        // Its process has ended before the answer came; it has learned another id since.
        [started(idOf(2)), open1, creating(idOf(2), "learned"), created(idOf(2), "learned", "id learned")],
        // What it was about to make was not there when it looked for it at its end.
        [started(idOf(3)), creating(idOf(3), "never made"), { ...numbered(2, idOf(3)), _tag: "agent.removed", name: "n", key: "never made", made: false }, finished(idOf(3))],
        [started(idOf(4)), creating(idOf(4), "kept"), { ...numbered(2, idOf(4)), _tag: "agent.kept", name: "kept", key: "kept" }, finished(idOf(4), 0, 1)],
        [started(idOf(5)), creating(idOf(5), "left"), { ...numbered(2, idOf(5)), _tag: "agent.left", name: "left", key: "left", error: "no" }, finished(idOf(5), 1, 0)]
      ])
      const existing = [
        ["worker", `agent ${idOf(1)}`],
        ["worker", "a copy"],
        ["open", "b"],
        ["learned", "id learned"],
        ["learned", "c"],
        ["never made", "d"],
        ["kept", "e"],
        ["left", "f"]
      ].map(([key = "", id = ""]) => ({ key, id }))
      const known = yield* Effect.provideService(ResourceIndex.known(existing), Database.Database, database)
      assert.deepStrictEqual(sorted(known), [`agent ${idOf(1)}`, "b", "e", "f", "id learned"])
    }))

  it.scopedLive("an event that is damaged names nothing, and keeps no other from being found", () =>
    Effect.gen(function*() {
      const database = yield* open
      const { sql } = database
      yield* write(database, [settled(idOf(1)), settled(idOf(2)), settled(idOf(3)), settled(idOf(4))])
      const damage = (run: RunId, payload: string) => sql`UPDATE telemachy_events SET payload = ${payload} WHERE run = ${run} AND tag = 'agent.created'`
      yield* damage(idOf(1), "{\"id\":")
      yield* damage(idOf(2), "{\"id\":\"\\u0000\"}")
      yield* damage(idOf(3), "[]")
      const asked = [1, 2, 3, 4].map((index) => `agent ${idOf(index)}`)
      const found = yield* Effect.provideService(ResourceIndex.idsOfOthers(runA, asked), Database.Database, database)
      assert.deepStrictEqual(sorted(found), [`agent ${idOf(4)}`])
    }))
}

/** Asks what grew with the record of all runs, and fails when a whole table is read for it. */
const readsNoTable = <R>(open: Effect.Effect<Opened, JournalError, R>) =>
  Effect.gen(function*() {
    const opened = yield* open
    const { database, scans } = StatementPlans.explained(opened, yield* open)
    yield* write(opened, Arr.makeBy(50, (index) => settled(idOf(index))))
    yield* write(opened, [[started(runA), creating(runA, "open")]])
    const existing = Arr.makeBy(20, (index) => ({ id: `agent ${idOf(2 * index + 20)}`, key: "worker" }))
    const known = yield* Effect.provideService(ResourceIndex.known([...existing, { id: "b", key: "open" }]), Database.Database, database)
    assert.strictEqual(known.size, 16)
    const ids = existing.map(({ id }) => id)
    const others = yield* Effect.provideService(ResourceIndex.idsOfOthers(idOf(20), ids), Database.Database, database)
    assert.strictEqual(others.size, 14)
    // What a run has kept and another has removed, of many that have used again what others have kept.
    const kept = (index: number): ReadonlyArray<RunEvent> => [
      started(idOf(index)),
      created(idOf(index), "kept", `kept ${index}`),
      { ...numbered(3, idOf(index)), _tag: "agent.kept", name: "kept", key: "kept" },
      finished(idOf(index), 0, 1)
    ]
    const reuse = (index: number, of: number): ReadonlyArray<RunEvent> => [
      started(idOf(index)),
      { ...numbered(1, idOf(index)), _tag: "agent.reused", name: "kept", key: "kept", id: `kept ${of}` },
      { ...numbered(2, idOf(index)), _tag: "agent.removed", name: "kept", key: "kept" },
      finished(idOf(index))
    ]
    yield* write(opened, Arr.makeBy(30, (index) => kept(200 + index)))
    yield* write(opened, Arr.makeBy(20, (index) => reuse(300 + index, 200 + index)))
    const { idsOf } = yield* Effect.provideService(ResourceIndex.removedSince([idOf(200), idOf(229)]), Database.Database, database)
    assert.deepStrictEqual([idsOf(idOf(200), "kept"), idsOf(idOf(229), "kept")], [["kept 200"], []])
    // The beginning of a run, with its input and its first event, and its look at what dead runs have left.
    const { abandoned, begin } = Context.get(yield* process(database, 1), RunJournal)
    const { append, writeInput } = yield* begin(identity(idOf(100)))
    yield* abandoned("http://fake.test")
    // The leases of a process, as it looks at them and renews them.
    yield* Effect.provideService(Effect.zip(OwnerTable.ownedBy("token"), OwnerTable.renew("token", ["run"])), Database.Database, database)
    yield* writeInput({ json: "{}", digest: "d" })
    yield* append([started(idOf(100))])
    assert.deepStrictEqual(scans, [])
    // What reads a table is seen.
    yield* database.sql`SELECT count(*) FROM telemachy_events WHERE at = ''`
    assert.lengthOf(scans, 1)
  })

describe("what runs tell of their agents and teams, in a file", () => {
  tests(newFile)
  it.scopedLive("is found without reading a table that grows with the record", () =>
    Effect.flatMap(newPath, (path) => readsNoTable(openFile(path))))
})

describe("what runs tell of their agents and teams, in memory", () => tests(Database.openMemory))

describe.skipIf(TestPostgres.isMissing)(TestPostgres.named("what runs tell of their agents and teams, in PostgreSQL"), () => {
  const name = "telemachy_resources"
  const open = Effect.flatMap(TestPostgres.database(name), (url) => Database.openPostgres(url))
  tests(open)
  it.scopedLive("is found without reading a table that grows with the record", () =>
    Effect.gen(function*() {
      const url = yield* TestPostgres.database(name)
      // Tables of a few rows are read from their beginning to their end, unless nothing else is possible.
      yield* TestPostgres.ask(`ALTER DATABASE ${name} SET enable_seqscan = off`)
      yield* readsNoTable(Database.openPostgres(url))
    }))
})
