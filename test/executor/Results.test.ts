import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as TestClock from "effect/TestClock"
import { TasksFailedError } from "../../src/executor/RunError.ts"
import * as RunState from "../../src/run/RunState.ts"
import type { WorkflowInput } from "../../src/workflow/WorkflowSpec.ts"
import { make } from "../support/FakeAgamemnon.ts"
import { driver, list, made, stateOf, world } from "../support/JournaledRun.ts"
import { failure, finish, runToEnd, start, task, team, told, workflow } from "../support/TestRun.ts"

type Task = WorkflowInput["teams"][number]["tasks"][number]

const plan: Task = { ...task("plan"), id: "plan", outputs: { files: "list", summary: "string" } }
const answer = JSON.stringify({ files: ["a", "b"], summary: "${{ inputs.x }} $(rm -rf /)" })

const flow = (...tasks: ReadonlyArray<Task>) => workflow({ agents: [{ name: "worker", program: "claude-code" }], teams: [team("core", ...tasks)] })

const descriptions = (bodies: ReadonlyArray<unknown>) =>
  bodies.flatMap((body) => typeof body === "object" && body !== null && "description" in body ? [body.description] : [])

describe("results that flow", () => {
  it.scoped("are asked for, read, on record, and part of the description of a task after them, as they are", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("plan", "running")
      const run = yield* start(fake, flow(plan, {
        ...task("do", "plan"),
        description: "Do ${{ join(tasks.plan.outputs.files, ', ') }}: ${{ tasks.plan.outputs.summary }} (${{ tasks.plan.status }})"
      }))
      yield* TestClock.adjust("2 seconds")
      fake.change("plan", { status: "completed", result: answer })
      const { exit } = yield* finish(run)
      assert(Exit.isSuccess(exit))
      assert.deepStrictEqual(exit.value.outputs, { plan: { files: ["a", "b"], summary: "${{ inputs.x }} $(rm -rf /)" } })
      assert.deepStrictEqual(descriptions(fake.bodies), [
        "do plan\n\nWhen you are done, end your answer with a fenced block of JSON that holds one object with \"files\" (a list), \"summary\" (a text).",
        "Do a, b: ${{ inputs.x }} $(rm -rf /) (completed)"
      ])
      const state = RunState.foldAll(run.events)
      assert.deepStrictEqual(state === undefined ? undefined : RunState.tasks(state)[0]?.outputs, {
        files: ["a", "b"],
        summary: "${{ inputs.x }} $(rm -rf /)"
      })
    }))

  it.scoped("fail the attempt where one is missing, in words, and it is tried again", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("plan", "running")
      const run = yield* start(fake, flow({ ...plan, retry: 1 }))
      yield* TestClock.adjust("2 seconds")
      fake.change("plan", { status: "completed", result: "{\"files\": 3}" })
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(made(fake), { plan: 2 })
      const retrying = run.events.find(({ _tag }) => _tag === "task.retrying")
      assert.deepInclude(retrying, { status: "failed", problem: "output files is a number, not a list; output summary is missing" })
      fake.change("plan", { status: "completed", result: answer })
      assert.isTrue(Exit.isSuccess((yield* finish(run)).exit))
    }))

  it.scoped("fail a task whose description grows past what Agamemnon takes, and nothing is cut", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("plan", "running")
      const run = yield* start(fake, flow(plan, { ...task("do", "plan"), description: "${{ tasks.plan.outputs.summary }}" }))
      yield* TestClock.adjust("2 seconds")
      fake.change("plan", { status: "completed", result: JSON.stringify({ files: [], summary: "x".repeat(5000) }) })
      const { exit } = yield* finish(run)
      assert.instanceOf(failure(exit), TasksFailedError)
      const refused = run.events.find(({ _tag }) => _tag === "task.refused")
      assert.deepInclude(refused, { subject: "do", reason: "its description has 5000 bytes, and Agamemnon takes at most 4096" })
      assert.deepStrictEqual(made(fake), { plan: 1 })
    }))

  it.scoped("are asked for by agents that read, and a task that one of them has done is not done again", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("busy", "running").set("plan", "running")
      const spec = workflow({
        agents: [{ name: "shell", program: "sh" }, { name: "reader", program: "claude-code" }],
        teams: [{
          name: "core",
          agents: ["shell", "reader"],
          tasks: [{ ...task("busy"), assign_to: "shell" }, { ...plan, assign_to: ["shell", "reader"] }]
        }],
        teardown: "never"
      })
      const run = yield* start(fake, spec)
      yield* TestClock.adjust("2 seconds")
      fake.change("busy", { status: "completed" })
      fake.change("plan", { status: "completed", result: answer })
      assert.isTrue(Exit.isSuccess((yield* finish(run)).exit))
      assert.include(String(descriptions(fake.bodies)[1]), "fenced block of JSON")
      assert.isTrue(Exit.isSuccess((yield* runToEnd(fake, spec)).exit))
      assert.deepStrictEqual(made(fake), { busy: 1, plan: 1 })
    }))

  it.scopedLive("are there when a run is resumed, whose task reads them then", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("plan", "completed")
      const there = yield* world(fake)
      fake.on("createTask plan", (usual) => Effect.tap(usual, () => Effect.sync(() => fake.change("plan", { result: answer }))))
      const first = yield* driver(there, 1, { call: "createTask do" })
      const spec = flow(plan, { ...task("do", "plan"), description: "Do ${{ tasks.plan.outputs.files[1] }}" })
      yield* first.untilKilled(first.execute(spec))
      const second = yield* driver(there, 2)
      const { run } = yield* Arr.head(yield* list(second.parts))
      const { outputs } = yield* second.resume(run)
      assert.deepStrictEqual(outputs, { plan: JSON.parse(answer) })
      assert.deepStrictEqual(made(fake), { plan: 1, do: 1 })
      assert.strictEqual(descriptions(fake.bodies).at(-1), "Do b")
      const state = yield* stateOf(there, run)
      assert.deepStrictEqual(state === undefined ? undefined : RunState.tasks(state)[0]?.outputs, JSON.parse(answer))
    }))
})

