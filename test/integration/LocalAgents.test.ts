import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { eventually } from "../support/HttpQuestion.ts"
import { run, telemachy, test } from "../support/TestCommand.ts"
import * as TestWorkflow from "../support/TestWorkflow.ts"

/** Says that it is at work, and waits for a gate. */
const atWork = `echo >> at-work; ${TestWorkflow.wait}`

describe.concurrent("MAX_LOCAL_AGENTS", () => {
  test("holds for two commands of one home, of which a killed one has no place any longer", () =>
    Effect.gen(function*() {
      const { directory, file, open, read } = yield* TestWorkflow.shell("crowded", { only: atWork })
      const env = { MAX_LOCAL_AGENTS: "1", HOME: directory }
      const options = { env: { ...env, TELEMACHY_DATABASE_URL: "memory:" } }
      const first = yield* telemachy(["run", file, "--json", "--separate"], options)
      yield* first.until("the first at work", () => first.events().find(({ _tag }) => _tag === "task.progressed"))
      const second = yield* telemachy(["run", file, "--json", "--separate"], options)
      yield* second.event("task.submitted")
      yield* Effect.sleep("1 second")
      assert.strictEqual(read("at-work"), "\n")
      assert.notInclude(second.events().map(({ _tag }) => _tag), "task.progressed")
      yield* first.signal("SIGKILL")
      yield* second.event("task.progressed")
      yield* open(1)
      yield* eventually(Effect.sync(() => read("at-work")), (lines) => lines === "\n\n")
      assert.strictEqual((yield* second.ended).code, 0)
    }))

  test("lets a run of more agents than there are places come to its end", () =>
    Effect.gen(function*() {
      const { file } = yield* TestWorkflow.write((directory) => ({
        metadata: { name: "crowd" },
        agents: ["a", "b", "c", "d"].map((name) => ({ name, program: "sh", working_dir: directory })),
        teams: [{
          name: "crew",
          agents: ["a", "b", "c", "d"],
          tasks: ["a", "b", "c", "d"].map((name) => ({ subject: name, description: "mkdir busy && sleep 0.1 && rmdir busy", assign_to: name }))
        }]
      }))
      const ended = yield* run(["run", file], { env: { MAX_LOCAL_AGENTS: "1" } })
      assert.strictEqual(ended.code, 0, ended.stderr)
    }))
})
