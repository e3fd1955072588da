import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { WorkflowInput } from "../../src/workflow/WorkflowSpec.ts"
import { run, test } from "../support/TestCommand.ts"
import * as TestWorkflow from "../support/TestWorkflow.ts"

/** Stands in for Claude Code: writes down how it is called, and answers in its shape, with a session that it has been given or begins. */
const claude = `#!/bin/sh
n=$(ls calls 2>/dev/null | wc -l)
mkdir -p calls
session=s$n
{ for word in "$@"; do echo "$word"; done; } > calls/$n
for word in "$@"; do [ "$last" = --resume ] && session=$word; last=$word; done
cat > told-$n
echo "$CI" > ci
[ -t 0 ] && echo terminal > ci
printf '{"type":"system","subtype":"init","session_id":"%s"}\\n' $session
printf '{"type":"result","subtype":"success","is_error":%s,"result":"answer %s","session_id":"%s","total_cost_usd":0.25,"usage":{"input_tokens":40,"output_tokens":2}}\\n' "\${FAILS:-false}" $n $session
`

type Agent = WorkflowInput["agents"][number]

/** A workflow of two tasks, one after the other, of one agent, with a stand-in on PATH and a home of its own. */
const withAgent = (agent: Partial<Agent>, rest: Partial<WorkflowInput> = {}) =>
  Effect.map(
    TestWorkflow.write((directory) => ({
      metadata: { name: "agents" },
      agents: [{ name: "worker", program: "claude-code", working_dir: directory, ...agent }],
      teams: [{
        name: "crew",
        agents: ["worker"],
        tasks: [
          { id: "one", subject: "one", description: "Do the first.", assign_to: "worker" },
          { subject: "two", description: "Do the second after ${{ tasks.one.result }}.", assign_to: "worker", blocked_by: ["one"] }
        ]
      }],
      teardown: "always" as const,
      ...rest
    })),
    (workflow) => {
      writeFileSync(join(workflow.directory, "claude"), claude, { mode: 0o700 })
      const config = join(workflow.directory, "config")
      mkdirSync(join(config, "telemachy"), { recursive: true })
      return {
        ...workflow,
        configure: (text: string) => writeFileSync(join(config, "telemachy", "config.yaml"), text),
        env: {
          PATH: `${workflow.directory}:/usr/bin:/bin`,
          XDG_CONFIG_HOME: config,
          TELEMACHY_DATABASE_URL: `file:${join(workflow.directory, "runs.db")}`
        },
        calls: (n: number) => workflow.read(`calls/${n}`).trim().split("\n")
      }
    }
  )

describe.concurrent("agents", () => {
  test("have their answers read, and what they have used counted", () =>
    Effect.gen(function*() {
      const { calls, env, file, read } = yield* withAgent({ model: "big" })
      const ended = yield* run(["run", file, "--json"], { env })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.deepStrictEqual(calls(0), ["-p", "--output-format", "stream-json", "--verbose", "--model", "big"])
      assert.strictEqual(read("told-1"), "Do the second after answer 0.")
      assert.strictEqual(read("ci"), "1\n")
      const status = yield* run(["status", ended.events[0]?.run ?? ""], { env })
      assert.include(status.stdout, "0.50 USD")
      assert.include(status.stdout, "84 tokens")
    }))

  test("fail when they say so, though they exit with 0, and end a run whose budget they use up", () =>
    Effect.gen(function*() {
      const { env, file } = yield* withAgent({})
      const failed = yield* run(["run", file, "--json"], { env: { ...env, FAILS: "true" } })
      assert.strictEqual(failed.code, 1)
      const results = failed.events.flatMap((event) => event._tag === "task.finished" ? [[event.status, event.result]] : [])
      assert.deepStrictEqual(results, [["failed", "answer 0\n[claude-code says that it has failed]\n"]])
      const { env: other, file: limited } = yield* withAgent({}, { budget: { usd: 0.25 } })
      const over = yield* run(["run", limited], { env: other })
      assert.strictEqual(over.code, 8, over.stderr)
    }))

  test("have arguments, instructions and a session that goes on", () =>
    Effect.gen(function*() {
      const { calls, env, file, read } = yield* withAgent({
        args: ["--permission-mode", "${{ inputs.mode }}"],
        system: "Be brief.\n",
        session: "keep",
        model: "big"
      }, { inputs: { mode: { default: "acceptEdits", options: ["acceptEdits", "plan"] } } })
      const ended = yield* run(["run", file, "--json"], { env })
      assert.strictEqual(ended.code, 0, ended.stderr)
      const common = ["-p", "--output-format", "stream-json", "--verbose"]
      assert.deepStrictEqual(calls(0), [...common, "--permission-mode", "acceptEdits", "--model", "big"])
      assert.deepStrictEqual(calls(1), [...common, "--resume", "s0", "--permission-mode", "acceptEdits", "--model", "big"])
      assert.strictEqual(read("told-0"), "Be brief.\n\nDo the first.")
    }))

  test("can be programs of the configuration file, which has what is left out of those that are known", () =>
    Effect.gen(function*() {
      const { calls, configure, env, file, read } = yield* withAgent({ program: "helper", session: "keep", model: "big" })
      configure("programs:\n  helper:\n    command: [claude, --once, '{args}', '{prompt}']\n    args: --yes\n    model: [-m, '{model}']\n")
      const ended = yield* run(["run", file], { env })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.deepStrictEqual(calls(0), ["--once", "--yes", "-m", "big", "Do the first."])
      assert.strictEqual(read("told-0"), "")
      assert.include(ended.stderr, "agent \"worker\": program helper is not known to go on with a session: each of its tasks begins a new one")
      const { calls: others, configure: also, env: other, file: known } = yield* withAgent({})
      also("programs: {claude-code: {args: [--permission-mode, acceptEdits]}}\n")
      assert.strictEqual((yield* run(["run", known], { env: other })).code, 0)
      assert.deepStrictEqual(others(0).slice(-3), ["--verbose", "--permission-mode", "acceptEdits"])
    }))

  test("are not started while the configuration file is wrong: it says where", () =>
    Effect.gen(function*() {
      const { configure, env, exists, file } = yield* withAgent({})
      const refusal = (text: string) => {
        configure(text)
        return Effect.map(run(["run", file], { env }), ({ code, stderr }) => {
          assert.strictEqual(code, 2)
          assert.isFalse(exists("calls"))
          return stderr
        })
      }
      assert.match(yield* refusal("programs:\n  helper:\n    args: x\n"), /telemachy\/config\.yaml:3:5 programs\.helper\.command: found nothing, expected the program and its arguments/)
      const several = yield* refusal("programs:\n  helper: {command: x, modle: y}\n  other: {command: '', output: {format: xml}}\nprogram: {}\n")
      assert.match(several, /config\.yaml:2:24 programs\.helper\.modle: found an unknown key, expected one of the keys .*\(did you mean "model"\?\)/)
      assert.match(several, /config\.yaml:3:20 programs\.other\.command: found .*, expected at least the name of a program/)
      assert.match(several, /config\.yaml:3:41 programs\.other\.output\.format: found .*, expected json or lines/)
      assert.match(several, /config\.yaml:4:1 program: found an unknown key, expected one of the keys programs, prices/)
      assert.match(yield* refusal("programs: [\n"), /config\.yaml:\d+:\d+/)
    }))
})
