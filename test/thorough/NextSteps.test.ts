import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as RecordFile from "../support/RecordFile.ts"
import * as TestBackend from "../support/TestBackend.ts"
import { emptyDirectory, hasTerminals, lastLine, onTerminal, run, telemachy, test } from "../support/TestCommand.ts"
import * as TestWorkflow from "../support/TestWorkflow.ts"

const record = Effect.map(emptyDirectory, (directory) => RecordFile.inFile(join(directory, "runs.db")))

/** The command line that is suggested, as words. */
const suggested = (text: string): ReadonlyArray<string> => /telemachy (.*)$/m.exec(text)?.[1]?.split(" ") ?? []

/** A workflow whose task has failed, on a record of its own. */
const failed = Effect.fnUntraced(function*(name: string) {
  const env = yield* record
  const { file } = yield* TestWorkflow.shell(name, { only: "exit 3" })
  const ended = yield* run(["run", file], { env })
  assert.strictEqual(ended.code, 1, ended.stderr)
  return { env, file, ended, mend: Effect.sync(() => writeFileSync(file, readFileSync(file, "utf8").replace("exit 3", "echo mended"))) }
})

describe.concurrent("a run that is over", () => {
  test("leaves its id, what its last task wrote and what to type for the rest, before its last line", () =>
    Effect.gen(function*() {
      const env = yield* record
      const { file } = yield* TestWorkflow.shell("next", { first: "echo early", last: "echo the sum is 19" })
      const { code, stdout } = yield* run(["run", file], { env })
      assert.strictEqual(code, 0)
      const lines = stdout.trimEnd().split("\n")
      assert.match(lines.at(-1) ?? "", /^workflow next completed in /)
      assert.match(lines.at(-2) ?? "", /^run [0-9a-f]{16}; what its tasks wrote: telemachy logs [0-9a-f]{16} -v$/)
      assert.include(stdout, "\n  the sum is 19\n")
      const logs = yield* run(suggested(lines.at(-2) ?? ""), { env })
      assert.include(logs.stdout, "| the sum is 19\n")
    }))

  test("is resumed by what it suggests, with --retry-failed where nothing else can run", () =>
    Effect.gen(function*() {
      const { ended, env } = yield* failed("retry")
      assert.match(ended.stdout, /^run [0-9a-f]{16}; go on with it: telemachy resume [0-9a-f]{16} --retry-failed$/m)
      const again = yield* run(suggested(/^run .*$/m.exec(ended.stdout)?.[0] ?? ""), { env })
      assert.strictEqual(again.code, 1, again.stderr)
      assert.match(lastLine(again.stderr), /^workflow retry failed: /)
    }))

  test("is resumed by what is suggested when its file has changed", () =>
    Effect.gen(function*() {
      const { env, file, mend } = yield* failed("changed")
      yield* mend
      const refused = yield* run(["run", file, "--resume"], { env })
      assert.strictEqual(refused.code, 2, refused.stderr)
      assert.match(lastLine(refused.stderr), /^go on with it as it is now: telemachy resume [0-9a-f]{16} --accept-changes --retry-failed$/)
      const resumed = yield* run(suggested(lastLine(refused.stderr)), { env })
      assert.strictEqual(resumed.code, 0, resumed.stderr)
    }))
})

