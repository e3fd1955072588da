import * as Reactivity from "@effect/experimental/Reactivity"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as FileSystem from "@effect/platform/FileSystem"
import * as LibsqlClient from "@effect/sql-libsql/LibsqlClient"
import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { JournalError } from "../../src/run/JournalError.ts"
import { RunJournal } from "../../src/run/RunJournal.ts"
import * as Database from "../../src/store/Database.ts"
import * as Migrations from "../../src/store/Migrations.ts"
import * as RunStore from "../../src/store/RunStore.ts"
import * as SqlRunStore from "../../src/store/SqlRunStore.ts"
import * as Sweep from "../support/Sweep.ts"
import * as TestPostgres from "../support/TestPostgres.ts"
import { identity, newPath, numbered, openFile, started } from "../support/TestStore.ts"

const files = FileSystem.FileSystem

const modeOf = (path: string) =>
  Effect.map(Effect.flatMap(files, (fs) => fs.stat(path)), ({ mode }) => (mode & 0o777).toString(8))

const read = (path: string) => Effect.flatMap(files, (fs) => fs.readFile(path))
const write = (path: string, bytes: Uint8Array) => Effect.flatMap(files, (fs) => fs.writeFile(path, bytes))

/** Uses a file as no part of Telemachy does. */
const raw = <A, E>(path: string, use: (sql: LibsqlClient.LibsqlClient) => Effect.Effect<A, E>) =>
  Effect.flatMap(LibsqlClient.make({ url: `file:${path}` }), use).pipe(Effect.scoped, Effect.provide(Reactivity.layer))

/** Writes a journal with a run of some events, and closes it. */
const record = (path: string, events: number) =>
  Effect.scoped(Effect.gen(function*() {
    const { append } = yield* Effect.flatMap(RunJournal, ({ begin }) => begin(identity()))
    yield* append([started(), ...Arr.makeBy(events, (number) => numbered(number))])
  })).pipe(Effect.provide(SqlRunStore.layerFile(path)))

const fill = (path: string, events = 200) =>
  Effect.zipRight(
    record(path, events),
    raw(path, (sql) => sql`PRAGMA wal_checkpoint(TRUNCATE)`)
  )

const newer = new RegExp(`a newer telemachy has written it \\(its schema is ${Migrations.latest + 1}, this one knows ${Migrations.latest}\\); update telemachy$`)

/** Uses a journal as far as it can be used. */
const useAll = (path: string) =>
  Effect.scoped(Effect.gen(function*() {
    const { list, verify } = yield* RunStore.RunStore
    yield* list
    yield* verify()
  })).pipe(Effect.provide(SqlRunStore.layerFile(path)))

/** Checks that a file can not be opened, says why, and is left as it was. */
const refused = Effect.fnUntraced(function*(path: string, detail: RegExp) {
  const before = yield* read(path)
  const error = yield* Effect.flip(Effect.scoped(openFile(path)))
  assert.instanceOf(error, JournalError)
  assert.match(error.message, detail)
  assert.isTrue(error.message.startsWith(`the journal of runs (file:${path}) cannot be opened: `), error.message)
  assert.deepStrictEqual(yield* read(path), before)
})

