import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Faults from "../../src/embedded/Faults.ts"
import * as TestBackend from "../support/TestBackend.ts"
import { again, directoryWith, lastLine, run, telemachy, test } from "../support/TestCommand.ts"
import * as TestWorkflow from "../support/TestWorkflow.ts"
import * as Xml from "../support/Xml.ts"

const files = ["--summary", "summary.md", "--junit", "report.xml"]

const read = (directory: string, name: string) => readFileSync(join(directory, name), "utf8")

const junit = (directory: string) => Xml.parse(read(directory, "report.xml"))

/** The names of what a directory holds, what telemachy may have left beside its reports among it. */
const hidden = (directory: string) => readdirSync(directory).filter((name) => name.startsWith(".") && name !== ".telemachy")

const fails = { first: "echo '<all> & well'", second: "echo 'the | reason'; exit 1" }

describe.concurrent("--summary and --junit", () => {
  test("tell of a run that completed, in the place of what was there", () =>
    Effect.gen(function*() {
      const { directory, file } = yield* TestWorkflow.shell("reports", { first: "echo well" })
      writeFileSync(join(directory, "report.xml"), "old")
      symlinkSync("report.xml", join(directory, "link.xml"))
      const ended = yield* run(["run", file, "--summary", "summary.md", "--junit", "link.xml"], { directory })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.strictEqual(ended.stderr, "")
      assert.match(read(directory, "summary.md"), /^## reports: completed\n\n- workflow reports completed in .*: 1 task\n- removed 1 team and 1 agent\n/)
      const { attributes, children: [suite] } = junit(directory)
      assert.deepInclude(attributes, { name: "reports", tests: "1", failures: "0", errors: "0", skipped: "0" })
      assert.deepInclude(suite?.attributes, { name: "crew", tests: "1" })
      assert.strictEqual(suite?.children[1]?.children[0]?.text, "well\n")
      assert.strictEqual(readFileSync(join(directory, "link.xml"), "utf8"), read(directory, "report.xml"))
      assert.deepStrictEqual(hidden(directory), [])
    }))

  test("tell of a run that failed, and of one that is resumed", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const { directory, file } = yield* TestWorkflow.shell("reports", fails)
      const ended = yield* run(["run", file, "--json", ...files], { directory, env: backend.env })
      assert.strictEqual(ended.code, 1, ended.stderr)
      for (const name of ["summary.md", "report.xml"]) assert.strictEqual(statSync(join(directory, name)).mode & 0o777, 0o600)
      const page = read(directory, "summary.md")
      assert.include(page, "## reports: failed\n")
      assert.include(page, "crew/second wrote:\n\n```\nthe | reason\n[sh ended with exit code 1]\n```\n")
      const [, first, second] = junit(directory).children[0]?.children ?? []
      assert.strictEqual(first?.children[0]?.text, "<all> & well\n")
      assert.deepInclude(second?.children[0], { name: "failure", text: "the | reason\n[sh ended with exit code 1]\n" })
      for (const name of ["summary.md", "report.xml"]) rmSync(join(directory, name))
      const id = ended.events[0]?.run ?? ""
      const resumed = yield* run(["resume", id, "--retry-failed", ...files], { directory, env: backend.env })
      assert.strictEqual(resumed.code, 1, resumed.stderr)
      assert.include(read(directory, "summary.md"), "completed earlier")
      assert.strictEqual(junit(directory).attributes["failures"], "1")
    }))

  test("tell of a run that is cancelled, or timed out", () =>
    Effect.gen(function*() {
      const { directory, file } = yield* TestWorkflow.shell("reports", { first: TestWorkflow.wait, second: "true" })
      const cancelled = yield* telemachy(["run", file, "--json", ...files], { directory })
      yield* cancelled.event("task.submitted")
      yield* cancelled.signal("SIGTERM")
      assert.strictEqual((yield* cancelled.ended).code, 143)
      assert.include(read(directory, "summary.md"), "## reports: cancelled\n")
      assert.strictEqual(junit(directory).attributes["errors"], "2")
      const late = yield* run(["run", file, "--timeout", "0.5", ...files], { directory })
      assert.strictEqual(late.code, 4, late.stderr)
      assert.include(read(directory, "summary.md"), "## reports: timed out\n")
      assert.match(read(directory, "report.xml"), /message="not (?:begun|finished): timed out after/)
    }))

  test("tell of a run that nobody waits for any longer", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const { directory, file } = yield* TestWorkflow.shell("reports", fails)
      yield* backend.setFaults([Faults.Hang({ method: "DELETE" })])
      const env = { ...backend.env, TEARDOWN_GRACE_SECONDS: "3600", REQUEST_TIMEOUT_SECONDS: "3600" }
      const running = yield* telemachy(["run", file, "--json", ...files], { directory, env })
      yield* running.event("teardown.started")
      yield* running.signal("SIGINT")
      yield* running.until("what it says", () => /once more to stop waiting/.exec(running.output().stderr) ?? undefined)
      assert.strictEqual((yield* again(running.signal("SIGINT"), running.ended)).code, 1)
      assert.match(read(directory, "summary.md"), /^## reports: stopped\n\n- stopped without waiting; not removed: 1 team and 1 agent/)
      assert.strictEqual(junit(directory).attributes["failures"], "1")
    }))

  test("tell of a run whose Agamemnon is lost, before it began to make anything", () =>
    Effect.gen(function*() {
      const { directory, file } = yield* TestWorkflow.shell("reports", { first: "true" })
      const ended = yield* run(["run", file, ...files], { directory, env: { AGAMEMNON_URL: "http://127.0.0.1:9" } })
      assert.strictEqual(ended.code, 3, ended.stderr)
      assert.include(read(directory, "summary.md"), "## reports: connectivity lost\n")
      assert.strictEqual(junit(directory).attributes["errors"], "1")
    }))

  test("are refused before anything starts where they can not be written", () =>
    Effect.gen(function*() {
      const { directory, file } = yield* TestWorkflow.shell("reports", { first: "touch begun" })
      const refused: ReadonlyArray<readonly [ReadonlyArray<string>, RegExp]> = [
        [["--junit", "nowhere/report.xml"], /^--junit nowhere\/report\.xml: the directory .*\/nowhere does not exist\n$/],
        [["--summary", "."], /^--summary \.: it is a directory\n$/],
        [["--summary", "gate"], /^--summary gate: it is not a regular file\n$/],
        [["--summary", "flow.yaml/summary.md"], /^--summary flow\.yaml\/summary\.md: .*flow\.yaml is not a directory\n$/],
        [["--summary", "one", "--junit", "./one"], /^--junit .*one: --summary names the same file\n$/]
      ]
      for (const [flags, sentence] of refused) {
        const ended = yield* run(["run", file, ...flags], { directory })
        assert.strictEqual(ended.code, 2, ended.stderr)
        assert.match(ended.stderr, sentence)
      }
      assert.isFalse(existsSync(join(directory, "begun")))
    }))

  test("that can not be written are named, and a run that completed exits with 1", () =>
    Effect.gen(function*() {
      const { directory, file } = yield* TestWorkflow.shell("reports", { first: "rmdir out" })
      for (const [task, code, line] of [["", 1, "completed in"], ["; exit 1", 1, "failed"]] as const) {
        mkdirSync(join(directory, "out"))
        writeFileSync(file, read(directory, "flow.yaml").replace("rmdir out", `rmdir out${task}`))
        const ended = yield* run(["run", file, "--junit", "out/report.xml"], { directory })
        assert.strictEqual(ended.code, code, ended.stderr)
        assert.include(ended.stderr, "--junit out/report.xml could not be written: its directory is gone\n")
        assert.match(lastLine(code === 1 && line === "failed" ? ended.stderr : ended.stdout), new RegExp(`^workflow reports ${line}`))
      }
    }))
})

