import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Evaluation from "../../src/workflow/Evaluation.ts"
import type * as FileEvaluation from "../../src/workflow/FileEvaluation.ts"
import * as WorkflowFile from "../../src/workflow/WorkflowFile.ts"
import * as WorkflowSpec from "../../src/workflow/WorkflowSpec.ts"

const known = { inputs: {}, run: { id: "0123456789abcdef0123456789abcdef", attempt: 3 } }

/** A workflow file whose only agent has these variables. */
const file = (env: string, secrets = "[GITHUB_TOKEN, KEY]") => `metadata: { name: flow }
inputs: { level: debug }
secrets: ${secrets}
agents: [{ name: a, program: sh, env: ${env} }]
teams: [{ name: t, agents: [a], tasks: [{ subject: s, description: d, assign_to: a }] }]
`

const refusal = (text: string) =>
  WorkflowFile.parse(text, "f.yaml").pipe(
    Effect.flip,
    Effect.map(({ message }) => message.replaceAll(" (agent \"a\")", "").split("\n"))
  )

/** The variables of the only agent, and what is masked beside the secrets. */
const environment = (env: string, secrets: Readonly<Record<string, string>>) =>
  Effect.gen(function*() {
    const spec = yield* WorkflowFile.parse(file(env), "f.yaml")
    const values = Object.fromEntries(Object.entries(secrets).map(([name, value]) => [name, Redacted.make(value)]))
    const [variables = new Map<string, FileEvaluation.Variable>()] = (yield* Evaluation.environments(spec, { ...known, secrets: values })).environments.values()
    return [...variables].map(([name, { derived, value }]) => [name, Redacted.value(value), ...derived.map(Redacted.value)])
  })

