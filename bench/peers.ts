/**
 * Other durable engines and this one, side by side: a chain of 100 tasks that do
 * nothing, and a fan-out of 1,000. Each runs in turn in every round, on the same
 * machine and PostgreSQL, and is compared with what ran in the same round.
 *
 * The peers are installed on demand into `bench/peers`, and are no part of the
 * package. What is not comparable is printed below the table.
 */
import { fileURLToPath } from "node:url"
import * as Reactivity from "@effect/experimental/Reactivity"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Command from "@effect/platform/Command"
import * as FileSystem from "@effect/platform/FileSystem"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Arr from "effect/Array"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import { AgamemnonClient, SqlRunStore, WorkflowExecutor, WorkflowSpec } from "telemachy"
import * as Table from "../src/report/Table.ts"
import * as Bench from "./Bench.ts"
import * as Figure from "./Figure.ts"

const directory = fileURLToPath(new URL("peers", import.meta.url))

const shapes = [
  { shape: "chain", count: 100, rounds: 7 },
  { shape: "fan-out", count: 1000, rounds: 3 }
] as const

/** Something that runs workflows. */
interface Engine {
  readonly name: string
  /** Runs a workflow to its end, and answers how many milliseconds that took. */
  readonly run: (shape: Bench.Shape, count: number) => Effect.Effect<number, PeerFailed>
}

/** The program of a peer has ended, or said something else than it was asked. */
class PeerFailed extends Data.TaggedError("PeerFailed")<{ readonly message: string }> {}

const install = Effect.gen(function*() {
  const files = yield* FileSystem.FileSystem
  if (yield* files.exists(`${directory}/node_modules`)) return
  yield* Console.error("installing the peers into bench/peers")
  const code = yield* Command.exitCode(
    Command.make("npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts").pipe(
      Command.workingDirectory(directory),
      Command.stdout("inherit"),
      Command.stderr("inherit")
    )
  )
  if (code !== 0) return yield* new PeerFailed({ message: "the peers cannot be installed" })
})

/** Starts the program of a peer, which ends with the scope. */
const peer = Effect.fn("peers.peer")(function*(name: string, program: string, where: string) {
  const questions = yield* Queue.unbounded<Uint8Array>()
  const answers = yield* Queue.unbounded<string>()
  const started = yield* Command.start(
    Command.make("node", program, where).pipe(
      Command.workingDirectory(directory),
      Command.stdin(Stream.fromQueue(questions)),
      Command.stderr("inherit")
    )
  )
  yield* started.stdout.pipe(
    Stream.decodeText(),
    Stream.splitLines,
    Stream.filter((line) => /^(ready|took )/.test(line)),
    Stream.runForEach((line) => Queue.offer(answers, line)),
    Effect.ensuring(Queue.offer(answers, "ended")),
    Effect.forkScoped
  )
  const answer = (words: RegExp) =>
    Queue.take(answers).pipe(
      Effect.timeoutFail({ duration: "5 minutes", onTimeout: () => new PeerFailed({ message: `${name} does not answer` }) }),
      Effect.map((line) => words.exec(line)),
      Effect.filterOrFail((found) => found !== null, () => new PeerFailed({ message: `${name} has failed` }))
    )
  yield* answer(/^ready$/)
  return {
    name,
    run: (shape, count) =>
      Queue.offer(questions, new TextEncoder().encode(`${JSON.stringify({ shape, count })}\n`)).pipe(
        Effect.zipRight(answer(/^took (.*)$/)),
        Effect.map(([, time]) => Number(time))
      )
  } satisfies Engine
})

/** This one, on an Agamemnon that another process serves. */
const own = Effect.fn("peers.own")(function*<E, R>(
  name: string,
  client: AgamemnonClient.AgamemnonClient["Type"],
  journal: Layer.Layer<SqlRunStore.Services, E, R> | Layer.Layer<never>
) {
  const layer = WorkflowExecutor.layer().pipe(
    Layer.provide([Layer.succeed(AgamemnonClient.AgamemnonClient, client), journal])
  )
  const { execute } = Context.get(yield* Layer.build(layer), WorkflowExecutor.WorkflowExecutor)
  const asked = yield* Ref.make(0)
  return {
    name,
    run: (shape, count) =>
      Effect.gen(function*() {
        const number = yield* Ref.getAndUpdate(asked, (before) => before + 1)
        const spec = yield* WorkflowSpec.decodeUnknown(Bench.workflow(`${name} ${number}`, shape, count))
        const [time] = yield* Effect.timed(execute(spec))
        return Duration.toMillis(time)
      }).pipe(Effect.orDie)
  } satisfies Engine
})

