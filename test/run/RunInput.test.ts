import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as RunInput from "../../src/run/RunInput.ts"
import * as WorkflowSpec from "../../src/workflow/WorkflowSpec.ts"

const spec = WorkflowSpec.decode({
  metadata: { name: "flow" },
  agents: [{ name: "a" }],
  teams: [{ name: "t", agents: ["a"], tasks: [{ subject: "s", description: "d", assign_to: "a" }] }]
})

/** What the version before there were inputs has written of that workflow. */
const before = {
  json: "{\"spec\":{\"apiVersion\":\"telemachy/v1\",\"metadata\":{\"name\":\"flow\"},\"agents\":[{\"name\":\"a\",\"program\":\"claude-code\",\"working_dir\":\"/tmp\",\"runtime\":\"local\",\"cpus\":2,\"memory\":\"4g\"}],\"teams\":[{\"name\":\"t\",\"agents\":[\"a\"],\"tasks\":[{\"subject\":\"s\",\"description\":\"d\",\"assign_to\":\"a\",\"blocked_by\":[]}]}],\"teardown\":\"on_completion\"},\"source\":\"/flow.yaml\",\"force\":false}",
  digest: "18b330be7f6cd15a4ac8dc72822d408b73ceab42be8d2bb33ba573ad25125b0b"
}

describe("RunInput", () => {
  it.effect("is written as before where there are no inputs", () =>
    Effect.gen(function*() {
      const encoded = yield* RunInput.encode({ spec: yield* spec, force: false, source: "/flow.yaml" })
      assert.deepStrictEqual(encoded, before)
    }))

  it.effect("of the version before is read as it was", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* RunInput.decode(before), { spec: yield* spec, force: false, source: "/flow.yaml" })
    }))

  it.effect("is decoded once for those who ask one after the other, and anew when it is another", () =>
    Effect.gen(function*() {
      const other = yield* RunInput.encode({ spec: yield* spec, force: true })
      const [first, second] = [yield* RunInput.decode(before), yield* RunInput.decode(before)]
      assert.strictEqual(first, second)
      assert.strictEqual((yield* RunInput.decode(other)).force, true)
      assert.deepStrictEqual(yield* RunInput.decode(before), first)
      assert.isUndefined((yield* Effect.flip(RunInput.decode({ json: other.json, digest: before.digest }))).isNewer)
    }))

  for (const [where, from, to] of [
    ["a task", "\"subject\":", "\"unheard_of\":1,\"subject\":"],
    ["an agent", "\"program\":", "\"unheard_of\":{},\"program\":"],
    ["the workflow", "\"teardown\":", "\"unheard_of\":[],\"teardown\":"],
    ["the run", "\"force\":", "\"unheard_of\":true,\"force\":"],
    ["what a key says", "\"on_completion\"", "\"unheard_of\""]
  ] as const) {
    it.effect(`of a newer version is not taken for one that says less: ${where}`, () =>
      Effect.gen(function*() {
        const json = before.json.replace(from, to)
        const digest = createHash("sha256").update(json).digest("hex")
        const isNewer = (told: RunInput.Encoded) =>
          Effect.match(RunInput.decode(told), { onFailure: (error) => error.isNewer === true, onSuccess: () => "understood" })
        assert.isTrue(yield* isNewer({ json, digest }))
        assert.isFalse(yield* isNewer({ json, digest: before.digest }))
      }))
  }

  it.effect("has the inputs that were given", () =>
    Effect.gen(function*() {
      const inputs = { a: "${{ x }}", b: 1, c: true, d: ["x", 2] }
      const encoded = yield* RunInput.encode({ spec: yield* spec, force: false, inputs })
      assert.deepStrictEqual((yield* RunInput.decode(encoded)).inputs, inputs)
    }))
})
