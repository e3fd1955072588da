/** What the journal of runs costs: to list it when it is long, and to write to it. */
import * as Reactivity from "@effect/experimental/Reactivity"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Command from "@effect/platform/Command"
import * as FileSystem from "@effect/platform/FileSystem"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Arr from "effect/Array"
import * as Config from "effect/Config"
import type * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { AgamemnonClient, EmbeddedAgamemnon, RunStore, SqlRunStore, WorkflowExecutor, WorkflowSpec } from "telemachy"
import { RunJournal } from "../src/run/RunJournal.ts"
import * as Database from "../src/store/Database.ts"
import * as Bench from "./Bench.ts"
import * as Figure from "./Figure.ts"
import * as LongRecord from "./LongRecord.ts"

/** How many runs are recorded, where they are few and where they are many. */
const few = 100
const many = 100_000
const rounds = 15

const timeOf = (database: string, ...args: ReadonlyArray<string>) =>
  Command.make("node", "dist/bin.js", ...args).pipe(
    Command.env({ TELEMACHY_DATABASE_URL: database }),
    Command.string,
    Effect.timed,
    Effect.map(([time]) => Duration.toMillis(time))
  )

/** What is asked of a record: the name of the figure, and the command. */
const questions: ReadonlyArray<readonly [name: string, args: ReadonlyArray<string>]> = [
  ["telemachy list", ["list"]],
  ["telemachy status of an unknown id", ["status", "0123456789abcdef"]],
  ["telemachy cleanup --all --dry-run", ["cleanup", "--all", "--dry-run"]],
  ["telemachy run, one task", ["run", "--quiet", "workflows/hello.yaml"]]
]

/** Asks a record of many runs and one of few the same. */
const growing = (place: string, small: string, large: string) =>
  Effect.forEach(questions, ([name, args]) =>
    // Interleaved, so that whatever else the machine does falls on both.
    Effect.replicateEffect(Effect.all({ small: timeOf(small, ...args), large: timeOf(large, ...args) }), rounds).pipe(
      Effect.map((times): Figure.Figure => ({
        name: `${name}, ${many.toLocaleString("en")} runs in ${place}`,
        value: Bench.median(times.map(({ large }) => large)),
        unit: "ms",
        against: Bench.median(times.map(({ small }) => small)),
        limit: `the same with ${few} runs, medians of ${rounds} interleaved; the limit is 1.5`
      }))
    ))

const fill = <E, R>(opened: Effect.Effect<Context.Tag.Service<Database.Database>, E, R>, runs: number) =>
  Effect.scoped(Effect.provide(LongRecord.fill(runs), Layer.scoped(Database.Database, opened)))

const growth = Effect.fn("store.growth")(function*(directory: string) {
  const [small, large] = [`${directory}/few.db`, `${directory}/many.db`]
  yield* fill(Database.openFile(small), few)
  yield* fill(Database.openFile(large), many)
  const inFile = yield* growing("a file", `file:${small}`, `file:${large}`)
  const [smaller, larger] = [yield* postgres("telemachy_bench_few"), yield* postgres("telemachy_bench_many")]
  if (smaller === undefined || larger === undefined) return inFile
  yield* fill(Database.openPostgres(smaller), few)
  yield* fill(Database.openPostgres(larger), many)
  return [...inFile, ...yield* growing("PostgreSQL", Redacted.value(smaller), Redacted.value(larger))]
})

const workflow = {
  metadata: { name: "bench" },
  agents: [{ name: "worker", program: "none" }],
  teams: [{
    name: "team",
    agents: ["worker"],
    // One after the other, so that every event waits for its turn to be written.
    tasks: Arr.makeBy(20, (position) => ({
      subject: `task ${position}`,
      description: "nothing to do",
      assign_to: "worker",
      blocked_by: position === 0 ? [] : [`task ${position - 1}`]
    }))
  }],
  teardown: "always"
}

