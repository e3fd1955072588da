/**
 * Runs on three hosts of which every few seconds one is killed, told to end,
 * suspended or cut off: `npm run soak -- --minutes 10 --runs 200 --every 10`.
 * At the end each task was done once, nothing is left and every chain is whole,
 * or it ends with 1 and says what is not so.
 */
import { spawn } from "node:child_process"
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs"
import { cpus, loadavg, tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { RunQueue, RunStore, SqlRunStore, WorkflowSpec } from "telemachy"
import * as Submitting from "../src/cluster/Submitting.ts"
import * as HostNetwork from "../test/support/HostNetwork.ts"
import * as HostPostgres from "../test/support/HostPostgres.ts"
import * as HttpQuestion from "../test/support/HttpQuestion.ts"

/** What it is started with. */
const Options = Schema.Struct({
  minutes: Schema.NumberFromString.pipe(Schema.between(0.5, 600)),
  runs: Schema.NumberFromString.pipe(Schema.int(), Schema.between(1, 10_000)),
  every: Schema.NumberFromString.pipe(Schema.between(1, 600)),
  seed: Schema.String
})

/** Something does not hold, each in a sentence. */
class Unsound extends Data.TaggedError("Unsound")<{ readonly message: string }> {}

const tasks = 10

/** How long a runner is suspended or cut off: longer than its leases hold. */
const outage = "12 seconds"

/** The time after which what has ended is started again, as a service would be. */
const restart = "2 seconds"

/** How much longer than the faults last it may take until all runs are over. */
const patience = Duration.minutes(10)

const key = "key-of-the-soak"

/** Starts a process on a host, which writes into a file. Answers its number, which is not that of what shows it its namespaces. */
const startOn = Effect.fnUntraced(function*(host: HostNetwork.Host, log: string, env: Readonly<Record<string, string>>, ...args: ReadonlyArray<string>) {
  const path = yield* Effect.orDie(Config.string("PATH"))
  const [program, ...rest] = host.command(process.execPath, "dist/bin.js", ...args)
  const output = openSync(log, "a")
  const started = yield* Effect.acquireRelease(
    Effect.sync(() => spawn(program, rest, { env: { PATH: path, ...env }, stdio: ["ignore", output, output] })),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )
  closeSync(output)
  const children = `/proc/${started.pid}/task/${started.pid}/children`
  return {
    ended: Effect.async<void>((resume) => {
      if (started.exitCode !== null || started.signalCode !== null) resume(Effect.void)
      else started.once("exit", () => resume(Effect.void))
    }),
    /** To one that has just ended by itself, none is sent. */
    signal: (signal: NodeJS.Signals) =>
      Effect.sync(() => {
        const child = existsSync(children) ? readFileSync(children, "utf8").trim() : ""
        if (child !== "") process.kill(Number(child), signal)
      })
  }
})

/** A host on which a runner is started, again and again when it has ended. */
const makeRunner = Effect.fnUntraced(function*(name: string, directory: string, env: Readonly<Record<string, string>>) {
  const host = yield* HostNetwork.makeHost(name)
  const start = startOn(host, join(directory, `${name}.log`), env, "serve", "--max-runs", "10")
  let signal: Effect.Effect.Success<typeof start>["signal"] = () => Effect.void
  yield* start.pipe(
    Effect.tap((started) => {
      signal = started.signal
      return started.ended
    }),
    Effect.scoped,
    Effect.zipRight(Effect.sleep(restart)),
    Effect.forever,
    Effect.forkScoped
  )
  return { name, host, isWell: true, signal: (which: NodeJS.Signals) => Effect.suspend(() => signal(which)) }
})

type Runner = Effect.Effect.Success<ReturnType<typeof makeRunner>>

/** What happens to a runner, from its begin to its end. */
type Fault = (runner: Runner, postgres: HostPostgres.HostPostgres) => Effect.Effect<void>

const direction = Effect.map(Random.nextIntBetween(0, 3), (number) => (["both", "in", "out"] as const)[number] ?? "both")

const faults: Readonly<Record<string, Fault>> = {
  "killed": ({ signal }) => Effect.zipRight(signal("SIGKILL"), Effect.sleep(restart)),
  "without power": ({ host, signal }) =>
    Effect.zipRight(host.unplug, signal("SIGKILL")).pipe(Effect.zipRight(Effect.delay(host.heal, outage))),
  "told to end": ({ signal }) => Effect.zipRight(signal("SIGTERM"), Effect.sleep(restart)),
  "suspended": ({ signal }) => Effect.zipRight(signal("SIGSTOP"), Effect.delay(signal("SIGCONT"), outage)),
  "cut off from PostgreSQL": ({ host }, postgres) =>
    Effect.flatMap(direction, (which) => Effect.zipRight(host.cutOff(postgres, which), Effect.delay(host.heal, outage))),
  "cut off from all": ({ host }) => Effect.zipRight(host.unplug, Effect.delay(host.heal, outage))
}

/** Lets something happen to a random runner that is well, again and again. Answers how often each did. */
const disturb = Effect.fnUntraced(function*(runners: ReadonlyArray<Runner>, postgres: HostPostgres.HostPostgres, { every, minutes }: typeof Options.Type) {
  const counts = new Map(Object.keys(faults).map((name) => [name, 0]))
  const once = Effect.gen(function*() {
    const well = Arr.fromIterable(yield* Random.shuffle(runners.filter(({ isWell }) => isWell)))
    const [runner, other] = well
    const chosen = Arr.fromIterable(yield* Random.shuffle(Object.entries(faults)))[0]
    // At least one is left to go on.
    if (runner === undefined || other === undefined || chosen === undefined) return
    const [name, fault] = chosen
    counts.set(name, (counts.get(name) ?? 0) + 1)
    yield* Console.log(`${runner.name}: ${name}`)
    runner.isWell = false
    yield* Effect.forkScoped(Effect.zipRight(fault(runner, postgres), Effect.sync(() => (runner.isWell = true))))
  })
  yield* Effect.repeat(once, Schedule.spaced(Duration.seconds(every))).pipe(Effect.timeoutOption(Duration.minutes(minutes)))
  yield* HttpQuestion.eventually(Effect.sync(() => runners), (all) => all.every(({ isWell }) => isWell))
  return counts
})

/** A workflow of ten tasks: one, eight beside each other, and one. Each writes a line. */
const workflow = (directory: string) => ({
  metadata: { name: "soak" },
  inputs: { run: { type: "string", required: true } },
  agents: Arr.makeBy(3, (number) => ({ name: `worker-${number}`, program: "sh", working_dir: directory })),
  teams: [{
    name: "crew",
    agents: Arr.makeBy(3, (number) => `worker-${number}`),
    tasks: Arr.makeBy(tasks, (position) => ({
      subject: `task ${position}`,
      description: `echo \${{ inputs.run }} ${position} >> lines; sleep 1`,
      assign_to: `worker-${position % 3}`,
      blocked_by: position === 0 ? [] : position < tasks - 1 ? ["task 0"] : Arr.makeBy(tasks - 2, (before) => `task ${before + 1}`)
    }))
  }],
  teardown: "always"
})

/** Submits runs, one after the other, over the most of the time. */
const submitAll = Effect.fnUntraced(function*(directory: string, { minutes, runs }: typeof Options.Type) {
  const spec = yield* WorkflowSpec.decodeUnknown(workflow(directory))
  const pause = Duration.times(Duration.minutes(minutes), 0.8 / runs)
  yield* Effect.forEach(Arr.range(1, runs), (number) =>
    // With its key it is one run, however often it takes.
    Submitting.submit(spec, { inputs: { run: `run-${number}` }, key: `run-${number}` }).pipe(
      Effect.retry(Schedule.spaced("1 second")),
      Effect.zipRight(Effect.sleep(pause))
    ), { discard: true })
})

const remaining = (url: string) =>
  Effect.forEach(["agents", "teams"], (kind) =>
    Effect.map(HttpQuestion.askJson({ url, apiKey: Redacted.make(key) }, "GET", `/v1/${kind}?limit=1000`), ({ body }) =>
      Schema.decodeUnknownSync(Schema.Record({ key: Schema.String, value: Schema.Unknown }))(body)[kind])).pipe(
    Effect.map((lists) => lists.flatMap((list) => Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ name: Schema.String })))(list)))
  )