/** A database of its own, which is dropped with the scope. */
const database = (base: string, name: string) =>
  Effect.gen(function*() {
    const sql = yield* PgClient.make({ url: Redacted.make(base), maxConnections: 1 })
    const drop = sql`DROP DATABASE IF EXISTS ${sql(name)} WITH (FORCE)`
    yield* drop
    yield* Effect.acquireRelease(sql`CREATE DATABASE ${sql(name)}`, () => Effect.orDie(drop))
    const url = new URL(base)
    url.pathname = `/${name}`
    return url.href
  }).pipe(Effect.provide(Reactivity.layer))

const notes = `Each time is the median of interleaved rounds (7 of the chain, 3 of the fan-out, after one that is not counted); each
ratio is the median of the ratios to Telemachy on PostgreSQL within a round.

What is not comparable:
- A task of Telemachy is created on an orchestrator in another process and read from it, two requests over HTTP. A task of
  the others is a function in the process of their engine that returns at once; to do the same, it would send them itself.
- Telemachy makes an agent and a team first and removes them at the end, pings its orchestrator, and sends at most 6 requests
  at once (MAX_CONNECTIONS). The others have no limit in the fan-out.
- DBOS and @effect/workflow write to the same PostgreSQL as Telemachy. Restate is a server with a log of its own, in another
  process as Telemachy's orchestrator is; what it syncs to the disk, and when, is left as it comes.`

const main = Effect.gen(function*() {
  const base = yield* Config.string("TELEMACHY_TEST_POSTGRES_URL")
  const files = yield* FileSystem.FileSystem
  yield* install
  const temporary = yield* files.makeTempDirectoryScoped()
  const client = yield* Bench.served
  const engines = yield* Effect.all([
    own("Telemachy, PostgreSQL", client, SqlRunStore.layerPostgres(Redacted.make(yield* database(base, "telemachy_peers_own")))),
    own("Telemachy, file", client, SqlRunStore.layerFile(`${temporary}/runs.db`)),
    own("Telemachy, no journal", client, Layer.empty),
    peer("DBOS, PostgreSQL", "dbos.mjs", yield* database(base, "telemachy_peers_dbos")),
    peer("@effect/workflow, PostgreSQL", "effect.mjs", yield* database(base, "telemachy_peers_effect")),
    peer("Restate", "restate.mjs", `${temporary}/restate`)
  ])
  const times = yield* Effect.forEach(shapes, ({ count, rounds, shape }) =>
    Effect.forEach(Arr.range(0, rounds), (round) =>
      Effect.zipRight(
        Console.error(`${shape} of ${count}: round ${round} of ${rounds}`),
        Effect.forEach(engines, ({ run }) => run(shape, count))
      )).pipe(Effect.map(([, ...counted]) => counted)))
  const row = (at: number) =>
    times.flatMap((rounds) => [
      `${Figure.rounded(Bench.median(rounds.map((round) => round[at] ?? Number.NaN)))} ms`,
      Bench.median(rounds.map((round) => (round[at] ?? Number.NaN) / (round[0] ?? Number.NaN))).toFixed(2)
    ])
  const header = ["ENGINE", ...shapes.flatMap(({ count, shape }) => [`${shape} of ${count.toLocaleString("en")}`.toUpperCase(), "RATIO"])]
  const lines = Table.render([header, ...engines.map(({ name }, at) => [name, ...row(at)])], { width: Number.POSITIVE_INFINITY })
  yield* Effect.forEach(lines, (line) => Console.log(line), { discard: true })
  yield* Console.log(`\n${notes}`)
}).pipe(Effect.scoped)

main.pipe(Effect.provide(Bench.layer), NodeRuntime.runMain)
