import { renameSync } from "node:fs"
import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestBackend from "../support/TestBackend.ts"
import { bin, run, start, telemachy, test } from "../support/TestCommand.ts"
import * as TestWorkflow from "../support/TestWorkflow.ts"

const ends = {
  completed: { task: "true", args: [], code: 0 },
  failed: { task: "exit 3", args: [], code: 1 },
  timed_out: { task: "sleep 60", args: ["--timeout", "10"], code: 4 },
  cancelled: { task: "sleep 60", args: [], code: 143 }
} as const

// The rest of the table is covered where no process has to be started, and by the outages.
const cases = [
  ["completed", "on_failure", "keep"],
  ["completed", "never", "keep"],
  ["failed", "on_completion", "keep"],
  ["failed", "on_failure", "remove"],
  ["timed_out", "on_completion", "keep"],
  ["timed_out", "on_failure", "remove"],
  ["cancelled", "never", "keep"],
  ["cancelled", "on_completion", "remove"]
] as const

describe.concurrent("teardown", () => {
  for (const [outcome, policy, decision] of cases) {
    test(`of a run that is ${outcome} under ${policy}: ${decision}`, () =>
      Effect.gen(function*() {
        const backend = yield* TestBackend.make()
        const { args, code, task } = ends[outcome]
        const { file } = yield* TestWorkflow.shell("policy", { only: task }, { teardown: "never" })
        const running = yield* telemachy(["run", file, "--json", "--teardown", policy, ...args], { env: backend.env })
        if (outcome === "cancelled") {
          yield* running.event("task.progressed")
          yield* running.signal("SIGTERM")
        }
        const ended = yield* running.ended
        assert.strictEqual(ended.code, code, ended.stderr)
        assert.deepInclude(ended.events.find(({ _tag }) => _tag === "run.decided"), { outcome })
        yield* TestBackend.assertAllNamed(backend, ended)
        const there = yield* TestBackend.remaining(backend)
        if (decision === "remove") return assert.deepStrictEqual(there, [])
        assert.lengthOf(there, 2)
        assert.include(ended.stderr, "kept 1 team and 1 agent on purpose; remove with: telemachy cleanup ")
        const removal = yield* run(["teardown", file], { env: backend.env })
        assert.strictEqual(removal.code, 0, removal.stderr)
        assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
      }))
  }

  test("of a run that is not recorded names its file as the shell reads it", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const { directory, file } = yield* TestWorkflow.shell("policy", { only: "true" }, { teardown: "never" })
      const name = "-the `id` of $HOME's flow.yaml"
      renameSync(file, join(directory, name))
      const env = { ...backend.env, TELEMACHY_DATABASE_URL: "memory:" }
      const ended = yield* run(["run", "--", name], { env, directory })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.lengthOf(yield* TestBackend.remaining(backend), 2)
      const removal = /remove with: (telemachy teardown .*)$/m.exec(ended.stdout)?.[1] ?? ""
      const script = `telemachy() { ${process.execPath} ${bin} "$@"; }; ${removal}`
      const removed = yield* Effect.flatMap(start(["sh", "-c", script], { env: backend.env, directory }), (shell) => shell.ended)
      assert.strictEqual(removed.code, 0, removed.stderr)
      assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
    }))
})
