import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Evaluation from "../../src/workflow/Evaluation.ts"
import * as WorkflowFile from "../../src/workflow/WorkflowFile.ts"
import * as WorkflowSpec from "../../src/workflow/WorkflowSpec.ts"

const run = { id: "0123456789abcdef0123456789abcdef", attempt: 3 }

const input: WorkflowSpec.WorkflowInput = {
  metadata: { name: "flow", description: "For ${{ inputs.ticket }}, attempt ${{ run.attempt }}", owner: "${{ x }}" },
  inputs: { ticket: { required: true }, model: { type: "string" }, program: "none", dir: "work" },
  agents: [{
    name: "a",
    program: "${{ inputs.program }}",
    model: "${{ inputs.model }}",
    working_dir: "/${{ inputs.dir }}",
    docker_image: "${{ format('{0}:{1}', inputs.program, 1) }}"
  }],
  teams: [{
    name: "t",
    agents: ["a"],
    tasks: [
      { subject: "plan ${{ inputs.ticket }}", description: "Plan $X ${{ inputs.ticket }} of ${{ workflow.name }}.", assign_to: "a" },
      { subject: "do", description: "${{ run.id }}", assign_to: "a", blocked_by: ["plan ${{ inputs.ticket }}"] }
    ]
  }]
}

const evaluate = (workflow: WorkflowSpec.WorkflowInput, inputs: Record<string, unknown>) =>
  Effect.flatMap(WorkflowSpec.decode(workflow), (spec) => Effect.map(Evaluation.evaluate(spec, { inputs, run }), (evaluated) => evaluated.spec))

const refusal = (workflow: WorkflowSpec.WorkflowInput, inputs: Record<string, unknown>) =>
  Effect.map(Effect.flip(evaluate(workflow, inputs)), ({ message }) => message.split("\n"))

const tasks = (...tasks: ReadonlyArray<{ readonly subject: string; readonly description?: string }>): WorkflowSpec.WorkflowInput => ({
  metadata: { name: "flow" },
  inputs: { a: "", b: "" },
  agents: [{ name: "a" }],
  teams: [{ name: "t", agents: ["a"], tasks: tasks.map((task) => ({ description: "", assign_to: "a", ...task })) }]
})

