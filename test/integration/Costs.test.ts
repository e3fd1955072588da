import { mkdirSync, writeFileSync } from "node:fs"
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

  test("are reckoned by the prices of the configuration, where a program reports tokens alone, and marked wherever they are told", () =>
    Effect.gen(function*() {
      const { directory, file } = yield* TestWorkflow.write((place) => ({
        metadata: { name: "priced" },
        agents: [
          { name: "coder", program: "./sh", model: "big", working_dir: place },
          { name: "tester", program: "sh", working_dir: place }
        ],
        teams: [{
          name: "crew",
          agents: ["coder", "tester"],
          tasks: [
            { subject: "cached", description: uses({ input_tokens: 100_000, cached_tokens: 40_000, output_tokens: 10_000 }), assign_to: "coder" },
            { subject: "own", description: uses({ input_tokens: 50_000, output_tokens: 5000 }), assign_to: "tester" },
            { subject: "told", description: uses({ usd: 0.05, input_tokens: 50_000, output_tokens: 5000 }), assign_to: "tester" },
            { subject: "half", description: uses({ input_tokens: 50_000 }), assign_to: "tester" }
          ]
        }]
      }))
      writeFileSync(join(directory, "sh"), "#!/bin/sh\nexec sh\n", { mode: 0o700 })
      const config = join(directory, "telemachy")
      const prices = (cached: string) => `prices:\n  big: {input: 2, output: 10, cached: ${cached}}\n  sh: {input: 1, output: 4}\n`
      mkdirSync(config)
      writeFileSync(join(config, "config.yaml"), prices("free"))
      const env = { TELEMACHY_DATABASE_URL: `file:${join(directory, "runs.db")}`, XDG_CONFIG_HOME: directory }
      const refused = yield* run(["run", file], { env })
      assert.strictEqual(refused.code, 2)
      assert.match(refused.stderr, /config\.yaml:2:\d+ prices\.big\.cached: found "free", expected US dollars for a million tokens/)
      writeFileSync(join(config, "config.yaml"), prices("0.5"))
      const ended = yield* run(["run", file], { env })
      assert.strictEqual(ended.code, 0, ended.stderr)
      for (const line of [
        "task crew/cached: completed, 0.24 USD reckoned, 110,000 tokens",
        "task crew/own: completed, 0.07 USD reckoned, 55,000 tokens",
        "task crew/told: completed, 0.05 USD, 55,000 tokens",
        "task crew/half: completed, 50,000 tokens"
      ]) assert.include(ended.stdout, `${line}\n`)
      const spent = "spent: 0.36 USD, 270,000 tokens, 0.31 USD of that reckoned from tokens, usage of 1 task unknown\n"
      assert.include(ended.stdout, spent)
      // Other prices change nothing of what was.
      writeFileSync(join(config, "config.yaml"), "prices: {sh: {input: 1000, output: 4000}}\n")
      assert.include((yield* run(["status", "latest"], { env })).stdout, spent)
      const costs = yield* run(["costs", "--by", "model"], { env })
      assert.match(costs.stdout, /\nbig +1 +0\.24 \(reckoned\) +100,000 in, 10,000 out\n.* +3 +0\.12 \(0\.07 reckoned\) \+ 1 unknown .*\ntotal +4 +0\.36 \(0\.31 reckoned\) \+ 1 unknown /)
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
