import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as RetryPolicy from "../../src/workflow/RetryPolicy.ts"
import * as WorkflowSpec from "../../src/workflow/WorkflowSpec.ts"

const decode = Schema.decodeUnknownSync(RetryPolicy.RetryPolicy)

const refusal = (retry: unknown) =>
  Effect.map(
    Effect.flip(WorkflowSpec.decodeUnknown({
      metadata: { name: "flow" },
      agents: [{ name: "a" }],
      teams: [{ name: "t", agents: ["a"], tasks: [{ subject: "s", description: "d", assign_to: "a", retry }] }]
    })),
    ({ problems }) => problems.map(({ expected, found, path }) => `${path}: ${found}, ${expected}`)
  )

describe("RetryPolicy", () => {
  it("is a number of attempts after the first, or a map with more", () => {
    assert.deepStrictEqual(decode(2), {
      times: 2,
      wait: Option.none(),
      backoff: 1,
      maxWait: Option.none(),
      on: ["failed", "timeout", "stalled"]
    })
    assert.deepStrictEqual(decode({ times: 1, wait: "30s", backoff: 2, max_wait: "10m", on: ["timeout"] }), {
      times: 1,
      wait: Option.some(Duration.seconds(30)),
      backoff: 2,
      maxWait: Option.some(Duration.minutes(10)),
      on: ["timeout"]
    })
  })

  it("waits longer each time, up to the longest wait, and never longer than a timer holds", () => {
    const policy = RetryPolicy.known(decode({ times: 9, wait: "10s", backoff: 3, max_wait: "1m" }))
    assert.deepStrictEqual([1, 2, 3, 100].map((attempt) => Duration.toSeconds(RetryPolicy.waitAfter(policy, attempt))), [10, 30, 60, 60])
    assert.isAtMost(Duration.toSeconds(RetryPolicy.waitAfter(RetryPolicy.known(decode({ times: 100, wait: "1d", backoff: 100 })), 100)), 2_147_483)
    assert.strictEqual(Duration.toMillis(RetryPolicy.waitAfter(RetryPolicy.known(decode(3)), 2)), 0)
  })

  it("covers error with failed, and nothing that was cancelled", () => {
    const policy = RetryPolicy.known(decode({ times: 1, on: ["failed"] }))
    assert.deepStrictEqual(["failed", "error", "timeout", "stalled", "cancelled"].filter((end) => RetryPolicy.covers(policy, end)), ["failed", "error"])
  })

  it.effect("is refused in words", () =>
    Effect.gen(function*() {
      const whole = "a whole number from 1 to 100"
      const path = "teams[0].tasks[0].retry"
      assert.deepStrictEqual(yield* refusal({ times: 0 }), [`${path}.times: the number 0, ${whole}`])
      assert.deepStrictEqual(yield* refusal({}), [`${path}.times: nothing, ${whole}`])
      assert.deepStrictEqual(yield* refusal({ times: 1, on: ["cancelled"] }), [
        `${path}.on[0]: "cancelled", "failed", "timeout" or "stalled"`
      ])
      assert.deepStrictEqual(yield* refusal({ times: 1, on: [] }), [`${path}.on: an empty list, at least one of failed, timeout and stalled`])
      assert.deepStrictEqual(yield* refusal({ times: 1, backof: 2 }), [
        `${path}.backof: an unknown key, one of the keys times, wait, backoff, max_wait, on`
      ])
      assert.deepStrictEqual(yield* refusal(0), [`${path}: the number 0, ${whole}`])
      assert.deepStrictEqual(yield* refusal("twice"), [`${path}: "twice", ${whole}, or a map with the keys times, wait, backoff, max_wait, on`])
    }))
})