describe.concurrent("GITHUB_STEP_SUMMARY", () => {
  test("names the file that the summary of each run is added to, once also when a flag names it", () =>
    Effect.gen(function*() {
      const { directory, file } = yield* TestWorkflow.shell("reports", { first: "true" })
      writeFileSync(join(directory, "step.md"), "before")
      const env = { GITHUB_STEP_SUMMARY: join(directory, "step.md") }
      for (const flags of [[], ["--summary", "./step.md"], ["--summary", "other.md"]]) {
        assert.strictEqual((yield* run(["run", file, ...flags], { directory, env })).code, 0)
      }
      assert.match(read(directory, "step.md"), /^before\n## reports: completed\n(?:[^#]*\n\n## reports: completed\n){2}[^#]*$/)
      assert.match(read(directory, "other.md"), /^## reports: completed\n/)
    }))

  test("that can not be written is said, and changes nothing", () =>
    Effect.gen(function*() {
      const directory = yield* directoryWith({})
      const { file } = yield* TestWorkflow.shell("reports", { first: "true" })
      const ended = yield* run(["run", file], { directory, env: { GITHUB_STEP_SUMMARY: "nowhere/step.md" } })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.strictEqual(ended.stderr, "GITHUB_STEP_SUMMARY nowhere/step.md could not be written: its directory is gone\n")
    }))
})
