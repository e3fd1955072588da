/**
 * Runners of one PostgreSQL: how soon a run begins, and goes on elsewhere when its
 * runner is killed or told to end; what an idle runner and a run ask of the
 * database; and short runs on one, two and three of them, against one process that
 * runs them without any.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Command from "@effect/platform/Command"
import type * as CommandExecutor from "@effect/platform/CommandExecutor"
import * as FileSystem from "@effect/platform/FileSystem"
import * as SqlClient from "@effect/sql/SqlClient"
import * as Arr from "effect/Array"
import * as Console from "effect/Console"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { RunnerRegistry, RunQueue, type RunEvent, type RunId, RunStore, SqlRunStore, WorkflowSpec } from "telemachy"
import * as Submitting from "../src/cluster/Submitting.ts"
import * as ClusterClient from "../src/store/ClusterClient.ts"
import * as TestPostgres from "../test/support/TestPostgres.ts"
import * as Bench from "./Bench.ts"
import * as ClientProcess from "./ClientProcess.ts"
import * as Figure from "./Figure.ts"

/** There is no PostgreSQL, or something was not seen in time. */
class NotMeasured extends Data.TaggedError("NotMeasured")<{ readonly message: string }> {}

const shortRuns = 300
const tasksOfShort = 2
const begins = 15
const moves = 5

/** How long what idle runners ask is counted. */
const idleTime = Duration.seconds(20)

const eventually = <A, E, R>(what: string, look: Effect.Effect<Option.Option<A>, E, R>) =>
  look.pipe(
    Effect.flatten,
    Effect.retry({ schedule: Schedule.spaced("20 millis"), while: (error) => error instanceof Error && error.name === "NoSuchElementException" }),
    Effect.timeoutFail({ duration: "5 minutes", onTimeout: () => new NotMeasured({ message: `${what} was not seen in time` }) })
  )

/** A runner, and the lines that it has said. */
const startRunner = Effect.fnUntraced(function*(env: Readonly<Record<string, string>>) {
  const process = yield* Command.start(
    Command.make("node", "dist/bin.js", "serve", "--no-api", "--max-runs", "300").pipe(Command.env(env))
  )
  const said: Array<string> = []
  yield* process.stdout.pipe(
    Stream.decodeText(),
    Stream.splitLines,
    Stream.runForEach((line) => Effect.sync(() => said.push(line))),
    Effect.ignore,
    Effect.forkScoped
  )
  const says = (words: string) => Option.liftPredicate(said.some((line) => line.includes(words)), (found) => found)
  yield* eventually("a runner", Effect.sync(() => says("serving")))
  return { process, has: (run: string) => said.some((line) => line.includes(`run ${run} of`) && /begun|taken over/.test(line)) }
})

type Env = Readonly<Record<string, string>>

const submit = (workflow: unknown) =>
  Effect.flatMap(WorkflowSpec.decodeUnknown(workflow), (spec) => Effect.map(Submitting.submit(spec), ({ run }) => run))

/** When an event of a kind was written, once it is. */
const momentOf = (run: RunId.RunId, tag: RunEvent.RunEvent["_tag"]) =>
  eventually(
    `${tag} of ${run}`,
    Effect.flatMap(RunStore.RunStore, (store) =>
      Effect.map(Effect.orElseSucceed(store.events(run), () => []), (events) =>
        Option.map(Arr.findFirst(events, ({ _tag }) => _tag === tag), ({ at }) => DateTime.toEpochMillis(at))))
  )

const over = Effect.flatMap(RunQueue.RunQueue, (queue) => Effect.map(queue.open, (open) => Option.liftPredicate(open.length === 0, (isOver) => isOver)))