/** Runs a workflow with a journal, or without one; answers how many milliseconds it took. */
const timeOfRun = <E, R>(record: Layer.Layer<SqlRunStore.Services, E, R> | Layer.Layer<never>) =>
  Effect.gen(function*() {
    const spec = yield* WorkflowSpec.decodeUnknown(workflow)
    const server = yield* EmbeddedAgamemnon.make()
    const layer = WorkflowExecutor.layer().pipe(Layer.provide([AgamemnonClient.layer(server), record]))
    // Without the time that it takes to open the journal.
    return yield* Effect.provide(
      Effect.map(Effect.timed(WorkflowExecutor.execute(spec)), ([time]) => Duration.toMillis(time)),
      layer
    )
  }).pipe(Effect.scoped)

/** How many events the runs of a journal have. */
const countEvents = Effect.flatMap(RunStore.RunStore, ({ verify }) => verify())

/** The time of one append of one event, at the median of many. */
const append = Effect.gen(function*() {
  const { begin } = yield* RunJournal
  const run = LongRecord.idOf(many)
  const recording = yield* begin({ run, workflow: "append", url: "http://127.0.0.1:8080" })
  const times = yield* Effect.forEach(Arr.makeBy(200, (position) => position), () =>
    Effect.flatMap(DateTime.now, (at) =>
      Effect.timed(recording.append([
        { _tag: "task.submitting", run, workflow: "append", at, team: "crew", subject: "only" }
      ]))))
  return Bench.median(times.map(([time]) => Duration.toMillis(time)))
}).pipe(Effect.scoped)

/** A schema of its own in the PostgreSQL of the tests, if there is one. */
const postgres = Effect.fn("store.postgres")(function*(schema: string) {
  const base = yield* Config.option(Config.string("TELEMACHY_TEST_POSTGRES_URL"))
  if (Option.isNone(base)) return undefined
  const sql = yield* PgClient.make({ url: Redacted.make(base.value), maxConnections: 1 })
  const drop = sql`DROP SCHEMA IF EXISTS ${sql(schema)} CASCADE`
  yield* drop
  yield* Effect.acquireRelease(sql`CREATE SCHEMA ${sql(schema)}`, () => Effect.orDie(drop))
  return Redacted.make(`${base.value}?options=-c%20search_path%3D${schema}`)
}, Effect.provide(Reactivity.layer))

const figures = Effect.gen(function*() {
  const directory = yield* Effect.flatMap(FileSystem.FileSystem, (files) => files.makeTempDirectoryScoped())
  const grown = yield* growth(directory)

  const file = SqlRunStore.layerFile(`${directory}/runs.db`)
  const times = yield* Effect.replicateEffect(
    Effect.all({ recorded: timeOfRun(file), unrecorded: timeOfRun(Layer.empty) }),
    rounds
  )
  const counted = yield* Effect.provide(countEvents, file)
  const events = counted.events / counted.runs
  const added = Bench.median(times.map(({ recorded, unrecorded }) => (recorded - unrecorded) / events))

  const onFile = yield* Effect.provide(append, file)
  const address = yield* postgres("telemachy_bench")
  const onPostgres = address === undefined ? undefined : yield* Effect.provide(append, SqlRunStore.layerPostgres(address))
  yield* Figure.report("store", [
    ...grown,
    {
      name: "a recorded run, per event",
      value: added,
      unit: "ms",
      against: 5,
      limit: `the limit for what a journal adds, ${events.toFixed(0)} events, median of ${rounds}`
    },
    { name: "one append to a file", value: onFile, unit: "ms", against: 5, limit: "the same limit, median of 200" },
    ...(onPostgres === undefined ? [] : [
      { name: "one append to PostgreSQL", value: onPostgres, unit: "ms", against: 5, limit: "the same limit, median of 200" }
    ])
  ])
}).pipe(Effect.scoped)

figures.pipe(Effect.provide([NodeContext.layer, NodeHttpClient.layer]), NodeRuntime.runMain)
