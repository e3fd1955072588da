import { assert, describe, it } from "@effect/vitest"
import * as fc from "effect/FastCheck"
import * as Option from "effect/Option"
import * as TaskGraph from "../../src/workflow/TaskGraph.ts"

type Tasks = ReadonlyArray<TaskGraph.Node>

const keys = ["a", "b", "c", "d", "e", "f", "g", "h"]

/** Tasks with any edges: circles, edges to itself, edges that are named twice, edges to nowhere. */
const anyTasks: fc.Arbitrary<Tasks> = fc.uniqueArray(fc.constantFrom(...keys)).chain((chosen) =>
  fc.tuple(
    ...chosen.map((key) =>
      fc.array(fc.constantFrom(...keys), { maxLength: 4 }).map((blockedBy) => ({ key, blockedBy }))
    )
  )
)

/** Tasks without circles: each waits for tasks before it in the alphabet only, and they come in any order. */
const acyclicTasks: fc.Arbitrary<Tasks> = anyTasks.map((tasks) =>
  tasks.map(({ blockedBy, key }) => ({ key, blockedBy: blockedBy.filter((blocker) => blocker < key) }))
)

const blockersOf = (tasks: Tasks, key: string): ReadonlyArray<string> =>
  (tasks.find((task) => task.key === key)?.blockedBy ?? []).filter((blocker) =>
    tasks.some((task) => task.key === blocker)
  )

/** Everything that a task waits for, directly or not. */
const naiveAncestors = (tasks: Tasks, key: string): ReadonlySet<string> => {
  const found = new Set<string>()
  const visit = (each: string): void =>
    blockersOf(tasks, each).forEach((blocker) => {
      if (found.has(blocker)) return
      found.add(blocker)
      visit(blocker)
    })
  visit(key)
  return found
}

const naiveLevel = (tasks: Tasks, key: string): number =>
  Math.max(0, ...blockersOf(tasks, key).map((blocker) => naiveLevel(tasks, blocker) + 1))

const chainOf = (length: number): Tasks =>
  Array.from({ length }, (_, index) => ({ key: `t${index}`, blockedBy: index === 0 ? [] : [`t${index - 1}`] }))

const fanOut = (width: number): Tasks => [
  { key: "root", blockedBy: [] },
  ...Array.from({ length: width }, (_, index) => ({ key: `t${index}`, blockedBy: ["root"] })),
  { key: "end", blockedBy: Array.from({ length: width }, (_, index) => `t${index}`) }
]