describe("Database in a file", () => {
  it.scopedLive("creates a file that only its owner can read, in a directory that only its owner can read", () =>
    Effect.gen(function*() {
      const base = yield* newPath
      const path = `${base}/deep/er/runs.db`
      const { sql, where } = yield* openFile(path)
      yield* sql`DELETE FROM telemachy_owners`
      assert.strictEqual(where, `file:${path}`)
      for (const directory of [base, `${base}/deep`, `${base}/deep/er`]) assert.strictEqual(yield* modeOf(directory), "700")
      for (const file of [path, `${path}-wal`, `${path}-shm`]) assert.strictEqual(yield* modeOf(file), "600")
    }).pipe(Effect.provide(NodeContext.layer)))

  it.scopedLive("leaves the mode of a directory that is there", () =>
    Effect.gen(function*() {
      const base = yield* newPath
      const fs = yield* files
      yield* fs.makeDirectory(base)
      yield* fs.chmod(base, 0o755)
      yield* Effect.scoped(openFile(`${base}/runs.db`))
      assert.deepStrictEqual([yield* modeOf(base), yield* modeOf(`${base}/runs.db`)], ["755", "600"])
    }).pipe(Effect.provide(NodeContext.layer)))

  it.scopedLive("names with any characters are names", () =>
    Effect.gen(function*() {
      const path = `${yield* newPath}/a b#c?d%20é&mode=ro`
      yield* Effect.scoped(openFile(path))
      assert.isTrue(yield* Effect.flatMap(files, (fs) => fs.exists(path)))
    }).pipe(Effect.provide(NodeContext.layer)))

  it.scopedLive("each write is on disk before it is answered", () =>
    Effect.gen(function*() {
      const path = yield* newPath
      for (let time = 0; time < 2; time++) {
        yield* Effect.scoped(Effect.gen(function*() {
          const { sql } = yield* openFile(path)
          assert.deepStrictEqual((yield* sql`PRAGMA journal_mode`).map((row) => row["journal_mode"]), ["wal"])
          assert.deepStrictEqual((yield* sql`PRAGMA synchronous`).map((row) => row["synchronous"]), [2])
        }))
      }
    }))

  it.scopedLive("an empty file becomes a journal", () =>
    Effect.gen(function*() {
      const path = yield* newPath
      yield* write(path, new Uint8Array())
      yield* fill(path, 3)
      yield* useAll(path)
    }).pipe(Effect.provide(NodeContext.layer)))

  it.scopedLive("what is not a journal is refused, and left as it is", () =>
    Effect.gen(function*() {
      const path = yield* newPath
      const text = new TextEncoder()
      for (const content of ["x", "# notes\n", "SQLite format 3", "SQLite format 3\u0000", "long ".repeat(5000)]) {
        yield* write(path, text.encode(content))
        yield* refused(path, /the file is (not a database|damaged or cut off)$/)
      }
      yield* write(path, new Uint8Array(10_000))
      yield* refused(path, /not a database|damaged|another program/)
    }).pipe(Effect.provide(NodeContext.layer)))

  it.scopedLive("the database of another program is refused, and left as it is", () =>
    Effect.gen(function*() {
      const path = yield* newPath
      yield* raw(path, (sql) => sql`CREATE TABLE notes (text)`)
      yield* refused(path, /it is the database of another program; nothing was written to it$/)
      const marked = yield* newPath
      yield* raw(marked, (sql) => sql`PRAGMA application_id = 5`)
      yield* refused(marked, /it is the database of another program; nothing was written to it$/)
      const taken = yield* newPath
      yield* raw(taken, (sql) => sql.unsafe(`PRAGMA application_id = ${Migrations.applicationId}`))
      yield* refused(taken, /./)
    }).pipe(Effect.provide(NodeContext.layer)))

  it.scopedLive("the journal of a newer program is refused, and left as it is", () =>
    Effect.gen(function*() {
      const path = yield* newPath
      yield* fill(path, 3)
      yield* raw(path, (sql) => sql`INSERT INTO telemachy_migrations (migration_id, name) VALUES (${Migrations.latest + 1}, 'later')`)
      yield* refused(path, newer)
    }).pipe(Effect.provide(NodeContext.layer)))

  it.scopedLive("a directory is refused", () =>
    Effect.gen(function*() {
      const base = yield* newPath
      yield* Effect.flatMap(files, (fs) => fs.makeDirectory(base))
      assert.match((yield* Effect.flip(Effect.scoped(openFile(base)))).message, /cannot be opened: it is not a file$/)
      yield* write(`${base}/file`, new Uint8Array())
      const inFile = yield* Effect.flip(Effect.scoped(openFile(`${base}/file/runs.db`)))
      assert.match(inFile.message, /cannot be opened: /)
      assert.notMatch(inFile.message, /Error|ENOTDIR$/)
    }).pipe(Effect.provide(NodeContext.layer)))

  it.scopedLive("a journal that was cut off anywhere is refused or read as far as it goes, and left as it is", () =>
    Effect.gen(function*() {
      const path = yield* newPath
      yield* fill(path)
      const whole = yield* read(path)
      for (const size of [1, 15, 16, 50, 99, 100, 511, 512, 1000, 4095, 4096, 4097, 8192, whole.length >> 1, whole.length - 4096]) {
        yield* write(path, whole.slice(0, size))
        const before = yield* read(path)
        const error = yield* Effect.flip(Effect.map(useAll(path), () => `cut at ${size} of ${whole.length}`))
        assert.instanceOf(error, JournalError, String(size))
        assert.match(error.message, /the file is (not a database|damaged or cut off)$/, String(size))
        assert.deepStrictEqual(yield* read(path), before, String(size))
      }
    }).pipe(Effect.provide(NodeContext.layer)))

  it.scopedLive("a journal with a damaged page gives an error or is whole, and is not written to when it is opened", () =>
    Effect.gen(function*() {
      const path = yield* newPath
      yield* fill(path)
      const whole = yield* read(path)
      // Not the high bit: SQLite text that is not UTF-8 ends the process inside of the database library.
      const places = [...Arr.range(0, 110), ...Arr.makeBy(60, (step) => 110 + step * 257)].filter((at) => at < whole.length)
      for (const at of Sweep.some(places, 2)) {
        const bytes = Uint8Array.from(whole, (byte, position) => (position === at ? byte ^ 0x11 : byte))
        yield* write(path, bytes)
        const exit = yield* Effect.exit(useAll(path))
        if (exit._tag === "Failure") {
          assert.strictEqual(exit.cause._tag, "Fail", `${at} ${String(exit.cause)}`)
          assert.deepStrictEqual(yield* read(path), bytes, String(at))
        }
      }
    }).pipe(Effect.provide(NodeContext.layer)))
})

