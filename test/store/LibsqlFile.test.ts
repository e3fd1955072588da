import * as Reactivity from "@effect/experimental/Reactivity"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as FileSystem from "@effect/platform/FileSystem"
import { createClient } from "@libsql/client/sqlite3"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { RunJournal } from "../../src/run/RunJournal.ts"
import * as LibsqlFile from "../../src/store/LibsqlFile.ts"
import { identity, newFile, newPath, numbered, openFile, process, started } from "../support/TestStore.ts"

/** Holds the right to write to a file for as long as the scope. */
const hold = (path: string) =>
  Effect.acquireRelease(
    Effect.promise(() => createClient({ url: `file:${path}` }).transaction("write")),
    (transaction) => Effect.promise(() => transaction.rollback())
  )

describe("LibsqlFile", () => {
  it.scopedLive("whoever waits for its turn does not stop the process", () =>
    Effect.gen(function*() {
      const path = yield* newPath
      const { begin } = Context.get(yield* process(yield* openFile(path), 1), RunJournal)
      const { append } = yield* begin(identity())
      yield* append([started()])
      let turns = 0
      const counting = yield* Effect.fork(Effect.forever(Effect.delay(Effect.sync(() => turns++), "10 millis")))
      const appending = yield* Effect.scoped(Effect.gen(function*() {
        yield* hold(path)
        const appending = yield* Effect.forkDaemon(append([numbered(1)]))
        yield* Effect.sleep("2 seconds")
        assert.isNull(appending.unsafePoll())
        return appending
      }))
      yield* Fiber.interrupt(counting)
      yield* Fiber.join(appending)
      // Of 200; with a connection that waits 200 ms at each attempt, there are fewer than 40.
      assert.isAtLeast(turns, 60)
    }))

  it.scopedLive("SQLite itself never waits", () =>
    Effect.gen(function*() {
      const { sql } = yield* newFile
      assert.deepStrictEqual((yield* sql`PRAGMA busy_timeout`).map((row) => row["timeout"]), [0])
    }))

  it.scopedLive("a transaction that cannot begin fails, and keeps no other from its turn", () =>
    Effect.gen(function*() {
      const files = yield* FileSystem.FileSystem
      const directory = `${yield* newPath}-later`
      const sql = yield* LibsqlFile.make(`file:${directory}/runs.db`)
      for (const change of [sql`CREATE TABLE lines (line text)`, sql`SELECT 1`]) {
        assert.strictEqual((yield* Effect.flip(sql.withTransaction(change)))._tag, "SqlError")
      }
      yield* files.makeDirectory(directory)
      yield* sql.withTransaction(sql`CREATE TABLE lines (line text)`)
      assert.deepStrictEqual(yield* sql`SELECT line FROM lines`, [])
    }).pipe(Effect.provide(Reactivity.layer), Effect.provide(NodeContext.layer)))

  it.scopedLive("a change that finds the file busy leaves nothing open", () =>
    Effect.gen(function*() {
      const path = yield* newPath
      const sql = yield* LibsqlFile.make(`file:${path}`)
      yield* sql`PRAGMA journal_mode = WAL`
      yield* sql`CREATE TABLE lines (line text)`
      yield* Effect.scoped(Effect.gen(function*() {
        yield* hold(path)
        const changes = [sql`INSERT INTO lines VALUES ('busy')`, sql`DELETE FROM lines`, sql`INSERT INTO lines VALUES ('busy') RETURNING line`]
        for (const change of changes) yield* Effect.flip(change)
        // What is asked is answered.
        assert.deepStrictEqual(yield* sql`SELECT line FROM lines`, [])
      }))
      yield* sql`INSERT INTO lines VALUES ('later')`
      const other = yield* LibsqlFile.make(`file:${path}`)
      yield* other`INSERT INTO lines VALUES ('after')`
      assert.deepStrictEqual((yield* other`SELECT line FROM lines`).map((row) => row["line"]), ["later", "after"])
    }).pipe(Effect.provide(Reactivity.layer)))

  it.scopedLive("a statement that is asked again answers what is there by now, after one that has failed as well", () =>
    Effect.gen(function*() {
      const path = yield* newPath
      const [sql, other] = yield* Effect.all([LibsqlFile.make(`file:${path}`), LibsqlFile.make(`file:${path}`)])
      yield* sql`PRAGMA journal_mode = WAL`
      yield* sql`CREATE TABLE lines (line text PRIMARY KEY)`
      const add = (line: string) => sql`INSERT INTO lines (line) VALUES (${line}) RETURNING line`
      const all = Effect.map(sql`SELECT * FROM lines ORDER BY line`, (rows) => rows.map((row) => ({ ...row })))
      const lines = Effect.map(sql<{ readonly line: string }>`SELECT line FROM lines ORDER BY line`, (rows) => rows.map(({ line }) => line))
      yield* add("one")
      yield* Effect.flip(add("one"))
      yield* add("two")
      yield* Effect.flip(sql.withTransaction(Effect.zipRight(add("three"), add("two"))))
      assert.deepStrictEqual([yield* all, yield* lines], [[{ line: "one" }, { line: "two" }], ["one", "two"]])
      // Its columns are those of the table as another connection has changed it.
      yield* other`ALTER TABLE lines ADD COLUMN number integer DEFAULT 7`
      yield* add("three")
      assert.deepStrictEqual(yield* all, ["one", "three", "two"].map((line) => ({ line, number: 7 })))
      // Nothing is left open that would keep others from writing.
      yield* other`DELETE FROM lines WHERE line = 'two'`
      assert.deepStrictEqual(yield* lines, ["one", "three"])
    }).pipe(Effect.provide(Reactivity.layer)))

  it.scopedLive("goes on with the connection of a transaction that has ended, however that was", () =>
    Effect.gen(function*() {
      const { readDirectory, readLink } = yield* FileSystem.FileSystem
      const path = yield* newPath
      const sql = yield* LibsqlFile.make(`file:${path}`)
      yield* sql`PRAGMA journal_mode = WAL`
      yield* sql`CREATE TABLE lines (line text PRIMARY KEY)`
      const opened = Effect.map(
        Effect.flatMap(readDirectory("/proc/self/fd"), Effect.forEach((each) => Effect.option(readLink(`/proc/self/fd/${each}`)))),
        (targets) => targets.filter((target) => Option.contains(target, path)).length
      )
      const add = (line: string) => sql.withTransaction(sql`INSERT INTO lines VALUES (${line})`)
      for (const line of ["one", "two", "three", "four"]) {
        yield* add(line)
        yield* Effect.flip(add(line))
        yield* Effect.flip(sql.withTransaction(Effect.zipRight(sql`DELETE FROM lines`, Effect.fail("no"))))
        assert.isAtMost(yield* opened, 1)
      }
      assert.lengthOf(yield* sql`SELECT line FROM lines`, 4)
      const other = yield* LibsqlFile.make(`file:${path}`)
      yield* other`DELETE FROM lines`
      yield* add("one")
    }).pipe(Effect.provide(Reactivity.layer), Effect.provide(NodeContext.layer)))

  it.scopedLive("nothing is asked of a connection that a transaction has taken, however close they begin", () =>
    Effect.gen(function*() {
      const client = LibsqlFile.renewing(yield* newPath)
      yield* Effect.promise(() => client.executeMultiple("PRAGMA journal_mode = WAL; CREATE TABLE lines (line text)"))
      for (let turns = 0; turns < 12; turns += 1) {
        const begun = client.transaction("write")
        for (let turn = 0; turn < turns; turn += 1) yield* Effect.promise(() => Promise.resolve())
        const asked = client.execute("PRAGMA secure_delete")
        const transaction = yield* Effect.promise(() => begun)
        // A connection that libsql opens by itself has none of the settings.
        assert.deepStrictEqual((yield* Effect.promise(() => asked)).rows.map((row) => row["secure_delete"]), [1], String(turns))
        yield* Effect.promise(() => transaction.rollback())
      }
      client.close()
    }))

  it.scopedLive("keeps no more statements than a connection has use for", () =>
    Effect.gen(function*() {
      const sql = yield* LibsqlFile.make(`file:${yield* newPath}`)
      const numbers = Array.from({ length: 250 }, (_, number) => number)
      for (const each of [numbers, numbers.toReversed()]) {
        const answers = yield* Effect.forEach(each, (number) => sql.unsafe<{ readonly number: number }>(`SELECT ${number} AS number`))
        assert.deepStrictEqual(answers.map(([row]) => row?.number), each)
      }
    }).pipe(Effect.provide(Reactivity.layer)))
})
