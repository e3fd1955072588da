import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { WorkflowInput } from "../../src/workflow/WorkflowSpec.ts"
import * as RecordFile from "../support/RecordFile.ts"
import { emptyDirectory, lastLine, root, run, telemachy, test } from "../support/TestCommand.ts"
import * as TestWorkflow from "../support/TestWorkflow.ts"

/** What a program says that it has used, as lines, and as one object. */
const cost = (usd: number) => `echo 'usage={"usd": ${usd}, "input_tokens": 1000, "output_tokens": 200}' >> "$TELEMACHY_OUTPUT"`
const costAsObject = (usd: number) => `printf '{"usage": {"usd": ${usd}}}' > "$TELEMACHY_OUTPUT"`

/** Tasks of one agent, each after the one before it. */
const chain = (name: string, tasks: Readonly<Record<string, string>>, rest: Partial<WorkflowInput> = {}) =>
  TestWorkflow.write((directory) => ({
    metadata: { name },
    agents: [{ name: "worker", program: "sh", working_dir: directory }],
    teams: [{
      name: "crew",
      agents: ["worker"],
      tasks: Object.entries(tasks).map(([subject, description], position, all) =>
        ({ subject, description, assign_to: "worker", blocked_by: all.slice(Math.max(0, position - 1), position).map(([before]) => before) }))
    }],
    teardown: "always",
    ...rest
  }))

/** A journal of its own, and the variables that name it. */
const inRecord = Effect.map(emptyDirectory, (directory) => RecordFile.inFile(join(directory, "runs.db")))

/** What a command answers that prints one object. */
const answer = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
  Effect.scoped(Effect.flatMap(telemachy(args, { env }), ({ exited }) => Effect.map(exited, ({ stdout }) => stdout)))

