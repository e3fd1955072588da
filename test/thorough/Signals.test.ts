import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Faults from "../../src/embedded/Faults.ts"
import { eventually } from "../support/HttpQuestion.ts"
import * as TestBackend from "../support/TestBackend.ts"
import { again, bin, commandsWith, lastLine, listensToSignals, onTerminal, run, start, telemachy, test, typed } from "../support/TestCommand.ts"
import * as TestWorkflow from "../support/TestWorkflow.ts"

const codes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

const waiting = TestWorkflow.shell("signals", { only: TestWorkflow.wait })

describe.concurrent("a signal", () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    test(`${signal} cancels a run, takes down what it made, and exits ${codes[signal]}`, () =>
      Effect.gen(function*() {
        const backend = yield* TestBackend.make()
        const { file } = yield* waiting
        const running = yield* telemachy(["run", file, "--json"], { env: backend.env })
        yield* running.event("task.progressed")
        yield* running.signal(signal)
        const ended = yield* running.ended
        assert.strictEqual(ended.code, codes[signal], ended.stderr)
        assert.include(ended.stderr, `${signal}: cancelling the run and taking down what it made; once more to stop waiting\n`)
        assert.match(lastLine(ended.stderr), /^workflow signals cancelled after /)
        assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
      }))

    test(`${signal} counts once, however many copies of it are sent on by others`, () =>
      Effect.gen(function*() {
        const backend = yield* TestBackend.make()
        const { file } = yield* waiting
        yield* backend.setFaults([Faults.Slow({ method: "DELETE", delay: 500 })])
        const running = yield* telemachy(["run", file, "--json"], { env: backend.env })
        yield* running.event("task.progressed")
        yield* running.signal(signal)
        yield* running.until("the first", () => running.output().stderr.includes(`${signal}: `) || undefined)
        yield* Effect.replicateEffect(running.signal(signal), 3)
        const ended = yield* running.ended
        assert.strictEqual(ended.code, codes[signal], ended.stderr)
        assert.match(lastLine(ended.stderr), /^workflow signals cancelled after /)
        assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
      }))

    test(`${signal} during a teardown that hangs, after another, stops at once and names what is left`, () =>
      Effect.gen(function*() {
        const backend = yield* TestBackend.make()
        const { file } = yield* waiting
        yield* backend.setFaults([Faults.Hang({ method: "DELETE" })])
        const env = { ...backend.env, TEARDOWN_GRACE_SECONDS: "3600", REQUEST_TIMEOUT_SECONDS: "3600" }
        const running = yield* telemachy(["run", file, "--json"], { env })
        yield* running.event("task.progressed")
        yield* running.signal("SIGTERM")
        yield* eventually(backend.requestLog, (entries) => entries.some(({ method }) => method === "DELETE"))
        const ended = yield* again(running.signal(signal), running.ended)
        // The code tells how the run was cancelled: by the first.
        assert.strictEqual(ended.code, codes.SIGTERM, ended.stderr)
        const left = yield* TestBackend.remaining(backend)
        assert.lengthOf(left, 2)
        assert.include(ended.stderr, "stopped without waiting; not removed: 1 team and 1 agent; remove with: telemachy cleanup ")
        for (const { id } of left) assert.include(ended.stderr, id)
        yield* backend.setFaults([])
        const removal = yield* run(["teardown", file], { env: backend.env })
        assert.strictEqual(removal.code, 0, removal.stderr)
        assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
      }))
  }

  for (const [program, code, word] of [["true", 0, "completed"], ["false", 1, "failed"]] as const) {
    test(`during the teardown of a run that has ${word} changes neither its outcome nor its exit code`, () =>
      Effect.gen(function*() {
        const backend = yield* TestBackend.make()
        const { file } = yield* TestWorkflow.shell("signals", { only: program })
        yield* backend.setFaults([Faults.Slow({ method: "DELETE", delay: 700 })])
        const running = yield* telemachy(["run", file, "--json", "--teardown", "always"], { env: backend.env })
        yield* running.event("teardown.started")
        yield* running.signal("SIGINT")
        const ended = yield* running.ended
        assert.strictEqual(ended.code, code, ended.stderr)
        assert.match(ended.stderr, /^SIGINT: taking down what the run made goes on; once more to stop waiting$/m)
        assert.match(lastLine(ended.stderr) ?? "", new RegExp(`^workflow signals ${word}`))
        assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
      }))
  }

  test("during the teardown of a run that has timed out changes neither its outcome nor its exit code", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const { file } = yield* waiting
      yield* backend.setFaults([Faults.Slow({ method: "DELETE", delay: 700 })])
      const running = yield* telemachy(["run", file, "--json", "--timeout", "2"], { env: backend.env })
      yield* running.event("teardown.started")
      yield* running.signal("SIGTERM")
      const ended = yield* running.ended
      assert.strictEqual(ended.code, 4, ended.stderr)
      assert.match(lastLine(ended.stderr), /^workflow signals failed: timed out after /)
      assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
    }))

  test("while the teardown of a run that has lost Agamemnon waits for it changes neither its outcome nor its exit code", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const { file } = yield* waiting
      const running = yield* telemachy(["run", file, "--json"], { env: { ...backend.env, TEARDOWN_GRACE_SECONDS: "60" } })
      yield* running.event("task.progressed")
      yield* backend.setFaults([Faults.Refuse()])
      yield* running.event("teardown.waiting")
      yield* running.signal("SIGINT")
      yield* running.until("what it says", () => /SIGINT: taking down what the run made goes on/.exec(running.output().stderr) ?? undefined)
      yield* backend.setFaults([])
      const ended = yield* running.ended
      assert.strictEqual(ended.code, 3, ended.stderr)
      assert.match(lastLine(ended.stderr), /^workflow signals failed: connectivity lost, /)
      assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
    }))

  for (const [program, code] of [["true", 5], ["false", 1]] as const) {
    test(`a second time during a teardown that hangs ends at once with ${code} when the task was "${program}", and names what is left`, () =>
      Effect.gen(function*() {
        const backend = yield* TestBackend.make()
        const { file } = yield* TestWorkflow.shell("signals", { only: program })
        yield* backend.setFaults([Faults.Hang({ method: "DELETE" })])
        const env = { ...backend.env, TEARDOWN_GRACE_SECONDS: "3600", REQUEST_TIMEOUT_SECONDS: "3600" }
        const running = yield* telemachy(["run", file, "--json"], { env })
        yield* eventually(backend.requestLog, (entries) => entries.some(({ method }) => method === "DELETE"))
        yield* running.signal("SIGINT")
        yield* running.until("what it says", () => /goes on; once more to stop waiting/.exec(running.output().stderr) ?? undefined)
        const ended = yield* again(running.signal("SIGINT"), running.ended)
        assert.strictEqual(ended.code, code, ended.stderr)
        assert.include(ended.stderr, "stopped without waiting; not removed: 1 team and 1 agent; remove with: telemachy cleanup ")
        for (const { id } of yield* TestBackend.remaining(backend)) assert.include(ended.stderr, id)
      }))
  }

  test("in the last moments of a run that is over, however many of them, does not change its exit code", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const { file } = yield* TestWorkflow.shell("signals", { only: "true" })
      for (const pause of [0, 10, 30, 60, 100]) {
        const running = yield* telemachy(["run", file, "--json", "--force"], { env: backend.env })
        yield* running.event("run.finished")
        yield* Effect.sleep(pause)
        yield* Effect.repeatN(Effect.zipLeft(running.signal(pause % 20 === 0 ? "SIGINT" : "SIGTERM"), Effect.sleep("5 millis")), 40)
        const ended = yield* running.ended
        assert.deepStrictEqual([ended.code, ended.signal], [0, null], `${pause} ms after the last event: ${ended.stderr}`)
      }
    }))

  test("ends a command that waits for whoever reads what it has written, with its code", () =>
    Effect.gen(function*() {
      // More than a pipe holds, and a reader that does not read.
      const command = `${process.execPath} ${bin} agamemnon --openapi`
      const script = `mkfifo pipe; ${command} > pipe & child=$!; exec 3< pipe; sleep 5; kill -TERM $child; wait $child; echo "code $?"`
      const running = yield* start(["sh", "-c", script])
      const ended = yield* running.ended
      assert.match(ended.stdout, /^code 0$/m)
    }))

  test("SIGHUP cancels a run on a terminal, takes down what it made, and exits 129", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const { file } = yield* waiting
      const running = yield* onTerminal(["run", file, "--json"], { env: backend.env, redirect: "2> errors" })
      yield* running.event("task.progressed")
      for (const pid of yield* commandsWith(backend.env.AGAMEMNON_URL)) process.kill(pid, "SIGHUP")
      const ended = yield* running.ended
      assert.strictEqual(ended.code, 129, ended.stdout)
      assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
    }))

  test("takes down what a run made when its terminal is closed", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const { file } = yield* waiting
      const running = yield* onTerminal(["run", file], { env: backend.env })
      yield* running.until("the task to run", () => /▸|running/.exec(running.output().stdout) ?? undefined)
      yield* running.signal("SIGKILL")
      yield* eventually(commandsWith(backend.env.AGAMEMNON_URL), (commands) => commands.length === 0)
      assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
    }))

  test("SIGHUP does nothing to a run without a terminal, as nohup leaves it", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const { file, open } = yield* waiting
      const running = yield* start(
        ["sh", "-c", `trap "" HUP; exec ${process.execPath} ${bin} run ${file} --json`],
        { env: backend.env }
      )
      yield* running.event("task.progressed")
      yield* running.signal("SIGHUP")
      yield* open(1)
      const ended = yield* running.ended
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.notInclude(ended.stderr, "SIGHUP")
    }))

  test("ends a run that waits for an answer to its first ping, which makes nothing", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const { file } = yield* waiting
      yield* backend.setFaults([Faults.Hang({})])
      const env = { ...backend.env, HEALTHCHECK_TIMEOUT_SECONDS: "3600" }
      const running = yield* telemachy(["run", file, "--json"], { env })
      yield* eventually(backend.requests, (requests) => requests === 1)
      yield* running.signal("SIGINT")
      const ended = yield* running.ended
      assert.strictEqual(ended.code, 130, ended.stderr)
      assert.match(lastLine(ended.stderr), /^workflow signals cancelled after /)
    }))

  test("removes an agent whose create was never answered", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const { file } = yield* waiting
      yield* backend.setFaults([Faults.Slow({ method: "POST", path: "/v1/agents", delay: "1 hour" })])
      const env = { ...backend.env, REQUEST_TIMEOUT_SECONDS: "3600" }
      const running = yield* telemachy(["run", file, "--json"], { env })
      yield* eventually(backend.agents, (agents) => agents.length === 1)
      yield* running.signal("SIGINT")
      const ended = yield* running.ended
      assert.strictEqual(ended.code, 130, ended.stderr)
      assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
      assert.include(ended.stderr, "removed 1 agent\n")
    }))

  test("cancels a run on the embedded Agamemnon, too", () =>
    Effect.gen(function*() {
      const { file } = yield* waiting
      const running = yield* telemachy(["run", file, "--json"])
      yield* running.event("task.progressed")
      yield* running.signal("SIGINT")
      const ended = yield* running.ended
      assert.strictEqual(ended.code, 130, ended.stderr)
      assert.match(lastLine(ended.stderr), /^workflow signals cancelled after /)
      assert.deepInclude(ended.events.at(-1), { _tag: "run.finished", outcome: "cancelled", left: 0, kept: 0 })
    }))

  for (const command of ["plan", "teardown"]) {
    test(`ends ${command} while it waits for an answer`, () =>
      Effect.gen(function*() {
        const backend = yield* TestBackend.make()
        const { file } = yield* waiting
        yield* backend.setFaults([Faults.Hang({})])
        const running = yield* telemachy([command, file], { env: { ...backend.env, REQUEST_TIMEOUT_SECONDS: "3600" } })
        yield* eventually(backend.requests, (requests) => requests === 1)
        yield* running.signal("SIGINT")
        const ended = yield* running.ended
        assert.strictEqual(ended.code, 130, ended.stderr)
      }))
  }

  test("ends a run that waits for its workflow on standard input", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const running = yield* telemachy(["run", "-"], { env: { ...backend.env, LOG_LEVEL: "debug" }, input: typed })
      // Nothing is said before the workflow is there; the signal comes once the command can hear it.
      yield* running.type("metadata: {name: half")
      yield* eventually(listensToSignals(running.pid), (does) => does)
      yield* running.signal("SIGINT")
      const ended = yield* running.ended
      assert.strictEqual(ended.code, 130, ended.stderr)
    }))
})
