import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Evaluation from "../../src/workflow/Evaluation.ts"
import * as WorkflowSpec from "../../src/workflow/WorkflowSpec.ts"

const run = { id: "0123456789abcdef", attempt: 1 }

const flow = (concurrency: unknown) => ({
  metadata: { name: "flow" },
  inputs: { place: { type: "string", default: "north" } },
  agents: [{ name: "a", program: "none" }],
  teams: [{ name: "t", agents: ["a"], tasks: [{ subject: "s", description: "", assign_to: "a" }] }],
  concurrency
})

const groupOf = (concurrency: unknown, inputs: Record<string, unknown> = {}) =>
  WorkflowSpec.decodeUnknown(flow(concurrency)).pipe(
    Effect.flatMap((spec) => Evaluation.evaluate(spec, { inputs, run })),
    Effect.map(({ spec }) => spec.concurrency)
  )

const refusal = (...args: Parameters<typeof groupOf>) =>
  Effect.map(Effect.flip(groupOf(...args)), ({ message }) => message.split("\n").map((line) => line.replace(/^workflow:? /, "")))

describe("the group of a workflow", () => {
  it.effect("is a name, or a map in which all but the name can be left out", () =>
    Effect.gen(function*() {
      const usual = { group: "deploy", limit: 1, whenFull: "queue" }
      assert.deepStrictEqual(yield* groupOf("deploy"), usual)
      assert.deepStrictEqual(yield* groupOf({ group: "deploy" }), usual)
      assert.deepStrictEqual(yield* groupOf({ group: "deploy", limit: 3, when_full: "refuse" }), { group: "deploy", limit: 3, whenFull: "refuse" })
    }))

  it.effect("is what becomes of its expressions, over inputs, the run and the workflow", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* groupOf("${{ workflow.name }}-${{ inputs.place }}"))?.group, "flow-north")
      assert.strictEqual((yield* groupOf({ group: "deploy-${{ inputs.place }}" }, { place: "south" }))?.group, "deploy-south")
      assert.deepStrictEqual(yield* refusal("${{ inputs.place }}", { place: " " }), [
        "concurrency.group: found \" \", expected text that is not empty"
      ])
    }))

  it.effect("is refused in words", () =>
    Effect.gen(function*() {
      const keys = "the name of a group, or a map with the keys group, limit, when_full"
      const group = "text that is not empty"
      for (const [given, ...expected] of [
        [3, `concurrency: found the number 3, expected ${keys} (to use it as text, put it in quotes: "3")`],
        ["", `concurrency: found an empty text, expected ${group}`],
        [{}, "concurrency.group: found nothing, expected text"],
        [{ group: "g", limit: 0 }, "concurrency.limit: found the number 0, expected a whole number from 1 to 10000"],
        [{ group: "g", limit: 1.5 }, "concurrency.limit: found the number 1.5, expected a whole number from 1 to 10000"],
        [{ group: "g", when_full: "wait" }, "concurrency.when_full: found \"wait\", expected \"queue\", \"cancel_running\" or \"refuse\""],
        [{ group: "${{ run.attempt }}" }, "concurrency.group: found attempt, expected run.id: a run is of the same group in each of its attempts"],
        ["${{ secrets.TOKEN }}", "concurrency: found secrets, expected inputs, run or workflow: secrets can be read in agents[].env, and nowhere else"]
      ] as const) assert.deepStrictEqual([given, ...yield* refusal(given)], [given, ...expected])
    }))
})
