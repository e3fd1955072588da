import { existsSync } from "node:fs"
import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as RecordFile from "../support/RecordFile.ts"
import * as PostgresSchema from "../support/PostgresSchema.ts"
import * as TestBackend from "../support/TestBackend.ts"
import { bin, commandsWith, emptyDirectory, run, type Running, start, telemachy, test } from "../support/TestCommand.ts"
import * as TestWorkflow from "../support/TestWorkflow.ts"

type Env = Readonly<Record<string, string>>

const unshare = "/usr/bin/unshare"

/** Whether processes can be started that cannot be seen from here, and see nothing of here: as on other hosts. */
const hasHosts = existsSync(unshare) && process.getuid?.() === 0

/** What a process has written on standard output that matches. */
const said = (running: Running, words: RegExp) =>
  running.until(String(words), () => words.exec(running.output().stdout) ?? undefined)

let marks = 0

/** A runner on a host of its own, that is ready, and the number of its process here. */
const runner = Effect.fnUntraced(function*(env: Env, ...flags: ReadonlyArray<string>) {
  const mark = `mark-of-runner-${process.pid}-${marks++}`
  const elsewhere = [unshare, "--pid", "--fork", "--mount-proc", "--kill-child", process.execPath, bin] as const
  const running = yield* start([...elsewhere, "serve", ...flags], { env: { ...env, MARK: mark } })
  yield* said(running, /^serving /m)
  const [pid = 0] = yield* commandsWith(mark)
  return { ...running, pid, signal: (signal: NodeJS.Signals) => Effect.sync(() => process.kill(pid, signal)) }
})

type Runner = Effect.Effect.Success<ReturnType<typeof runner>>

/** Submits a workflow. Answers the id of its run. */
const submit = (file: string, env: Env, ...flags: ReadonlyArray<string>) =>
  Effect.map(run(["submit", file, ...flags], { env }), ({ code, stderr, stdout }) => {
    assert.strictEqual(code, 0, stderr)
    return /^run ([0-9a-f]{16}) /.exec(stdout)?.[1] ?? ""
  })

/** The runner that says something of a run first, and the others. */
const sayingOf = (runners: ReadonlyArray<Runner>, id: string, word: string) =>
  Effect.map(
    Effect.raceAll(runners.map((each) => Effect.as(said(each, new RegExp(`^run ${id} of \\S+ ${word}`, "m")), each))),
    (one) => ({ one, others: runners.filter((each) => each !== one) })
  )

const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(Clock.currentTimeMillis, (before) =>
    Effect.flatMap(effect, (value) => Effect.map(Clock.currentTimeMillis, (after) => ({ value, took: after - before }))))

/** Two tasks that write a line each, and wait. */
const gated = (name: string) =>
  TestWorkflow.shell(name, { first: "echo first >> done; read _ < gate", second: "echo second >> done" })

/** A database and an Agamemnon of their own. */
const world = Effect.gen(function*() {
  const backend = yield* TestBackend.make()
  const { url } = yield* PostgresSchema.schema
  return { backend, env: { ...backend.env, TELEMACHY_DATABASE_URL: url, HEALTHCHECK_INTERVAL_SECONDS: "5" } }
})

const assertWhole = (env: Env) =>
  Effect.map(run(["audit", "verify"], { env }), ({ stdout }) => assert.match(stdout, /: every chain is whole\n$/))