describe("Evaluation", () => {
  it.effect("makes a workflow without expressions and inputs", () =>
    Effect.gen(function*() {
      const { agents: [agent], teams: [team], ...rest } = yield* evaluate(input, { ticket: "A-1" })
      assert.deepStrictEqual(rest.metadata, { name: "flow", description: "For A-1, attempt 3", owner: "${{ x }}" })
      assert.isFalse("inputs" in rest)
      assert.deepInclude(agent, {
        program: "none",
        model: Option.none(),
        workingDir: "/work",
        dockerImage: Option.some("none:1")
      })
      const texts = team?.tasks.map(({ assignTo, blockedBy, description, subject }) => ({ subject, description, assignTo, blockedBy }))
      assert.deepStrictEqual(texts, [
        { subject: "plan A-1", description: "Plan $X A-1 of flow.", assignTo: ["a"], blockedBy: [] },
        { subject: "do", description: run.id, assignTo: ["a"], blockedBy: ["plan A-1"] }
      ])
    }))

  it.effect("leaves a workflow that has neither as it is", () =>
    Effect.gen(function*() {
      const spec = yield* WorkflowFile.load("workflows/hello.yaml")
      assert.isFalse(Evaluation.isTemplate(spec))
      assert.strictEqual((yield* Evaluation.evaluate(spec, { inputs: {}, run })).spec, spec)
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.effect.prop(
    "puts what is given into a text as it is, whatever it is",
    [FastCheck.string({ unit: "grapheme" }).filter((text) => !/\p{Surrogate}/u.test(text))],
    ([ticket]) =>
      Effect.map(evaluate(tasks({ subject: "s", description: "<${{ inputs.a }}>" }), { a: ticket }), ({ teams }) =>
        assert.strictEqual(teams[0]?.tasks[0]?.description, `<${ticket}>`))
  )

  it.effect("never evaluates what is given", () =>
    Effect.map(evaluate(tasks({ subject: "${{ inputs.a }}" }), { a: "${{ inputs.b }}" }), ({ teams }) =>
      assert.strictEqual(teams[0]?.tasks[0]?.subject, "${{ inputs.b }}")))

  it.effect("fails with all that is wrong with what is given", () =>
    Effect.map(refusal(input, { tikcet: "x", dir: 1 }), (lines) =>
      assert.deepStrictEqual(lines, [
        "input \"tikcet\": found an unknown name, expected one of ticket, model, program, dir (did you mean \"ticket\"?)",
        "input \"ticket\": found nothing, expected text",
        "input \"dir\": found the number 1, expected text"
      ])))

  it.effect("checks the limits of texts when they are evaluated, all of them", () =>
    Effect.map(
      refusal(tasks(
        { subject: "${{ inputs.a }}", description: "${{ inputs.a }}" },
        { subject: "${{ inputs.b }}", description: "${{ fromJSON(inputs.b) }}" }
      ), { a: "ü".repeat(2049), b: " " }),
      (lines) =>
        assert.deepStrictEqual(lines, [
          "workflow teams[0].tasks[0].subject (team \"t\"): found text of 4098 bytes, expected text of at most 512 bytes",
          "workflow teams[0].tasks[0].description (team \"t\", task \"${{ inputs.a }}\"): found text of 4098 bytes, expected text of at most 4096 bytes",
          "workflow teams[0].tasks[1].subject (team \"t\"): found \" \", expected text that is not empty",
          "workflow teams[0].tasks[1].description (team \"t\", task \"${{ inputs.b }}\"): found \"fromJSON(inputs.b)\", expected an expression that can be evaluated (empty input)"
        ])
    ))

  it.effect("lets a template be longer than what becomes of it", () =>
    evaluate(tasks({ subject: `\${{ '${"x".repeat(500)}' != '' && inputs.a }}` }), { a: "short" }))

  it.effect("wants subjects to be unique in a team when they are evaluated", () =>
    Effect.map(refusal(tasks({ subject: "${{ inputs.a }}" }, { subject: "${{ inputs.b }}" }), { a: "same", b: "same" }), (lines) =>
      assert.deepStrictEqual(lines, [
        "workflow teams[0].tasks[1].subject (team \"t\"): found \"same\" a second time, expected a subject of its own (tasks[0] has this one)"
      ])))

  it.effect("wants an image for a container, and no model that is a flag", () =>
    Effect.map(
      refusal({
        ...tasks({ subject: "s" }),
        agents: [{ name: "a", runtime: "docker", docker_image: "${{ inputs.a }}", model: "${{ inputs.b }}" }]
      }, { b: "--yes" }),
      (lines) =>
        assert.deepStrictEqual(lines, [
          "workflow agents[0].docker_image (agent \"a\"): found an empty text, expected the name of an image, because runtime is \"docker\"",
          "workflow agents[0].model (agent \"a\"): found \"--yes\", expected the name of a model, which does not begin with -"
        ])
    ))

  it.effect("tells where in a file the text is", () =>
    Effect.gen(function*() {
      const { locate, spec } = yield* WorkflowFile.parseWithPositions(
        `${JSON.stringify(tasks({ subject: "s" }), null, 1).replace("\"description\": \"\"", "\"description\": \"x ${{ fromJSON(inputs.a) }}\"")}`,
        "flow.yaml"
      )
      const { message } = yield* Effect.flip(Evaluation.evaluate(spec, { inputs: {}, run }, {
        source: "flow.yaml",
        locate: (path, _, within) => locate(path, within)
      }))
      assert.match(message, /^flow\.yaml:22:28 teams\[0\]\.tasks\[0\]\.description/)
    }))
})
