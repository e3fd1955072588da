import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as ProblemReport from "../../src/report/ProblemReport.ts"
import * as Style from "../../src/report/Style.ts"
import * as WorkflowFile from "../../src/workflow/WorkflowFile.ts"

const plain = { style: Style.plain, width: 100 }

const problems = (text: string, options = plain) =>
  Effect.gen(function*() {
    const invalid = yield* Effect.flip(WorkflowFile.parse(text, "flow.yaml"))
    if (invalid._tag !== "WorkflowInvalid") return yield* Effect.dieMessage(invalid.message)
    return ProblemReport.problems(invalid, { ...options, text: WorkflowFile.withoutMark(text) })
  })

const team = "teams: [{ name: crew, agents: [a], tasks: [{ subject: s, description: d, assign_to: a }] }]\n"

describe("ProblemReport", () => {
  it.effect("tells each problem with its line and signs under it, and how many there are", () =>
    Effect.gen(function*() {
      const text = `metadata: { nmae: x }\nagents: [{ name: a, cpus: none }]\n${team}`
      assert.deepStrictEqual(yield* problems(text), [
        "flow.yaml:1:13 metadata.nmae: found the key \"nmae\" and no name, expected the key name (did you mean \"name\"?)",
        " 1 | metadata: { nmae: x }",
        "   |             ^^^^",
        "flow.yaml:2:27 agents[0].cpus (agent \"a\"): found \"none\", expected a whole number greater than 0",
        " 2 | agents: [{ name: a, cpus: none }]",
        "   |                           ^^^^",
        "2 problems in flow.yaml"
      ])
    }))

  it.effect("says what is wrong with a file as it is written on Windows, behind a byte order mark", () =>
    Effect.gen(function*() {
      const text = `\ufeffmetadata: { name: x }\r\nagents: [{ name: a }]\r\n${team}teardown: alwys\r\n`
      assert.deepStrictEqual(yield* problems(text), [
        "flow.yaml:4:11 teardown: found \"alwys\", expected \"on_completion\", \"on_failure\", \"always\" or \"never\" (did you mean \"always\"?)",
        " 4 | teardown: alwys",
        "   |           ^^^^^",
        "1 problem in flow.yaml"
      ])
    }))

  it.effect("quotes no line where there is none", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* problems(""), ["flow.yaml:1:1 found an empty file, expected a workflow", "1 problem in flow.yaml"])
    }))

  it.effect("says how many problems are not shown", () =>
    Effect.gen(function*() {
      const lines = yield* problems(`metadata: { name: x }\nagents: [${"{},".repeat(2000)}]\n${team}`)
      assert.strictEqual(lines.at(-1), "2,000 problems in flow.yaml, 1,900 of them not shown")
    }))

  it.effect("lets nothing of a file act on the terminal", () =>
    Effect.gen(function*() {
      const text = "metadata: { name: x }\nagents: [{ name: \"\\e[31m\u200fx\", cpus: \"\u202e\u0085\" }]\n"
      for (const line of yield* problems(text)) assert.notMatch(line, /[\p{Cc}\p{Bidi_Control}]/u)
    }))

  it.effect("paints problems and warnings in colors of their own, on a terminal", () =>
    Effect.gen(function*() {
      const options = { style: Style.colored, width: 100 }
      const { bad: red, doubtful: yellow } = Style.colored
      assert.notStrictEqual(red("x"), yellow("x"))
      const wrong = yield* problems(`metadata: { name: x }\nagents: []\n${team}`, options)
      assert.isTrue(wrong.some((line) => line.endsWith(red("^^"))), wrong.join("\n"))
      assert.strictEqual(wrong.at(-1), red("1 problem in flow.yaml"))
      const text = `metadata: { name: x }\nagents: [{ name: a, cpus: 2 }]\n${team}`
      const { warnings } = yield* WorkflowFile.parseWithPositions(text, "flow.yaml")
      const doubtful = ProblemReport.warnings("flow.yaml", warnings, { ...options, text })
      assert.isTrue(doubtful.some((line) => line.endsWith(yellow("^^^^"))), doubtful.join("\n"))
      assert.strictEqual(doubtful.at(-1), yellow("1 warning in flow.yaml"))
    }))
})
