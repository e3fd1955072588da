import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestBackend from "../support/TestBackend.ts"
import { bin, lastLine, run, start, telemachy, test } from "../support/TestCommand.ts"
import * as TestWorkflow from "../support/TestWorkflow.ts"

const hello = (name: string) =>
  JSON.stringify({
    metadata: { name },
    agents: [{ name: "worker", program: "none" }],
    teams: [{
      name: "crew",
      agents: ["worker"],
      tasks: [
        { subject: "first", description: "d", assign_to: "worker" },
        { subject: "second", description: "d", assign_to: "worker", blocked_by: ["first"] }
      ]
    }],
    teardown: "always"
  })

describe.concurrent("run", () => {
  test("reads a workflow from standard input, and tells of its events in their order as JSON", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const ended = yield* run(["run", "-", "--json"], {
        env: { ...backend.env, REQUEST_TIMEOUT_SECONDS: "30" },
        input: hello("output")
      })
      assert.strictEqual(ended.code, 0, ended.stderr)
      const tags = ended.events.flatMap(({ _tag }) => (_tag.startsWith("connectivity.") ? [] : [_tag]))
      assert.deepStrictEqual(tags, [
        "run.started",
        "agent.creating",
        "agent.created",
        "agent.started",
        "team.creating",
        "team.created",
        "task.submitting",
        "task.submitted",
        "task.finished",
        "task.submitting",
        "task.submitted",
        "task.finished",
        "run.decided",
        "teardown.started",
        "team.removed",
        "agent.removed",
        "run.finished"
      ])
      const [id] = ended.events.map((event) => event.run)
      assert.isTrue(ended.events.every((event) => event.run === id && event.workflow === "output"))
      assert.match(lastLine(ended.stderr), /^workflow output completed in .*: 2 tasks$/)
    }))

  test("writes a line per event, and at the end what became of everything", () =>
    Effect.gen(function*() {
      const ended = yield* run(["run", "-"], { input: hello("output") })
      assert.strictEqual(ended.code, 0)
      assert.strictEqual(ended.stderr, "")
      for (const line of ["agent worker: created", "team crew: created", "task crew/second: completed", "agent worker: removed"]) {
        assert.include(ended.stdout, line)
      }
      assert.match(ended.stdout, /✔ second .* completed\ncrew\/second:\n  .+\nremoved 1 team and 1 agent\nrun [0-9a-f]{16}; .*\nworkflow output completed in .*: 2 tasks\n$/)
    }))

  test("says only how it ended when it is quiet", () =>
    Effect.gen(function*() {
      const ended = yield* run(["run", "-", "--quiet"], { input: hello("output") })
      assert.match(ended.stdout, /^workflow output completed in .*: 2 tasks\n$/)
      assert.strictEqual(ended.stderr, "")
    }))

  test("says what went wrong even when it is quiet", () =>
    Effect.gen(function*() {
      const { file } = yield* TestWorkflow.shell("output", { only: "echo the reason; exit 1" })
      const ended = yield* run(["run", "-q", file])
      assert.include(ended.stdout, "crew/only wrote:\n  the reason\n")
      assert.strictEqual(ended.stderr, "workflow output failed: 1 of 1 tasks did not complete: crew/only failed\n")
    }))

  test("says more when it is verbose, beside the JSON too", () =>
    Effect.gen(function*() {
      const { file } = yield* TestWorkflow.shell("output", { only: "echo the result" })
      const ended = yield* run(["run", file, "--json", "--verbose"])
      assert.strictEqual(ended.code, 0)
      assert.include(ended.stderr, "agent worker: created")
      assert.include(ended.stderr, "| the result\n")
    }))

  test("makes nothing when it is a dry run, and marks what it would reuse", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const kept = yield* run(["run", "-", "--teardown", "never"], { env: backend.env, input: hello("output") })
      assert.strictEqual(kept.code, 0, kept.stderr)
      const before = yield* TestBackend.remaining(backend)
      const asked = yield* backend.requests
      const ended = yield* run(["run", "-", "--dry-run"], { env: backend.env, input: hello("output") })
      assert.strictEqual(ended.code, 0, ended.stderr)
      for (const { id } of before) assert.include(ended.stdout, `would be reused (${id})`)
      const journal = (yield* backend.requestLog).slice(asked)
      assert.isNotEmpty(journal)
      assert.isTrue(journal.every(({ method }) => method === "GET"))
      assert.deepStrictEqual(yield* TestBackend.remaining(backend), before)
      for (const subject of ["first", "second"]) assert.match(ended.stdout, new RegExp(`${subject} .*done earlier`))
      const plan = yield* Effect.flatMap(
        telemachy(["plan", "-", "--json"], { env: backend.env, input: hello("output") }),
        ({ exited }) => exited
      )
      const ids = before.map(({ id }) => id)
      const told: unknown = JSON.parse(plan.stdout)
      assert.containSubset(told, {
        workflow: "output",
        teams: [{
          name: "crew",
          waves: [["first"], ["second"]],
          criticalPath: ["first", "second"],
          tasks: [{ subject: "first", earlier: { treatment: "done" } }, { subject: "second", earlier: { treatment: "done" } }]
        }]
      })
      for (const id of ids) assert.include(plan.stdout, `"reuses":${JSON.stringify(id)}`)
    }))

  test("is planned as it would begin: a program that is missing is said, with the exit code of run", () =>
    Effect.gen(function*() {
      const { file } = yield* TestWorkflow.shell("missing", { only: "true" }, { agents: [{ name: "worker", program: "no-such-program" }] })
      const ended = yield* run(["run", file])
      for (const command of [["plan"], ["plan", "--json"], ["run", "--dry-run"]]) {
        const planned = yield* run([...command, file])
        assert.deepStrictEqual([planned.code, planned.stdout, planned.stderr], [2, "", ended.stderr])
      }
    }))

  test("plans without an Agamemnon that answers, and says so", () =>
    Effect.gen(function*() {
      const env = { AGAMEMNON_URL: "http://127.0.0.1:9", REQUEST_TIMEOUT_SECONDS: "0.1" }
      const ended = yield* run(["run", "-", "--dry-run"], { env, input: hello("output") })
      assert.strictEqual(ended.code, 0)
      assert.match(ended.stderr, /^what exists on Agamemnon is not shown: .*: the connection was refused\n$/)
      assert.include(ended.stdout, "critical path, 2 tasks: first → second\n")
    }))

  for (const flags of [["--json"], []]) {
    test(`goes on to its end and takes down what it made when nobody reads any longer (${flags.join("") || "plain"})`, () =>
      Effect.gen(function*() {
        const backend = yield* TestBackend.make()
        const { file, open } = yield* TestWorkflow.shell("output", { first: TestWorkflow.wait, second: "true" })
        const running = yield* telemachy(["run", file, ...flags], { env: backend.env })
        yield* running.until("the first task to run", () => /running/.exec(running.output().stdout) ?? undefined)
        yield* running.closeStdout
        yield* open(1)
        const ended = yield* running.exited
        assert.strictEqual(ended.code, 0, ended.stderr)
        assert.isTrue((yield* backend.tasks).every(({ status }) => status === "completed"))
        assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
      }))
  }

  test("goes on to its end behind head -1", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const { file } = yield* TestWorkflow.shell("output", { first: "true", second: "true" })
      const line = `${process.execPath} ${bin} run ${file} | head -1; echo "$\{PIPESTATUS[0]}"`
      const running = yield* start(["bash", "-c", line], { env: backend.env })
      const ended = yield* running.ended
      assert.match(ended.stdout, /^ +0\.0s {2}workflow output: run [0-9a-f]{16} on .*\n0\n$/)
      assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
    }))

  test("needs neither of its streams", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const { file } = yield* TestWorkflow.shell("output", { first: "exit 1" })
      const running = yield* start(["sh", "-c", `exec ${process.execPath} ${bin} run ${file} >&- 2>&- <&-`], { env: backend.env })
      const ended = yield* running.ended
      assert.strictEqual(ended.code, 1)
      assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
    }))
})

