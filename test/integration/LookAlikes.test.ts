import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Faults from "../../src/embedded/Faults.ts"
import { eventually } from "../support/HttpQuestion.ts"
import * as TestBackend from "../support/TestBackend.ts"
import { lastLine, run, telemachy, test } from "../support/TestCommand.ts"
import * as TestRepository from "../support/TestRepository.ts"
import * as TestWorkflow from "../support/TestWorkflow.ts"

/** Does something a second apart, for longer than it may show no sign of life, and writes nothing meanwhile. */
const every = (second: string) => `for i in 1 2 3 4 5; do sleep 1; ${second}; done; echo done`

describe.concurrent("what looks alike", () => {
  test("a task that is slow, one that is stuck and one that takes too long are told apart, each in its own words", () =>
    Effect.gen(function*() {
      const repository = yield* TestRepository.make()
      const tasks = {
        writing: every("date > file"),
        deep: every("mkdir -p a/b; date > a/b/file"),
        committing: every("git -c user.name=a -c user.email=a@example.com commit -q --allow-empty -m $i"),
        talking: "for i in 1 2 3 4 5; do sleep 1; echo $i; done; echo done",
        stuck: "echo begun; exec sleep 600",
        endless: "while sleep 0.2; do date > file; done"
      }
      const inWorktree = new Set(["deep", "committing", "stuck"])
      const { file } = yield* TestWorkflow.write((directory) => ({
        metadata: { name: "alike" },
        agents: Object.keys(tasks).map((name) => ({
          name,
          program: "sh",
          stalled_after: "3s",
          ...(inWorktree.has(name) ? { working_dir: repository.path, workspace: "worktree" as const } : { working_dir: `${directory}/${name}` })
        })),
        teams: [{
          name: "crew",
          agents: Object.keys(tasks),
          tasks: Object.entries(tasks).map(([subject, description]) => ({
            subject,
            description,
            assign_to: subject,
            continue_on_error: true,
            ...(subject === "endless" ? { timeout: "4s" } : {})
          }))
        }],
        teardown: "always"
      }))
      const env = { ...TestRepository.environment }
      const ended = yield* run(["run", file, "--verbose"], { env })
      assert.strictEqual(ended.code, 0, ended.stderr)
      for (const name of ["writing", "deep", "committing", "talking"]) assert.match(ended.stdout, new RegExp(`✔ ${name} .* completed`), name)
      assert.match(ended.stdout, /task crew\/stuck: it has shown no sign of life for too long, telling Agamemnon\n/)
      assert.match(ended.stdout, /✖ stuck .* stalled, tolerated/)
      assert.match(ended.stdout, /task crew\/endless: it has taken too long, telling Agamemnon\n/)
      assert.match(ended.stdout, /✖ endless .* timeout, tolerated/)
      assert.notInclude(ended.stdout, "connectivity")
    }))

  test("an Agamemnon that is gone is told apart from both, though a task is just then slow", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const { file } = yield* TestWorkflow.shell("gone", { slow: TestWorkflow.wait }, {
        defaults: { stalled_after: "60s", timeout: "60s" }
      })
      const running = yield* telemachy(["run", file], { env: backend.env })
      yield* eventually(backend.tasks, (tasks) => tasks.some(({ status }) => status === "running"))
      yield* backend.setFaults([Faults.Refuse()])
      const ended = yield* running.ended
      assert.strictEqual(ended.code, 3)
      assert.match(lastLine(ended.stderr), /^workflow gone failed: connectivity lost, no answer from Agamemnon for .*: .*refused/)
      assert.notMatch(`${ended.stdout}${ended.stderr}`, /stalled|sign of life|taken too long/)
    }))
})