describe("TaskGraph", () => {
  describe("cycle", () => {
    it("finds the tasks of a cycle, first and last the same", () => {
      const tasks = [
        { key: "outside", blockedBy: ["a"] },
        { key: "a", blockedBy: ["free", "b"] },
        { key: "b", blockedBy: ["c"] },
        { key: "c", blockedBy: ["a"] },
        { key: "free", blockedBy: [] }
      ]
      assert.deepStrictEqual(TaskGraph.cycle(tasks), Option.some(["a", "b", "c", "a"]))
    })

    it("finds a task that waits for itself", () => {
      assert.deepStrictEqual(TaskGraph.cycle([{ key: "a", blockedBy: ["a"] }]), Option.some(["a", "a"]))
    })

    it("finds one cycle of each group of tasks", () => {
      const tasks = [
        { key: "a", blockedBy: ["b"] },
        { key: "b", blockedBy: ["a"] },
        { key: "c", blockedBy: ["a", "d"] },
        { key: "d", blockedBy: ["c", "b"] }
      ]
      assert.deepStrictEqual(TaskGraph.cycles(TaskGraph.make(tasks)), [["a", "b", "a"], ["c", "d", "c"]])
    })

    it.prop("finds a cycle exactly when a task waits for itself in the end", [anyTasks], ([tasks]) => {
      const cyclic = tasks.some((task) => naiveAncestors(tasks, task.key).has(task.key))
      assert.strictEqual(Option.isSome(TaskGraph.cycle(tasks)), cyclic)
    })

    it.prop("finds cycles that are cycles, share no task and touch every group", [anyTasks], ([tasks]) => {
      const cycles = TaskGraph.cycles(TaskGraph.make(tasks))
      for (const cycle of cycles) {
        assert.strictEqual(cycle[0], cycle.at(-1))
        cycle.slice(1).forEach((blocker, index) => assert.include(blockersOf(tasks, cycle[index] ?? ""), blocker))
      }
      const members = cycles.flatMap((cycle) => cycle.slice(1))
      assert.strictEqual(new Set(members).size, members.length)
      for (const { key } of tasks) {
        const ancestors = naiveAncestors(tasks, key)
        if (!ancestors.has(key)) continue
        assert.isTrue(
          members.some((member) => ancestors.has(member) && naiveAncestors(tasks, member).has(key)),
          `the cycle around ${key} is not reported`
        )
      }
    })
  })

  describe("waves", () => {
    it.prop("put each task right after the last that it waits for", [acyclicTasks], ([tasks]) => {
      const waves = TaskGraph.waves(TaskGraph.make(tasks))
      const expected = waves.map((_, level) =>
        tasks.map((task) => task.key).filter((key) => naiveLevel(tasks, key) === level)
      )
      assert.deepStrictEqual(waves, expected)
      assert.strictEqual(waves.flat().length, tasks.length)
    })

    it("leave out the tasks of a cycle and those behind one", () => {
      const tasks = [
        { key: "free", blockedBy: [] },
        { key: "a", blockedBy: ["a", "free"] },
        { key: "behind", blockedBy: ["a"] }
      ]
      assert.deepStrictEqual(TaskGraph.waves(TaskGraph.make(tasks)), [["free"]])
    })
  })

  describe("criticalPath", () => {
    it.prop("is a chain through every wave", [acyclicTasks], ([tasks]) => {
      const graph = TaskGraph.make(tasks)
      const path = TaskGraph.criticalPath(graph)
      assert.strictEqual(path.length, TaskGraph.waves(graph).length)
      path.slice(1).forEach((key, index) => assert.include(blockersOf(tasks, key), path[index]))
    })
  })

  describe("frontier", () => {
    it.prop(
      "reports each task once, ready when all before it completed, skipped when one did not",
      [acyclicTasks, fc.infiniteStream(fc.boolean()), fc.infiniteStream(fc.nat())],
      ([tasks, outcomes, picks]) => {
        const frontier = TaskGraph.frontier(TaskGraph.make(tasks))
        const ready = [...frontier.ready]
        const outcome = new Map<string, "completed" | "failed" | "skipped">()
        while (ready.length > 0) {
          const [key = ""] = ready.splice((picks.next().value ?? 0) % ready.length, 1)
          assert.isFalse(outcome.has(key))
          const completed = outcomes.next().value !== false
          outcome.set(key, completed ? "completed" : "failed")
          const settled = frontier.settle(key, completed)
          const allDone = (each: string) =>
            blockersOf(tasks, each).every((blocker) => outcome.get(blocker) === "completed")
          assert.isTrue(settled.ready.every(allDone))
          for (const each of settled.skipped) {
            assert.isFalse(outcome.has(each))
            outcome.set(each, "skipped")
          }
          ready.push(...settled.ready)
        }
        for (const { key } of tasks) {
          const spoilt = Array.from(naiveAncestors(tasks, key)).some((each) => outcome.get(each) === "failed")
          assert.strictEqual(outcome.get(key) === "skipped", spoilt, key)
        }
        assert.strictEqual(outcome.size, tasks.length)
      }
    )

    it("takes a blocker that is named twice for one", () => {
      const tasks = [{ key: "a", blockedBy: [] }, { key: "b", blockedBy: ["a", "a"] }]
      const frontier = TaskGraph.frontier(TaskGraph.make(tasks))
      assert.deepStrictEqual(frontier.settle("a", true), { ready: ["b"], skipped: [] })
    })

    it("ignores a task that has ended before, and one that it does not know", () => {
      const frontier = TaskGraph.frontier(TaskGraph.make([...chainOf(2), { key: "other", blockedBy: ["t0"] }]))
      assert.deepStrictEqual(frontier.settle("t0", false), { ready: [], skipped: ["t1", "other"] })
      assert.deepStrictEqual(frontier.settle("t0", true), { ready: [], skipped: [] })
      assert.deepStrictEqual(frontier.settle("t1", true), { ready: [], skipped: [] })
      assert.deepStrictEqual(frontier.settle("nobody", false), { ready: [], skipped: [] })
    })

    it("does not report a task again that ended ahead of its turn, as in a run before this one", () => {
      const frontier = TaskGraph.frontier(TaskGraph.make(chainOf(3)))
      assert.deepStrictEqual(frontier.settle("t1", true), { ready: ["t2"], skipped: [] })
      assert.deepStrictEqual(frontier.settle("t0", true), { ready: [], skipped: [] })
    })
  })

  describe("with 10,000 tasks", () => {
    const size = 10_000

    it("walks a chain to its end", () => {
      const graph = TaskGraph.make(chainOf(size))
      assert.strictEqual(TaskGraph.waves(graph).length, size)
      assert.strictEqual(TaskGraph.criticalPath(graph).length, size)
      assert.deepStrictEqual(TaskGraph.cycles(graph), [])
      const frontier = TaskGraph.frontier(graph)
      let settled = 0
      for (let ready = frontier.ready; ready[0] !== undefined; settled++) ready = frontier.settle(ready[0], true).ready
      assert.strictEqual(settled, size)
    })

    it("skips a whole chain at once", () => {
      assert.strictEqual(TaskGraph.frontier(TaskGraph.make(chainOf(size))).settle("t0", false).skipped.length, size - 1)
    })

    it("finds the cycle through all of them", () => {
      const [first, ...rest] = chainOf(size)
      const tasks = [{ key: first?.key ?? "", blockedBy: [`t${size - 1}`] }, ...rest]
      assert.strictEqual(Option.getOrThrow(TaskGraph.cycle(tasks)).length, size + 1)
    })

    it("releases a fan-out at once and its end with the last", () => {
      const frontier = TaskGraph.frontier(TaskGraph.make(fanOut(size)))
      assert.deepStrictEqual(frontier.ready, ["root"])
      const { ready } = frontier.settle("root", true)
      assert.strictEqual(ready.length, size)
      assert.deepStrictEqual(ready.flatMap((key) => frontier.settle(key, true).ready), ["end"])
    })
  })
})
