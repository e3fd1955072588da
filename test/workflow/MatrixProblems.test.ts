import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as WorkflowFile from "../../src/workflow/WorkflowFile.ts"

const file = (fields: string, more = "") =>
  `metadata: { name: flow }
inputs: { files: [a], depth: 2 }
agents: [{ name: a }]
teams:
  - name: t
    agents: [a]
    tasks:
      - { id: plan, subject: plan, description: d, assign_to: a, outputs: { files: list, summary: string } }
      - subject: s
        id: do
        description: d
        assign_to: a
        blocked_by: [plan]
        ${fields}
${more}`

const problems = (text: string) =>
  WorkflowFile.parse(text, "f.yaml").pipe(
    Effect.flip,
    Effect.map(({ message }) => message.replaceAll(/ teams\[0\]\.tasks\[\d\]\S* \(team "t", task "[^"]*"\)/g, "").split("\n"))
  )

describe("MatrixProblems", () => {
  it.effect.each([
    ["matrix: { file: '${{ tasks.plan.outputs.files }}' }"],
    ["matrix: { file: '${{ inputs.files }}', depth: [1, '${{ inputs.depth }}'] }\n        max_parallel: 3"],
    ["matrix: { include: [{ file: a, os: linux }] }"],
    ["matrix: { include: '${{ fromJSON(tasks.plan.outputs.summary) }}' }"]
  ] as const)("finds nothing wrong with %s", ([fields]) => WorkflowFile.parse(file(fields), "f.yaml"))

  it.effect.each([
    ["matrix: files", "14:17: found \"files\", expected a map of names to lists of values"],
    ["matrix: {}", "14:17: found a map, expected at least one list of values"],
    ["matrix: { file: a.ts }", "14:25: found \"a.ts\", expected a list, or an expression of which the value is one"],
    ["matrix: { file: [] }", "14:25: found an empty list, expected at least one value"],
    ["matrix: { file: '${{ tasks.plan.outputs.summary }}' }", "14:30: found text, expected a list, of which each item makes an instance"],
    ["matrix: { file: 'x ${{ tasks.plan.outputs.files }}' }", "14:25: found text around an expression, expected one expression, of which the value is a list"],
    ["matrix: { file: '${{ tasks.paln.outputs.files }}' }", "14:36: found the unknown name paln, expected a name that tasks has: plan, do (did you mean \"plan\"?)"],
    ["matrix: { file: '${{ matrix.x }}' }", "14:30: found matrix, expected inputs, run, workflow or tasks: the values of a matrix are for the texts of each instance, and this is asked once"],
    ["matrix: { a: [1], A: [2] }", "14:27: found \"A\", expected a name of its own: a is the same one in an expression"],
    ["matrix: { a: [1], include: [b] }", "14:37: found text, expected a map of names to values"],
    ["matrix: { file: [1], exclude: [{ flie: 1 }] }", "14:42: found the unknown name \"flie\", expected a name of the matrix: file (did you mean \"file\"?)"],
    ["max_parallel: 2", "14:9: found max_parallel of a task without a matrix, expected it on a task with a matrix, on a team, or at the top of the file"],
    ["matrix: { a: [1] }\n        max_parallel: 0", "15:23: found the number 0, expected a whole number from 1 to 10000"],
    [`matrix: { a: [${"1,".repeat(1000)} 1] }`, "14:17: found 1001 instances, expected at most 1000"]
  ] as const)("finds what is wrong with %s", ([fields, expected]) =>
    Effect.map(problems(file(fields)), (lines) => assert.deepStrictEqual(lines, [`f.yaml:${expected}`])))

  it.effect.each([
    ["${{ matrix.flie }}", "found the unknown name flie, expected a name that matrix has: file (did you mean \"file\"?)"],
    ["${{ matrix.file }} ${{ tasks.do.result }}", "found tasks, expected inputs, run or workflow"]
  ] as const)("knows what a text of the task can read: %s", ([subject, expected]) =>
    Effect.gen(function*() {
      const text = file("matrix: { file: [1] }").replace("subject: s\n", `subject: ${subject}\n`)
      const lines = yield* problems(text)
      assert.strictEqual(lines.length, 1)
      assert.include(lines[0], expected)
    }))

  it.effect.each([
    ["${{ join(tasks.do.*.result) }}", undefined],
    ["${{ join(tasks.do.*.outputs.branch) }} ${{ tasks.do[0].status }}", undefined],
    ["${{ tasks.do.result }}", "found result, expected the number of an item, as tasks.do[0], or .* for all of them, because tasks.do is a list"],
    ["${{ join(tasks.do.*.outputs.brnach) }}", "found the unknown name brnach, expected a name that tasks.do.*.outputs has: branch (did you mean \"branch\"?)"]
  ] as const)("knows what is read of its instances: %s", ([description, expected]) =>
    Effect.gen(function*() {
      const text = file(
        "matrix: { file: [1] }\n        outputs: { branch: string }",
        `      - { subject: after, description: "${description}", assign_to: a, blocked_by: [do] }\n`
      )
      if (expected === undefined) return void (yield* WorkflowFile.parse(text, "f.yaml"))
      assert.include((yield* problems(text)).join("\n"), expected)
    }))
})