describe.concurrent("a budget", () => {
  test("is what a run may use, by what its programs report, and every command says what was used", () =>
    Effect.gen(function*() {
      const env = yield* inRecord
      const { exists, file } = yield* chain(
        "costly",
        { one: cost(1.25), two: costAsObject(1.95), three: "touch done" },
        { budget: { usd: 3.2, tokens: 100_000, tasks: 5, agent_time: "1h" } }
      )
      const ended = yield* run(["run", file], { env })
      assert.strictEqual(ended.code, 8, ended.stderr)
      assert.strictEqual(lastLine(ended.stderr), "workflow costly failed: over budget: 3.20 of 3.20 USD")
      assert.match(ended.stdout, /task crew\/one: completed, 1\.25 USD, 1,200 tokens/)
      assert.match(ended.stdout, /\nspent: 3\.20 of 3\.20 USD, 1,200 of 100,000 tokens, 2 of 5 tasks, .* of 1h of agents' time, tokens of 1 task unknown\n/)
      assert.isFalse(exists("done"))
      const list = yield* run(["list"], { env })
      assert.match(list.stdout, /costly +[0-9a-f]{16} +over_budget .* 3\.20 USD\n/)
      const [id = ""] = /[0-9a-f]{16}/.exec(list.stdout) ?? []
      const status = yield* run(["status", id], { env })
      assert.match(status.stdout, /\nspent: 3\.20 of 3\.20 USD, /)
      const json = yield* answer(["status", id, "--json"], env)
      assert.include(json, "\"budget\":{\"usd\":3.2,\"tokens\":100000,\"tasks\":5,\"agentTimeSeconds\":3600}")
      assert.include(json, "\"unknown\":{\"usd\":0,\"tokens\":1}")
      const watched = yield* run(["status", id, "--watch"], { env })
      assert.strictEqual(watched.code, 8)
      const again = yield* run(["resume", id], { env })
      assert.strictEqual(again.code, 8)
      assert.notInclude(again.stdout, "created")
      assert.strictEqual(lastLine(again.stderr), "workflow costly failed: over budget: 3.20 of 3.20 USD")
    }))

  test("can be raised for a run that goes on", () =>
    Effect.gen(function*() {
      const env = yield* inRecord
      const { exists, file } = yield* chain("raised", { one: cost(2), two: "touch done" }, {
        inputs: { limit: 2 },
        budget: { usd: "${{ inputs.limit }}" }
      })
      const ended = yield* run(["run", file, "--json"], { env })
      assert.strictEqual(ended.code, 8, ended.stderr)
      const finished = ended.events.flatMap((event) => (event._tag === "run.finished" ? [event] : []))
      assert.deepStrictEqual(finished.map(({ outcome, spent }) => [outcome, spent?.usd, spent?.tasks]), [["over_budget", 2, 1]])
      const [id = ""] = ended.events.map((event) => event.run)
      assert.include(ended.stderr, `go on with it, with a larger budget in its file: telemachy resume ${id} --accept-changes\n`)
      assert.isFalse(exists("done"))
      writeFileSync(file, readFileSync(file, "utf8").replace("${{ inputs.limit }}", "${{ format('{0}.5', inputs.limit) }}"))
      const raised = yield* run(["resume", id, "--accept-changes"], { env })
      assert.strictEqual(raised.code, 0, raised.stderr)
      assert.include(raised.stdout, "spent: 2 of 2.50 USD, 1,200 tokens, usage of 1 task unknown")
      assert.isTrue(exists("done"))
    }))

  test("that the last task exceeds lets the run complete, and it is said", () =>
    Effect.gen(function*() {
      const env = yield* inRecord
      const { file } = yield* TestWorkflow.shell("last", { only: cost(5) }, { budget: { usd: 2 } })
      const ended = yield* run(["run", file], { env })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.include(ended.stdout, "spent: 5 of 2 USD, 1,200 tokens: more than the budget\n")
      assert.match(lastLine(ended.stdout), /^workflow last completed in /)
    }))

  test("says of a usage that it can not be read", () =>
    Effect.gen(function*() {
      const env = yield* inRecord
      const { file } = yield* TestWorkflow.shell("odd", { only: "echo 'usage=about a dollar' > $TELEMACHY_OUTPUT" }, { budget: { usd: 2 } })
      const ended = yield* run(["run", file], { env })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.include(ended.stdout, "what it has used is unknown: usage is \"about a dollar\", not a map with usd, input_tokens or output_tokens")
      assert.include(ended.stdout, "spent: 0 of 2 USD, usage of 1 task unknown\n")
    }))

  test("of a day holds for all recorded runs", () =>
    Effect.gen(function*() {
      const env = { ...(yield* inRecord), BUDGET_USD_PER_DAY: "4" }
      const { exists, file } = yield* TestWorkflow.shell("daily", { one: `${cost(2.5)}; echo >> done` })
      const first = yield* run(["run", file], { env })
      assert.strictEqual(first.code, 0, first.stderr)
      const second = yield* run(["run", file], { env })
      assert.strictEqual(second.code, 0, second.stderr)
      const third = yield* run(["run", file], { env })
      assert.strictEqual(third.code, 8, third.stderr)
      assert.strictEqual(lastLine(third.stderr), "workflow daily failed: over budget: 5 of 4 USD of this day (UTC)")
      assert.notInclude(third.stdout, "created")
      assert.isTrue(exists("done"))
      const audit = yield* run(["audit", "reindex"], { env })
      assert.strictEqual(audit.code, 0, audit.stderr)
    }))

  test("of a day holds for one process where no run is remembered, which is said", () =>
    Effect.gen(function*() {
      const { file } = yield* TestWorkflow.shell("forgetful", { one: cost(2) })
      const ended = yield* run(["run", file], { env: { TELEMACHY_DATABASE_URL: "memory:", BUDGET_USD_PER_DAY: "4" } })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.include(ended.stderr, "only those of this process are counted")
    }))

  test("is planned with the most that can be known", () =>
    Effect.gen(function*() {
      const { file } = yield* TestWorkflow.shell("planned", { one: "true", two: "true" }, {
        budget: { usd: 20, tasks: 5, agent_time: "3h" },
        defaults: { retry: 2 },
        timeout: "2h"
      })
      const plan = yield* run(["plan", file])
      assert.include(plan.stdout, "budget 20 USD, 5 tasks, 3h 00m of agents' time; the run takes at most 6 tasks with every attempt, 2h 00m of")
      const json = yield* answer(["plan", file, "--json"])
      assert.include(json, "\"budget\":{\"usd\":20,\"tasks\":5,\"agentTimeSeconds\":10800},\"most\":{\"tasks\":6,\"agentTimeSeconds\":7200}")
    }))

  test("that is no amount is refused before anything begins", () =>
    Effect.gen(function*() {
      const { file } = yield* TestWorkflow.shell("wrong", { one: "true" }, { budget: { usd: 0 } })
      const refused = yield* run(["run", file])
      assert.strictEqual(refused.code, 2)
      assert.match(refused.stderr, /flow\.yaml:1:\d+ budget\.usd: found the number 0, expected a number greater than 0/)
      for (const value of ["0", "-1", "NaN", "much"]) {
        const ended = yield* run(["run", join(root, "workflows/hello.yaml")], { env: { BUDGET_USD_PER_DAY: value } })
        assert.strictEqual(ended.code, 2, value)
        assert.include(ended.stderr, "BUDGET_USD_PER_DAY")
      }
    }))
})
