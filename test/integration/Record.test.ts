import { copyFileSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { pathToFileURL } from "node:url"
import * as Reactivity from "@effect/experimental/Reactivity"
import { assert, describe } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { RunEvent } from "../../src/run/RunEvent.ts"
import { RunId } from "../../src/run/RunId.ts"
import * as LibsqlFile from "../../src/store/LibsqlFile.ts"
import * as RecordFile from "../support/RecordFile.ts"
import * as TestBackend from "../support/TestBackend.ts"
import { emptyDirectory, run, telemachy, test } from "../support/TestCommand.ts"
import * as TestWorkflow from "../support/TestWorkflow.ts"

const hello = TestWorkflow.shell("hello", { only: "echo confidential" })

/** Carries statements out on a file, as another program would. */
const alter = (path: string, ...statements: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const sql = yield* LibsqlFile.make(pathToFileURL(path).href)
    yield* Effect.forEach(statements, (statement) => sql.unsafe(statement), { discard: true })
  }).pipe(Effect.scoped, Effect.provide(Reactivity.layer), Effect.orDie)

/** Puts into the file itself whatever is beside it. */
const flat = "PRAGMA wal_checkpoint(TRUNCATE)"

const started = (id: string): RunEvent => ({
  _tag: "run.started",
  run: RunId.make(id),
  workflow: "named",
  at: DateTime.unsafeMake(0),
  url: "http://127.0.0.1:1",
  policy: "always",
  timeout: Duration.hours(1),
  agents: [],
  teams: []
})

const ExportedRow = Schema.parseJson(Schema.Struct({
  run: Schema.String,
  seq: Schema.Number,
  tag: Schema.String,
  damaged: Schema.optionalWith(Schema.Boolean, { exact: true })
}))

/** A journal of one run, whose file is all that there is of it. */
const makeRecord = Effect.gen(function*() {
  const path = join(yield* emptyDirectory, "runs.db")
  const { file } = yield* hello
  const ended = yield* run(["run", file, "--json"], { env: RecordFile.inFile(path) })
  assert.strictEqual(ended.code, 0, ended.stderr)
  yield* alter(path, flat)
  return { path, id: ended.events[0]?.run ?? "" }
})

const unusable: ReadonlyArray<readonly [what: string, spoil: (path: string) => Effect.Effect<unknown>, says: RegExp]> = [
  [
    "is not a database",
    (path) => Effect.sync(() => writeFileSync(path, "something that somebody needs\n".repeat(200))),
    /cannot be opened: the file is not a database\n$/
  ],
  [
    "was cut off",
    (path) => Effect.sync(() => writeFileSync(path, readFileSync(path).subarray(0, 6000))),
    /cannot be (opened|read|written): the file is damaged or cut off\n$/
  ],
  [
    "is damaged",
    (path) =>
      Effect.sync(() => {
        const bytes = readFileSync(path)
        writeFileSync(path, bytes.fill(0xa5, 100, bytes.length))
      }),
    /cannot be (opened|read|written): (the file is damaged or cut off|the file is not a database)\n$/
  ],
  [
    "is that of another program",
    (path) => Effect.zipRight(
      Effect.sync(() => writeFileSync(path, "")),
      alter(path, "CREATE TABLE photographs (name text)", "INSERT INTO photographs VALUES ('one')")
    ),
    /cannot be opened: it is the database of another program; nothing was written to it\n$/
  ],
  [
    "was written by a newer telemachy",
    (path) => alter(path, "INSERT INTO telemachy_migrations (migration_id, name) VALUES (99, 'later')", flat),
    /cannot be opened: a newer telemachy has written it \(its schema is 99, this one knows \d+\); update telemachy\n$/
  ]
]

