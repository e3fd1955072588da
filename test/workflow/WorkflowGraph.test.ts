import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as WorkflowGraph from "../../src/workflow/WorkflowGraph.ts"
import * as WorkflowSpec from "../../src/workflow/WorkflowSpec.ts"

const task = (subject: string, id?: string, ...blockedBy: ReadonlyArray<string>) =>
  ({ subject, id: Option.fromNullable(id), blockedBy, condition: Option.none() })

const names = (places: ReadonlyArray<WorkflowGraph.Place>) => places.map(({ subject, team }) => `${team}/${subject}`)

type Raw = { readonly subject: string; readonly id?: string; readonly blocked_by?: ReadonlyArray<string>; readonly assign_to?: unknown }

const problems = (...teams: ReadonlyArray<ReadonlyArray<Raw>>) =>
  WorkflowSpec.decodeUnknown({
    metadata: { name: "flow" },
    agents: [{ name: "a" }, { name: "b" }],
    teams: teams.map((tasks, position) => ({
      name: `team ${position + 1}`,
      agents: ["a", "b"],
      tasks: tasks.map((each) => ({ description: "d", assign_to: "a", ...each }))
    }))
  }).pipe(
    Effect.match({
      onFailure: ({ problems }) => problems.map(({ expected, found, path, suggestion }) =>
        `${path}: found ${found}, expected ${expected}${suggestion === undefined ? "" : ` (${suggestion}?)`}`),
      onSuccess: () => []
    })
  )

describe("WorkflowGraph", () => {
  const graph = WorkflowGraph.make([
    { name: "build", tasks: [task("compile", "compile"), task("pack", undefined, "compile", "check")] },
    { name: "test", tasks: [task("unit", "check", "compile"), task("compile"), task("all", undefined, "unit", "compile")] }
  ])

  it("finds what is waited for by subject in the team, and by id in any", () => {
    const blockers = [...graph.tasks.values()].map((place) => names(graph.blockersOf(place, place.task)))
    // In team test, "compile" is the subject of a task of its own.
    assert.deepStrictEqual(blockers, [[], ["build/compile", "test/unit"], ["test/compile"], [], ["test/unit", "test/compile"]])
  })

  it("has waves and a critical path over all teams", () => {
    assert.deepStrictEqual(WorkflowGraph.waves(graph).map(names), [["build/compile", "test/compile"], ["test/unit"], ["build/pack", "test/all"]])
    assert.deepStrictEqual(names(WorkflowGraph.criticalPath(graph)), ["test/compile", "test/unit", "build/pack"])
    assert.isTrue(WorkflowGraph.isAcrossTeams(graph))
    assert.isFalse(WorkflowGraph.isAcrossTeams(WorkflowGraph.make([{ name: "one", tasks: [task("a", "x"), task("b", undefined, "x")] }])))
  })
})

describe("a workflow with ids", () => {
  it.effect("is fine when tasks wait for those of other teams", () =>
    Effect.map(problems([{ subject: "plan", id: "plan" }], [{ subject: "do", blocked_by: ["plan"], assign_to: ["a", "b"] }]), (found) =>
      assert.deepStrictEqual(found, [])))

  it.effect("is refused for ids that are no names, or given twice", () =>
    Effect.map(problems([{ subject: "x", id: "a b" }, { subject: "y", id: "same" }], [{ subject: "z", id: "same" }]), (found) =>
      assert.deepStrictEqual(found, [
        "teams[0].tasks[0].id: found \"a b\", expected text of letters, digits, _ and -, at most 64",
        "teams[1].tasks[0].id: found \"same\" a second time, expected an id of its own (teams[0].tasks[1] has this one)"
      ])))

  it.effect("is refused for a circle through teams", () =>
    Effect.map(
      problems([{ subject: "x", id: "x", blocked_by: ["y"] }], [{ subject: "y", id: "y", blocked_by: ["z"] }, { subject: "z", blocked_by: ["x"] }]),
      (found) =>
        assert.deepStrictEqual(found, [
          "teams[0].tasks[0].blocked_by[0]: found the cycle x -> y -> team 2/z -> x, expected tasks that do not wait for each other in a circle"
        ])
    ))

  it.effect("is refused for what is no task, with what was meant, and for a task that waits for itself by its id", () =>
    Effect.map(
      problems([{ subject: "write it", id: "write", blocked_by: ["write"] }], [{ subject: "y", blocked_by: ["wirte", "write it"] }]),
      (found) =>
        assert.deepStrictEqual(found, [
          "teams[0].tasks[0].blocked_by[0]: found \"write\", the task itself, expected another task of team \"team 1\"",
          "teams[1].tasks[0].blocked_by[0]: found \"wirte\", expected the subject of a task of team \"team 2\", or the id of any task (write?)",
          "teams[1].tasks[0].blocked_by[1]: found \"write it\", expected the subject of a task of team \"team 2\", or the id of any task"
          + " (it is the subject of a task of team \"team 1\": give that an id, and name it by that)"
        ])
    ))

  it.effect("is refused for assignees that are none, not in the team, or named twice", () =>
    Effect.map(
      problems([{ subject: "x", assign_to: [] }, { subject: "y", assign_to: ["a", "c", "a"] }]),
      (found) =>
        assert.deepStrictEqual(found, [
          "teams[0].tasks[0].assign_to: found an empty list, expected the name of a member of the team, or a list of such names",
          "teams[0].tasks[1].assign_to[1]: found \"c\", expected the name of a member of team \"team 1\"",
          "teams[0].tasks[1].assign_to[2]: found \"a\" a second time, expected each member once"
        ])
    ))
})
