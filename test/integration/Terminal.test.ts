import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Faults from "../../src/embedded/Faults.ts"
import { eventually } from "../support/HttpQuestion.ts"
import * as TerminalScreen from "../support/TerminalScreen.ts"
import * as TestBackend from "../support/TestBackend.ts"
import { again, bin, hasTerminals, onTerminal, run, start, test, typed } from "../support/TestCommand.ts"
import * as TestWorkflow from "../support/TestWorkflow.ts"

const colors = new RegExp(`${String.fromCodePoint(27)}\\[[0-9;]*m`)
const hideCursor = `${String.fromCodePoint(27)}[?25l`
const showCursor = `${String.fromCodePoint(27)}[?25h`

const two = TestWorkflow.shell("terminal", { first: TestWorkflow.wait, second: "true" })

/** Runs two tasks on a terminal, until the first runs, and then to the end. */
const shown = Effect.fnUntraced(function*(args: ReadonlyArray<string>, options: Parameters<typeof onTerminal>[1] = {}) {
  const { file, open } = yield* two
  const running = yield* onTerminal(["run", file, ...args], options)
  const during = yield* running.until("the first task to run", () => {
    const { stdout } = running.output()
    return /[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] first|crew\/first: running/.test(TerminalScreen.after(stdout).join("\n")) ? stdout : undefined
  })
  yield* open(1)
  return { during, ended: yield* running.ended }
})

const summary = [
  /^ {2}✔ first {3}worker +[0-9.]+s {2}completed$/,
  /^ {2}✔ second {2}worker +[0-9.]+s {2}completed$/,
  /^removed 1 team and 1 agent$/,
  /^run [0-9a-f]{16}; what its tasks wrote: telemachy logs [0-9a-f]{16} -v$/,
  /^workflow terminal completed in .*: 2 tasks$/
]

const assertSummary = (screen: ReadonlyArray<string>) => {
  assert.lengthOf(screen, summary.length, screen.join("\n"))
  summary.forEach((line, index) => assert.match(screen[index] ?? "", line))
}

