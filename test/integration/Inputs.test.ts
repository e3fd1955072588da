import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestBackend from "../support/TestBackend.ts"
import { directoryWith, emptyDirectory, hasTerminals, onTerminal, root, run, telemachy, test } from "../support/TestCommand.ts"
import * as TestWorkflow from "../support/TestWorkflow.ts"

const example = join(root, "workflows/inputs.yaml")

const wrong = [
  "input \"tikcet\": found an unknown name, expected one of ticket, languages, depth (did you mean \"ticket\"?)",
  "input \"ticket\": found nothing, expected text (Issue to work on)",
  "input \"languages\": found \"[\", expected a list",
  "input \"depth\": found the number 7, expected one of 1, 2, 3 (How thoroughly to read it)"
]

/** A run that waits in its second task, told which ticket it is about by an input. */
const waiting = TestWorkflow.write((directory) => ({
  metadata: { name: "waiting" },
  inputs: { ticket: { required: true }, program: "sh" },
  agents: [{ name: "one", program: "${{ inputs.program }}", working_dir: directory }],
  teams: [{
    name: "crew",
    agents: ["one"],
    tasks: [
      { subject: "first ${{ inputs.ticket }}", description: "echo ${{ inputs.ticket }} ${{ run.id }} >> done", assign_to: "one" },
      { subject: "second", description: TestWorkflow.wait, assign_to: "one", blocked_by: ["first ${{ inputs.ticket }}"] },
      { subject: "third", description: "echo third ${{ inputs.ticket }} >> done", assign_to: "one", blocked_by: ["second"] }
    ]
  }],
  teardown: "on_failure"
}))

/** Runs that workflow until its second task runs, and kills the command. */
const killed = Effect.gen(function*() {
  const backend = yield* TestBackend.make()
  const files = yield* waiting
  const env = { ...backend.env, TELEMACHY_DATABASE_URL: `file:${join(files.directory, "runs.db")}` }
  const running = yield* telemachy(["run", files.file, "--json", "--input", "ticket=A-1"], { env })
  yield* running.until("the second task to run", () =>
    running.events().find((event) => event._tag === "task.progressed" && event.subject === "second"))
  const id = running.events()[0]?.run ?? ""
  yield* running.signal("SIGKILL")
  yield* running.ended
  return { env, id, ...files }
})

/** Makes a plan for programs, which is no event. */
const planned = (args: ReadonlyArray<string>, directory?: string) =>
  Effect.scoped(Effect.flatMap(telemachy(["plan", example, "--json", ...args], { directory }), ({ exited }) => exited))

