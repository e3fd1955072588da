import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { WorkflowInput } from "../../src/workflow/WorkflowSpec.ts"
import * as TestBackend from "../support/TestBackend.ts"
import { bin, directoryWith, emptyDirectory, run, start, test } from "../support/TestCommand.ts"

/** A workflow whose only task does this in a directory. */
const flow = (working_dir: string, description: string, agent: Partial<WorkflowInput["agents"][number]> = {}): string =>
  JSON.stringify({
    metadata: { name: "places" },
    agents: [{ name: "worker", program: "sh", working_dir, ...agent }],
    teams: [{ name: "crew", agents: ["worker"], tasks: [{ subject: "only", description, assign_to: "worker" }] }]
  } satisfies WorkflowInput)

/** A project with a workflow in it, and somebody who is elsewhere, where the journal is. */
const project = Effect.fnUntraced(function*(text: string) {
  const directory = yield* directoryWith({ "flow.yaml": text })
  mkdirSync(join(directory, "sub"))
  const elsewhere = yield* emptyDirectory
  mkdirSync(join(elsewhere, "sub"))
  return { directory, elsewhere, env: { HOME: elsewhere }, file: join(directory, "flow.yaml"), sub: join(directory, "sub") }
})

const once = "pwd -P; test -e again || { touch again; exit 1; }"

describe.concurrent("a relative working_dir", () => {
  test("is beside the workflow file, wherever the command is given", () =>
    Effect.gen(function*() {
      const { elsewhere, env, file, sub } = yield* project(flow("sub", "pwd -P"))
      const ended = yield* run(["run", file, "--json"], { directory: elsewhere, env })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.include(ended.stdout, `"result":"${sub}\\n"`)
      const plan = yield* run(["plan", file], { directory: elsewhere, env })
      assert.include(plan.stdout, sub)
    }))

  test("is in the current directory when the workflow is on standard input or in a pipe", () =>
    Effect.gen(function*() {
      const { directory, env, sub } = yield* project("")
      const ended = yield* run(["run", "-", "--json"], { directory, env, input: flow("sub", "pwd -P") })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.include(ended.stdout, `"result":"${sub}\\n"`)
      const line = `exec ${process.execPath} ${bin} run <(echo '${flow("./sub/.", "pwd -P")}') --json`
      const piped = yield* Effect.flatMap(start(["bash", "-c", line], { directory, env }), (running) => running.ended)
      assert.strictEqual(piped.code, 0, piped.stderr)
      assert.include(piped.stdout, `"result":"${sub}\\n"`)
    }))

  test("is the same when the run is resumed from another directory", () =>
    Effect.gen(function*() {
      const { directory, elsewhere, env, file, sub } = yield* project(flow("sub", once))
      for (const [argument, input] of [[file, ""], ["-", flow("sub", once)]] as const) {
        const failed = yield* run(["run", argument, "--json"], { directory, env, input })
        assert.strictEqual(failed.code, 1, failed.stderr)
        const ended = yield* run(["resume", failed.events[0]?.run ?? "", "--retry-failed", "--json"], { directory: elsewhere, env })
        assert.strictEqual(ended.code, 0, ended.stderr)
        assert.include(ended.stdout, `"result":"${sub}\\n"`)
        rmSync(join(sub, "again"))
      }
    }))

  test("is made when it is missing and the directory that it is in is there, which is said", () =>
    Effect.gen(function*() {
      const { directory, env, file } = yield* project(flow("new", "pwd -P"))
      const ended = yield* run(["run", file, "--json"], { directory, env })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.include(ended.stdout, `"result":"${join(directory, "new")}\\n"`)
      assert.include(ended.stderr, `made directory ${join(directory, "new")}, the working_dir of agent "worker"\n`)
      const again = yield* run(["run", file, "--json"], { directory, env })
      assert.notInclude(again.stderr, "made directory")
    }))

  test("is sent as it is written to an Agamemnon that is named, because it is that host's", () =>
    Effect.gen(function*() {
      const { elsewhere, env, file } = yield* project(flow("sub", "true", { program: "none" }))
      const backend = yield* TestBackend.make()
      const ended = yield* run(["run", file, "--teardown", "never"], { directory: elsewhere, env: { ...env, ...backend.env } })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.deepStrictEqual((yield* backend.agents).map((agent) => agent["workingDirectory"]), ["sub"])
    }))
})

describe.concurrent("telemachy resume refuses, before anything starts,", () => {
  test("a directory and a program that are gone, by the name of the agent", () =>
    Effect.gen(function*() {
      const { directory, elsewhere, env, file, sub: above } = yield* project(flow("sub/inner", "exit 1", { program: "./tool" }))
      const sub = join(above, "inner")
      mkdirSync(sub)
      symlinkSync("/bin/sh", join(sub, "tool"))
      const failed = yield* run(["run", file, "--json"], { directory, env })
      assert.strictEqual(failed.code, 1, failed.stderr)
      const id = failed.events[0]?.run ?? ""
      renameSync(above, join(directory, "other"))
      const gone = yield* run(["resume", id, "--retry-failed", "--json"], { directory: elsewhere, env })
      assert.strictEqual(gone.code, 2, gone.stderr)
      assert.strictEqual(gone.stdout, "")
      assert.strictEqual(
        gone.stderr,
        `agent "worker": directory ${sub} does not exist; create it, or choose another working_dir\n` +
          `agent "worker": program ${sub}/tool does not exist; check its path, or choose another program\n`
      )
      mkdirSync(above)
      const noTool = yield* run(["resume", id, "--retry-failed"], { directory: elsewhere, env })
      assert.strictEqual(noTool.code, 2, noTool.stderr)
      assert.match(noTool.stderr, /^agent "worker": program .*\/inner\/tool does not exist; /)
      // What is refused has made nothing.
      assert.isFalse(existsSync(sub))
    }))

  test("a workflow that has changed, whatever it could not run", () =>
    Effect.gen(function*() {
      const { directory, env, file, sub } = yield* project(flow("sub", "exit 1"))
      const failed = yield* run(["run", file, "--json"], { directory, env })
      renameSync(sub, join(directory, "other"))
      writeFileSync(file, flow("other", "exit 0"))
      const resumed = ["resume", failed.events[0]?.run ?? "", "--retry-failed"]
      const changed = yield* run(resumed, { directory, env })
      assert.strictEqual(changed.code, 2)
      assert.match(changed.stderr, /^the workflow of run \w+ has changed since it was started:\n {2}agents\["worker"\]\.working_dir: was ".*sub", is ".*other"\n/)
      const ended = yield* run([...resumed, "--accept-changes"], { directory, env })
      assert.strictEqual(ended.code, 0, ended.stderr)
    }))
})

describe.concurrent("an agent whose program goes away while the run goes on", () => {
  test("is named as it is in the workflow", () =>
    Effect.gen(function*() {
      const { file, sub } = yield* project(JSON.stringify({
        metadata: { name: "places" },
        agents: [{ name: "worker", program: "./tool", working_dir: "sub" }],
        teams: [{
          name: "crew",
          agents: ["worker"],
          tasks: [
            { subject: "first", description: "rm tool", assign_to: "worker" },
            { subject: "second", description: "true", assign_to: "worker", blocked_by: ["first"] }
          ]
        }]
      } satisfies WorkflowInput))
      symlinkSync("/bin/sh", join(sub, "tool"))
      const ended = yield* run(["run", file])
      assert.strictEqual(ended.code, 1, ended.stderr)
      assert.include(ended.stdout, `agent "worker": program ${sub}/tool does not exist; `)
    }))
})