describe.concurrent("a run of a workflow whose last run did not complete", () => {
  test("says so, and how to go on with that one, and is another run", () =>
    Effect.gen(function*() {
      const { env, file } = yield* failed("twice")
      const second = yield* run(["run", file], { env })
      assert.strictEqual(second.code, 1)
      assert.match(second.stderr, /^run [0-9a-f]{16} of workflow twice has failed; this is another run\. To go on with that one: telemachy resume [0-9a-f]{16} --retry-failed\n/)
      const list = yield* run(["list"], { env })
      assert.lengthOf(list.stdout.match(/^twice /gm) ?? [], 2)
    }))

  test("goes on with that one instead with --resume", () =>
    Effect.gen(function*() {
      const { env, file } = yield* failed("instead")
      const second = yield* run(["run", file, "--resume"], { env })
      assert.match(second.stderr, /^run [0-9a-f]{16} of workflow instead has failed: going on with it\n/)
      const list = yield* run(["list"], { env })
      assert.lengthOf(list.stdout.match(/^instead /gm) ?? [], 1)
    }))

  test("says nothing where there is nothing to go on with", () =>
    Effect.gen(function*() {
      const env = yield* record
      const { file } = yield* TestWorkflow.shell("well", { only: "true" })
      for (const flags of [[], ["--resume"]]) {
        const { code, stderr } = yield* run(["run", file, ...flags], { env })
        assert.deepStrictEqual([code, stderr], [0, ""])
      }
    }))

  for (const [flags, says] of [[["--resume", "--force"], /^run: --resume and --force exclude each other: /], [["--join", "--separate"], /^run: --join and --separate exclude/]] as const) {
    test(`refuses ${flags.join(" ")}`, () =>
      Effect.gen(function*() {
        const { file } = yield* TestWorkflow.shell("both", { only: "true" })
        const { code, stderr } = yield* run(["run", file, ...flags], { env: yield* record })
        assert.strictEqual(code, 2)
        assert.match(stderr, says)
      }))
  }

})

describe.skipIf(!hasTerminals).concurrent("a run on a terminal of a workflow whose last run did not complete", () => {
  for (const [key, runs] of [["y", 1], ["n", 2]] as const) {
    test(`asks, and ${runs === 1 ? "goes on with it" : "begins anew"} at "${key}"`, () =>
      Effect.gen(function*() {
        const { env, file } = yield* failed("asked")
        const running = yield* onTerminal(["run", file], { env, columns: 200 })
        yield* running.until("the question", () => running.output().stdout.includes("instead of running the workflow anew?") || undefined)
        yield* running.type(key)
        assert.strictEqual((yield* running.exited).code, 1)
        const list = yield* run(["list"], { env })
        assert.lengthOf(list.stdout.match(/^asked /gm) ?? [], runs)
      }))
  }

  test("asks nothing with --yes", () =>
    Effect.gen(function*() {
      const { env, file } = yield* failed("unasked")
      const running = yield* onTerminal(["run", file, "--yes"], { env, columns: 200 })
      assert.strictEqual((yield* running.exited).code, 1)
      const list = yield* run(["list"], { env })
      assert.lengthOf(list.stdout.match(/^unasked /gm) ?? [], 2)
    }))
})

describe.concurrent("RUN", () => {
  test("is the beginning of an id, the name of a workflow, or latest", () =>
    Effect.gen(function*() {
      const { env } = yield* failed("named")
      const { file } = yield* TestWorkflow.shell("newest", { only: "true" })
      assert.strictEqual((yield* run(["run", file], { env })).code, 0)
      for (const [name, workflow] of [["named", "named"], ["newest", "newest"], ["latest", "newest"]] as const) {
        for (const command of [["status"], ["logs"], ["status", "--watch"]]) {
          const { stdout } = yield* run([...command, name], { env })
          assert.include(stdout, workflow, command.join(" "))
        }
      }
      const forgotten = yield* run(["forget", "named"], { env })
      assert.strictEqual(forgotten.code, 0, forgotten.stderr)
      const unknown = yield* run(["status", "nameless"], { env })
      assert.deepStrictEqual([unknown.code, unknown.stderr], [2, "no run nameless is recorded, see telemachy list --all\n"])
    }))

  test("is refused when it is the beginning of an id and the name of another run's workflow", () =>
    Effect.gen(function*() {
      const env = yield* record
      const first = yield* TestWorkflow.shell("first", { only: "true" })
      const id = (yield* run(["run", first.file, "--json"], { env })).events[0]?.run ?? ""
      const prefix = id.slice(0, 6)
      const second = yield* TestWorkflow.shell(prefix, { only: "true" })
      yield* run(["run", second.file], { env })
      const refused = yield* run(["forget", prefix], { env })
      assert.strictEqual(refused.code, 2)
      assert.match(refused.stderr, new RegExp(`^${prefix} can be run ${id}, whose id begins so, or run [0-9a-f]{16}, the newest of that workflow: `))
      assert.include((yield* run(["status", id], { env })).stdout, "first")
    }))
})

