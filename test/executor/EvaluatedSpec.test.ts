import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as EvaluatedSpec from "../../src/executor/EvaluatedSpec.ts"
import { RunId } from "../../src/run/RunId.ts"
import * as WorkflowSpec from "../../src/workflow/WorkflowSpec.ts"
import { make } from "../support/FakeAgamemnon.ts"
import { driver, list, recorded, world } from "../support/JournaledRun.ts"
import { task, team, workflow } from "../support/TestRun.ts"

const spec = WorkflowSpec.decode({
  metadata: { name: "flow" },
  inputs: { ticket: { required: true } },
  agents: [{ name: "worker", model: "m${{ run.attempt }}", working_dir: "${{ inputs.ticket }}" }],
  teams: [{
    name: "core",
    agents: ["worker"],
    tasks: [
      { subject: "first ${{ inputs.ticket }}", description: "${{ run.id }}", assign_to: "worker" },
      { subject: "second", description: "d", assign_to: "worker", blocked_by: ["first ${{ inputs.ticket }}"] }
    ]
  }],
  teardown: "always"
})

describe("EvaluatedSpec", () => {
  it.scopedLive("is what a run carries out, and carries out again when it is resumed", () =>
    Effect.gen(function*() {
      const there = yield* world(make())
      const first = yield* driver(there, 1, { events: 12 })
      yield* first.untilKilled(first.execute(yield* spec, { inputs: { ticket: "A-1" } }))
      const second = yield* driver(there, 2)
      const id = (yield* Arr.head(yield* list(second.parts))).run
      yield* second.resume(id)
      const events = yield* recorded(there, id)
      const declared = events.flatMap((event) =>
        event._tag === "run.started" || event._tag === "run.resumed" ? [event.teams[0]?.tasks.map(({ blockedBy, subject }) => [subject, blockedBy])] : [])
      const expected = [["first A-1", []], ["second", ["first A-1"]]]
      assert.deepStrictEqual(declared, [expected, expected])
      assert.deepStrictEqual([...there.fake.tasks.values()].map(({ description, subject }) => [subject, description]), [["first A-1", id], ["second", "d"]])
    }))

  it.scopedLive("needs its inputs before anything begins", () =>
    Effect.gen(function*() {
      const there = yield* world(make())
      const { execute, parts } = yield* driver(there, 1)
      const refused = yield* Effect.flip(execute(yield* spec, { inputs: { tikcet: "A-1" } }))
      assert.strictEqual(refused._tag, "InputsInvalidError")
      const tooLong = yield* Effect.flip(execute(yield* spec, { inputs: { ticket: "x".repeat(600) } }))
      assert.strictEqual(tooLong._tag, "WorkflowInvalid")
      assert.deepStrictEqual(yield* list(parts), [])
      assert.deepStrictEqual(there.fake.calls, [])
    }))

  it.effect("counts attempts, and writes directories out when they are known", () =>
    Effect.gen(function*() {
      const { spec: { agents: [agent] } } = yield* EvaluatedSpec.make(
        { spec: yield* spec, inputs: { ticket: "work" }, source: "/files/flow.yaml" },
        { run: RunId.make("0123456789abcdef"), attempt: 3, embedded: true }
      )
      assert.deepInclude(agent, { workingDir: "/files/work" })
      assert.include(JSON.stringify(agent?.model), "m3")
    }))

  it.effect("is as it is where no inputs are on record: it may be older than expressions", () =>
    Effect.gen(function*() {
      const spec = workflow({ teams: [team("core", task("first ${{ x }}"))] })
      const evaluated = yield* EvaluatedSpec.make({ spec }, { run: RunId.make("0123456789abcdef"), attempt: 1, embedded: false })
      assert.strictEqual(evaluated.spec, spec)
    }))
})
