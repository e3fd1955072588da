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
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { AgamemnonClient, EmbeddedAgamemnon, RunStore, SqlRunStore, WorkflowExecutor, WorkflowSpec } from "telemachy"
import type * as RunEvent from "../src/run/RunEvent.ts"
import * as RunId from "../src/run/RunId.ts"
import { RunJournal } from "../src/run/RunJournal.ts"
import * as Database from "../src/store/Database.ts"
import * as EventLog from "../src/store/EventLog.ts"
import * as HashChain from "../src/store/HashChain.ts"
import * as OwnerTable from "../src/store/OwnerTable.ts"
import * as Bench from "./Bench.ts"
import * as Figure from "./Figure.ts"

const runs = 10_000
const rounds = 15

const idOf = (position: number) => RunId.RunId.make(position.toString(16).padStart(16, "0"))

/** A run of one agent, one team and one task, as it is recorded. */
const history = (position: number): ReadonlyArray<RunEvent.RunEvent> => {
  const run = idOf(position)
  const common = { run, workflow: `workflow ${position % 100}`, at: DateTime.unsafeMake(1_700_000_000_000 + position * 60_000) }
  const agent = { name: "one", key: "tlm-0000000000000000-one" }
  const team = { name: "crew", key: "tlm-0000000000000001-crew" }
  const task = { team: "crew", subject: "only" }
  return [
    {
      ...common,
      _tag: "run.started",
      url: "http://127.0.0.1:8080",
      policy: "always",
      timeout: Duration.hours(2),
      agents: ["one"],
      teams: [{ name: "crew", tasks: [{ subject: "only", assignTo: "one", blockedBy: [] }] }]
    },
    { ...common, _tag: "agent.creating", ...agent, except: [] },
    { ...common, _tag: "agent.created", ...agent, id: `agent ${position}` },
    { ...common, _tag: "agent.started", ...agent, id: `agent ${position}` },
    { ...common, _tag: "team.creating", ...team, except: [] },
    { ...common, _tag: "team.created", ...team, id: `team ${position}` },
    { ...common, _tag: "task.submitting", ...task },
    { ...common, _tag: "task.submitted", ...task, id: `task ${position}` },
    { ...common, _tag: "task.finished", ...task, id: `task ${position}`, status: "completed", earlier: false },
    { ...common, _tag: "run.decided", outcome: "completed", reason: "" },
    { ...common, _tag: "teardown.started", decision: "remove" },
    { ...common, _tag: "team.removed", ...team },
    { ...common, _tag: "agent.removed", ...agent },
    { ...common, _tag: "run.finished", outcome: "completed", left: 0, kept: 0 }
  ]
}

/** Makes the writer the owner of a run. */
const own = ([first]: ReadonlyArray<HashChain.Row>) => {
  const fence = { run: RunId.RunId.make(first?.run ?? ""), token: "bench", number: 1 }
  const identity = { run: fence.run, workflow: "bench", url: "http://bench.test" }
  const process = { host: "bench", pid: 1, started: "" }
  return Effect.as(OwnerTable.take(identity, fence, process, { row: undefined, mustBeExpired: false }), fence)
}

/** Writes a journal of many runs with the store's own code, a hundred runs at a time. */
const fill = (path: string) =>
  Effect.forEach(
    Arr.chunksOf(Arr.makeBy(runs, (position) => position), 100),
    (positions) =>
      Effect.forEach(positions, (position) => HashChain.extend(HashChain.empty, history(position))).pipe(
        Effect.flatMap(Effect.forEach((rows) => Effect.flatMap(own(rows), (fence) => EventLog.add(rows, fence)))),
        (added) => Effect.flatMap(Database.Database, ({ sql }) => sql.withTransaction(added))
      ),
    { discard: true }
  ).pipe(Effect.provide(Database.layer(Database.openFile(path))))

const timeOf = (database: string, ...args: ReadonlyArray<string>) =>
  Command.make("node", "dist/bin.js", ...args).pipe(
    Command.env({ TELEMACHY_DATABASE_URL: database }),
    Command.string,
    Effect.timed,
    Effect.map(([time]) => Duration.toMillis(time))
  )

const listing = Effect.fn("store.listing")(function*(path: string) {
  yield* fill(path)
  const database = `file:${path}`
  // Interleaved, so that whatever else the machine does falls on both.
  const times = yield* Effect.replicateEffect(
    Effect.all({ version: timeOf(database, "--version"), list: timeOf(database, "list") }),
    rounds
  )
  return { version: Bench.median(times.map(({ version }) => version)), list: Bench.median(times.map(({ list }) => list)) }
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
  const run = idOf(runs)
  const recording = yield* begin({ run, workflow: "append", url: "http://127.0.0.1:8080" })
  const times = yield* Effect.forEach(Arr.makeBy(200, (position) => position), () =>
    Effect.flatMap(DateTime.now, (at) =>
      Effect.timed(recording.append([
        { _tag: "task.submitting", run, workflow: "append", at, team: "crew", subject: "only" }
      ]))))
  return Bench.median(times.map(([time]) => Duration.toMillis(time)))
}).pipe(Effect.scoped)

/** A schema of its own in the PostgreSQL of the tests, if there is one. */
const postgres = Effect.gen(function*() {
  const base = yield* Config.option(Config.string("TELEMACHY_TEST_POSTGRES_URL"))
  if (Option.isNone(base)) return undefined
  const sql = yield* PgClient.make({ url: Redacted.make(base.value), maxConnections: 1 })
  const schema = "telemachy_bench"
  const drop = sql`DROP SCHEMA IF EXISTS ${sql(schema)} CASCADE`
  yield* drop
  yield* Effect.acquireRelease(sql`CREATE SCHEMA ${sql(schema)}`, () => Effect.orDie(drop))
  return Redacted.make(`${base.value}?options=-c%20search_path%3D${schema}`)
}).pipe(Effect.provide(Reactivity.layer))

const figures = Effect.gen(function*() {
  const directory = yield* Effect.flatMap(FileSystem.FileSystem, (files) => files.makeTempDirectoryScoped())
  const { list, version } = yield* listing(`${directory}/long.db`)

  const file = SqlRunStore.layerFile(`${directory}/runs.db`)
  const times = yield* Effect.replicateEffect(
    Effect.all({ recorded: timeOfRun(file), unrecorded: timeOfRun(Layer.empty) }),
    rounds
  )
  const counted = yield* Effect.provide(countEvents, file)
  const events = counted.events / counted.runs
  const added = Bench.median(times.map(({ recorded, unrecorded }) => (recorded - unrecorded) / events))

  const onFile = yield* Effect.provide(append, file)
  const address = yield* postgres
  const onPostgres = address === undefined ? undefined : yield* Effect.provide(append, SqlRunStore.layerPostgres(address))
  yield* Figure.report("store", [
    {
      name: `telemachy list, a journal of ${runs.toLocaleString("en")} runs`,
      value: list,
      unit: "ms",
      against: 3 * version,
      limit: `three times telemachy --version (${version.toFixed(0)} ms), medians of ${rounds} interleaved`
    },
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
