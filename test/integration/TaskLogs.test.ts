import { existsSync, readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TerminalScreen from "../support/TerminalScreen.ts"
import { emptyDirectory, hasTerminals, onTerminal, run, telemachy, test } from "../support/TestCommand.ts"
import * as TestWorkflow from "../support/TestWorkflow.ts"

const logsOf = (home: string) => {
  const root = join(home, ".telemachy/logs")
  return existsSync(root) ? readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".log")) : []
}

describe.concurrent("what a task writes", () => {
  test("is kept whole in a file of its own, told line by line or byte by byte, and forgotten with its run", () =>
    Effect.gen(function*() {
      const directory = yield* emptyDirectory
      const { file } = yield* TestWorkflow.shell("writes", {
        first: "echo out; echo err >&2; printf '1%%\\r2%%\\n\\033[31mred\\033[0m\\nhalf \\303'"
      })
      const ran = yield* run(["run", file, "--json"], { directory })
      assert.strictEqual(ran.code, 0)
      const [log = ""] = ran.events.flatMap((event) => event._tag === "task.submitted" ? [event.log ?? ""] : [])
      assert.deepStrictEqual(logsOf(directory).map((name) => join(directory, ".telemachy/logs", name)), [log])
      assert.strictEqual(statSync(log).mode & 0o777, 0o600)

      const told = yield* run(["logs", "latest", "crew/first"], { directory })
      assert.deepStrictEqual(told.stdout.split("\n").map((line) => line.replace(/^ +[0-9.]+s  /, "")).toSorted(), [
        "", "! err", "| 2%", "| half \ufffd", "| out", "| red"
      ])
      const raw = yield* run(["logs", "writes", "first", "--raw"], { directory, terminal: true })
      assert.deepStrictEqual([raw.stdout, raw.stderr], ["out\n1%\r2%\n\u001b[31mred\u001b[0m\nhalf \ufffd", "err\n"])

      assert.strictEqual((yield* run(["forget", "latest"], { directory })).code, 0)
      assert.deepStrictEqual(logsOf(directory), [])
    }))

  test("is followed from another terminal while it is written, and is there when the run is cancelled", () =>
    Effect.gen(function*() {
      const directory = yield* emptyDirectory
      const { file } = yield* TestWorkflow.shell("follows", { first: `echo begun; ${TestWorkflow.wait}; echo never`, second: "true" })
      const running = yield* telemachy(["run", file, "--json", "--teardown", "always"], { directory })
      yield* running.event("task.submitted")
      const following = yield* telemachy(["logs", "latest", "first", "--follow"], { directory })
      yield* following.until("the first line", () => /\| begun\n/.exec(following.output().stdout) ?? undefined)
      yield* running.signal("SIGINT")
      assert.strictEqual((yield* running.ended).code, 130)
      const followed = yield* following.ended
      assert.strictEqual(followed.code, 0)
      assert.match(followed.stdout, /^ +[0-9.]+s {2}\| begun\n$/)
      assert.match((yield* run(["logs", "latest", "first"], { directory })).stdout, /\| begun\n$/)
      for (const [args, problem] of [
        [["second"], /^task crew\/second of run [0-9a-f]{16}: its program has not been started, or its log is there no longer: .*\.log\n$/],
        [["--raw"], /--raw is about the log of a task: name one after the run\n$/]
      ] as const) {
        const refused = yield* run(["logs", "latest", ...args], { directory })
        assert.strictEqual(refused.code, 2)
        assert.match(refused.stderr, problem)
      }
    }))

  test("is shown beside the plain lines, each line after the name of its task", () =>
    Effect.gen(function*() {
      const { file } = yield* TestWorkflow.shell("shows", { first: "echo one; echo two >&2", "the second": "echo three" })
      const { code, stdout } = yield* run(["run", file, "--logs"])
      assert.strictEqual(code, 0)
      const lines = stdout.split("\n")
      for (const line of ["first      | one", "first      ! two", "the second | three"]) assert.include(lines, line)
      assert.include(stdout, "task crew/first: completed")
    }))

  test("is kept nowhere when that is what the settings say", () =>
    Effect.gen(function*() {
      const directory = yield* emptyDirectory
      const { file } = yield* TestWorkflow.shell("nowhere", { first: "echo said" })
      const ran = yield* run(["run", file, "--json"], { directory, env: { TASK_LOG_LIMIT: "0" } })
      assert.isTrue(ran.events.every((event) => !("log" in event)))
      assert.deepStrictEqual(logsOf(directory), [])
      const told = yield* run(["logs", "latest", "first"], { directory })
      assert.deepStrictEqual([told.stdout, told.stderr], ["  | said\n", "there is no log of it on this machine; this is what it said at its end\n"])
    }))

  test("is not kept where no directory can be made, which is said, and the run goes on", () =>
    Effect.gen(function*() {
      const { directory, file } = yield* TestWorkflow.shell("nowhere", { first: "echo said" })
      const env = { HOME: "/proc/nowhere", TELEMACHY_DATABASE_URL: `file:${directory}/runs.db` }
      const { code, stderr } = yield* run(["run", file, "--quiet"], { env })
      assert.strictEqual(code, 0)
      assert.match(stderr, /what programs write is not kept in full: .*\/proc\/nowhere/)
    }))

  test("is shown and kept nowhere when nothing is to be stored", () =>
    Effect.gen(function*() {
      const directory = yield* emptyDirectory
      const { file } = yield* TestWorkflow.shell("unstored", { first: "echo said" })
      const env = { TMPDIR: directory, TELEMACHY_DATABASE_URL: "memory:" }
      const { code, stdout } = yield* run(["run", file, "--logs"], { directory, env })
      assert.strictEqual(code, 0)
      assert.include(stdout, "first | said\n")
      assert.deepStrictEqual(readdirSync(directory), [])
    }))

  describe.runIf(hasTerminals)("on a terminal", () => {
    test("is shown below its task as far as it fits, the last line of it", () =>
      Effect.gen(function*() {
        const { file, open } = yield* TestWorkflow.shell("lasts", { first: `echo one; printf 'half a line'; ${TestWorkflow.wait}` })
        const running = yield* onTerminal(["run", file, "--no-color"], { columns: 60 })
        yield* running.until("the last line", () => {
          const screen = TerminalScreen.after(running.output().stdout)
          const at = screen.findIndex((line) => /first +worker.* running/.test(line))
          return screen[at + 1] === "      half a line" ? true : undefined
        })
        yield* open(1)
        assert.strictEqual((yield* running.ended).code, 0)
      }))
  })
})
