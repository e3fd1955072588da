import { randomUUID } from "node:crypto"
import { chmodSync, closeSync, copyFileSync, existsSync, mkdirSync, openSync } from "node:fs"
import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { WorkflowInput } from "../../src/workflow/WorkflowSpec.ts"
import { eventually } from "../support/HttpQuestion.ts"
import { again, directoryWith, lastLine, processesWith, run, telemachy, test } from "../support/TestCommand.ts"
import * as TestWorkflow from "../support/TestWorkflow.ts"

/** Waits until no process is there that was started with this in its environment. */
const noneLeft = (mark: string) => eventually(processesWith(mark), (processes) => processes.length === 0)

/** A program that does not end by itself, whose child does not either, and what each does about SIGTERM. */
const stubborn = "trap '' TERM HUP INT; sleep 3600 & setsid sleep 3600 & echo > started; sleep 3600; wait"
const obedient = "sleep 3600 & echo > started; sleep 3600"

describe.concurrent("a run on the embedded Agamemnon", () => {
  test("starts real programs, with the task on standard input and in the environment", () =>
    Effect.gen(function*() {
      const { file, read } = yield* TestWorkflow.shell("programs", {
        greet: "printf '%s|%s|%s|' \"$TELEMACHY_AGENT\" \"$TELEMACHY_TASK_SUBJECT\" \"$TELEMACHY_WORKFLOW\" > greeting",
        more: "env > environment; echo seen"
      })
      const env = { AGAMEMNON_API_KEY: randomUUID() }
      const ended = yield* run(["run", file, "--verbose"], { env })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.match(lastLine(ended.stdout), /^workflow programs completed in .*: 2 tasks$/)
      assert.strictEqual(read("greeting"), "worker|greet|programs|")
      assert.include(ended.stdout, "| seen\n")
      // The key of another Agamemnon is none of a program's business.
      assert.notInclude(read("environment"), env.AGAMEMNON_API_KEY)
    }))

  test("fails with a program that fails, and quotes what it wrote last", () =>
    Effect.gen(function*() {
      const { file } = yield* TestWorkflow.shell("programs", { only: "echo line one; echo the reason >&2; exit 7" })
      const ended = yield* run(["run", file])
      assert.strictEqual(ended.code, 1)
      assert.strictEqual(lastLine(ended.stderr), "workflow programs failed: 1 of 1 tasks did not complete: crew/only failed")
      assert.include(ended.stdout, "crew/only wrote:\n  line one\n  the reason\n  [sh ended with exit code 7]\n")
    }))

  test("tells and records how a program ended, beside what it wrote", () =>
    Effect.gen(function*() {
      const { file } = yield* TestWorkflow.shell("programs", { code: "printf 'a word'; exit 7", signal: "echo 'a word'; kill -9 $$", quiet: "exit 3" })
      const ended = yield* run(["run", file, "--json"])
      assert.strictEqual(ended.code, 1)
      const results = ended.events.flatMap((event) => event._tag === "task.finished" ? [[event.subject, event.result]] : [])
      assert.deepStrictEqual(Object.fromEntries(results), {
        code: "a word\n[sh ended with exit code 7]\n",
        signal: "a word\n[sh was ended by SIGKILL]\n",
        quiet: "sh ended with exit code 3 and wrote nothing"
      })
      assert.include(ended.stderr, "crew/signal wrote:\n  a word\n  [sh was ended by SIGKILL]\n")
    }))

  test("says of a program that is being written that it is", () =>
    Effect.gen(function*() {
      const { directory, file } = yield* TestWorkflow.write((place) => ({
        metadata: { name: "programs" },
        agents: [{ name: "worker", program: "./busy", working_dir: place }],
        teams: [{ name: "crew", agents: ["worker"], tasks: [{ subject: "only", description: "d", assign_to: "worker" }] }]
      }))
      const program = join(directory, "busy")
      copyFileSync("/bin/sh", program)
      yield* Effect.acquireRelease(
        Effect.sync(() => openSync(program, "r+")),
        (descriptor) => Effect.sync(() => closeSync(descriptor))
      )
      const ended = yield* run(["run", file])
      assert.strictEqual(ended.code, 1, ended.stderr)
      assert.include(ended.stdout, `${program} could not be started: it is being written by another program just now\n`)
    }))

  test("starts the command line that TELEMACHY_PROGRAMS gives a name", () =>
    Effect.gen(function*() {
      const { file, read } = yield* TestWorkflow.write((directory) => ({
        metadata: { name: "programs" },
        agents: [{ name: "worker", program: "claude-code", model: "gpt 4 --yes", working_dir: directory }],
        teams: [{ name: "crew", agents: ["worker"], tasks: [{ subject: "only", description: "d", assign_to: "worker" }] }]
      }))
      const ended = yield* run(["run", file], { env: { TELEMACHY_PROGRAMS: "claude-code=echo called with > called; printf '%s\\n' >> called" } })
      // A pair ends at a semicolon.
      assert.strictEqual(ended.code, 2, ended.stderr)
      const again = yield* run(["run", file], { env: { TELEMACHY_PROGRAMS: "claude-code=printf '%s\\n' > called" } })
      assert.strictEqual(again.code, 0, again.stderr)
      assert.strictEqual(read("called"), "--model\ngpt 4 --yes\n")
    }))

  test("leaves no process behind, not even one that its programs started and forgot", () =>
    Effect.gen(function*() {
      const MARK = randomUUID()
      const { file, exists } = yield* TestWorkflow.shell("programs", { only: "sleep 3600 & echo > started" })
      const ended = yield* run(["run", file], { env: { MARK } })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.isTrue(exists("started"))
      assert.deepStrictEqual(yield* processesWith(MARK), [])
    }))

  test("leaves no process behind when its limit passes", () =>
    Effect.gen(function*() {
      const MARK = randomUUID()
      const { file, exists } = yield* TestWorkflow.shell("programs", { only: obedient })
      const ended = yield* run(["run", file, "--timeout", "3"], { env: { MARK } })
      assert.strictEqual(ended.code, 4, ended.stderr)
      assert.match(lastLine(ended.stderr), /^workflow programs failed: timed out after 3s$/)
      assert.isTrue(exists("started"))
      assert.deepStrictEqual(yield* processesWith(MARK), [])
    }))

  for (const [name, program] of [["obeys", obedient], ["does not obey", stubborn]] as const) {
    test(`leaves no process behind after a signal, when its program ${name}`, () =>
      Effect.gen(function*() {
        const MARK = randomUUID()
        const { file, exists } = yield* TestWorkflow.shell("programs", { only: program })
        const running = yield* telemachy(["run", file], { env: { MARK } })
        yield* eventually(Effect.sync(() => exists("started")), (started) => started)
        yield* running.signal("SIGINT")
        const ended = yield* running.ended
        assert.strictEqual(ended.code, 130, ended.stderr)
        assert.deepStrictEqual(yield* processesWith(MARK), [])
      }))
  }

  test("leaves no process behind after a second signal, though its program does not obey", () =>
    Effect.gen(function*() {
      const MARK = randomUUID()
      const { file, exists } = yield* TestWorkflow.shell("programs", { only: stubborn })
      const running = yield* telemachy(["run", file], { env: { MARK } })
      yield* eventually(Effect.sync(() => exists("started")), (started) => started)
      yield* running.signal("SIGINT")
      yield* running.until("the cancellation", () => /SIGINT: cancelling/.exec(running.output().stderr) ?? undefined)
      const ended = yield* again(running.signal("SIGINT"), running.ended)
      assert.strictEqual(ended.code, 130, ended.stderr)
      // The kernel takes them away on its own time.
      yield* noneLeft(MARK)
    }))

  test("leaves no program behind when it is killed, whatever that does about signals", () =>
    Effect.gen(function*() {
      const mark = randomUUID()
      // One with a group of its own, and without the environment that it was started in.
      const unmarked = "bash -c 'set -m; env -i sleep 3600 & echo $! > unmarked'"
      const { exists, file, read } = yield* TestWorkflow.shell("programs", { only: `${unmarked}; ${stubborn}` })
      const running = yield* telemachy(["run", file, "--json"], { env: { MARK: mark } })
      yield* eventually(Effect.sync(() => exists("started")), (isStarted) => isStarted)
      yield* running.signal("SIGKILL")
      assert.strictEqual((yield* running.ended).signal, "SIGKILL")
      yield* noneLeft(mark)
      yield* eventually(Effect.sync(() => existsSync(`/proc/${read("unmarked").trim()}/exe`)), (isThere) => !isThere)
    }))
})