describe("conditions", () => {
  /** Which tasks were skipped, and whether by a condition, in a run whose tasks begin like this. */
  const skipped = Effect.fnUntraced(function*(begins: Readonly<Record<string, string>>, ...tasks: ReadonlyArray<Task>) {
    const fake = make()
    for (const [subject, begin] of Object.entries(begins)) fake.begins.set(subject, begin)
    const { events, exit } = yield* runToEnd(fake, flow(...tasks))
    const skips = events.flatMap((event) => (event._tag === "task.skipped" ? [`${event.subject}${event.condition === true ? " by a condition" : ""}`] : []))
    return { skips, isCompleted: Exit.isSuccess(exit), made: Object.keys(made(fake)), events: told(events) }
  })

  const a = { ...task("a"), id: "a" }

  it.scoped("skip a task that does not hold, and what waits for it, which is no failure", () =>
    Effect.gen(function*() {
      const { isCompleted, made, skips } = yield* skipped(
        {},
        a,
        { ...task("b", "a"), if: "${{ tasks.a.status != 'completed' }}" },
        task("c", "b"),
        { ...task("d", "c"), if: "always()" }
      )
      assert.deepStrictEqual(skips, ["b by a condition", "c by a condition"])
      assert.deepStrictEqual(made, ["a", "d"])
      assert.isTrue(isCompleted)
    }))

  it.scoped("run a task for a failure, which would be skipped otherwise, when all before it has ended", () =>
    Effect.gen(function*() {
      const { isCompleted, made, skips } = yield* skipped(
        { a: "failed" },
        a,
        task("b", "a"),
        { ...task("report", "b"), if: "failure()" },
        { ...task("clean", "b"), if: "${{ always() }}" },
        { ...task("more", "b"), if: "tasks.a.result == ''" },
        { ...task("look", "b"), if: "tasks.a.status == 'failed'" },
        { ...task("well"), if: "failure()" }
      )
      assert.deepStrictEqual(skips.toSorted(), ["b", "more by a condition", "well by a condition"])
      assert.deepStrictEqual(made.toSorted(), ["a", "clean", "look", "report"])
      assert.isFalse(isCompleted)
    }))

  it.scoped("fail a task that can not be told, in words", () =>
    Effect.gen(function*() {
      const { events, isCompleted, made } = yield* skipped({}, a, { ...task("b", "a"), if: "fromJSON(tasks.a.result).x" })
      assert.include(events, "task.refused b")
      assert.deepStrictEqual(made, ["a"])
      assert.isFalse(isCompleted)
    }))
})