describe.concurrent("inputs", () => {
  for (const command of ["run", "plan", "run --dry-run"]) {
    test(`that are missing, unknown or wrong are told all at once by ${command}, exit 2`, () =>
      Effect.gen(function*() {
        const directory = yield* emptyDirectory
        const args = [...command.split(" "), example, "--input", "tikcet=x", "--input=languages=[", "--input", "depth=7"]
        const ended = yield* run(args, { directory, env: { TELEMACHY_DATABASE_URL: `file:${join(directory, "runs.db")}` } })
        assert.strictEqual(ended.code, 2)
        assert.strictEqual(ended.stderr, `${wrong.join("\n")}\n`)
        assert.strictEqual(ended.stdout, "")
      }))
  }

  test("are not needed to validate a file", () =>
    Effect.gen(function*() {
      const ended = yield* run(["validate", example])
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.strictEqual(ended.stderr, "")
    }))

  test("make of a plan what would be run", () =>
    Effect.gen(function*() {
      const plan = yield* run(["plan", example, "--input", "ticket=A-1", "--input", "languages=fr, it"])
      assert.strictEqual(plan.code, 0, plan.stderr)
      assert.match(plan.stdout, /^inputs\n {2}ticket {5}"A-1"\n {2}languages {2}\["fr","it"\]\n {2}depth {6}2\n$/m)
      assert.match(plan.stdout, /^ {4}1 {2}Translate A-1 {2}translator$/m)
      assert.match(plan.stdout, /^ {4}2 {2}Review +reviewer +after Translate A-1$/m)
      const json = yield* planned(["--input", "ticket=A-1"])
      assert.deepInclude(JSON.parse(json.stdout), { inputs: { ticket: "A-1", languages: ["en", "de"], depth: 2 } })
    }))

  test("of a file are those of the flags but for the names that both have", () =>
    Effect.gen(function*() {
      const directory = yield* directoryWith({
        "inputs.yaml": "ticket: A-1\ndepth: 3\n",
        "inputs.json": "{\"ticket\": 1}",
        "list.yaml": "- ticket\n",
        "twice.yaml": "ticket: a\nticket: b\n"
      })
      const given = (...args: ReadonlyArray<string>) => planned(args, directory)
      const plan = yield* given("--inputs", "inputs.yaml", "--input", "ticket=A-2")
      assert.deepInclude(JSON.parse(plan.stdout), { inputs: { ticket: "A-2", languages: ["en", "de"], depth: 3 } })
      const refused = yield* Effect.forEach(["inputs.json", "list.yaml", "twice.yaml", "nothing.yaml"], (file) => given("--inputs", file))
      assert.deepStrictEqual(refused.map(({ code, stderr }) => [code, stderr]), [
        [2, "input \"ticket\": found the number 1, expected text (Issue to work on)\n"],
        [2, "list.yaml: found a list, expected a map of inputs\n"],
        [2, "twice.yaml:2:1 ticket: found the key \"ticket\" a second time, expected each key once (the first is in line 1)\n"],
        [2, "nothing.yaml: no such file\n"]
      ])
      const nameless = yield* given("--input", "ticket", "--input", "=x")
      assert.deepStrictEqual(
        [nameless.code, nameless.stderr],
        [2, "--input: expected NAME=VALUE, found ticket\n--input: expected NAME=VALUE, found =x\n"]
      )
    }))

  test("are in the tasks of a run as they are given, whatever they are", () =>
    Effect.gen(function*() {
      const ended = yield* run(["run", example, "--json", "--input", "ticket=${{ inputs.depth }} '$(x)'\u0007"])
      assert.strictEqual(ended.code, 0, ended.stderr)
      const first = ended.events.find((event) => event._tag === "task.finished")
      assert.strictEqual(first?._tag === "task.finished" && first.subject, "Translate ${{ inputs.depth }} '$(x)'\u0007")
      assert.include(JSON.stringify(first), `This is run ${first?.run} of the workflow inputs.`)
    }))

  test("that make a text too long are told with the place of the text", () =>
    Effect.gen(function*() {
      const ended = yield* run(["run", example, "--input", `ticket=${"x".repeat(600)}`])
      assert.strictEqual(ended.code, 2)
      assert.match(
        ended.stderr,
        /inputs\.yaml:35:18 teams\[0\]\.tasks\[0\]\.subject \(team "desk"\): found text of 610 bytes, expected text of at most 512 bytes\n 35 \|/
      )
    }))

  test("are on record with a run, and those it is resumed with", () =>
    Effect.gen(function*() {
      const { env, id, open, read } = yield* killed
      const running = yield* telemachy(["resume", id, "--json"], { env })
      yield* running.event("task.watched")
      yield* open(1)
      const ended = yield* running.ended
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.strictEqual(read("done"), `A-1 ${id}\nthird A-1\n`)
    }))

  test("of a run that goes on in place of another need not be given, and cannot be others", () =>
    Effect.gen(function*() {
      const { env, file, id, open, read } = yield* killed
      const refused = yield* run(["run", file, "--resume", "--input", "ticket=B-2"], { env })
      assert.strictEqual(refused.code, 2)
      assert.include(refused.stderr, `run ${id} was given other inputs (ticket), and goes on with those`)
      const running = yield* telemachy(["run", file, "--resume", "--json"], { env })
      yield* running.event("task.watched")
      yield* open(1)
      const ended = yield* running.ended
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.strictEqual(read("done"), `A-1 ${id}\nthird A-1\n`)
    }))
})

describe.runIf(hasTerminals).concurrent("inputs on a terminal", () => {
  test("are asked for when they are required and missing", () =>
    Effect.gen(function*() {
      const running = yield* onTerminal(["run", example, "--input", "depth=3"])
      yield* running.until("the question", () => running.output().stdout.includes("ticket (Issue to work on)") ? true : undefined)
      yield* running.type("A-7\r")
      const ended = yield* running.ended
      assert.strictEqual(ended.code, 0, ended.stdout)
      assert.match(ended.stdout, /Translate A-7 .*completed/)
    }))

  test("are not asked for with --yes", () =>
    Effect.gen(function*() {
      const ended = yield* Effect.flatMap(onTerminal(["run", example, "--yes"]), ({ ended }) => ended)
      assert.strictEqual(ended.code, 2)
      assert.include(ended.stdout, "input \"ticket\": found nothing, expected text (Issue to work on)")
    }))
})
