import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as WorkflowProblem from "../../src/workflow/WorkflowProblem.ts"

describe("WorkflowProblem", () => {
  it.each([
    [[], ""],
    [["teams", 0, "tasks", 2, "assign_to"], "teams[0].tasks[2].assign_to"],
    [["metadata", "a key"], "metadata[\"a key\"]"],
    [["metadata", ""], "metadata[\"\"]"],
    [["metadata", "größe"], "metadata.größe"]
  ])("writes the path %j as %s", (path, text) => {
    assert.strictEqual(WorkflowProblem.renderPath(path), text)
  })

  it.each([
    [undefined, "nothing"],
    [null, "nothing (null)"],
    ["", "an empty text"],
    ["a \"b\"\n", "\"a \\\"b\\\"\\n\""],
    ["x".repeat(200), `"${"x".repeat(80)}…"`],
    [12, "the number 12"],
    [Number.POSITIVE_INFINITY, "the number Infinity"],
    [false, "false"],
    [[], "an empty list"],
    [[1], "a list"],
    [{}, "a map"],
    [() => 1, "a function"]
  ])("describes %s as %s", (value, text) => {
    assert.strictEqual(WorkflowProblem.describe(value), text)
  })

  it("renders the place, the path, what was found and expected, and what was meant", () => {
    const problem = WorkflowProblem.make({
      path: ["teams", 0, "tasks", 2, "assign_to"],
      found: "\"implementor\"",
      expected: "the name of a member of team \"core\"",
      suggestion: "implementer"
    }, { position: { line: 12, column: 9 } })
    assert.strictEqual(
      WorkflowProblem.render("flow.yaml", problem),
      "flow.yaml:12:9 teams[0].tasks[2].assign_to: found \"implementor\","
        + " expected the name of a member of team \"core\" (did you mean \"implementer\"?)"
    )
  })

  it("survives the wire as an error", () => {
    const error = new WorkflowProblem.WorkflowInvalid({
      source: "flow.yaml",
      problems: [{ path: "agents", found: "nothing", expected: "a list of agents" }]
    })
    const encoded = Schema.encodeSync(WorkflowProblem.WorkflowInvalid)(error)
    assert.deepStrictEqual(Schema.decodeUnknownSync(WorkflowProblem.WorkflowInvalid)(encoded), error)
    assert.strictEqual(error.message, "flow.yaml agents: found nothing, expected a list of agents")
  })
})