const escapes = "\u001b[31m\u0007\u009b2J\u001b]0;title\u0007\u007f"

const hostile = (name: string, description: string, program: string) =>
  JSON.stringify({
    metadata: { name: `${name} ${escapes}` },
    agents: [{ name: `worker ${escapes}`, program }],
    teams: [{
      name: `crew ${escapes}`,
      agents: [`worker ${escapes}`],
      tasks: [{ subject: `only ${escapes}`, description, assign_to: `worker ${escapes}` }]
    }],
    teardown: "never"
  })

describe.concurrent("names and results that hold escapes", () => {
  const input = hostile("hostile", "printf 'a\\033[31mb\\033]0;t\\007c\\177\\302\\233d\\r'; exit 1", "sh")

  for (const flags of [[], ["--json"], ["--verbose"], ["--quiet"], ["--dry-run"]]) {
    // That there is no control character is checked of all that the command writes.
    test(`do nothing to who reads the output of run ${flags.join(" ")}`, () =>
      Effect.gen(function*() {
        const ended = yield* run(["run", "-", ...flags], { input })
        assert.strictEqual(ended.code, flags.includes("--dry-run") ? 0 : 1, ended.stderr)
        assert.include(ended.stdout + ended.stderr, "hostile")
        const finished = ended.events.find(({ _tag }) => _tag === "task.finished")
        if (flags.includes("--json")) assert.deepInclude(finished, {
          result: "a\u001b[31mb\u001b]0;t\u0007c\u007f\u009bd\r\n[sh ended with exit code 1]\n"
        })
      }))
  }

  test("do nothing to who reads the output of teardown and plan", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const options = { env: backend.env, input }
      assert.strictEqual((yield* run(["run", "-"], options)).code, 1)
      const plan = yield* run(["plan", "-"], options)
      assert.include(plan.stdout, "would be reused")
      const dry = yield* run(["teardown", "-", "--dry-run"], options)
      assert.match(dry.stdout, /^would remove team crew .*\nwould remove agent worker .*\n$/)
      const removal = yield* run(["teardown", "-"], options)
      assert.match(removal.stdout, /^removed team crew .*\nremoved agent worker .*\n$/)
      assert.match((yield* run(["teardown", "-"], options)).stdout, /^nothing of workflow hostile is left\n$/)
    }))

  test("do nothing to who reads what is wrong with a file", () =>
    Effect.gen(function*() {
      const input = JSON.stringify({ metadata: { name: "n", [escapes]: 1 }, [escapes]: escapes, agents: [{ name: escapes, runtime: escapes }] })
      const ended = yield* run(["validate", "-", `no such ${escapes}`], { input })
      assert.strictEqual(ended.code, 2)
      assert.match(ended.stderr, /standard input:1:\d+/)
      assert.match(ended.stderr, /no such .*: no such file\n$/)
    }))
})

describe.concurrent("the key of Agamemnon", () => {
  test("is shown by nothing that the command says, however much it says", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const { file } = yield* TestWorkflow.shell("output", { first: "true" }, { teardown: "never" })
      const env = { ...backend.env, LOG_LEVEL: "debug" }
      for (const args of [["run", file, "--verbose"], ["run", file, "--json"], ["plan", file], ["teardown", file]]) {
        const ended = yield* run(args, { env })
        assert.strictEqual(ended.code, 0, ended.stderr)
      }
      const secret = "a-key-that-is-wrong"
      for (const args of [["run", file, "--verbose"], ["plan", file], ["teardown", file]]) {
        const ended = yield* run(args, { env: { ...env, AGAMEMNON_API_KEY: secret } })
        assert.include(ended.stderr, "401")
      }
    }))
})
