import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as TaskGraphView from "../../src/report/TaskGraphView.ts"
import * as RunState from "../../src/run/RunState.ts"
import { started } from "../support/TestStore.ts"

const state = (tasks: ReadonlyArray<readonly [subject: string, blockedBy: ReadonlyArray<string>]>) =>
  Option.getOrThrow(Option.fromNullable(RunState.foldAll([{
    ...started(),
    teams: [{ name: "crew", tasks: tasks.map(([subject, blockedBy]) => ({ subject, blockedBy, assignTo: "one" })) }]
  }])))

const view = (tasks: Parameters<typeof state>[0]) => {
  const known = state(tasks)
  return TaskGraphView.view(known, TaskGraphView.structure(known))
}

describe.concurrent("TaskGraphView", () => {
  it("has a node for each task of a small run, and an edge for each wait", () => {
    const { edges, isGrouped, nodes } = view([["a", []], ["b", ["a"]], ["c", ["a", "b"]]])
    assert.deepStrictEqual([nodes.map(({ label }) => label), edges, isGrouped], [["a", "b", "c"], [[0, 1], [0, 2], [1, 2]], false])
  })

  it("puts the tasks of a long chain together so that there are not many groups, each with all of its tasks once", () => {
    const tasks = Array.from({ length: 10_000 }, (_, index) => [`t${index}`, index === 0 ? [] : [`t${index - 1}`]] as const)
    const { edges, isGrouped, nodes, tasks: total } = view(tasks)
    assert.deepStrictEqual([isGrouped, total, nodes.reduce((sum, node) => sum + node.total, 0)], [true, 10_000, 10_000])
    assert.isAtMost(nodes.length, TaskGraphView.maxNodes)
    assert.strictEqual(edges.length, nodes.length - 1)
    assert.strictEqual(nodes[0]?.label, "steps 1 to 100")
  })

  it("puts the tasks of a wide run together by how far they are from the beginning", () => {
    const wide = Array.from({ length: 500 }, (_, index) => [`w${index}`, ["first"]] as const)
    const { edges, nodes } = view([["first", []], ...wide])
    assert.deepStrictEqual([nodes.map(({ label, total }) => [label, total]), edges], [[["step 1", 1], ["step 2", 500]], [[0, 1]]])
  })

  it("knows in which group a task is", () => {
    const known = state([["first", []], ...Array.from({ length: 300 }, (_, index) => [`w${index}`, ["first"]] as const)])
    const structure = TaskGraphView.structure(known)
    const groups = new Set(RunState.tasks(known).map((task) => TaskGraphView.groupIdOf(structure, task)))
    assert.deepStrictEqual([...groups], structure.groups.map(({ id }) => id))
  })
})