/** From the submission of a run to its begin. */
const submittedToStarted = (env: Env) =>
  Effect.gen(function*() {
    yield* startRunner(env)
    const times = yield* Effect.forEach(Arr.makeBy(begins, (number) => number), (number) =>
      Effect.gen(function*() {
        // At any moment between two looks at the queue, of a runner that has nothing else to do.
        yield* Effect.flatMap(Random.nextIntBetween(500, 1500), (millis) => Effect.sleep(Duration.millis(millis)))
        const run = yield* submit(Bench.workflow(`begin ${number}`, "chain", 1))
        return (yield* momentOf(run, "run.started")) - (yield* momentOf(run, "run.submitted"))
      }))
    yield* eventually("the end of all runs", over)
    return Bench.median(times.slice(1))
  }).pipe(Effect.scoped)

/** From a signal to the runner of a run until another goes on with it. */
const movedAfter = (env: Env, directory: string, signal: CommandExecutor.Signal) =>
  Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    const times = yield* Effect.forEach(Arr.makeBy(moves, (number) => number), (number) =>
      Effect.gen(function*() {
        const runners = yield* Effect.all([startRunner(env), startRunner(env)], { concurrency: 2 })
        const gate = `${directory}/${signal}-${number}`
        const flow = Bench.workflow(`${signal} ${number}`, "chain", 1)
        const waits = `while [ ! -e ${gate} ]; do sleep 0.1; done`
        const run = yield* submit({
          ...flow,
          agents: [{ name: "worker", program: "sh" }],
          teams: flow.teams.map((team) => ({ ...team, tasks: team.tasks.map((task) => ({ ...task, description: waits })) }))
        })
        yield* momentOf(run, "task.submitted")
        const victim = yield* eventually("the runner of the run", Effect.sync(() => Arr.findFirst(runners, ({ has }) => has(run))))
        // At any moment between two renewals of the lease.
        yield* Effect.flatMap(Random.nextIntBetween(2000, 4000), (millis) => Effect.sleep(Duration.millis(millis)))
        const before = yield* DateTime.now
        yield* Effect.forkScoped(victim.process.kill(signal))
        const moved = yield* momentOf(run, "run.resumed")
        yield* files.writeFileString(gate, "")
        yield* momentOf(run, "run.finished")
        return moved - DateTime.toEpochMillis(before)
      }).pipe(Effect.scoped))
    return Bench.median(times)
  })

/** The transactions of the database so far, and the connections to it but this process's. */
const used = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  // Each backend reports within a second of its last statement.
  yield* Effect.sleep("1500 millis")
  const [row] = yield* sql<{ readonly transactions: number }>`SELECT (xact_commit + xact_rollback)::float8 AS transactions
    FROM pg_stat_database WHERE datname = current_database()`
  const connections = yield* sql<{ readonly port: number }>`SELECT client_port AS port FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend'`
  return { transactions: row?.transactions ?? 0, connections: connections.length }
})

/** What runners that have nothing to do ask a second, and how many connections each has. */
const idle = (env: Env, count: number) =>
  Effect.gen(function*() {
    const alone = yield* used
    yield* Effect.all(Arr.makeBy(count, () => startRunner(env)), { concurrency: "unbounded" })
    yield* Effect.sleep("10 seconds")
    const before = yield* used
    yield* Effect.sleep(idleTime)
    const after = yield* used
    return {
      perSecond: (after.transactions - before.transactions) / (Duration.toSeconds(idleTime) + 1.5),
      connections: (after.connections - alone.connections) / count
    }
  }).pipe(Effect.scoped)

const short = (name: string) => Bench.workflow(name, "chain", tasksOfShort)

/** Short runs on some runners: how long all of them take, and what a run asks of the database. */
const many = (env: Env, count: number) =>
  Effect.gen(function*() {
    yield* Effect.all(Arr.makeBy(count, () => startRunner(env)), { concurrency: "unbounded" })
    yield* eventually("all runners", Effect.flatMap(RunnerRegistry.RunnerRegistry, ({ living }) =>
      Effect.map(living, ({ length }) => Option.liftPredicate(length === count, (isAll) => isAll))))
    const before = yield* used
    const [time] = yield* Effect.timed(Effect.zipRight(
      Effect.forEach(Arr.makeBy(shortRuns, String), (number) => submit(short(`short ${count} ${number}`)), { concurrency: 6, discard: true }),
      eventually("the end of all runs", over)
    ))
    const after = yield* used
    return { time: Duration.toMillis(time), transactions: (after.transactions - before.transactions) / shortRuns }
  }).pipe(Effect.scoped)