const summary = Effect.fnUntraced(function*(directory: string, url: string, { runs }: typeof Options.Type) {
  const store = yield* RunStore.RunStore
  const listed = yield* store.list
  const events = (yield* Effect.forEach(listed, ({ run }) => store.events(run))).flat()
  const countOf = (tag: string) => events.filter(({ _tag }) => _tag === tag).length
  const lines = readFileSync(join(directory, "lines"), "utf8").split("\n").filter((line) => line !== "")
  const times = new Map<string, number>()
  for (const line of lines) times.set(line, (times.get(line) ?? 0) + 1)
  const doubled = [...times].flatMap(([line, count]) => (count > 1 ? [`${line} (${count} times)`] : []))
  const unfinished = listed.filter(({ left, status }) => status !== "completed" || left !== 0).map(({ run, status }) => `${run} ${status}`)
  const left = yield* remaining(url)
  const { breaks } = yield* store.verify()
  const took = Arr.sort(listed.flatMap(({ endedAt, startedAt }) => (endedAt === undefined || startedAt === undefined ? [] : [endedAt.epochMillis - startedAt.epochMillis])), Order.number)
  const part = (share: number) => Duration.format(Duration.millis(took[Math.floor(share * (took.length - 1))] ?? 0))
  yield* Console.log([
    `runs: ${listed.length - unfinished.length} of ${runs} completed, after ${part(0.5)} (half of them), ${part(0.95)} (19 of 20), ${part(1)} (all)`,
    `handed over ${countOf("run.yielded")} times, gone on with ${countOf("run.resumed")} times`,
    `tasks: ${times.size} of ${runs * tasks} done, ${doubled.length} of them more than once`,
    `left on Agamemnon: ${left.length === 0 ? "nothing" : left.map(({ name }) => name).join(", ")}`,
    `chains: ${listed.length - breaks.length} of ${listed.length} whole, of ${events.length} events`
  ].join("\n"))
  return [
    ...unfinished,
    ...doubled,
    ...left.map(({ name }) => `${name} is left`),
    ...breaks.map(({ run }) => `the chain of ${run} is broken`),
    ...(listed.length === runs ? [] : [`${listed.length} runs are on record`]),
    ...(times.size === runs * tasks ? [] : [`${times.size} tasks were done`])
  ]
})