const refusals: ReadonlyArray<readonly [string, Partial<WorkflowInput["agents"][number]>, RegExp]> = [
  ["a program that is not there", { program: "no-such-program" }, /^agent "worker": program no-such-program was not found on PATH; install it, or choose another program\n$/],
  ["a program at a path that is not there", { program: "./nothing" }, /^agent "worker": program \/.*\/nothing does not exist; check its path, or choose another program\n$/],
  ["a program that is not executable", { program: "./plain.txt" }, /^agent "worker": \/.*\/plain\.txt is not executable; make it so with chmod \+x /],
  ["a directory as a program", { program: "./folder" }, /^agent "worker": \/.*\/folder is a directory, not a program; name a program in it\n$/],
  ["a script that was saved on Windows", { program: "./windows" }, /^agent "worker": the first line of \/.*\/windows ends with CR LF, as on Windows; save it with /],
  ["a script whose interpreter is not there", { program: "./lost" }, /^agent "worker": interpreter \/no\/such\/sh of \/.*\/lost does not exist; install it, or name another /],
  ["a directory that is not there", { working_dir: "/no/such/directory" }, /^agent "worker": directory \/no\/such\/directory does not exist; create it, or choose another working_dir\n$/],
  ["a directory that is a file", { working_dir: "plain.txt" }, /^agent "worker": \/.*\/plain\.txt is not a directory; create it, or choose another working_dir\n$/],
  ["a container", { runtime: "docker", docker_image: "image:1" }, /^agent "worker": runtime docker is not possible on the embedded Agamemnon; use runtime local, or set AGAMEMNON_URL\n$/]
]

