import { join } from "node:path"
import { pathToFileURL } from "node:url"
import * as Reactivity from "@effect/experimental/Reactivity"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as LibsqlFile from "../../src/store/LibsqlFile.ts"
import * as PostgresSchema from "../support/PostgresSchema.ts"
import * as RecordFile from "../support/RecordFile.ts"
import * as Sweep from "../support/Sweep.ts"
import { emptyDirectory, run, telemachy } from "../support/TestCommand.ts"
import * as TestWorkflow from "../support/TestWorkflow.ts"

const processes = Sweep.upTo(30, 12)

const flow = TestWorkflow.write(() => ({
  metadata: { name: "shared" },
  agents: [{ name: "one", program: "none" }],
  teams: [{ name: "crew", agents: ["one"], tasks: [{ subject: "only", description: "d", assign_to: "one" }] }],
  teardown: "always"
}))

const Summary = Schema.parseJson(Schema.Struct({ run: Schema.String, status: Schema.String }))

const Row = Schema.parseJson(Schema.Struct({ run: Schema.String }))

// So many processes on two cores have to wait for their turn.
const patient = { HEALTHCHECK_INTERVAL_SECONDS: "15", HEALTHCHECK_TIMEOUT_SECONDS: "20", REQUEST_TIMEOUT_SECONDS: "30", TEARDOWN_GRACE_SECONDS: "60" }

/** Lines of JSON that are no events. */
const said = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>>) =>
  Effect.map(
    Effect.scoped(Effect.flatMap(telemachy(args, { env }), ({ exited }) => exited)),
    ({ stdout }) => stdout.split("\n").slice(0, -1)
  )

/** Runs a workflow in many processes at once, each with an Agamemnon of its own, that share a journal. */
const share = Effect.fnUntraced(function*(database: Readonly<Record<string, string>>) {
  const env = { ...patient, ...database }
  const { file } = yield* flow
  const ended = yield* Effect.all(Array.from({ length: processes }, () => run(["run", file, "--json", "--separate"], { env })), {
    concurrency: "unbounded"
  })
  const printed = new Map<string, number>()
  for (const { code, events, stderr } of ended) {
    assert.strictEqual(code, 0, stderr)
    assert.notMatch(stderr, /lock|busy|journal|record/i)
    printed.set(events[0]?.run ?? "", events.length)
  }
  assert.strictEqual(printed.size, processes)

  const runs = (yield* said(["list", "--all", "--json"], database)).map((line) => Schema.decodeUnknownSync(Summary)(line))
  assert.sameMembers(runs.map((each) => each.run), [...printed.keys()])
  assert.isTrue(runs.every(({ status }) => status === "completed"))

  const audit = yield* run(["audit", "verify"], { env: database })
  assert.match(audit.stdout, /: every chain is whole\n$/, audit.stderr)
  const recorded = new Map<string, number>()
  for (const line of yield* said(["audit", "export"], database)) {
    const row = Schema.decodeUnknownSync(Row)(line)
    recorded.set(row.run, (recorded.get(row.run) ?? 0) + 1)
  }
  assert.deepStrictEqual(recorded, printed)
})

describe(`${processes} runs in ${processes} processes at once`, () => {
  it.scopedLive("on one file: no event is lost, and nobody hears of locks", () =>
    Effect.gen(function*() {
      const directory = yield* emptyDirectory
      yield* share(RecordFile.inFile(join(directory, "runs.db")))
    }), 600_000)

  it.scopedLive.skipIf(PostgresSchema.isMissing)(
    "on one PostgreSQL (left out unless TELEMACHY_TEST_POSTGRES_URL names one): no event is lost, and nobody hears of locks",
    () =>
      Effect.gen(function*() {
        const { url } = yield* PostgresSchema.schema
        yield* share({ TELEMACHY_DATABASE_URL: url })
      }),
    600_000
  )
})

describe("a writer that finds the file busy", () => {
  it.scopedLive("writes what it is answered to have written, and lets others write", () =>
    Effect.gen(function*() {
      const url = pathToFileURL(join(yield* emptyDirectory, "busy.db")).href
      const one = yield* LibsqlFile.make(url)
      const other = yield* LibsqlFile.make(url)
      yield* one`PRAGMA journal_mode = WAL`
      yield* one`CREATE TABLE lines (line text)`
      const hold = Effect.fnUntraced(function*(until: Effect.Effect<unknown>) {
        const begun = yield* Effect.makeLatch()
        const held = one.withTransaction(
          Effect.zipRight(one`INSERT INTO lines VALUES ('held')`, Effect.zipRight(begun.open, until))
        )
        const holding = yield* Effect.fork(held)
        yield* begun.await
        return holding
      })

      const end = yield* Effect.makeLatch()
      const holding = yield* hold(end.await)
      yield* Effect.flip(other`INSERT INTO lines VALUES ('busy')`)
      yield* Effect.flip(other`INSERT INTO lines VALUES ('busy') RETURNING line`)
      yield* end.open
      yield* Fiber.join(holding)
      yield* other`INSERT INTO lines VALUES ('later')`
      yield* one`INSERT INTO lines VALUES ('after')`
      const lines = yield* one<{ readonly line: string }>`SELECT line FROM lines`
      assert.deepStrictEqual(lines.map(({ line }) => line), ["held", "later", "after"])

      // A transaction that cannot begin is waited for, and what comes after it is done.
      const released = yield* Effect.makeLatch()
      yield* hold(released.await)
      const waiting = yield* Effect.fork(other.withTransaction(other`INSERT INTO lines VALUES ('waited')`))
      yield* Effect.yieldNow()
      // Whoever does not wait finds it busy; so did the one that does.
      const third = yield* LibsqlFile.make(url)
      yield* Effect.flip(third`INSERT INTO lines VALUES ('busy')`)
      assert.isTrue(Option.isNone(yield* Fiber.poll(waiting)))
      yield* released.open
      yield* Fiber.join(waiting)
      assert.lengthOf(yield* other`SELECT line FROM lines`, 5)
    }).pipe(Effect.provide(Reactivity.layer)))
})