const single = (url: string, database: string) =>
  Schema.encode(ClientProcess.Work)({ url, name: "single", runs: shortRuns, shape: "chain", tasks: tasksOfShort, database }).pipe(
    Effect.flatMap((argument) =>
      Command.string(Command.make("npx", "tsx", "bench/ClientProcess.ts", argument).pipe(Command.stderr("inherit")))),
    Effect.flatMap(Schema.decode(ClientProcess.Measured)),
    Effect.map(({ time }) => time)
  )

const figures = Effect.gen(function*() {
  if (TestPostgres.isMissing) return yield* new NotMeasured({ message: "runners share a PostgreSQL: TELEMACHY_TEST_POSTGRES_URL is not set" })
  const { url } = yield* Bench.served
  const files = yield* FileSystem.FileSystem
  const directory = yield* files.makeTempDirectoryScoped()
  const database = yield* TestPostgres.database("telemachy_hosts")
  const env: Env = {
    HOME: directory,
    AGAMEMNON_URL: url,
    AGAMEMNON_API_KEY: "bench",
    AGAMEMNON_RATE_LIMIT_RPS: "0",
    TELEMACHY_DATABASE_URL: Redacted.value(database)
  }
  const journal = SqlRunStore.layerPostgres(database)
  const here = Layer.mergeAll(journal, Layer.provide(Submitting.layer(database, "the database"), journal), ClusterClient.layer(database))
  const rows = yield* Effect.gen(function*() {
    yield* Console.error("  begins")
    const started = yield* submittedToStarted(env)
    yield* Console.error("  kills")
    const killed = yield* movedAfter(env, directory, "SIGKILL")
    yield* Console.error("  ends")
    const terminated = yield* movedAfter(env, directory, "SIGTERM")
    yield* Console.error("  idle runners")
    const idles = yield* Effect.forEach([[1, 5.9], [2, 11], [3, 16]] as const, ([count, limit]) =>
      Effect.map(idle(env, count), (each) => ({ ...each, count, limit })))
    yield* Console.error("  short runs")
    const alone = yield* single(url, Redacted.value(database))
    const manies = yield* Effect.forEach([1, 2, 3], (count) => Effect.map(many(env, count), (each) => ({ ...each, count })))
    const limit = "the limit, as was measured with @effect/cluster alone"
    const runners = (count: number) => (count === 1 ? "1 runner" : `${count} runners`)
    const moved = "a run whose task is under way, until another runner goes on"
    return [
      { name: "a run, from submitted to begun", value: started, unit: "ms", against: 420, limit: `${limit}; median of ${begins - 1}` },
      { name: `${moved}: kill -9`, value: killed, unit: "ms", against: 6600, limit: `${limit}; median of ${moves}` },
      { name: `${moved}: SIGTERM`, value: terminated, unit: "ms", against: 800, limit: `${limit}; median of ${moves}` },
      ...idles.flatMap(({ connections, count, limit: most, perSecond }) => [
        { name: `${runners(count)} without work, transactions a second`, value: perSecond, unit: "", against: most, limit },
        { name: `${runners(count)} without work, connections of each`, value: connections, unit: "", against: 2, limit }
      ]),
      ...manies.flatMap(({ count, time, transactions }) => [
        {
          name: `${shortRuns} runs of ${tasksOfShort} tasks on ${runners(count)}`,
          value: time,
          unit: "ms",
          against: alone,
          limit: "one process that runs them without a cluster, on the same PostgreSQL"
        },
        { name: `the same, transactions of a run`, value: transactions, unit: "", against: tasksOfShort, limit: "its tasks" }
      ])
    ] satisfies ReadonlyArray<Figure.Figure>
  }).pipe(Effect.provide(here))
  yield* Figure.report("hosts", rows)
}).pipe(Effect.scoped)

figures.pipe(Effect.provide(Bench.layer), NodeRuntime.runMain)