describe.concurrent("a model", () => {
  test("is refused when the program would take it for a flag", () =>
    Effect.gen(function*() {
      const flow = {
        metadata: { name: "programs" },
        agents: [{ name: "worker", program: "sh", model: "--dangerously" }],
        teams: [{ name: "crew", agents: ["worker"], tasks: [{ subject: "only", description: "d", assign_to: "worker" }] }]
      }
      const ended = yield* run(["run", "-"], { input: JSON.stringify(flow) })
      assert.strictEqual(ended.code, 2, ended.stderr)
      assert.match(ended.stderr, /agents\[0\]\.model \(agent "worker"\): found "--dangerously", expected the name of a model, which does not begin with -/)
    }))
})

describe.concurrent("a command line of TELEMACHY_PROGRAMS", () => {
  test("whose command is not there is refused before anything starts", () =>
    Effect.gen(function*() {
      const flow = {
        metadata: { name: "programs" },
        agents: [{ name: "worker", program: "tests" }],
        teams: [{ name: "crew", agents: ["worker"], tasks: [{ subject: "only", description: "d", assign_to: "worker" }] }]
      }
      const env = { TELEMACHY_PROGRAMS: "tests='no such command' -x; quoted=echo 'a; b'" }
      const ended = yield* run(["run", "-", "--json"], { env, input: JSON.stringify(flow) })
      assert.strictEqual(ended.code, 2, ended.stderr)
      assert.strictEqual(ended.stdout, "")
      assert.strictEqual(
        ended.stderr,
        "agent \"worker\": command no such command of program tests was not found on PATH; install it, or give tests another command line\n"
      )
    }))
})

describe.concurrent("the embedded Agamemnon refuses, before anything starts,", () => {
  for (const [what, agent, says] of refusals) {
    test(what, () =>
      Effect.gen(function*() {
        const directory = yield* directoryWith({
          "plain.txt": "not a program",
          windows: "#!/bin/sh\r\necho\r\n",
          lost: "#! /no/such/sh -e\n"
        })
        mkdirSync(join(directory, "folder"))
        for (const script of ["windows", "lost"]) chmodSync(join(directory, script), 0o755)
        const flow = {
          metadata: { name: "programs" },
          agents: [{ name: "worker", program: "sh", working_dir: directory, ...agent }],
          teams: [{ name: "crew", agents: ["worker"], tasks: [{ subject: "only", description: "d", assign_to: "worker" }] }]
        }
        const ended = yield* run(["run", "-", "--json"], { directory, input: JSON.stringify(flow) })
        assert.strictEqual(ended.code, 2, ended.stderr)
        assert.strictEqual(ended.stdout, "")
        assert.match(ended.stderr, says)
      }))
  }

  test("all of them at once", () =>
    Effect.gen(function*() {
      const flow = {
        metadata: { name: "programs" },
        agents: [{ name: "one", program: "no-such-program" }, { name: "two", program: "sh", working_dir: join("/no", "such") }],
        teams: [{ name: "crew", agents: ["one", "two"], tasks: [{ subject: "only", description: "d", assign_to: "one" }] }]
      }
      const ended = yield* run(["run", "-"], { input: JSON.stringify(flow) })
      assert.strictEqual(ended.code, 2)
      assert.match(ended.stderr, /^agent "one": .*\nagent "two": .*\n$/)
    }))
})
