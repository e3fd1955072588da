import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as RecordFile from "../support/RecordFile.ts"
import * as TestBackend from "../support/TestBackend.ts"
import { emptyDirectory, lastLine, run, telemachy, test } from "../support/TestCommand.ts"
import * as TestWorkflow from "../support/TestWorkflow.ts"

const waiting = TestWorkflow.shell("twice", { only: "read _ < gate; echo x >> done" })

/** An Agamemnon and a journal on which a run of a workflow is at work. */
const atWork = Effect.gen(function*() {
  const backend = yield* TestBackend.make()
  const env = { ...backend.env, ...RecordFile.inFile(join(yield* emptyDirectory, "runs.db")) }
  const flow = yield* waiting
  const first = yield* telemachy(["run", flow.file, "--json"], { env })
  yield* first.event("task.progressed")
  const { run: id } = yield* first.event("run.started")
  return { backend, env, first, id, ...flow }
})

describe.concurrent("a workflow that is running", () => {
  test("is refused a second time, with who is running it and since when, and nothing is touched", () =>
    Effect.gen(function*() {
      const { backend, env, file, first, id, open, read } = yield* atWork
      const second = yield* run(["run", file, "--json"], { env })
      assert.strictEqual(second.code, 2)
      assert.strictEqual(second.stdout, "")
      assert.match(second.stderr, new RegExp(`^workflow twice is running: run ${id}, process ${first.pid} on \\S+, since \\S+$`, "m"))
      assert.match(second.stderr, /^--join watches the other run to its end; --separate makes agents and teams of its own$/m)
      const teardown = yield* run(["teardown", file], { env })
      assert.deepStrictEqual([teardown.code, teardown.stdout], [2, ""])
      assert.match(teardown.stderr, new RegExp(`^workflow twice is running: run ${id}, `))
      assert.lengthOf(yield* TestBackend.remaining(backend), 2)
      yield* open(1)
      assert.strictEqual((yield* first.ended).code, 0)
      assert.strictEqual(read("done"), "x\n")
    }))

  for (const [name, end, code] of [["completes", "true", 0], ["fails", "false", 1]] as const) {
    test(`is watched with --join to its end, which ${name}: exit ${code}`, () =>
      Effect.gen(function*() {
        const backend = yield* TestBackend.make()
        const env = { ...backend.env, ...RecordFile.inFile(join(yield* emptyDirectory, "runs.db")) }
        const { file, open } = yield* TestWorkflow.shell("twice", { only: `read _ < gate; ${end}` })
        const first = yield* telemachy(["run", file, "--json"], { env })
        yield* first.event("task.progressed")
        const joined = yield* telemachy(["run", file, "--join", "--json"], { env })
        yield* joined.event("task.progressed")
        yield* open(1)
        const [one, other] = [yield* first.ended, yield* joined.ended]
        assert.deepStrictEqual([one.code, other.code], [code, code])
        assert.deepStrictEqual(other.events, one.events)
        assert.strictEqual(lastLine(other.stderr), lastLine(one.stderr))
        assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
      }))
  }

  test("is run with --separate beside it, and each removes its own", () =>
    Effect.gen(function*() {
      const { backend, env, file, first, open, read } = yield* atWork
      const second = yield* telemachy(["run", file, "--separate", "--json"], { env })
      yield* second.event("task.progressed")
      assert.lengthOf(yield* TestBackend.remaining(backend), 4)
      yield* open(2)
      assert.deepStrictEqual([(yield* first.ended).code, (yield* second.ended).code], [0, 0])
      assert.strictEqual(read("done"), "x\nx\n")
      assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
    }))

  test("is not run with --join and --separate at once", () =>
    Effect.gen(function*() {
      const { file } = yield* waiting
      const ended = yield* run(["run", file, "--join", "--separate"])
      assert.strictEqual(ended.code, 2)
      assert.match(ended.stderr, /^run: --join and --separate exclude each other: /m)
    }))
})

describe.concurrent("a workflow that was run", () => {
  test("does again what has changed in its file, and says so", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const env = { ...backend.env, ...RecordFile.inFile(join(yield* emptyDirectory, "runs.db")) }
      const before = { same: "echo same >> done", other: "echo before >> done" }
      const { file, read } = yield* TestWorkflow.shell("edited", before, { teardown: "never" })
      assert.strictEqual((yield* run(["run", file], { env })).code, 0)
      writeFileSync(file, readFileSync(file, "utf8").replace("echo before", "echo after"))
      const again = yield* run(["run", file], { env })
      assert.strictEqual(again.code, 0, again.stderr)
      assert.match(again.stdout, /task crew\/other: submitting it anew, because its declaration has changed/)
      assert.match(again.stdout, /task crew\/same: completed earlier/)
      assert.strictEqual(read("done"), "same\nbefore\nafter\n")
    }))

  test("is taken down by telemachy teardown, and list knows of it", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const env = { ...backend.env, ...RecordFile.inFile(join(yield* emptyDirectory, "runs.db")) }
      const { file } = yield* TestWorkflow.shell("kept", { only: "true" }, { teardown: "never" })
      const kept = yield* run(["run", file, "--json"], { env })
      assert.strictEqual(kept.code, 0)
      const removed = yield* run(["teardown", file], { env })
      assert.strictEqual(removed.code, 0, removed.stderr)
      assert.match(removed.stdout, /^removed team crew \(\S+\)\nremoved agent worker \(\S+\)\n$/)
      assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
      const status = yield* run(["status", kept.events[0]?.run ?? ""], { env })
      assert.match(status.stdout, /^removed 1 team and 1 agent$/m)
      assert.notMatch(status.stdout, /^kept \d/m)
      assert.strictEqual((yield* run(["teardown", file], { env })).stdout, "nothing of workflow kept is left\n")
    }))
})
