import { execFileSync } from "node:child_process"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Scope } from "effect/Scope"
import * as PostgresSchema from "../support/PostgresSchema.ts"
import * as RecordFile from "../support/RecordFile.ts"
import * as TcpProxy from "../support/TcpProxy.ts"
import * as TestBackend from "../support/TestBackend.ts"
import { emptyDirectory, run, type Running, telemachy, test } from "../support/TestCommand.ts"
import * as TestWorkflow from "../support/TestWorkflow.ts"

/** A database that can be taken away from a process. */
interface Database {
  readonly env: Readonly<Record<string, string>>
  /** The variables of those from whom it is not taken away. */
  readonly direct: Readonly<Record<string, string>>
  readonly take: (running: Running) => Effect.Effect<void>
  readonly giveBack: (running: Running) => Effect.Effect<void>
}

const prlimit = "/usr/bin/prlimit"

/** A file to which a process can write nothing more, as if the disk were full. */
const file = Effect.gen(function*() {
  const env = RecordFile.inFile(join(yield* emptyDirectory, "runs.db"))
  const limit = (soft: string) => ({ pid }: Running) =>
    Effect.sync(() => {
      execFileSync(prlimit, ["--pid", String(pid), `--fsize=${soft}:unlimited`])
    })
  return { env, direct: env, take: limit("1"), giveBack: limit("unlimited") }
})

/** A PostgreSQL behind a proxy. */
const postgres = Effect.gen(function*() {
  const { url } = yield* PostgresSchema.schema
  const direct = new URL(url)
  const proxy = yield* TcpProxy.tcp({ host: direct.hostname, port: Number(direct.port || 5432) })
  const through = new URL(url)
  through.host = `127.0.0.1:${proxy.port}`
  return {
    env: { TELEMACHY_DATABASE_URL: through.href },
    direct: { TELEMACHY_DATABASE_URL: url },
    take: () => proxy.close,
    giveBack: () => proxy.open,
    freeze: proxy.freeze(true)
  }
})

/** A run whose task waits, and from which its journal is taken away. */
const unrecorded = Effect.fnUntraced(function*(makeDatabase: Effect.Effect<Database, never, Scope>) {
  const backend = yield* TestBackend.make()
  const database = yield* makeDatabase
  const { file, open } = yield* TestWorkflow.shell("outage", { only: TestWorkflow.wait })
  const running = yield* telemachy(["run", file, "--json"], { env: { ...backend.env, ...database.env } })
  yield* running.event("task.progressed")
  yield* database.take(running)
  yield* running.event("record.failed")
  return { backend, database, open, running }
})

const assertWhole = Effect.fnUntraced(function*({ direct }: Database) {
  const audit = yield* run(["audit", "verify"], { env: direct })
  assert.match(audit.stdout, /: every chain is whole\n$/, audit.stderr)
})

const databases = [
  { name: "a file", why: `left out without ${prlimit}`, isMissing: !existsSync(prlimit), make: file },
  {
    name: "a PostgreSQL",
    why: "left out unless TELEMACHY_TEST_POSTGRES_URL names one",
    isMissing: PostgresSchema.isMissing,
    make: postgres
  }
]

for (const { isMissing, make, name, why } of databases) {
  describe.skipIf(isMissing).concurrent(`${name} (${why}) that can not be written in mid-run`, () => {
    test("does not end the run, which says that it is not recorded", () =>
      Effect.gen(function*() {
        const { backend, database, open, running } = yield* unrecorded(make)
        yield* open(1)
        const ended = yield* running.ended
        assert.strictEqual(ended.code, 6, ended.stderr)
        assert.match(ended.stderr, /its journal has a gap\n$/)
        assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
        const list = yield* run(["list"], { env: database.direct })
        assert.match(list.stdout, /outage +[0-9a-f]{16} +interrupted/)
        yield* assertWhole(database)
      }))

    test("and then can again is given what it has missed", () =>
      Effect.gen(function*() {
        const { backend, database, open, running } = yield* unrecorded(make)
        yield* database.giveBack(running)
        yield* running.event("record.restored")
        yield* open(1)
        const ended = yield* running.ended
        assert.strictEqual(ended.code, 0, ended.stderr)
        assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
        const logs = yield* run(["logs", ended.events[0]?.run ?? "", "--json"], { env: database.direct })
        assert.deepStrictEqual(logs.events, ended.events)
        yield* assertWhole(database)
      }))
  })
}