describe.concurrent("a file that", () => {
  for (const [what, spoil, says] of unusable) {
    test(`${what} is refused, and stays as it is`, () =>
      Effect.gen(function*() {
        const directory = yield* emptyDirectory
        const original = join(directory, "original.db")
        yield* RecordFile.write(original, [started("ab00000000000001")])
        yield* alter(original, flat)
        // This process may not have closed the original.
        const path = join(directory, "runs.db")
        copyFileSync(original, path)
        yield* spoil(path)
        const before = readFileSync(path)
        const backend = yield* TestBackend.make()
        const { file } = yield* hello
        const env = { ...backend.env, ...RecordFile.inFile(path) }
        for (const args of [["list"], ["run", file]]) {
          const { code, stderr } = yield* run(args, { env })
          assert.match(stderr, says)
          assert.lengthOf(stderr.split("\n"), 2, stderr)
          assert.strictEqual(code, 2)
        }
        assert.isTrue(readFileSync(path).equals(before), "the file was changed")
        assert.deepStrictEqual(yield* backend.requestLog, [])
      }))
  }

  test("is a directory, or cannot be there, is refused", () =>
    Effect.gen(function*() {
      const directory = yield* emptyDirectory
      writeFileSync(join(directory, "file"), "")
      for (const path of [directory, join(directory, "file", "runs.db")]) {
        const { code, stderr } = yield* run(["list"], { env: RecordFile.inFile(path) })
        assert.match(stderr, /^the journal of runs \(file:.*\) cannot be opened: .*\n$/)
        assert.strictEqual(code, 2)
      }
    }))
})

