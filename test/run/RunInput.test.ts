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

  it.effect("has the inputs that were given", () =>
    Effect.gen(function*() {
      const inputs = { a: "${{ x }}", b: 1, c: true, d: ["x", 2] }
      const encoded = yield* RunInput.encode({ spec: yield* spec, force: false, inputs })
      assert.deepStrictEqual((yield* RunInput.decode(encoded)).inputs, inputs)
    }))
})