describe.skipIf(PostgresSchema.isMissing).concurrent("a PostgreSQL (left out unless TELEMACHY_TEST_POSTGRES_URL names one)", () => {
  test("that is gone at the start lets nothing be made", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const { url } = yield* PostgresSchema.schema
      const gone = new URL(url)
      gone.port = "1"
      const { file } = yield* TestWorkflow.shell("outage", { only: "true" })
      const ended = yield* run(["run", file], { env: { ...backend.env, TELEMACHY_DATABASE_URL: gone.href } })
      assert.strictEqual(ended.code, 2, ended.stderr)
      assert.match(ended.stderr, /^the journal of runs \(postgres:.*\) cannot be opened: nothing listens at that address\n$/)
      assert.deepStrictEqual(yield* backend.requestLog, [])
    }))

  test("that hangs holds up neither the removal nor the end of a run that is cancelled", () =>
    Effect.gen(function*() {
      const grace = 5
      const backend = yield* TestBackend.make()
      const database = yield* postgres
      const { file } = yield* TestWorkflow.shell("outage", { only: TestWorkflow.wait })
      const running = yield* telemachy(["run", file, "--json"], {
        env: { ...backend.env, ...database.env, TEARDOWN_GRACE_SECONDS: String(grace) }
      })
      yield* running.event("task.progressed")
      yield* database.freeze
      yield* running.signal("SIGINT")
      // A limit for what hangs.
      const ended = yield* Effect.timeout(running.ended, "40 seconds")
      assert.strictEqual(ended.code, 130, ended.stderr)
      assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
      // By its own clock: how long it takes to load or to be given a core is not its grace.
      const at = (tag: string) => Duration.toSeconds(ended.events.find(({ _tag }) => _tag === tag)?.elapsed ?? Duration.infinity)
      assert.isAtMost(at("run.finished") - at("run.decided"), grace + 2, ended.stderr)
    }))

  for (const command of [["status", "--watch"], ["status", "--watch", "--json"], ["logs", "--follow"], ["logs", "--follow", "--json"]]) {
    test(`that restarts does not end telemachy ${command.join(" ")}`, () =>
      Effect.gen(function*() {
        const backend = yield* TestBackend.make()
        const database = yield* postgres
        const { file, open } = yield* TestWorkflow.shell("outage", { only: TestWorkflow.wait })
        const running = yield* telemachy(["run", file, "--json"], { env: { ...backend.env, ...database.direct } })
        yield* running.event("task.progressed")
        const [name = "", ...flags] = command
        const watching = yield* telemachy([name, running.events()[0]?.run ?? "", ...flags], { env: database.env })
        yield* watching.until("the task", () => /progressed|running/.test(watching.output().stdout) || undefined)
        yield* database.take()
        yield* watching.until("the outage", () => watching.output().stderr.includes("\n") || undefined)
        // It ends while nobody can read that.
        yield* open(1)
        const ended = yield* running.ended
        yield* database.giveBack()
        const { code, events, stderr, stdout } = yield* watching.ended
        assert.strictEqual(code, 0, stderr)
        assert.match(stderr, /^the journal of runs \(postgres:.*\) cannot be read: .*; trying again for up to 1m\n$/)
        if (flags.includes("--json")) assert.deepStrictEqual(events, ended.events)
        else assert.match(stdout, /completed/)
      }))
  }
})