describe.concurrent("the journal", () => {
  test("is for its owner alone, and holds no key", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const home = yield* emptyDirectory
      const { file } = yield* TestWorkflow.shell("private", { only: "true" }, { teardown: "never" })
      const ended = yield* run(["run", file], { env: backend.env, directory: home })
      assert.strictEqual(ended.code, 0, ended.stderr)
      const directory = join(home, ".telemachy")
      assert.strictEqual(statSync(directory).mode & 0o777, 0o700)
      for (const name of readdirSync(directory)) {
        const path = join(directory, name)
        assert.strictEqual(statSync(path).mode & 0o777, 0o600, name)
        assert.isFalse(readFileSync(path).includes(backend.env.AGAMEMNON_API_KEY), `the key is in ${name}`)
      }
    }))

  test("makes the table of runs anew from their events", () =>
    Effect.gen(function*() {
      const { id, path } = yield* makeRecord
      const env = RecordFile.inFile(path)
      const before = yield* run(["list"], { env })
      yield* alter(path, "DELETE FROM telemachy_runs")
      assert.strictEqual((yield* run(["list"], { env })).stdout, "no run is recorded\n")
      const reindexed = yield* run(["audit", "reindex"], { env })
      assert.strictEqual(reindexed.stdout, "1 run: 1 row was not as the events say\n", reindexed.stderr)
      assert.strictEqual((yield* run(["list"], { env })).stdout, before.stdout)
      assert.strictEqual((yield* run(["audit", "reindex"], { env })).stdout, "1 run: every row was as the events say\n")
      assert.strictEqual((yield* run(["audit", "reindex", id], { env })).code, 2)
    }))

  test("names the first link that is broken", () =>
    Effect.gen(function*() {
      const { id, path } = yield* makeRecord
      yield* alter(path, "UPDATE telemachy_events SET payload = replace(payload, 'hello', 'other') WHERE tag = 'agent.creating'")
      const audit = yield* run(["audit", "verify", id.slice(0, 6)], { env: RecordFile.inFile(path) })
      assert.strictEqual(audit.code, 1)
      assert.match(audit.stderr, new RegExp(`^run ${id}: event \\d+ \\(agent.creating\\) what it says was altered\\n`))
    }))

  test("forgets a run that is over, and stays whole", () =>
    Effect.gen(function*() {
      const { id, path } = yield* makeRecord
      const env = RecordFile.inFile(path)
      assert.isTrue(readFileSync(path).includes("confidential"))
      const forgotten = yield* run(["forget", id], { env })
      assert.strictEqual(forgotten.code, 0, forgotten.stderr)
      for (const name of readdirSync(dirname(path))) {
        assert.isFalse(readFileSync(join(dirname(path), name)).includes("confidential"), `${name} still says it`)
      }
      const list = yield* run(["list", "--all"], { env })
      assert.match(list.stdout, new RegExp(`${id} +forgotten`))
      const audit = yield* run(["audit", "verify"], { env })
      assert.match(audit.stdout, /every chain is whole/)
      const logs = yield* run(["logs", id], { env })
      assert.notInclude(logs.stdout, "hello")
    }))

  test("shows a run that cannot be read as damaged, and the others as they are", () =>
    Effect.gen(function*() {
      const path = join(yield* emptyDirectory, "runs.db")
      const backend = yield* TestBackend.make()
      const url = backend.env.AGAMEMNON_URL
      const [bad, good] = ["ab00000000000001", "cd00000000000003"]
      yield* RecordFile.write(path, [bad, good].map((id) => ({ ...started(id), url })))
      yield* alter(path, `UPDATE telemachy_events SET payload = CAST(x'ff' AS text) WHERE run = '${bad}'`)
      const env = { ...backend.env, ...RecordFile.inFile(path) }
      const list = yield* run(["list", "--all"], { env })
      assert.strictEqual(list.code, 0, list.stderr)
      assert.match(list.stdout, new RegExp(`${bad} +damaged`))
      assert.match(list.stdout, new RegExp(`named +${good} +interrupted`))
      const cleaned = yield* run(["cleanup", "--all"], { env })
      assert.match(cleaned.stderr, new RegExp(`event 0 \\(run.started\\) of run ${bad} is damaged\n$`))
      assert.match(cleaned.stdout, new RegExp(`nothing of run ${good} `))
      assert.strictEqual(cleaned.code, 5)
      for (const command of ["status", "logs"]) {
        const damaged = yield* run([command, bad], { env })
        assert.match(damaged.stderr, new RegExp(`event 0 \\(run.started\\) of run ${bad} is damaged\n$`))
        assert.strictEqual((yield* run([command, good], { env })).code, 0)
      }
      const audit = yield* run(["audit", "verify"], { env })
      assert.strictEqual(audit.stderr, `run ${bad}: event 0 (run.started) cannot be read\n4 events of 2 runs: 1 broken chain\n`)
      assert.strictEqual(audit.code, 1)
      const exported = yield* telemachy(["audit", "export"], { env }).pipe(Effect.flatMap(({ exited }) => exited))
      assert.strictEqual(exported.code, 1)
      assert.strictEqual(exported.stderr, `run ${bad}: event 0 (run.started) cannot be read\n`)
      const rows = exported.stdout.split("\n").slice(0, -1).map((line) => Schema.decodeUnknownSync(ExportedRow)(line))
      assert.deepStrictEqual(rows.filter(({ run }) => run === bad), [{ run: bad, seq: 0, tag: "run.started", damaged: true }])
      assert.isTrue(rows.some(({ run }) => run === good))
    }))

  test("is asked by the beginning of an id", () =>
    Effect.gen(function*() {
      const path = join(yield* emptyDirectory, "runs.db")
      yield* RecordFile.write(path, ["ab00000000000001", "ab00000000000002", "cd00000000000003"].map(started))
      const env = RecordFile.inFile(path)
      const ambiguous = yield* run(["status", "ab"], { env })
      assert.strictEqual(ambiguous.code, 2)
      assert.match(ambiguous.stderr, /^2 runs begin with ab:\n {2}ab0000000000000\d .*\n {2}ab0000000000000\d .*\n$/)
      const unknown = yield* run(["status", "cd00000000000004"], { env })
      assert.strictEqual(unknown.code, 2)
      assert.strictEqual(unknown.stderr, "no run cd00000000000004 is recorded, did you mean cd00000000000003?\n")
      const found = yield* run(["status", "cd"], { env })
      assert.match(found.stdout, /^named {2}interrupted {2}run cd00000000000003/)
    }))
})

describe.concurrent("an earlier run of a workflow that cannot be read", () => {
  test("keeps no other from beginning, unless it is the one to go on with", () =>
    Effect.gen(function*() {
      const path = join(yield* emptyDirectory, "runs.db")
      const env = RecordFile.inFile(path)
      const { file } = yield* TestWorkflow.shell("torn", { only: "exit 3" })
      assert.strictEqual((yield* run(["run", file], { env })).code, 1)
      yield* alter(path, "UPDATE telemachy_events SET payload = '{' WHERE seq = 2", flat)
      const again = yield* run(["run", file, "--json"], { env })
      assert.strictEqual(again.code, 1, again.stderr)
      assert.isNotEmpty(again.events)
      yield* alter(path, `UPDATE telemachy_events SET payload = '{' WHERE seq = 2 AND run = '${again.events[0]?.run ?? ""}'`, flat)
      const resumed = yield* run(["run", file, "--resume"], { env })
      assert.strictEqual(resumed.code, 2, resumed.stderr)
      assert.match(resumed.stderr, /cannot be read/)
    }))
})
