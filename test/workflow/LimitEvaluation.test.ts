import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Evaluation from "../../src/workflow/Evaluation.ts"
import * as RetryPolicy from "../../src/workflow/RetryPolicy.ts"
import * as TaskPolicy from "../../src/workflow/TaskPolicy.ts"
import * as WorkflowSpec from "../../src/workflow/WorkflowSpec.ts"

const run = { id: "0123456789abcdef0123456789abcdef", attempt: 3 }

type Task = Partial<WorkflowSpec.WorkflowInput["teams"][number]["tasks"][number]>

const input = (more: Partial<WorkflowSpec.WorkflowInput> = {}, task: Task = {}): WorkflowSpec.WorkflowInput => ({
  metadata: { name: "flow" },
  inputs: { limit: "10m", times: 2, factor: 1.5 },
  agents: [{ name: "a", program: "none", stalled_after: "${{ inputs.limit }}" }],
  teams: [{ name: "t", agents: ["a"], tasks: [{ id: "one", subject: "one", description: "", assign_to: "a", ...task }] }],
  ...more
})

const limited = input({ timeout: "${{ inputs.limit }} 1h", defaults: { stalled_after: "${{ inputs.times }}m" } }, {
  timeout: "${{ inputs.limit }}",
  retry: {
    times: "${{ inputs.times }}",
    wait: "${{ inputs.limit }}",
    backoff: "${{ inputs.factor }}",
    max_wait: "${{ inputs.times }}h"
  }
})

const evaluate = (workflow: WorkflowSpec.WorkflowInput, inputs: Record<string, unknown> = {}) =>
  Effect.flatMap(WorkflowSpec.decode(workflow), (spec) => Effect.map(Evaluation.evaluate(spec, { inputs, run }), (evaluated) => evaluated.spec))

const refusal = (workflow: WorkflowSpec.WorkflowInput, inputs: Record<string, unknown> = {}) =>
  Effect.map(Effect.flip(evaluate(workflow, inputs)), ({ message }) => message.split("\n").filter((line) => line.includes("found")))

/** What holds for the first task of a workflow that is evaluated. */
const policyOf = (spec: WorkflowSpec.WorkflowSpec) => {
  const task = spec.teams[0]?.tasks[0]
  if (task === undefined) return assert.fail("a workflow without tasks")
  return { ...TaskPolicy.of(spec, task), stalledAfter: TaskPolicy.stalledAfter(spec, task, "a"), ofRun: TaskPolicy.ofRun(spec) }
}

describe("the limits of attempts", () => {
  it.effect("are evaluated wherever they are written", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(policyOf(yield* evaluate(limited)), {
        timeout: Option.some(Duration.minutes(10)),
        retry: Option.some({
          times: 2,
          wait: Option.some(Duration.minutes(10)),
          backoff: 1.5,
          maxWait: Option.some(Duration.hours(2)),
          on: RetryPolicy.RetriedEnd.literals
        }),
        verify: Option.none(),
        stalledAfter: Option.some(Duration.minutes(10)),
        ofRun: Option.some(Duration.minutes(70))
      })
      const { stalledAfter } = (yield* evaluate(limited)).defaults.pipe(Option.getOrThrow)
      assert.deepStrictEqual(stalledAfter, Option.some(Duration.minutes(2)))
    }))

  it.effect("of all tasks can be the number of attempts alone", () =>
    Effect.gen(function*() {
      const { retry, timeout } = policyOf(yield* evaluate(input({ defaults: { retry: "${{ inputs.times }}", timeout: "${{ run.attempt }}m" } })))
      assert.strictEqual(Option.getOrThrow(retry).times, 2)
      assert.deepStrictEqual(timeout, Option.some(Duration.minutes(3)))
    }))

  it.effect("of a file that a task uses are evaluated with the inputs of that", () =>
    Effect.gen(function*() {
      const used = input({ inputs: { limit: "1m" }, defaults: { retry: { times: 1, wait: "${{ inputs.limit }}" } } }, { timeout: "${{ inputs.limit }}" })
      const { description: _, assign_to: __, ...using } = { id: "one", subject: "one", description: "", assign_to: "", uses: "./used.yaml", with: { limit: "${{ inputs.limit }}" } }
      const spec = yield* evaluate({
        ...input(),
        teams: [{ name: "t", agents: ["a"], tasks: [using] }],
        files: { "used.yaml": used }
      })
      const task = spec.teams.find(({ name }) => name === "one/t")?.tasks[0]
      if (task === undefined) return assert.fail("the workflow that is used has no task")
      const { retry, timeout } = TaskPolicy.of(spec, task)
      assert.deepStrictEqual(timeout, Option.some(Duration.minutes(10)))
      assert.deepStrictEqual(Option.getOrThrow(retry).wait, Option.some(Duration.minutes(10)))
    }))

  it.effect("are refused when they are none, each where it is written", () =>
    Effect.gen(function*() {
      const refused = yield* refusal(limited, { limit: "soon", times: 0, factor: 0.5 })
      assert.deepStrictEqual(refused.map((line) => line.replace("workflow ", "").replace(/ \(.*?\)/, "").replace(/, expected.*/, "").trim()), [
        "timeout: found \"soon 1h\"",
        "agents[0].stalled_after: found \"soon\"",
        "teams[0].tasks[0].timeout: found \"soon\"",
        "teams[0].tasks[0].retry.times: found \"0\"",
        "teams[0].tasks[0].retry.wait: found \"soon\"",
        "teams[0].tasks[0].retry.backoff: found \"0.5\"",
        "teams[0].tasks[0].retry.max_wait: found \"0h\"",
        "defaults.stalled_after: found \"0m\""
      ])
    }))

  it.effect("read nothing that is known only when the task is due", () =>
    Effect.gen(function*() {
      const refused = yield* refusal(input({}, { timeout: "${{ tasks.one.result }}", retry: "${{ matrix.n }}", matrix: { n: [1] } }))
      assert.strictEqual(refused.length, 2)
      assert.include(refused[0], "found tasks, expected inputs, run or workflow")
      assert.include(refused[1], "found matrix, expected inputs, run or workflow")
    }))

  it.effect("are on record as they are written, and a limit that is none as earlier versions read it", () =>
    Effect.gen(function*() {
      const encode = (workflow: WorkflowSpec.WorkflowInput) => Effect.flatMap(WorkflowSpec.decode(workflow), Schema.encode(WorkflowSpec.WorkflowSpec))
      const written = yield* encode(limited)
      assert.deepInclude(written, { timeout: "${{ inputs.limit }} 1h" })
      assert.deepStrictEqual(written.teams[0]?.tasks[0]?.retry, {
        times: "${{ inputs.times }}",
        wait: "${{ inputs.limit }}",
        backoff: "${{ inputs.factor }}",
        max_wait: "${{ inputs.times }}h",
        on: ["failed", "timeout", "stalled"]
      })
      const plain = yield* encode(input({ timeout: "1h" }))
      assert.deepInclude(plain, { timeout_seconds: 3600 })
      assert.notProperty(plain, "timeout")
    }))
})
