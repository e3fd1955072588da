import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { WorkflowInput } from "../../src/workflow/WorkflowSpec.ts"
import { processesWith, run, test } from "../support/TestCommand.ts"
import * as TestWorkflow from "../support/TestWorkflow.ts"

type Task = WorkflowInput["teams"][number]["tasks"][number]

/** An agent that believes itself: it writes down what it was told, and says that it is done. */
const agent = `#!/bin/sh
n=$(ls told-* 2>/dev/null | wc -l)
cat > told-$n
echo "all done"
`

/** A workflow of one task that is checked. */
const checked = (rules: Partial<Task>, program = "./agent") =>
  Effect.tap(
    TestWorkflow.write((directory) => ({
      metadata: { name: "checked" },
      agents: [{ name: "worker", program, working_dir: directory }],
      teams: [{ name: "crew", agents: ["worker"], tasks: [{ subject: "build", description: "Build it.", assign_to: "worker", ...rules }] }],
      teardown: "always" as const
    })),
    ({ directory }) => Effect.sync(() => writeFileSync(join(directory, "agent"), agent, { mode: 0o700 }))
  )

describe.concurrent("verify", () => {
  test("believes an agent whose check exits with 0, and has what that wrote in the result", () =>
    Effect.gen(function*() {
      const { file } = yield* checked({ verify: "echo \"$TELEMACHY_TASK_SUBJECT in ${PWD##*/}\"; test -t 0 || echo no terminal; cat" })
      const ended = yield* run(["run", file, "--json"])
      assert.strictEqual(ended.code, 0, ended.stderr)
      const [finished] = ended.events.flatMap((event) => event._tag === "task.finished" ? [event] : [])
      assert.match(finished?.result ?? "", /^all done\n\[verify: echo .*\]\nbuild in .*\nno terminal\n$/)
      assert.isUndefined(finished?.verification)
    }))

  test("fails an attempt that its check does not believe, and tells the next one why", () =>
    Effect.gen(function*() {
      const { file, read } = yield* checked({ retry: 1, verify: "test -e told-1 || { echo 1 failing >&2; exit 3; }" })
      const ended = yield* run(["run", file, "--json"])
      assert.strictEqual(ended.code, 0, ended.stderr)
      const [retrying] = ended.events.flatMap((event) => event._tag === "task.retrying" ? [event] : [])
      assert.strictEqual(retrying?.status, "failed")
      assert.match(retrying?.result ?? "", /^all done\n\[verify: test -e .*\]\n1 failing\n\[ended with exit code 3\]\n$/)
      assert.strictEqual(read("told-0"), "Build it.")
      assert.match(read("told-1"), /^Build it\.\n\nThis was tried before\. The check `test -e .*` has failed, ended with exit code 3:\n1 failing\n$/)
    }))

  test("tells an attempt of a resumed run as well", () =>
    Effect.gen(function*() {
      const { directory, file, read, touch } = yield* checked({ verify: "test -e ready" })
      const env = { TELEMACHY_DATABASE_URL: `file:${join(directory, "runs.db")}` }
      const first = yield* run(["run", file, "--json"], { env })
      assert.strictEqual(first.code, 1)
      yield* touch("ready")
      const again = yield* run(["resume", first.events[0]?.run ?? "", "--retry-failed", "--json"], { env })
      assert.strictEqual(again.code, 0, again.stderr)
      assert.match(read("told-1"), /This was tried before\. The check `test -e ready` has failed, ended with exit code 1 and wrote nothing\.$/)
    }))

  test("tells an interpreter nothing, which would run it", () =>
    Effect.gen(function*() {
      const { file } = yield* checked({ description: "echo x >> ran", retry: 1, verify: "test $(wc -l < ran) = 2" }, "sh")
      const ended = yield* run(["run", file])
      assert.strictEqual(ended.code, 0, ended.stderr)
    }))

  test("ends a check at its limit, with all that it has started", () =>
    Effect.gen(function*() {
      const MARK = `verify-${Math.floor(performance.now() * 1000)}-${process.pid}`
      const { file } = yield* checked({ verify: { run: "sleep 3600 & echo waiting; sleep 3600", timeout: 1 } })
      const ended = yield* run(["run", file, "--json"], { env: { MARK } })
      assert.strictEqual(ended.code, 1)
      const [finished] = ended.events.flatMap((event) => event._tag === "task.finished" ? [event] : [])
      assert.match(finished?.result ?? "", /waiting\n\[ended after 1s, which is its limit\]\n$/)
      assert.deepStrictEqual(yield* processesWith(MARK), [])
    }))

  test("has what it writes in the log of its task", () =>
    Effect.gen(function*() {
      const { directory, file } = yield* checked({ id: "build", verify: "echo from the check" })
      const env = { TELEMACHY_DATABASE_URL: `file:${join(directory, "runs.db")}` }
      const ended = yield* run(["run", file, "--json"], { env })
      const logs = yield* run(["logs", ended.events[0]?.run ?? "", "build"], { env })
      assert.strictEqual(logs.code, 0, logs.stderr)
      assert.include(logs.stdout, "all done")
      assert.include(logs.stdout, "from the check")
    }))

  test("is said to have no effect on an Agamemnon that is named, before the run", () =>
    Effect.gen(function*() {
      const { file } = yield* checked({ verify: "false" }, "none")
      const ended = yield* run(["run", file, "--url", "http://127.0.0.1:1"])
      assert.strictEqual(ended.code, 3)
      assert.include(ended.stderr, "verify of task \"build\" has no effect: it is for programs of the embedded Agamemnon, and this one is another")
    }))
})