const soak = Effect.fnUntraced(function*(options: typeof Options.Type) {
  const directory = mkdtempSync(join(tmpdir(), "telemachy-soak-"))
  const postgres = yield* HostPostgres.make
  const database = yield* postgres.makeDatabase
  const hub = yield* HostNetwork.makeHost("hub")
  const url = `http://${hub.address}:8080`
  const env = {
    AGAMEMNON_URL: url,
    AGAMEMNON_API_KEY: key,
    REQUIRE_TLS: "false",
    TELEMACHY_DATABASE_URL: database,
    MAX_LOCAL_AGENTS: "1000",
    HOME: directory
  }
  yield* startOn(hub, join(directory, "agamemnon.log"), env, "agamemnon", "--host", hub.address, "--port", "8080", "--allow-remote")
  yield* HttpQuestion.eventually(Effect.option(HttpQuestion.ask(url, { path: "/" })), Option.isSome)
  const runners = yield* Effect.forEach(["alpha", "beta", "gamma"], (name) => makeRunner(name, directory, env), { concurrency: 3 })
  const before = yield* Clock.currentTimeMillis
  const journal = SqlRunStore.layerPostgres(Redacted.make(database))
  const unsound = yield* Effect.gen(function*() {
    const queue = yield* RunQueue.RunQueue
    const submitting = yield* Effect.forkScoped(submitAll(directory, options))
    const counts = yield* disturb(runners, postgres, options)
    yield* Fiber.join(submitting)
    yield* queue.open.pipe(
      Effect.retry(Schedule.spaced("1 second")),
      Effect.repeat({ schedule: Schedule.spaced("1 second"), until: (open) => open.length === 0 }),
      Effect.timeoutOption(patience)
    )
    const took = Duration.millis((yield* Clock.currentTimeMillis) - before)
    yield* Console.log("")
    yield* Console.log(`3 runners, ${options.runs} runs of ${tasks} tasks, a fault every ${options.every} s for ${options.minutes} min, seed ${options.seed}`)
    yield* Console.log(`faults: ${[...counts].map(([name, count]) => `${count} ${name}`).join(", ")}`)
    const unsound = yield* summary(directory, url, options)
    yield* Console.log(`took ${Duration.format(took)} on ${cpus().length} processors, for which ${loadavg()[2]?.toFixed(0)} processes were waiting or running (15 min)`)
    return unsound
  }).pipe(Effect.provide(Layer.provideMerge(Submitting.layer(Redacted.make(database), database), journal)))
  if (unsound.length > 0) {
    return yield* new Unsound({ message: `${unsound.join("\n")}\nwhat the runners have said is in ${directory}` })
  }
  rmSync(directory, { recursive: true, force: true })
})

const main = Effect.gen(function*() {
  const seed = yield* Random.nextIntBetween(0, 1_000_000)
  const { values } = yield* Effect.try(() =>
    parseArgs({
      options: {
        minutes: { type: "string", default: "10" },
        runs: { type: "string", default: "200" },
        every: { type: "string", default: "10" },
        seed: { type: "string", default: String(seed) }
      }
    }))
  const options = yield* Schema.decodeUnknown(Options)(values)
  yield* Effect.withRandom(soak(options), Random.make(options.seed))
}).pipe(
  Effect.scoped,
  Effect.tapErrorCause((cause) => Console.error(Cause.pretty(cause)))
)

NodeRuntime.runMain(main, { disableErrorReporting: true })