describe.runIf(hasTerminals).concurrent("a run on a terminal", () => {
  test("shows a view with colors while it lasts, and takes it away", () =>
    Effect.gen(function*() {
      const { during, ended } = yield* shown([], { columns: 90 })
      assert.strictEqual(ended.code, 0)
      const view = TerminalScreen.after(during)
      assert.match(view[0] ?? "", /^terminal {2}0\/2 +[0-9.]+s +run [0-9a-f]{16} on http:/)
      assert.match(view.join("\n"), /♥ alive/)
      assert.match(view.join("\n"), /crew 0 of 2/)
      assert.match(ended.stdout, colors)
      assert.isAbove(ended.stdout.lastIndexOf(showCursor), ended.stdout.lastIndexOf(hideCursor))
      assertSummary(TerminalScreen.after(ended.stdout))
    }))

  for (const [how, args, env] of [["--no-color", ["--no-color"], {}], ["NO_COLOR", [], { NO_COLOR: "1" }]] as const) {
    test(`uses no colors with ${how}, neither in log entries`, () =>
      Effect.gen(function*() {
        const { ended } = yield* shown(args, { env: { ...env, LOG_LEVEL: "debug" } })
        assert.strictEqual(ended.code, 0)
        assert.notMatch(ended.stdout, colors)
        assertSummary(TerminalScreen.after(ended.stdout))
      }))
  }

  test("writes log entries without colors into a file", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const { directory, file, open, read } = yield* two
      const env = { ...backend.env, LOG_LEVEL: "debug", HEALTHCHECK_FAILURE_THRESHOLD: "100" }
      const running = yield* onTerminal(["run", file], { directory, env, redirect: "2> log" })
      yield* eventually(backend.tasks, (tasks) => tasks.some(({ status }) => status === "running"))
      yield* backend.setFaults([Faults.Reset(Faults.pings)])
      yield* eventually(Effect.sync(() => read("log")), (log) => log.includes("ping failed"))
      yield* backend.setFaults([])
      yield* open(1)
      assert.strictEqual((yield* running.ended).code, 0)
      assert.notMatch(read("log"), colors)
    }))

  test("shows a view that fits into a small terminal", () =>
    Effect.gen(function*() {
      const { during, ended } = yield* shown([], { columns: 40, rows: 10 })
      assert.strictEqual(ended.code, 0)
      const view = TerminalScreen.after(during)
      assert.isAtMost(view.length, 10)
      for (const line of view) assert.isAtMost(line.length, 40)
    }))

  test("writes a line per event when the terminal does not tell its size", () =>
    Effect.gen(function*() {
      const { ended } = yield* shown(["--no-color"], { columns: 0, rows: 0 })
      assert.strictEqual(ended.code, 0)
      assert.notInclude(ended.stdout, hideCursor)
      assert.include(ended.stdout, "task crew/first: completed")
      assertSummary(TerminalScreen.after(ended.stdout).slice(-summary.length))
    }))

  for (const env of [{ TERM: "dumb" }, { TERM: "unknown" }, { CI: "true", TERM: "xterm" }]) {
    test(`writes a line per event without colors with ${JSON.stringify(env)}`, () =>
      Effect.gen(function*() {
        const { ended } = yield* shown([], { env, columns: 100 })
        assert.strictEqual(ended.code, 0)
        assert.notInclude(ended.stdout, String.fromCodePoint(27))
        assert.include(ended.stdout, "task crew/first: completed")
        assertSummary(TerminalScreen.after(ended.stdout).slice(-summary.length))
      }))
  }

  test("draws no view between the events of --json", () =>
    Effect.gen(function*() {
      const { file } = yield* TestWorkflow.shell("terminal", { first: "true" })
      const running = yield* onTerminal(["run", file, "--json", "--no-color"])
      const ended = yield* running.exited
      assert.strictEqual(ended.code, 0)
      assert.notInclude(ended.stdout, hideCursor)
      assert.strictEqual(ended.events.at(-1)?._tag, "run.finished")
    }))

  test("writes every step above the view when it is verbose", () =>
    Effect.gen(function*() {
      const { ended } = yield* shown(["--verbose", "--no-color"], { columns: 100 })
      assert.strictEqual(ended.code, 0)
      const screen = TerminalScreen.after(ended.stdout)
      assert.isTrue(screen.some((line) => line.includes("agent worker: created")))
      assert.isFalse(screen.some((line) => line.includes("♥")))
      assertSummary(screen.slice(-summary.length))
    }))

  test("gives the terminal back while it is stopped by Ctrl-Z, and is drawn anew when it goes on", () =>
    Effect.gen(function*() {
      const { file, open } = yield* two
      const shell = ["script", "-qec", "stty cols 90 rows 24 -echo; exec bash --norc --noprofile -i", "/dev/null"] as const
      const running = yield* start(shell, { input: typed, terminal: true })
      const output = () => running.output().stdout
      const drawn = (from: number) => /[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] first/.test(output().slice(from)) || undefined
      yield* running.type(`${process.execPath} ${bin} run ${file} --no-color; echo code $?\n`)
      yield* running.until("the view", () => drawn(0))
      yield* running.type("\u001a")
      yield* running.until("the stop", () => output().includes("Stopped") || undefined)
      assert.isAbove(output().lastIndexOf(showCursor), output().lastIndexOf(hideCursor))
      const stopped = output().length
      yield* running.type("fg\n")
      yield* running.until("the view anew", () => drawn(stopped))
      assert.include(output().slice(stopped), hideCursor)
      yield* open(1)
      yield* running.until("the end", () => output().includes("completed in") || undefined)
      yield* running.type("exit\n")
      yield* running.ended
      assert.isAbove(output().lastIndexOf(showCursor), output().lastIndexOf(hideCursor))
    }))

  test("goes on when Ctrl-Z is pressed where no shell could let it go on", () =>
    Effect.gen(function*() {
      const { file, open } = yield* two
      const running = yield* onTerminal(["run", file, "--no-color"])
      const drawn = (from: number) => /[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] first/.test(running.output().stdout.slice(from)) || undefined
      yield* running.until("the view", () => drawn(0))
      const before = running.output().stdout.length
      yield* running.type("\u001a")
      yield* running.until("the view anew", () => running.output().stdout.slice(before).includes(hideCursor) && drawn(before))
      yield* open(1)
      assert.strictEqual((yield* running.ended).code, 0)
    }))

  test("shows no view when it is quiet", () =>
    Effect.gen(function*() {
      const { file } = yield* TestWorkflow.shell("terminal", { first: "true" })
      const running = yield* onTerminal(["run", file, "--quiet", "--no-color"])
      const ended = yield* running.ended
      assert.match(ended.stdout, /^workflow terminal completed in .*: 1 task\r\n$/)
    }))

  test("is cancelled by Ctrl-C, which is said above the view", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const { file } = yield* two
      const running = yield* onTerminal(["run", file, "--no-color"], { env: backend.env, columns: 100 })
      yield* running.until("the first task to run", () => /first +worker.* running/.exec(running.output().stdout) ?? undefined)
      yield* running.type("\u0003")
      const ended = yield* running.ended
      assert.strictEqual(ended.code, 130)
      const screen = TerminalScreen.after(ended.stdout)
      assert.include(screen.join("\n"), "SIGINT: cancelling the run and taking down what it made; once more to stop waiting")
      assert.match(screen.at(-1) ?? "", /^workflow terminal cancelled after /)
      assert.isFalse(screen.some((line) => line.includes("♥")))
      assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
    }))

  test("stops at once at a second Ctrl-C, and leaves on the screen what is not removed", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const { file } = yield* two
      yield* backend.setFaults([Faults.Hang({ method: "DELETE" })])
      const env = { ...backend.env, TEARDOWN_GRACE_SECONDS: "3600", REQUEST_TIMEOUT_SECONDS: "3600" }
      const running = yield* onTerminal(["run", file, "--no-color"], { env, columns: 200 })
      yield* running.until("the first task to run", () => /first +worker.* running/.exec(running.output().stdout) ?? undefined)
      yield* running.type("\u0003")
      yield* eventually(backend.requestLog, (entries) => entries.some(({ method }) => method === "DELETE"))
      const ended = yield* again(running.type("\u0003"), running.ended)
      assert.strictEqual(ended.code, 130)
      const screen = TerminalScreen.after(ended.stdout)
      const from = screen.findIndex((line) => line.startsWith("stopped without waiting; not removed: 1 team and 1 agent; remove with: "))
      assert.lengthOf(screen.slice(from), 3, screen.join("\n"))
      assert.isFalse(screen.some((line) => line.includes("♥")), screen.join("\n"))
      assert.isAbove(ended.stdout.lastIndexOf(showCursor), ended.stdout.lastIndexOf(hideCursor))
      for (const { id } of yield* TestBackend.remaining(backend)) assert.include(screen.join("\n"), id)
    }))
})

describe.runIf(hasTerminals).concurrent("list on a terminal", () => {
  test("fits 80 columns, with whole ids", () =>
    Effect.gen(function*() {
      const { directory, file } = yield* TestWorkflow.shell("a-workflow-with-a-name-that-is-rather-long", { only: "true" })
      const ran = yield* run(["run", file, "--json", "--timeout", "0.001"], { directory })
      assert.strictEqual(ran.code, 4)
      const listed = yield* onTerminal(["list", "--no-color"], { directory, columns: 80 })
      const screen = TerminalScreen.after((yield* listed.ended).stdout)
      assert.lengthOf(screen, 2, screen.join("\n"))
      for (const line of screen) assert.isAtMost(line.length, 80)
      assert.match(screen[1] ?? "", new RegExp(`^a-workflow-w.*…  ${ran.events[0]?.run}  timed_out  `))
    }))
})
