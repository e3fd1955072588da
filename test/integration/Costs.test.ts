import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { run, telemachy, test } from "../support/TestCommand.ts"
import * as TestWorkflow from "../support/TestWorkflow.ts"

const uses = (usage: object, more = "") => `echo 'usage=${JSON.stringify(usage)}' > "$TELEMACHY_OUTPUT"; ${more}`

/** A recorded run of two agents: one attempt of four says nothing, and one has failed. */
const recorded = Effect.gen(function*() {
  const { directory, file } = yield* TestWorkflow.write((directory) => ({
    metadata: { name: "costly" },
    inputs: { model: { default: "big" } },
    agents: [
      { name: "coder", program: "./sh", model: "${{ inputs.model }}", working_dir: directory },
      { name: "tester", program: "sh", working_dir: directory }
    ],
    teams: [{
      name: "crew",
      agents: ["coder", "tester"],
      tasks: [
        { subject: "code", description: uses({ usd: 0.1, input_tokens: 100, output_tokens: 10 }), assign_to: "coder" },
        {
          subject: "test",
          description: uses({ usd: 0.2, input_tokens: 1000, output_tokens: 20 }, "test -e again || { touch again; exit 1; }"),
          assign_to: "tester",
          blocked_by: ["code"],
          retry: 1
        },
        { subject: "silent", description: "true", assign_to: "tester", blocked_by: ["test"] }
      ]
    }]
  }))
  writeFileSync(join(directory, "sh"), "#!/bin/sh\nexec sh\n", { mode: 0o700 })
  const env = { TELEMACHY_DATABASE_URL: `file:${join(directory, "runs.db")}` }
  const ended = yield* run(["run", file], { env })
  assert.strictEqual(ended.code, 0, ended.stderr)
  const json = (...args: ReadonlyArray<string>) =>
    Effect.map(Effect.flatMap(telemachy(["costs", "--json", ...args], { env }), ({ exited }) => exited), ({ code, stdout }): unknown => {
      assert.strictEqual(code, 0)
      return JSON.parse(stdout)
    })
  return { env, json }
})

const sum = (attempts: number, usd: number, inputTokens: number, outputTokens: number, unknown = 0) =>
  ({ attempts, usd, inputTokens, outputTokens, unknown: { usd: unknown, tokens: unknown } })

describe.concurrent("costs", () => {
  test("are added up by workflow, agent, model and day, and what is unknown is said to be", () =>
    Effect.gen(function*() {
      const { env, json } = yield* recorded
      const total = sum(4, 0.5, 2100, 50, 1)
      assert.deepStrictEqual(yield* json(), { by: "workflow", rows: [{ name: "costly", ...total }], total })
      const [coder, tester] = [sum(1, 0.1, 100, 10), sum(3, 0.4, 2000, 40, 1)]
      assert.deepStrictEqual(yield* json("--by", "agent"), {
        by: "agent",
        rows: [{ name: "costly/tester", ...tester }, { name: "costly/coder", ...coder }],
        total
      })
      assert.deepStrictEqual(yield* json("--by", "model"), {
        by: "model",
        rows: [{ name: "the program's own choice", ...tester }, { name: "big", ...coder }],
        total
      })
      const byDay = yield* run(["costs", "--by", "day", "--since", "1h"], { env })
      assert.match(byDay.stdout, /^DAY +ATTEMPTS {2}USD +TOKENS\n\d{4}-\d\d-\d\d +4 +0\.50 \+ 1 unknown {2}2,100 in, 50 out \+ 1 unknown\ntotal +4 /)
    }))

  test("of nothing are none, and a time that is none is refused", () =>
    Effect.gen(function*() {
      const env = { TELEMACHY_DATABASE_URL: "memory:" }
      assert.strictEqual((yield* run(["costs"], { env })).stdout, "no attempt is recorded\n")
      const refused = yield* run(["costs", "--since", "soon"], { env })
      assert.strictEqual(refused.code, 2)
      assert.include(refused.stderr, "--since: expected a duration greater than 0")
    }))
})
