import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Evaluation from "../../src/workflow/Evaluation.ts"
import * as WorkflowFile from "../../src/workflow/WorkflowFile.ts"

const file = (verify: string, more = "") =>
  `metadata: { name: x }
inputs: { what: { type: string, default: all }, depth: 2 }
agents: [{ name: a, program: claude-code }]
${more}teams:
  - name: t
    agents: [a]
    tasks:
      - { id: plan, subject: plan, description: d, assign_to: a, outputs: { files: list } }
      - subject: s
        description: d
        assign_to: a
        blocked_by: [plan]
        verify: ${verify}
`

const parsed = (text: string) => WorkflowFile.parseWithPositions(text, "f.yaml")

const lastOf = (text: string) => Effect.map(parsed(text), ({ spec }) => spec.teams[0]?.tasks[1])

const refusal = (verify: string) => Effect.map(Effect.flip(WorkflowFile.parse(file(verify), "f.yaml")), ({ message }) => message)

const evaluated = (text: string) =>
  Effect.flatMap(WorkflowFile.parse(text, "f.yaml"), (spec) => Evaluation.evaluate(spec, { inputs: {}, run: { id: "r", attempt: 1 } }))

describe("Verification", () => {
  it.effect("is a command, or a map with its limit", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* lastOf(file("npm test")))?.verify, Option.some({ run: "npm test", timeout: Option.none() }))
      assert.deepStrictEqual(
        (yield* lastOf(file("{ run: npm test, timeout: 5m }")))?.verify,
        Option.some({ run: "npm test", timeout: Option.some(Duration.minutes(5)) })
      )
    }))

  it.effect.each([
    ["7", "f.yaml:13:17 teams[0].tasks[1].verify", "a command of the shell, or a map with the keys run and timeout"],
    ["\"\"", "f.yaml:13:17 teams[0].tasks[1].verify", "text that is not empty"],
    ["{ run: x, timeout: soon }", "f.yaml:13:36 teams[0].tasks[1].verify.timeout", "a duration greater than 0"],
    ["{ command: x }", "f.yaml:13:19 teams[0].tasks[1].verify.command", "an unknown key"]
  ] as const)("is refused with its place when it is %s", ([verify, place, words]) =>
    Effect.map(refusal(verify), (message) => {
      assert.include(message, place)
      assert.include(message, words)
    }))

  it.effect("takes what is known before the run, in a task and in defaults", () =>
    Effect.gen(function*() {
      const { spec } = yield* evaluated(file("test ${{ inputs.depth }}", "defaults: { verify: { run: \"lint ${{ inputs.depth }}\" } }\n"))
      assert.deepStrictEqual(Option.map(spec.teams[0]?.tasks[1]?.verify ?? Option.none(), ({ run }) => run), Option.some("test 2"))
      assert.deepStrictEqual(Option.flatMap(spec.defaults, ({ verify }) => Option.map(verify, ({ run }) => run)), Option.some("lint 2"))
    }))

  it.effect("takes nothing that a task answers: the shell would run it", () =>
    Effect.map(refusal("\"test ${{ tasks.plan.result }}\""), (message) => {
      assert.include(message, "f.yaml:13:27")
      assert.include(message, "found tasks, expected inputs, run or workflow: the shell runs this text, and what a task answers would become a part of it")
      assert.include(message, "TELEMACHY_CONTEXT")
    }))

  it.effect("warns of an input for which any text can be given, and of none that is a number", () =>
    Effect.gen(function*() {
      const { warnings } = yield* parsed(file("test ${{ inputs.what }} ${{ inputs.depth }}"))
      assert.deepStrictEqual(warnings.map(({ path, says }) => [path, says.slice(0, 85)]), [
        ["teams[0].tasks[1].verify", "the shell runs this text, and whatever is given for the input what becomes a part of "]
      ])
    }))

  it.effect("is none of a gate", () =>
    Effect.gen(function*() {
      const text = file("npm test").replace("        description: d\n        assign_to: a\n", "        approve: Go?\n")
      const { message } = yield* Effect.flip(WorkflowFile.parse(text, "f.yaml"))
      assert.include(message, "found verify of a gate")
    }))
})
