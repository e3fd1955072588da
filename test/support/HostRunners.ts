/** Runners on hosts of a network of their own, an Agamemnon on one of them, and what becomes of the runs that they are given. */
import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { afterAll, assert, beforeAll, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import type { RunEvent } from "../../src/run/RunEvent.ts"
import * as HostNetwork from "./HostNetwork.ts"
import * as HostPostgres from "./HostPostgres.ts"
import * as HttpQuestion from "./HttpQuestion.ts"
import * as TestBackend from "./TestBackend.ts"
import { bin, commandsWith, run, type Running, start, telemachy } from "./TestCommand.ts"
import * as TestWorkflow from "./TestWorkflow.ts"

type Env = Readonly<Record<string, string>>

/** A process on a host: signals go to it, and not to what shows it its namespaces. */
export interface HostProcess extends Running {
  readonly host: HostNetwork.Host
}

/** Waits until a process has written something on standard output. */
export const said = (running: Running, words: RegExp) => running.until(String(words), () => words.exec(running.output().stdout) ?? undefined)

let marks = 0

const startOn = Effect.fnUntraced(function*(host: HostNetwork.Host, program: string, env: Env, args: ReadonlyArray<string>, ready: RegExp) {
  const mark = `mark-of-a-host-${process.pid}-${marks++}`
  const running = yield* start(host.command(process.execPath, program, ...args), { env: { ...env, MARK: mark } })
  yield* said(running, ready)
  const [pid = 0] = yield* commandsWith(mark, program)
  yield* Effect.addFinalizer((exit) => Exit.isFailure(exit) ? Console.error(host.name, args.join(" "), running.output()) : Effect.void)
  const onHost: HostProcess = { ...running, host, pid, signal: (signal) => Effect.sync(() => process.kill(pid, signal)) }
  return onHost
})

/** Starts a runner, of this version or of the one that `program` is. */
export const startRunner = (host: HostNetwork.Host, env: Env, { flags = [], program = bin }: {
  readonly flags?: ReadonlyArray<string>
  readonly program?: string
} = {}) => startOn(host, program, env, ["serve", ...flags], /^serving /m)

/** A PostgreSQL for all tests of a file. */
export const shared = (): Effect.Effect<HostPostgres.HostPostgres> => {
  const scope = Effect.runSync(Scope.make())
  const started = Effect.runSync(Effect.cached(Scope.extend(HostPostgres.make, scope)))
  beforeAll(() => Effect.runPromise(started))
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))
  return started
}

/** A test, for `describe.concurrent`. When it fails, it shows what was said on the hosts. */
export const test = <A, E>(name: string, body: Effect.Effect<A, E, Scope.Scope>): void => it.scopedLive(name, () => body, 240_000)

/** Three hosts and a database, with an Agamemnon on the first, and a workflow of three tasks, the first of which waits at a gate. */
export const world = Effect.fn("HostRunners.world")(function*(postgres: HostPostgres.HostPostgres, more: Env = {}) {
  const [alpha, beta, gamma] = yield* Effect.all([
    HostNetwork.makeHost("alpha"),
    HostNetwork.makeHost("beta"),
    HostNetwork.makeHost("gamma")
  ])
  const url = `http://${alpha.address}:8080`
  const key = "key-of-the-hosts"
  yield* startOn(alpha, bin, { AGAMEMNON_API_KEY: key }, ["agamemnon", "--host", alpha.address, "--port", "8080", "--allow-remote"], /AGAMEMNON_URL=/)
  const env = {
    AGAMEMNON_URL: url,
    AGAMEMNON_API_KEY: key,
    REQUIRE_TLS: "false",
    TELEMACHY_DATABASE_URL: yield* postgres.makeDatabase,
    // By default it is more patient than any of the faults is long.
    HEALTHCHECK_INTERVAL_SECONDS: "15",
    HEALTHCHECK_TIMEOUT_SECONDS: "5",
    ...more
  }
  const append = (subject: string, rest = "") => `echo \${{ inputs.run }} ${subject} >> lines${rest}`
  const task = (subject: string, description: string, ...blocked_by: ReadonlyArray<string>) => ({ subject, description, assign_to: "worker", blocked_by })
  const work = yield* TestWorkflow.write((directory) => ({
    metadata: { name: "hosts" },
    inputs: { run: { type: "string", required: true } },
    agents: [{ name: "worker", program: "sh", working_dir: directory }],
    teams: [{
      name: "crew",
      agents: ["worker"],
      tasks: [
        task("first", append("first", `; ${TestWorkflow.wait}`)),
        task("second", append("second"), "first"),
        task("third", append("third"), "second")
      ]
    }],
    teardown: "always"
  }))
  yield* Effect.addFinalizer((exit) => Exit.isFailure(exit) && work.exists("lines") ? Console.error(work.read("lines")) : Effect.void)
  return { hosts: [alpha, beta, gamma] as const, env, backend: TestBackend.listsOf({ url, apiKey: Redacted.make(key) }), postgres, work }
})