describe.skipIf(PostgresSchema.isMissing || !hasHosts).concurrent(`runners on several hosts (left out without PostgreSQL, root and ${unshare})`, () => {
  test("when one is killed, another drives its run within ten seconds, and each task is done once", () =>
    Effect.gen(function*() {
      const { backend, env } = yield* world
      const { file, open, read } = yield* gated("killed")
      const runners = yield* Effect.replicateEffect(runner(env), 2, { concurrency: 2 })
      const [id, again] = yield* Effect.replicateEffect(submit(file, env, "--key", "once"), 2, { concurrency: 2 })
      assert.strictEqual(id, again)
      const { one, others } = yield* sayingOf(runners, id ?? "", "begun")
      const watching = yield* telemachy(["submit", file, "--key", "once", "--wait", "--json"], { env })
      yield* watching.event("task.progressed")
      yield* one.signal("SIGKILL")
      const { took } = yield* timed(sayingOf(others, id ?? "", "taken over"))
      assert.isBelow(took, 12_000)
      yield* watching.event("task.watched")
      yield* open(1)
      const { code, events, stderr } = yield* watching.ended
      assert.strictEqual(code, 0, stderr)
      assert.deepStrictEqual(events.map(({ _tag }) => _tag).filter((tag) => tag.startsWith("run.")), [
        "run.submitted",
        "run.started",
        "run.resumed",
        "run.decided",
        "run.finished"
      ])
      assert.strictEqual(read("done"), "first\nsecond\n")
      assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
      yield* TestBackend.assertNothingDoubled(backend)
      yield* assertWhole(env)
    }))

  test("one that is told to end hands its run over without teardown, and another goes on at once", () =>
    Effect.gen(function*() {
      const { backend, env } = yield* world
      const { file, open, read } = yield* gated("deployed")
      const runners = yield* Effect.replicateEffect(runner(env), 2, { concurrency: 2 })
      const id = yield* submit(file, env)
      const { one, others } = yield* sayingOf(runners, id, "begun")
      const watching = yield* telemachy(["status", id, "--watch", "--json"], { env })
      yield* watching.event("task.progressed")
      const before = yield* TestBackend.remaining(backend)
      yield* one.signal("SIGTERM")
      const { took } = yield* timed(sayingOf(others, id, "taken over"))
      assert.isBelow(took, 8000)
      const ended = yield* one.ended
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.match(ended.stdout, new RegExp(`^run ${id} of deployed handed over$`, "m"))
      assert.deepStrictEqual(yield* TestBackend.remaining(backend), before)
      yield* open(1)
      const { code, events } = yield* watching.ended
      assert.strictEqual(code, 0)
      assert.deepStrictEqual(events.map(({ _tag }) => _tag).filter((tag) => /^(run|teardown)\./.test(tag)), [
        "run.submitted",
        "run.started",
        "run.yielded",
        "run.resumed",
        "run.decided",
        "teardown.started",
        "run.finished"
      ])
      assert.strictEqual(read("done"), "first\nsecond\n")
      yield* TestBackend.assertNothingDoubled(backend)
      yield* assertWhole(env)
    }))

  test("one that is suspended past its lease does nothing more when it goes on, and takes runs again", () =>
    Effect.gen(function*() {
      const { backend, env } = yield* world
      const { file, open, read } = yield* gated("suspended")
      const runners = yield* Effect.replicateEffect(runner(env), 2, { concurrency: 2 })
      const id = yield* submit(file, env)
      const { one, others } = yield* sayingOf(runners, id, "begun")
      const watching = yield* telemachy(["status", id, "--watch", "--json"], { env })
      yield* watching.event("task.progressed")
      yield* one.signal("SIGSTOP")
      yield* sayingOf(others, id, "taken over")
      yield* one.signal("SIGCONT")
      yield* open(1)
      const { code } = yield* watching.ended
      assert.strictEqual(code, 0)
      assert.strictEqual(read("done"), "first\nsecond\n")
      assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
      yield* TestBackend.assertNothingDoubled(backend)
      // With the other gone, it is the one to drive what comes.
      yield* Effect.forEach(others, (other) => other.signal("SIGTERM"))
      const next = yield* TestWorkflow.shell("next", { only: "true" })
      const last = yield* run(["submit", next.file, "--wait"], { env })
      assert.strictEqual(last.code, 0, last.stderr)
      yield* said(one, /of next completed/)
      yield* assertWhole(env)
    }))

  test("one that drains finishes its run and takes no other, which waits for another runner", () =>
    Effect.gen(function*() {
      const { backend, env } = yield* world
      const { file, open } = yield* gated("drained")
      const only = yield* runner(env, "--drain", "--max-runs", "1")
      const id = yield* submit(file, env)
      yield* sayingOf([only], id, "begun")
      yield* only.signal("SIGTERM")
      yield* only.until("that it drains", () => /finishing 1 run/.exec(only.output().stderr) ?? undefined)
      const next = yield* TestWorkflow.shell("next", { only: "true" })
      const waiting = yield* submit(next.file, env)
      yield* open(1)
      const ended = yield* only.ended
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.match(ended.stdout, new RegExp(`^run ${id} of drained completed`, "m"))
      assert.notInclude(ended.stdout, waiting)
      assert.include(ended.stderr, "no other runner is there: 1 run go")
      const listed = yield* run(["list", "--status", "queued"], { env })
      assert.match(listed.stdout, new RegExp(`${waiting} .* place 1$`, "m"))
      assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
    }))

  test("those that name another Agamemnon are refused", () =>
    Effect.gen(function*() {
      const { env } = yield* world
      yield* runner(env)
      const listed = yield* run(["runners"], { env })
      assert.match(listed.stdout, / 0 of 50 /)
      const other = yield* run(["serve", "--url", "http://127.0.0.1:1"], { env })
      assert.strictEqual(other.code, 2)
      assert.include(other.stderr, "all runners of a database are on one")
    }))
})

