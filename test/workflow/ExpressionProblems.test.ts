import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as WorkflowFile from "../../src/workflow/WorkflowFile.ts"
import * as WorkflowSpec from "../../src/workflow/WorkflowSpec.ts"

const head = `metadata: { name: flow }
inputs: { ticket: { required: true }, files: [a] }
agents: [{ name: a }]
teams:
  - name: t
    agents: [a]
    tasks:
      - assign_to: a
        subject: s
`

/** The problems of a file whose only task has this description, which begins in line 10. */
const refusal = (description: string) =>
  WorkflowFile.parse(`${head}        description: ${description}\n`, "f.yaml").pipe(
    Effect.flip,
    Effect.map(({ message }) => message.replaceAll(" teams[0].tasks[0].description (team \"t\", task \"s\")", "").split("\n"))
  )

const tikcet = "found the unknown name tikcet, expected a name that inputs has: ticket, files (did you mean \"ticket\"?)"

describe("ExpressionProblems", () => {
  it.effect.each([
    ["plain", "do ${{ inputs.tikcet }}", "10:36"],
    ["in single quotes", "'it''s ${{ inputs.tikcet }}'", "10:40"],
    ["in double quotes", "\"a\\tb ${{ inputs.tikcet }}\"", "10:39"],
    ["a second expression", "${{ inputs.ticket }} ${{ inputs.tikcet }}", "10:54"],
    ["a literal block", "|\n          first\n\n          then ${{ inputs.tikcet }}\n", "13:27"],
    ["a folded block", ">-\n          first\n          then ${{ inputs.tikcet }}\n          last", "12:27"],
    ["over several plain lines", "first\n          then ${{ inputs.tikcet }}", "11:27"],
    ["an expression over two lines", "|\n          then ${{\n            inputs.tikcet }}", "11:16"],
    ["with an escape in the expression", "\"${{ inputs.\\u0074ikcet }}\"", "10:23"],
    ["with an escape that opens", "\"\\u0024{{ inputs.tikcet }}\"", "10:22"]
  ] as const)("are told where they are written: %s", ([, description, place]) =>
    Effect.map(refusal(description), (lines) => assert.deepStrictEqual(lines, [`f.yaml:${place}: ${tikcet}`])))

  it.effect.each([
    ["${{ inptus.ticket }}", "10:26", "found the unknown name inptus, expected a context: inputs, run, workflow, tasks (did you mean \"inputs\"?)"],
    ["${{ tojsn(inputs) }}", "10:26", "found the unknown name tojsn, expected a function: contains, startsWith, endsWith, format, join, toJSON, fromJSON, case (did you mean \"toJSON\"?)"],
    ["${{ tasks.plan.result }}", "10:32", "found the unknown name plan, expected a name that tasks has, and there is none"],
    ["${{ secrets.TOKEN }}", "10:26", "found secrets, expected inputs, run or workflow: secrets can be read in agents[].env, and nowhere else"],
    ["${{ matrix.file }}", "10:26", "found matrix, expected inputs, run or workflow: a matrix can be read in the texts of the task that has it"],
    ["${{ always() }}", "10:26", "found always, expected another function: always() is for the if of a task"],
    ["${{ run.attempt }}", "10:30", "found attempt, expected run.id: a task is the same one in each attempt of its run"],
    ["${{ inputs.ticket.x }}", "10:40", "found x, expected nothing behind inputs.ticket, which is text"],
    ["a ${{ inputs.files }}", "10:28", "found a list, expected a text: join(inputs.files, ', ') or toJSON(inputs.files) makes one"],
    ["${{ toJSON(inputs) }} ${{ inputs }}", "10:48", "found a map, expected a text: join(inputs, ', ') or toJSON(inputs) makes one"],
    ["a ${{ inputs.ticket", "10:24", "found an open ${{, expected a }} that closes it"],
    ["${{ }}", "10:25", "found an empty expression, expected an expression"],
    ["'${{ \"x\" }}'", "10:27", "found \"\\\"x\\\"\", expected text in single quotes"]
  ] as const)("%s is one", ([description, place, expected]) =>
    Effect.map(refusal(description), (lines) => assert.deepStrictEqual(lines, [`f.yaml:${place}: ${expected}`])))

  it.effect("are found in each place that has expressions, all at once", () =>
    Effect.gen(function*() {
      const { problems } = yield* Effect.flip(WorkflowSpec.decode({
        metadata: { name: "flow", description: "${{ a }}" },
        agents: [{ name: "a", program: "${{ b }}", model: "${{ c }}", working_dir: "${{ d }}", docker_image: "${{ e }}" }],
        teams: [{ name: "t", agents: ["a"], tasks: [{ subject: "${{ f }}", description: "${{ g }} ${{ h }}", assign_to: "a" }] }]
      }))
      assert.deepStrictEqual(problems.map(({ found, path }) => [path, found.slice(-1)]), [
        ["metadata.description", "a"],
        ["agents[0].program", "b"],
        ["agents[0].model", "c"],
        ["agents[0].working_dir", "d"],
        ["agents[0].docker_image", "e"],
        ["teams[0].tasks[0].subject", "f"],
        ["teams[0].tasks[0].description", "g"],
        ["teams[0].tasks[0].description", "h"]
      ])
    }))

  it.effect("are not made of what other tools and shells write", () =>
    WorkflowFile.parse(`${head}        description: echo $X \${HOME} $(date) {{ x }} \${{{'{'}}}\n`, "f.yaml").pipe(Effect.flip, Effect.zipRight(
      WorkflowFile.parse(`${head}        description: "echo $X \${HOME} $(date) {{ x }} \${{ '\${{' }} x }}"\n`, "f.yaml")
    )))

  it.effect("are not told twice where an alias repeats a text", () =>
    Effect.gen(function*() {
      const text = `${head}        description: &d \${{ inputs.tikcet }}
      - assign_to: a
        subject: other
        description: *d
`
      const { message } = yield* Effect.flip(WorkflowFile.parse(text, "f.yaml"))
      assert.lengthOf(message.split("\n"), 2)
      assert.include(message, "f.yaml:10:36 teams")
      assert.include(message, "f.yaml:13:22 teams")
    }))

  it.effect("do not hide what is wrong with the declarations", () =>
    Effect.map(
      Effect.flip(WorkflowFile.parse(
        head.replace("inputs: { ticket: { required: true }, files: [a] }", "inputs: [ticket]").concat("        description: ${{ inputs.ticket }}\n"),
        "f.yaml"
      )),
      ({ message }) => assert.match(message, /^f\.yaml:2:9 inputs: found a list, expected [^\n]+$/)
    ))
})