/** What a test has. */
export type World = Effect.Effect.Success<ReturnType<typeof world>>

/** What makes the clock of a process go by another time, with Debian's libfaketime; its monotonic clock stays. */
export const clockAhead = (by: string): Env => {
  const directories = readdirSync("/usr/lib").map((name) => join("/usr/lib", name, "faketime/libfaketime.so.1"))
  const library = directories.find(existsSync) ?? assert.fail("there is no libfaketime (apt-get install libfaketime)")
  return { LD_PRELOAD: library, FAKETIME: by, DONT_FAKE_MONOTONIC: "1" }
}

/** A runner on each of its hosts. */
export const onEach = ({ env, hosts }: World, ...flags: ReadonlyArray<string>) =>
  Effect.forEach(hosts, (host) => startRunner(host, env, { flags }), { concurrency: "unbounded" })

/** A run, by its id and what its tasks write into their lines. */
export interface Submitted {
  readonly id: string
  readonly name: string
}

/** Submits the workflow so many times. */
export const submit = ({ env, work }: World, ...names: ReadonlyArray<string>) =>
  Effect.forEach(names, (name) =>
    Effect.map(run(["submit", work.file, "--key", name, "--input", `run=${name}`], { env, directory: work.directory }), ({ code, stderr, stdout }) => {
      assert.strictEqual(code, 0, stderr)
      const submitted: Submitted = { id: /^run ([0-9a-f]{16}) /.exec(stdout)?.[1] ?? "", name }
      return submitted
    }), { concurrency: 2 })

/** Waits until the first task of each run has written its line, so that it is under way. */
export const underWay = ({ work }: World, runs: ReadonlyArray<Submitted>) =>
  HttpQuestion.eventually(Effect.sync(() => (work.exists("lines") ? work.read("lines") : "")), (lines) =>
    runs.every(({ name }) => lines.includes(`${name} first\n`)))

/** The runs that a runner has, by the last that it has said of each. */
export const runsOf = (runner: HostProcess, runs: ReadonlyArray<Submitted>) => {
  const last = new Map([...runner.output().stdout.matchAll(/^run (\w+) of hosts (.*)$/gm)].map(([, id = "", what = ""]) => [id, what]))
  return runs.filter(({ id }) => /begun|taken over/.test(last.get(id) ?? ""))
}

/** Waits until each of the runs was taken by one of these runners, which may have completed it since then. */
export const takenOver = (runners: ReadonlyArray<HostProcess>, runs: ReadonlyArray<Submitted>) =>
  HttpQuestion.eventually(Effect.sync(() => runners.map((runner) => runner.output().stdout).join("\n")), (text) =>
    runs.every(({ id }) => new RegExp(`^run ${id} of hosts (begun|taken over)`, "m").test(text)))

/** Whether all agents are on another host than a runner's. */
export const isApart = ({ host }: HostProcess) => host.name !== "alpha"

/** Submits runs until one that is under way is on a runner that may be taken from the others. */
export const victim = Effect.fnUntraced(function*(world: World, runners: ReadonlyArray<HostProcess>, may: (runner: HostProcess) => boolean) {
  const runs = [...yield* submit(world, "a", "b")]
  for (;;) {
    yield* underWay(world, runs)
    const found = runners.filter(may).find((runner) => runsOf(runner, runs).length > 0)
    if (found !== undefined) return { runs, victim: found, others: runners.filter((each) => each !== found), lost: runsOf(found, runs) }
    runs.push(...yield* submit(world, `d${runs.length}`))
  }
})

