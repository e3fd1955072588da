import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as fc from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as WorkflowSpec from "../../src/workflow/WorkflowSpec.ts"

const task = { subject: "greet", description: "Say hello.", assign_to: "greeter" }

const input: WorkflowSpec.WorkflowInput = {
  metadata: { name: "hello" },
  agents: [{ name: "greeter", program: "none" }],
  teams: [{ name: "greeters", agents: ["greeter"], tasks: [task] }]
}

describe("WorkflowSpec", () => {
  it.effect("decodes a workflow that was authored as a value", () =>
    Effect.gen(function*() {
      const spec = yield* WorkflowSpec.decode(input)
      assert.deepStrictEqual(spec.agents[0]?.program, "none")
      assert.deepStrictEqual(spec.teams[0]?.tasks[0]?.assignTo, ["greeter"])
    }))

  it.effect("takes undefined for a field that is left out", () =>
    Effect.gen(function*() {
      const agent = { name: "greeter", program: undefined, model: undefined, cpus: undefined }
      const spec = yield* WorkflowSpec.decode({ ...input, agents: [agent], timeout_seconds: undefined })
      assert.deepStrictEqual(spec.agents[0]?.program, "claude-code")
      assert.deepStrictEqual(spec.timeout, Option.none())
    }))

  it.effect("checks structure and references like a file, and names the source", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(WorkflowSpec.decodeUnknown({
        ...input,
        teardown: "sometimes",
        teams: [{ name: "greeters", agents: ["greeter"], tasks: [{ ...task, assign_to: "greater" }] }]
      }, { source: "the nightly workflow" }))
      assert.deepStrictEqual(error.message.split("\n"), [
        "the nightly workflow teardown: found \"sometimes\","
        + " expected \"on_completion\", \"on_failure\", \"always\" or \"never\"",
        "the nightly workflow teams[0].tasks[0].assign_to (team \"greeters\", task \"greet\"): found \"greater\","
        + " expected the name of a member of team \"greeters\" (did you mean \"greeter\"?)"
      ])
    }))

  it.effect.each([undefined, null, "hello", [], new Map(), () => input])("refuses %s without a defect", (value) =>
    Effect.map(Effect.flip(WorkflowSpec.decodeUnknown(value)), (error) => assert.strictEqual(error._tag, "WorkflowInvalid")))

  it.effect("says all that an empty map lacks", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(WorkflowSpec.decodeUnknown({}))
      assert.deepStrictEqual(error.message.split("\n"), [
        "workflow metadata: found nothing, expected a map with the name of the workflow",
        "workflow agents: found nothing, expected a list of agents",
        "workflow teams: found nothing, expected a list of teams"
      ])
    }))

  it.effect("allows text of any kind in the metadata", () =>
    Effect.gen(function*() {
      const spec = yield* WorkflowSpec.decode({ ...input, metadata: { name: "hello", owner: "platform" } })
      assert.deepStrictEqual(spec.metadata, { name: "hello", owner: "platform" })
    }))

  // Any duration fits the type, but only a finite one can be written in a file.
  const timeouts = fc.option(fc.integer({ min: 1, max: 1_000_000 })).map(Option.fromNullable)

  it.effect.prop(
    "decodes what it encodes to the same workflow",
    [WorkflowSpec.WorkflowSpec, timeouts],
    ([generated, seconds]) =>
      Effect.gen(function*() {
        // No workflow that is read has this name in any map: it is refused.
        if (JSON.stringify(generated).includes("\"__proto__\":")) return
        const spec = { ...generated, timeout: Option.map(seconds, Duration.seconds) }
        const encoded = yield* Schema.encode(WorkflowSpec.WorkflowSpec)(spec)
        assert.deepStrictEqual(yield* Schema.decode(WorkflowSpec.WorkflowSpec)(encoded), spec)
      }),
    // Workflows are large: to make one that fails smaller takes minutes.
    { fastCheck: { numRuns: 50, endOnFailure: true } }
  )
})
