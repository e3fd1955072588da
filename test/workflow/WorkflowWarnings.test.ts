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
})