/** What is on record of a run, when it is over. */
export const recordOf = ({ env }: World, { id }: Submitted) =>
  Effect.map(run(["status", id, "--watch", "--json"], { env }), ({ events }) => events)

/** Checks that a run was begun, decided and taken down once, however often it was handed over. */
export const assertOneLife = (events: ReadonlyArray<RunEvent>) =>
  assert.deepStrictEqual(
    events.map(({ _tag }) => _tag).filter((tag) => /^run\.|^teardown\.started/.test(tag) && tag !== "run.yielded" && tag !== "run.resumed"),
    ["run.submitted", "run.started", "run.decided", "teardown.started", "run.finished"]
  )

/** The milliseconds from a moment to the first event of a kind after it. */
export const untilEvent = (events: ReadonlyArray<RunEvent>, tag: RunEvent["_tag"], from: DateTime.Utc): number =>
  Option.match(Arr.findFirst(events, (event) => event._tag === tag && DateTime.greaterThanOrEqualTo(event.at, from)), {
    onNone: () => assert.fail(`no ${tag} is on record after ${DateTime.formatIso(from)}`),
    onSome: ({ at }) => Duration.toMillis(DateTime.distanceDuration(from, at))
  })

/** What all of this may take longer here than on hosts that have a processor to themselves: a dozen processes share those of this machine. */
const allowance = 5000

/** Checks that others went on with a run in the time that is promised when its runner is gone without a word. */
export const assertTakenOver = (events: ReadonlyArray<RunEvent>, from: DateTime.Utc) =>
  assert.isAtMost(untilEvent(events, "run.resumed", from), 10_000 + allowance)

/** Checks that others went on with a run in the time that is promised when its runner hands it over. */
export const assertHandedOver = (events: ReadonlyArray<RunEvent>, from: DateTime.Utc) => {
  const yielded = untilEvent(events, "run.yielded", from)
  assert.isAtMost(yielded, 5000 + allowance)
  assert.isAtMost(untilEvent(events, "run.resumed", from) - yielded, 2000 + allowance)
}

/** Checks that a process has ended now in the time that is promised when it is told to. */
export const assertEnded = (from: DateTime.Utc) =>
  Effect.map(DateTime.now, (now) => assert.isAtMost(Duration.toMillis(DateTime.distanceDuration(from, now)), 5000 + allowance))

/** Lets all tasks go on, and waits until the runners have brought the runs to their end. */
export const finish = Effect.fnUntraced(function*({ work }: World, runs: ReadonlyArray<Submitted>, runners: ReadonlyArray<HostProcess>) {
  yield* work.open(runs.length)
  yield* Effect.forEach(runs, ({ id }) =>
    HttpQuestion.eventually(
      Effect.sync(() => runners.map((runner) => runner.output().stdout).join("\n")),
      (text) => new RegExp(`^run ${id} of hosts completed`, "m").test(text)
    ), { concurrency: "unbounded" })
})

/** Checks what holds of all runs at the end: completed, every task done once, nothing left and nothing doubled, every chain whole. */
export const assertSound = Effect.fnUntraced(function*({ backend, env, work }: World, runs: ReadonlyArray<Submitted>) {
  const lines = work.read("lines").split("\n").filter((line) => line !== "")
  assert.deepStrictEqual(lines.toSorted(), runs.flatMap(({ name }) => [`${name} first`, `${name} second`, `${name} third`]).toSorted())
  const listed = yield* Effect.scoped(Effect.flatMap(telemachy(["list", "--json"], { env }), ({ exited }) => exited))
  const outcomes = listed.stdout.split("\n").filter((line) => line !== "").map((line) => /"run":"(\w+)".*"status":"(\w+)".*"left":(\d+)/.exec(line)?.slice(1).join(" "))
  assert.deepStrictEqual(outcomes.toSorted(), runs.map(({ id }) => `${id} completed 0`).toSorted())
  assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
  yield* TestBackend.assertNothingDoubled(backend)
  const audit = yield* run(["audit", "verify"], { env })
  assert.match(audit.stdout, /: every chain is whole\n$/)
})
