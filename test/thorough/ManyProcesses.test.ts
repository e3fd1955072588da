import { execPath } from "node:process"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Command from "@effect/platform/Command"
import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { RunJournal } from "../../src/run/RunJournal.ts"
import * as Migrations from "../../src/store/Migrations.ts"
import { RunStore } from "../../src/store/RunStore.ts"
import * as SqlRunStore from "../../src/store/SqlRunStore.ts"
import * as EarlierSchema from "../support/EarlierSchema.ts"
import * as Sweep from "../support/Sweep.ts"
import * as TestPostgres from "../support/TestPostgres.ts"
import { identity, newPath, started } from "../support/TestStore.ts"

const processes = Sweep.upTo(10, 4)

/** Writes the beginning of a run into a file. */
const writeRun = (path: string) =>
  Effect.scoped(Effect.gen(function*() {
    const { append } = yield* Effect.flatMap(RunJournal, ({ begin }) => begin(identity()))
    yield* append([started()])
  })).pipe(Effect.provide(SqlRunStore.layerFile(path)))

/** Lets processes open a journal and write to it, all at once. */
const together = (where: string, count: number) =>
  Effect.forEach(Arr.range(1, count), (number) =>
    Command.make(execPath, "--import", "tsx", "test/support/openStore.ts", where, String(number)).pipe(
      Command.stderr("inherit"),
      Command.exitCode
    ), { concurrency: "unbounded" })

/** Lets processes use a new database all at once, and checks that everything is there. */
const loseNothing = Effect.fnUntraced(function*<E>(
  where: string,
  store: Layer.Layer<SqlRunStore.Services, E, NodeContext.NodeContext>
) {
  const exitCodes = yield* together(where, processes)
  assert.deepStrictEqual(exitCodes.map(Number), Arr.replicate(0, processes))
  const found = yield* Effect.flatMap(RunStore, ({ verify }) => verify()).pipe(Effect.provide(store))
  assert.deepStrictEqual(found, { runs: processes, events: 20 * processes, breaks: [] })
}, Effect.provide(NodeContext.layer))

describe("many processes that make one new database a journal", () => {
  it.scopedLive("lose nothing in a file", () =>
    Effect.flatMap(newPath, (path) => loseNothing(path, SqlRunStore.layerFile(path))), 600_000)

  it.scopedLive.skipIf(TestPostgres.isMissing)(TestPostgres.named("lose nothing in PostgreSQL"), () =>
    Effect.flatMap(TestPostgres.database("telemachy_processes"), (url) =>
      loseNothing(Redacted.value(url), SqlRunStore.layerPostgres(url))), 600_000)
})

describe("many processes that open a journal of an earlier version", () => {
  const before = Migrations.numbers.length - 1

  it.scopedLive("lose nothing in a file", () =>
    Effect.gen(function*() {
      const path = yield* newPath
      yield* EarlierSchema.file(path, before, () => Effect.void)
      yield* loseNothing(path, SqlRunStore.layerFile(path))
    }), 600_000)

  it.scopedLive.skipIf(TestPostgres.isMissing)(TestPostgres.named("lose nothing in PostgreSQL"), () =>
    Effect.gen(function*() {
      const url = yield* TestPostgres.database("telemachy_processes_before")
      yield* EarlierSchema.postgres(url, before, () => Effect.void)
      yield* loseNothing(Redacted.value(url), SqlRunStore.layerPostgres(url))
    }), 600_000)
})

describe("a file that may not be written", () => {
  it.scopedLive("is refused or read", () =>
    Effect.gen(function*() {
      const path = yield* newPath
      // By another process: a file that this one had open to write, SQLite can open like that again.
      assert.deepStrictEqual((yield* together(path, 1)).map(Number), [0])
      const immutable = (flag: string) => Effect.orElseSucceed(Command.exitCode(Command.make("chattr", flag, path)), () => 1)
      // Where that is not possible there is nothing to see.
      if ((yield* immutable("+i")) !== 0) return
      const exit = yield* Effect.exit(writeRun(path))
      yield* immutable("-i")
      assert.strictEqual(exit._tag === "Failure" && exit.cause._tag, "Fail")
      assert.match(exit._tag === "Failure" ? Cause.pretty(exit.cause) : "", /the file is read-only|no permission/)
    }).pipe(Effect.provide(NodeContext.layer)))
})