describe.concurrent("status --watch", () => {
  test("ends with the exit code of the run", () =>
    Effect.gen(function*() {
      const { env } = yield* failed("watched")
      assert.strictEqual((yield* run(["status", "latest", "--watch"], { env })).code, 1)
      assert.strictEqual((yield* run(["status", "latest", "--watch", "--json"], { env })).code, 1)
    }))

  test("of a run that is under way as well", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const env = { ...backend.env, ...(yield* record) }
      const { file } = yield* TestWorkflow.shell("under way", { only: TestWorkflow.wait })
      const running = yield* telemachy(["run", file, "--json"], { env })
      yield* running.event("task.progressed")
      const watching = yield* telemachy(["status", "latest", "--watch", "--json"], { env })
      yield* watching.event("task.progressed")
      yield* running.signal("SIGTERM")
      assert.strictEqual((yield* running.ended).code, 143)
      assert.strictEqual((yield* watching.exited).code, 130)
    }))
})

describe.concurrent("a run whose embedded Agamemnon has ended with it", () => {
  test("has left nothing, has kept nothing, and can be forgotten", () =>
    Effect.gen(function*() {
      const env = yield* record
      const { file } = yield* TestWorkflow.shell("gone", { only: "exit 3" }, { teardown: "never" })
      yield* run(["run", file], { env })
      const list = yield* run(["list"], { env })
      assert.match(list.stdout, /^gone +[0-9a-f]{16} +failed +\S+ \S+ +\S+$/m)
      const cleanup = yield* run(["cleanup", "--all"], { env })
      assert.deepStrictEqual([cleanup.code, cleanup.stdout], [0, "no run has left anything\n"])
      assert.strictEqual((yield* run(["forget", "gone"], { env })).code, 0)
    }))

  test("is cleaned up with all others after its process was killed, without an address", () =>
    Effect.gen(function*() {
      const env = yield* record
      const { file } = yield* TestWorkflow.shell("killed", { only: TestWorkflow.wait })
      const running = yield* telemachy(["run", file, "--json"], { env })
      yield* running.event("task.progressed")
      yield* running.signal("SIGKILL")
      yield* running.exited
      const cleanup = yield* run(["cleanup", "--all"], { env })
      assert.match(cleanup.stdout, /^removed all 2 resources of run [0-9a-f]{16} \(workflow killed\)$/m, cleanup.stderr)
      const list = yield* run(["list"], { env })
      assert.match(list.stdout, /^killed +[0-9a-f]{16} +cancelled /m)
    }))

  test("does not hide what a run has left elsewhere, which is named with its address", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const env = yield* record
      const { file } = yield* TestWorkflow.shell("elsewhere", { only: "true" }, { teardown: "never" })
      assert.strictEqual((yield* run(["run", file], { env: { ...backend.env, ...env } })).code, 0)
      const { stderr } = yield* run(["cleanup", "--all"], { env })
      assert.include(stderr, `runs have left something on ${backend.url}: telemachy cleanup --all --url ${backend.url}\n`)
      assert.isNotEmpty(yield* TestBackend.remaining(backend))
    }))
})

describe.concurrent("validate --json", () => {
  test("tells of each file whether it is valid, and where what is wrong", () =>
    Effect.gen(function*() {
      const { file: good } = yield* TestWorkflow.shell("good", { only: "true" })
      const bad = join(yield* emptyDirectory, "bad.yaml")
      writeFileSync(bad, "metadata: { name: bad }\nagents: [{ name: a, cpus: none }]\nteams: []\n")
      const { code, stdout } = yield* Effect.flatMap(telemachy(["validate", "--json", good, bad, "missing.yaml"]), ({ exited }) => exited)
      assert.strictEqual(code, 2)
      const told: ReadonlyArray<unknown> = stdout.trimEnd().split("\n").map((line) => JSON.parse(line))
      assert.deepStrictEqual(told[0], { file: good, valid: true, workflow: "good", agents: 1, teams: 1, tasks: 1, warnings: [] })
      assert.containSubset(told[1], { file: bad, valid: false, problems: [{ path: "agents[0].cpus", names: { agent: "a" }, line: 2, column: 27, endColumn: 31, found: '"none"' }] })
      assert.notProperty(told[1], "warnings")
      assert.containSubset(told[2], { file: "missing.yaml", valid: false })
    }))
})