describe("Secrets", () => {
  it.effect.each([
    ["{ A: '${{ secrets.GITHUB_TOKN }}' }", "f.yaml:4:57 agents[0].env.A: found the unknown name GITHUB_TOKN, expected a name that secrets has: GITHUB_TOKEN, KEY (did you mean \"GITHUB_TOKEN\"?)"],
    ["{ A: '${{ tasks.s.result }}' }", "f.yaml:4:49 agents[0].env.A: found tasks, expected inputs, run or workflow: what tasks answer is known only when a task is due, for its description, its if and its matrix"],
    ["{ TELEMACHY_RUN: x }", "f.yaml:4:41 agents[0].env.TELEMACHY_RUN: found the name \"TELEMACHY_RUN\", expected another name: variables that begin with TELEMACHY_ are set by Telemachy"],
    ["{ a-b: x }", "f.yaml:4:41 agents[0].env.a-b: found the name \"a-b\", expected the name of a variable: letters, digits and _, which begins with a letter or _"],
    ["{ A: 1 }", "f.yaml:4:44 agents[0].env.A: found the number 1, expected text (to use it as text, put it in quotes: \"1\")"],
    ["{ A: \"x\\0y\" }", "f.yaml:4:44 agents[0].env.A: found text with the character NUL, expected text without it"],
    ["[A]", "f.yaml:4:39 agents[0].env: found a list, expected a map of variables, each a text"]
  ] as const)("%s is refused", ([env, expected]) =>
    Effect.map(refusal(file(env)), (lines) => assert.deepStrictEqual(lines, [expected])))

  it.effect("that are not declared are told to be", () =>
    Effect.map(refusal(file("{ A: '${{ secrets.KEY }}' }", "[]")), (lines) =>
      assert.deepStrictEqual(lines, [
        "f.yaml:4:49 agents[0].env.A: found secrets, expected a secret that is declared at the top of the file, as in secrets: [GITHUB_TOKEN]"
      ])))

  it.effect.each([
    ["[A, B, A]", "f.yaml:3:17 secrets[2]: found \"A\" a second time, expected each secret once"],
    ["[A, a]", "f.yaml:3:14 secrets[1]: found \"a\", expected a name of its own: A is the same one in an expression"],
    ["[1A]", "f.yaml:3:11 secrets[0]: found \"1A\", expected the name of a variable: letters, digits and _, which begins with a letter or _"],
    ["A", "f.yaml:3:10 secrets: found \"A\", expected a list of names of variables"]
  ] as const)("%s are refused as declarations", ([secrets, expected]) =>
    Effect.map(refusal(file("{}", secrets)), (lines) => assert.deepStrictEqual(lines, [expected])))

  it.effect("are read in env of an agent alone", () =>
    Effect.gen(function*() {
      const secret = "${{ secrets.KEY }}"
      const { problems } = yield* Effect.flip(WorkflowSpec.decode({
        metadata: { name: "flow", description: secret },
        secrets: ["KEY"],
        agents: [{ name: "a", program: secret, model: secret, working_dir: secret, docker_image: secret, env: { KEY: secret } }],
        teams: [{ name: "t", agents: ["a"], tasks: [{ subject: secret, description: secret, assign_to: "a" }] }]
      }))
      assert.deepStrictEqual(problems.map(({ path }) => path), [
        "metadata.description",
        "agents[0].program",
        "agents[0].model",
        "agents[0].working_dir",
        "agents[0].docker_image",
        "teams[0].tasks[0].subject",
        "teams[0].tasks[0].description"
      ])
      for (const { expected } of problems) assert.strictEqual(expected, "inputs, run or workflow: secrets can be read in agents[].env, and nowhere else")
    }))

  it.effect("that no program gets are warned of", () =>
    Effect.gen(function*() {
      const warnings = (env: string) =>
        Effect.map(WorkflowFile.parseWithPositions(file(env), "f.yaml"), (located) => located.warnings.map(({ says }) => says))
      assert.deepStrictEqual(yield* warnings("{ A: '${{ secrets.github_token }}' }"), [
        "no env of an agent reads the secret KEY: a run needs it, and no program gets it"
      ])
      assert.deepStrictEqual(yield* warnings("{ A: '${{ secrets[inputs.level] }}' }"), [])
    }))

  it.effect("are put into variables beside whatever else they are made of", () =>
    Effect.gen(function*() {
      const env = "{ A: 'Bearer ${{ secrets.github_token }}', B: '${{ inputs.level }} ${{ run.attempt }}', C: $HOME, " +
        "D: '${{ fromJSON(secrets.KEY).token }}', E: \"${{ secrets.KEY != '' }}\" }"
      assert.deepStrictEqual(yield* environment(env, { GITHUB_TOKEN: "ghp_${{ run.id }}", KEY: "{\"token\":\"inner\"}" }), [
        ["A", "Bearer ghp_${{ run.id }}", "ghp_${{ run.id }}"],
        ["B", "debug 3"],
        ["C", "$HOME"],
        ["D", "inner", "inner"],
        ["E", "true", "true"]
      ])
    }))

  it.effect("are not in what is said of a value that cannot be made of them", () =>
    Effect.gen(function*() {
      for (const env of ["{ A: '${{ fromJSON(secrets.KEY) }}' }", "{ A: '${{ inputs[secrets.KEY] }}' }"]) {
        const failure = yield* Effect.flip(environment(env, { GITHUB_TOKEN: "x", KEY: "hunter2" }))
        assert.notInclude(JSON.stringify(failure) + failure.message, "hunter2")
        assert.include(failure.message, "agents[0].env.A (agent \"a\"): found an expression over secrets, expected one that can be evaluated")
      }
    }))

  it.effect("leave the evaluated workflow with the text that reads them", () =>
    Effect.gen(function*() {
      const spec = yield* WorkflowFile.parse(file("{ A: '${{ secrets.KEY }}', B: '${{ inputs.level }}' }"), "f.yaml")
      const { spec: evaluated } = yield* Evaluation.evaluate(spec, known)
      assert.deepStrictEqual(evaluated.agents[0]?.env, { A: "${{ secrets.KEY }}", B: "${{ inputs.level }}" })
    }))

  it.effect("that an input makes too odd a value of are told before a run", () =>
    Effect.gen(function*() {
      const spec = yield* WorkflowFile.parse(file("{ A: '${{ inputs.level }}' }"), "f.yaml")
      const { message } = yield* Effect.flip(Evaluation.evaluate(spec, { ...known, inputs: { level: "x\0y" } }))
      assert.include(message, "agents[0].env.A (agent \"a\")")
    }))
})