describe.skipIf(TestPostgres.isMissing)(TestPostgres.named("Database in PostgreSQL"), () => {
  it.scopedLive("says why it can not be opened, and never the password", () =>
    Effect.gen(function*() {
      const url = new URL(Redacted.value(yield* TestPostgres.database("telemachy_database")))
      url.password = "geheim"
      const at = (change: (url: URL) => void) => {
        const changed = new URL(url.href)
        change(changed)
        return Effect.flip(Effect.scoped(Database.openPostgres(Redacted.make(changed.href))))
      }
      const cases: ReadonlyArray<readonly [RegExp, (url: URL) => void]> = [
        [/\(postgres:\/\/127.0.0.1:1\/\w+\) cannot be opened: nothing listens at that address$/, (url) => { url.host = "127.0.0.1:1" }],
        [/\(postgres:\/\/[^ ]+\/nowhere\) cannot be opened: there is no such database$/, (url) => { url.pathname = "/nowhere" }],
        [/\(postgres:\/\/nowhere.invalid:\d+\/\w+\) cannot be opened: there is no such host$/, (url) => { url.hostname = "nowhere.invalid" }],
        [/cannot be opened: the user or the password is refused$/, (url) => { url.username = "nobody_knows" }]
      ]
      for (const [message, change] of cases) {
        const error = yield* at(change)
        assert.match(error.message, message)
        assert.notInclude(JSON.stringify(error), "geheim")
      }
      const odd = yield* Effect.flip(Effect.scoped(Database.openPostgres(Redacted.make("postgres://me:geheim@[bad/x"))))
      assert.notInclude(`${odd.message}${JSON.stringify(odd)}`, "geheim")
    }))

  it.scopedLive("the journal of a newer program is refused", () =>
    Effect.gen(function*() {
      const url = yield* TestPostgres.database("telemachy_database")
      const { sql } = yield* Database.openPostgres(url)
      yield* sql`INSERT INTO telemachy_migrations (migration_id, name) VALUES (${Migrations.latest + 1}, 'later')`
      const error = yield* Effect.flip(Effect.scoped(Database.openPostgres(url)))
      assert.match(error.message, newer)
    }))
})