describe.concurrent("a runner on a file", () => {
  const inFile = Effect.map(emptyDirectory, (directory) => RecordFile.inFile(join(directory, "runs.db")))

  test("begins those that have waited for it by their priority, one after the other", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const env = { ...backend.env, ...(yield* inFile) }
      const { file } = yield* TestWorkflow.shell("queued", { only: "true" })
      const low = yield* submit(file, env)
      const high = yield* submit(file, env, "--priority", "5")
      const cancelled = yield* submit(file, env)
      const cancel = yield* run(["cancel", cancelled], { env })
      assert.include(cancel.stdout, "was queued, and is cancelled")
      const serving = yield* telemachy(["serve", "--max-runs", "1"], { env })
      yield* said(serving, new RegExp(`^run ${low} of queued completed`, "m"))
      const second = yield* run(["serve"], { env })
      assert.strictEqual(second.code, 2)
      assert.include(second.stderr, "runners share a PostgreSQL, and a file has one")
      yield* serving.signal("SIGTERM")
      const { code, stdout } = yield* serving.ended
      assert.strictEqual(code, 0)
      assert.deepStrictEqual([...stdout.matchAll(/^run (\w+) of queued begun$/gm)].map(([, id]) => id), [high, low])
      yield* TestBackend.assertNothingDoubled(backend)
    }))

  test("ends with its embedded Agamemnon, and the next one goes on: what is completed is not done again", () =>
    Effect.gen(function*() {
      const env = yield* inFile
      const { file, open, read } = yield* gated("embedded")
      const first = yield* telemachy(["serve"], { env })
      yield* said(first, /^serving .* on an embedded Agamemnon$/m)
      const id = yield* submit(file, env)
      yield* open(1)
      yield* said(first, new RegExp(`^run ${id} of embedded completed`, "m"))
      const other = yield* TestWorkflow.shell("waiting", { first: "echo first >> done", second: "echo second >> done; read _ < gate" })
      const next = yield* submit(other.file, env)
      const watching = yield* telemachy(["status", next, "--watch", "--json"], { env })
      yield* watching.event("task.progressed", 2)
      yield* first.signal("SIGTERM")
      const ended = yield* first.ended
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.include(ended.stderr, "agents of the embedded Agamemnon end with it")
      const second = yield* telemachy(["serve"], { env })
      yield* said(second, new RegExp(`^run ${next} of waiting taken over`, "m"))
      yield* other.open(1)
      assert.strictEqual((yield* watching.ended).code, 0)
      assert.strictEqual(read("done"), "first\nsecond\n")
      assert.match(other.read("done"), /^first\nsecond\n(second\n)?$/)
    }))

  test("says before it begins a run what keeps the agents of that from working on its machine, and the run has failed with that", () =>
    Effect.gen(function*() {
      const env = yield* inFile
      const { directory, exists, file } = yield* TestWorkflow.write((place) => ({
        metadata: { name: "unable" },
        agents: [
          { name: "first", program: "sh", working_dir: `${place}/made` },
          { name: "second", program: "no-such-program", working_dir: place },
          { name: "third", program: "sh", working_dir: "/no/such/directory" }
        ],
        teams: [{
          name: "crew",
          agents: ["first", "second", "third"],
          tasks: ["first", "second", "third"].map((name) => ({ subject: name, description: "echo > ../begun", assign_to: name }))
        }]
      }))
      const able = yield* TestWorkflow.write((place) => ({
        metadata: { name: "able" },
        agents: [{ name: "first", program: "sh", session: "keep", working_dir: `${place}/made` }],
        teams: [{ name: "crew", agents: ["first"], tasks: [{ subject: "only", description: "true", assign_to: "first" }] }]
      }))
      // Of the machine on which it is submitted, nothing is said.
      const id = yield* submit(file, env)
      const next = yield* submit(able.file, env)
      const serving = yield* telemachy(["serve"], { env })
      yield* said(serving, new RegExp(`^run ${id} of unable failed: agent "second": program no-such-program was not found on PATH; .* agent "third": directory /no/such/directory does not exist; `, "m"))
      yield* said(serving, new RegExp(`^run ${next} of able completed`, "m"))
      const { stderr } = serving.output()
      assert.include(stderr, `made directory ${able.directory}/made, the working_dir of agent "first"\n`)
      assert.include(stderr, "agent \"first\": program sh is not known to go on with a session: each of its tasks begins a new one")
      assert.notInclude(stderr, `made directory ${directory}/made`)
      const status = yield* run(["status", id], { env })
      assert.match(status.stdout, /failed: agent "second": program no-such-program was not found on PATH/)
      assert.isFalse(exists("begun"))
      yield* serving.signal("SIGTERM")
      assert.strictEqual((yield* serving.ended).code, 0)
    }))

  test("is told what is wrong before anything is on record", () =>
    Effect.gen(function*() {
      const env = yield* inFile
      const { file } = yield* TestWorkflow.shell("wrong", { only: "true" }, {
        inputs: { ticket: { type: "string", required: true } }
      })
      for (const [args, words] of [
        [["submit", file], "ticket"],
        [["submit", `${file}.none`], "no such file"],
        [["submit", file, "--priority", "high"], "--priority: expected a whole number"],
        [["submit", file, "--key", "k".repeat(256)], "--key: expected a text of 1 to 255 characters"],
        [["serve", "--max-runs", "0"], "--max-runs: expected a whole number from 1 to 1000, found 0"]
      ] as const) {
        const { code, stderr } = yield* run(args, { env })
        assert.strictEqual(code, 2, stderr)
        assert.include(stderr, words)
      }
      const memory = yield* run(["serve"], { env: { TELEMACHY_DATABASE_URL: "memory:" } })
      assert.strictEqual(memory.code, 2)
      assert.include(memory.stderr, "ends with this process")
      const listed = yield* run(["list"], { env })
      assert.include(listed.stdout, "no run is recorded")
    }))
})
