import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Budget from "../../src/workflow/Budget.ts"
import * as Evaluation from "../../src/workflow/Evaluation.ts"
import * as WorkflowSpec from "../../src/workflow/WorkflowSpec.ts"

const run = { id: "0123456789abcdef", attempt: 1 }

const flow = (budget: unknown, inputs?: unknown) => ({
  metadata: { name: "flow" },
  ...(inputs === undefined ? {} : { inputs }),
  agents: [{ name: "a", program: "none" }],
  teams: [{ name: "t", agents: ["a"], tasks: [{ subject: "s", description: "", assign_to: "a" }] }],
  ...(budget === undefined ? {} : { budget })
})

const limitsOf = (budget: unknown, inputs?: unknown, given: Record<string, unknown> = {}) =>
  WorkflowSpec.decodeUnknown(flow(budget, inputs)).pipe(
    Effect.flatMap((spec) => Evaluation.evaluate(spec, { inputs: given, run })),
    Effect.map(({ spec }) => Budget.limitsOf(spec.budget))
  )

const refusal = (...args: Parameters<typeof limitsOf>) =>
  Effect.map(Effect.flip(limitsOf(...args)), ({ message }) => message.split("\n").map((line) => line.replace(/^workflow:? /, "")))

const usd = "a number greater than 0, at most 1000000000"
const whole = "a whole number greater than 0, at most 1000000000000"
const time = "a duration greater than 0, as 90 (seconds), 30s, 10m or 1h 30m, at most 24d"

describe("the budget of a workflow", () => {
  it.effect("has limits of which each can be left out", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* limitsOf({ usd: 0.5, tokens: 2_000_000, tasks: 50, agent_time: "10h" }), {
        usd: 0.5,
        tokens: 2_000_000,
        tasks: 50,
        agentTime: Duration.hours(10)
      })
      assert.deepStrictEqual(yield* limitsOf({ tasks: 1 }), { tasks: 1 })
      assert.deepStrictEqual(yield* limitsOf({ agent_time: 90 }), { agentTime: Duration.seconds(90) })
      assert.deepStrictEqual(yield* limitsOf(undefined), {})
    }))

  it.effect("is written back as it was", () =>
    Effect.gen(function*() {
      const spec = yield* WorkflowSpec.decodeUnknown(flow({ usd: 20, agent_time: "1m" }))
      const decoded = yield* WorkflowSpec.decodeUnknown(yield* Schema.encode(WorkflowSpec.WorkflowSpec)(spec))
      assert.deepStrictEqual(spec, decoded)
    }))

  const mistakes: ReadonlyArray<readonly [what: string, budget: unknown, ...expected: ReadonlyArray<string>]> = [
    ["amounts of nothing", { usd: 0, tokens: 0, tasks: 0, agent_time: 0 },
      `budget.usd: found the number 0, expected ${usd}`, `budget.tokens: found the number 0, expected ${whole}`,
      `budget.tasks: found the number 0, expected ${whole}`, `budget.agent_time: found the number 0, expected ${time}`],
    ["amounts below nothing", { usd: -1, tasks: -2, agent_time: -3 },
      `budget.usd: found the number -1, expected ${usd}`, `budget.tasks: found the number -2, expected ${whole}`, `budget.agent_time: found the number -3, expected ${time}`],
    ["what is no number", { usd: Number.NaN, tokens: Number.POSITIVE_INFINITY },
      `budget.usd: found the number NaN, expected ${usd}`, `budget.tokens: found the number Infinity, expected ${whole}`],
    ["parts of a task", { tasks: 1.5, tokens: 0.1 }, `budget.tokens: found the number 0.1, expected ${whole}`, `budget.tasks: found the number 1.5, expected ${whole}`],
    ["texts", { usd: "much", agent_time: "long" }, `budget.usd: found "much", expected ${usd}`, `budget.agent_time: found "long", expected ${time}`],
    ["another type", { usd: true, tasks: null }, `budget.usd: found true, expected ${usd}`, `budget.tasks: found nothing (null), expected ${whole}`],
    ["nothing at all", {}, "budget: found a map, expected a map with at least one of the keys usd, tokens, tasks, agent_time"],
    ["no map", 20, "budget: found the number 20, expected a map with the keys usd, tokens, tasks, agent_time"],
    ["keys that it does not have", { usd: 1, token: 3 },
      "budget.token: found an unknown key, expected one of the keys usd, tokens, tasks, agent_time (did you mean \"tokens\"?)"]
  ]
  for (const [what, budget, ...expected] of mistakes) {
    it.effect(`refuses ${what}`, () => Effect.map(refusal(budget), (lines) => assert.deepStrictEqual(lines.toSorted(), expected.toSorted())))
  }

  const inputs = { most: { type: "number", default: 5 }, time: "2h" }

  it.effect("can be given as inputs", () =>
    Effect.gen(function*() {
      const budget = { usd: "${{ inputs.most }}", tokens: "${{ inputs.most }}000", tasks: "${{ run.attempt }}", agent_time: "${{ inputs.time }}" }
      assert.deepStrictEqual(yield* limitsOf(budget, inputs, { most: 2.5, time: "1h 30m" }).pipe(
        Effect.flip,
        Effect.map(({ message }) => message)
      ), `workflow budget.tokens: found "2.5000", expected ${whole}`)
      assert.deepStrictEqual(yield* limitsOf(budget, inputs, { time: "1h 30m" }), {
        usd: 5,
        tokens: 5000,
        tasks: 1,
        agentTime: Duration.minutes(90)
      })
      assert.deepStrictEqual(yield* refusal({ usd: "${{ inputs.most }}" }, inputs, { most: 0 }), [`budget.usd: found "0", expected ${usd}`])
    }))

  it.effect("reads nothing that is not known before the run, and nothing that is misspelt", () =>
    Effect.gen(function*() {
      const [line = ""] = yield* refusal({ usd: "${{ inputs.mst }}" }, inputs)
      assert.include(line, "budget.usd")
      assert.include(line, "did you mean \"most\"?")
      const [other = ""] = yield* refusal({ usd: "${{ tasks.plan.result }}" }, inputs)
      assert.include(other, "what tasks answer is known only when a task is due")
    }))
})
