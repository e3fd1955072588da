import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as ProblemReport from "../../src/report/ProblemReport.ts"
import * as Style from "../../src/report/Style.ts"
import * as WorkflowFile from "../../src/workflow/WorkflowFile.ts"
import * as WorkflowSpec from "../../src/workflow/WorkflowSpec.ts"

const team = "teams: [{ name: crew, agents: [a], tasks: [{ subject: s, description: d, assign_to: a }] }]\n"

const file = (...agents: ReadonlyArray<string>) =>
  `metadata: { name: x }\nagents:\n${agents.map((agent) => `  - ${agent}\n`).join("")}${team}`

const warnings = (text: string) => Effect.map(WorkflowFile.parseWithPositions(text, "flow.yaml"), (located) => located.warnings)

const says = (text: string) => Effect.map(warnings(text), (found) => found.map((warning) => warning.says))

const silent = (name: string, ...agents: ReadonlyArray<string>) =>
  it.effect(`says nothing of ${name}`, () =>
    Effect.map(says(file(...agents)), (found) => assert.deepStrictEqual(found, [])))

describe("WorkflowWarnings", () => {
  it.effect("tell their place, in the order of the file", () =>
    Effect.gen(function*() {
      const text = file("{ name: a, program: none, model: m, cpus: 4 }", "{ name: idle }")
      assert.deepStrictEqual(yield* warnings(text), [
        {
          path: "agents[0].model",
          names: { agent: "a" },
          line: 3,
          column: 31,
          endColumn: 36,
          says: "program none starts nothing that could use a model: it has no effect"
        },
        {
          path: "agents[0].cpus",
          names: { agent: "a" },
          line: 3,
          column: 41,
          endColumn: 45,
          says: "cpus is for a container, and the runtime is local: it has no effect"
        },
        {
          path: "agents[1].name",
          line: 4,
          column: 13,
          endColumn: 17,
          says: "agent \"idle\" is in no team: it would be made and have nothing to do"
        }
      ])
    }))

  it("are made of a value as well, which has paths and no lines", () => {
    const tasks = [{ subject: "s", description: "d", assign_to: "a" }]
    const input = { metadata: { name: "x" }, agents: [{ name: "a", cpus: 1 }], teams: [{ name: "crew", agents: ["a"], tasks }] }
    assert.deepStrictEqual(WorkflowSpec.warnings(input), [
      { path: "agents[0].cpus", names: { agent: "a" }, says: "cpus is for a container, and the runtime is local: it has no effect" }
    ])
  })

  it.effect("are rendered as problems are, and as what they are", () =>
    Effect.gen(function*() {
      const text = file("{ name: a, program: none, memory: 4g }")
      const lines = ProblemReport.warnings("flow.yaml", yield* warnings(text), { style: Style.plain, width: 100, text })
      assert.deepStrictEqual(lines, [
        "flow.yaml:3:31 warning: agents[0].memory (agent \"a\"): memory is for a container, and the runtime is local: it has no effect",
        " 3 |   - { name: a, program: none, memory: 4g }",
        "   |                               ^^^^^^",
        "1 warning in flow.yaml"
      ])
    }))

  it.effect("say how arguments of a program are written", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* says(file("{ name: a, program: claude -p --foo }")), [
        "program is the name of a program, without arguments: give \"claude -p --foo\" a name in TELEMACHY_PROGRAMS, as in"
        + " \"claude=claude -p --foo\", or put it into a script"
      ])
      assert.lengthOf(yield* says(file("{ name: a, program: ~/bin/check --all }")), 1)
    }))

  it.effect("tell once what a merge key repeats", () =>
    Effect.gen(function*() {
      const text = file("&base { name: a, cpus: 1 }", "{ <<: *base, name: b }").replace("agents: [a]", "agents: [a, b]")
      assert.lengthOf(yield* warnings(text), 1)
    }))

  it.effect("are about a program by its name, wherever it is", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* says(file("{ name: a, program: /bin/bash, model: m }")), [
        "program bash knows no --model, which is what model adds to its arguments: leave model out"
      ])
    }))

  silent("a container", "{ name: a, runtime: docker, docker_image: node, cpus: 1, memory: 1g }")
  silent("a model of a program that may take one", "{ name: a, program: codex, model: m }")
  silent("a model of the program that is the default", "{ name: a, model: m }")
  silent("what is empty", "{ name: a, program: none, model: \"\", docker_image: null }")
  silent("a path with a space in it", "{ name: a, program: /opt/My Tools/check }")

  it.effect("are not made of a file with mistakes, which may be what they come from", () =>
    Effect.gen(function*() {
      const { message } = yield* Effect.flip(WorkflowFile.parse(file("{ name: a }", "{ name: b }").replace("[a]", "[a, bb]"), "flow.yaml"))
      assert.notInclude(message, "in no team")
    }))

  const scripted = (program: string, inputs: string, description: string) => `metadata: { name: x }
inputs: { ${inputs} }
agents: [{ name: a, program: ${program} }]
teams: [{ name: crew, agents: [a], tasks: [{ subject: "${"$"}{{ toJSON(inputs.x) }}", description: "${"$"}{description}", assign_to: a }] }]
`.replace("${description}", description)

  it.effect.each([
    ["${{ tasks.plan.outputs.files }}", true],
    ["${{ inputs.files }}", true],
    ["[a, b]", false]
  ] as const)("tell of values of a matrix that become a part of a script: %s", ([list, isTold]) =>
    Effect.gen(function*() {
      const found = yield* says(`metadata: { name: x }
inputs: { files: [a] }
agents: [{ name: a, program: bash }]
teams:
  - name: crew
    agents: [a]
    tasks:
      - { id: plan, subject: plan, description: d, assign_to: a, outputs: { files: list } }
      - subject: s
        description: do ${"${{ matrix.file }}"}
        assign_to: a
        blocked_by: [plan]
        matrix: { file: ${list.startsWith("[") ? list : JSON.stringify(list)} }
`)
      assert.deepStrictEqual(found, isTold ? [
        "bash runs this text as its script, and a value that the matrix is computed from becomes a part of that: let the script " +
        "read it from the file that TELEMACHY_CONTEXT names"
      ] : [])
    }))

  it.effect("tell of what becomes a part of a script", () =>
    Effect.gen(function*() {
      const [warning] = yield* warnings(scripted("/bin/sh", "x: t", "echo 1; echo ${{ inputs.X }}"))
      assert.deepStrictEqual(warning, {
        path: "teams[0].tasks[0].description",
        names: { team: "crew", task: "${{ toJSON(inputs.x) }}" },
        line: 4,
        column: 113,
        endColumn: 121,
        says: "sh runs this text as its script, and whatever is given for the input x becomes a part of that: give the input " +
          "options, or the type number or boolean, or let the script read the value from the file that TELEMACHY_CONTEXT names"
      })
    }))

  it.effect.each([
    ["python3", "x: t", "print(${{ toJSON(inputs) }})"],
    ["bash -e", "x: [a]", "${{ join(inputs.x) }}"],
    ["node", "x: t, y: 1", "${{ inputs[format('{0}', 'x')] }}"]
  ] as const)("tell of %s with %s, told %s", ([program, inputs, description]) =>
    Effect.map(says(scripted(program, inputs, description)), (found) => assert.include(found.join("\n"), "for the input x becomes a part")))

  it.effect.each([
    ["an option", "sh", "x: { default: a, options: [a, b] }", "${{ inputs.x }}"],
    ["a number", "sh", "x: 1", "${{ inputs.x }}"],
    ["a condition", "sh", "x: true", "${{ inputs.x }}"],
    ["another program", "claude-code", "x: t", "${{ inputs.x }}"],
    ["what is not given", "sh", "x: t", "${{ run.id }} ${{ workflow.name }}"],
    ["a program that is given", "'${{ inputs.x }}'", "x: t", "${{ inputs.x }}"]
  ] as const)("say nothing of %s", ([, program, inputs, description]) =>
    Effect.map(says(scripted(program, inputs, description)), (found) => assert.deepStrictEqual(found, [])))

  it.effect("tell of expressions that nothing evaluates", () =>
    Effect.map(
      says(file("{ name: \"${{ a }}\", memory: \"${{ b }}\", runtime: docker, docker_image: i }", "{ name: a }")),
      (found) =>
        assert.deepStrictEqual(found.filter((each) => each.includes("evaluated")), [
          "name is taken as it is written: expressions in it are not evaluated",
          "memory is taken as it is written: expressions in it are not evaluated"
        ])
    ))
})
