import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as TestClock from "effect/TestClock"
import * as RunState from "../../src/run/RunState.ts"
import type { WorkflowInput } from "../../src/workflow/WorkflowSpec.ts"
import { type FakeAgamemnon, make } from "../support/FakeAgamemnon.ts"
import { driver, list, made, stateOf, world } from "../support/JournaledRun.ts"
import { finish, runToEnd, start, task, team, told, workflow } from "../support/TestRun.ts"

type Task = WorkflowInput["teams"][number]["tasks"][number]
type File = NonNullable<WorkflowInput["files"]>[string]

const agents = [{ name: "worker", program: "claude-code" }]

const plan: Task = { ...task("plan"), id: "plan", outputs: { files: "list", summary: "string" }, outputs_prompt: false }

/** A task that uses the review. */
const use = (more: Partial<Task> = {}): Task => ({ id: "review", subject: "Review", uses: "./review.yaml", ...more })

/** A workflow that looks at something, and then says what it has found. */
const review = (more: Partial<File> = {}): File => ({
  metadata: { name: "review" },
  inputs: { what: { type: "string", required: true }, files: { type: "list", default: [] } },
  agents,
  teams: [team(
    "desk",
    { ...task("look"), id: "look", description: "look at ${{ inputs.what }} in ${{ join(inputs.files) }}", outputs: { verdict: "string" }, outputs_prompt: false },
    { ...task("tell", "look"), description: "tell ${{ tasks.look.outputs.verdict }} of ${{ workflow.name }}" }
  )],
  outputs: { verdict: "${{ tasks.look.outputs.verdict }}", what: "the ${{ inputs.what }}" },
  ...more
})

const flow = (tasks: ReadonlyArray<Task>, files: Readonly<Record<string, File>> = { "review.yaml": review() }, more: Partial<WorkflowInput> = {}) =>
  workflow({ agents, teams: [team("core", ...tasks)], files, ...more })

const given = { what: "${{ tasks.plan.outputs.summary }}", files: "${{ tasks.plan.outputs.files }}" }

const after: Task = { ...task("after", "review"), description: "do ${{ tasks.review.outputs.what }}: ${{ tasks.review.outputs.verdict }}" }

/** An Agamemnon whose tasks answer this. */
const answering = (fake: FakeAgamemnon = make()) => {
  const answers = { plan: { files: ["a", "b"], summary: "the plan" }, look: { verdict: "fine" } }
  for (const [subject, answer] of Object.entries(answers)) {
    fake.on(`createTask ${subject}`, (usual) =>
      Effect.tap(usual, () => Effect.sync(() => fake.change(subject, { status: "completed", result: JSON.stringify(answer) }))))
  }
  return fake
}

const statuses = (state: RunState.RunState | undefined) =>
  state === undefined ? {} : Object.fromEntries(RunState.tasks(state).map(({ status, subject, team }) => [`${team}/${subject}`, status]))

const sent = ({ bodies }: FakeAgamemnon) =>
  bodies.flatMap((body) => typeof body === "object" && body !== null && "description" in body ? [body.description] : [])

describe("a task that uses another workflow", () => {
  it.scoped("does the tasks of that with what it is given, and answers what its file says", () =>
    Effect.gen(function*() {
      const fake = answering()
      const { events, exit } = yield* runToEnd(fake, flow([plan, use({ with: given, blocked_by: ["plan"] }), after]), { inputs: {} })
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepStrictEqual(sent(fake), ["do plan", "look at the plan in a,b", "tell fine of review", "do the the plan: fine"])
      assert.deepStrictEqual(statuses(RunState.foldAll(events)), {
        "core/plan": "completed",
        "core/Review": "completed",
        "core/after": "completed",
        "review/desk/look": "completed",
        "review/desk/tell": "completed"
      })
      assert.deepStrictEqual(told(events, "agent.created").toSorted(), ["agent.created review/worker", "agent.created worker"])
      assert.deepStrictEqual(told(events, "agent.removed").length, 2)
    }))

  it.scoped("begins nothing before what it waits for, nor when its condition does not hold", () =>
    Effect.gen(function*() {
      const fake = answering()
      const { events, exit } = yield* runToEnd(fake, flow([
        plan,
        use({ with: given, blocked_by: ["plan"], if: "tasks.plan.outputs.summary == 'another'" }),
        { ...task("always", "review"), if: "always()", description: "[${{ tasks.review.status }}]" }
      ], { "review.yaml": review({ teams: [team("desk", { ...task("look"), if: "always()" })], outputs: {} }) }), { inputs: {} })
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepStrictEqual(sent(fake), ["do plan", "[skipped]"])
      assert.deepStrictEqual(statuses(RunState.foldAll(events)), {
        "core/plan": "completed",
        "core/Review": "skipped",
        "core/always": "completed",
        "review/desk/look": "skipped"
      })
    }))

  it.scoped("is skipped with all of its tasks when one before it has failed", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("plan", "failed")
      const { events, exit } = yield* runToEnd(fake, flow([task("plan"), use({ with: { what: "x" }, blocked_by: ["plan"] }), task("after", "review")]), { inputs: {} })
      assert.isTrue(Exit.isFailure(exit))
      assert.deepStrictEqual(statuses(RunState.foldAll(events)), {
        "core/plan": "failed",
        "core/Review": "skipped",
        "core/after": "skipped",
        "review/desk/look": "skipped",
        "review/desk/tell": "skipped"
      })
      assert.isTrue(events.every((event) => event._tag !== "task.skipped" || event.condition === undefined))
    }))

  it.scoped("has failed when a task of it has, of which its own file alone is asked", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("plan", "failed").set("look", "failed")
      const { events, exit } = yield* runToEnd(fake, flow(
        [{ ...task("plan"), id: "plan" }, use({ with: { what: "x" }, blocked_by: ["plan"], if: "always()" }), { ...task("after", "review"), if: "tasks.review.status == 'failed'" }],
        { "review.yaml": review({ teams: [team("desk", { ...task("first"), if: "!failure()" }, task("look"), { ...task("mend", "look"), if: "failure()" })], outputs: {} }) }
      ), { inputs: {} })
      assert.isTrue(Exit.isFailure(exit))
      assert.deepStrictEqual(statuses(RunState.foldAll(events)), {
        "core/plan": "failed",
        "core/Review": "failed",
        "core/after": "completed",
        "review/desk/first": "completed",
        "review/desk/look": "failed",
        "review/desk/mend": "completed"
      })
    }))

  it.scoped("says in words what it is given that its inputs do not take, and begins nothing", () =>
    Effect.gen(function*() {
      const fake = answering()
      const { events, exit } = yield* runToEnd(fake, flow([
        plan,
        use({ with: { ...given, what: "${{ fromJSON('[1]') }}", files: "${{ fromJSON(toJSON(tasks.plan.outputs.summary)) }}" }, blocked_by: ["plan"] }),
        after
      ], { "review.yaml": review({ inputs: { what: [1], files: ["a"] }, teams: [team("desk", task("look"))], outputs: { verdict: "x", what: "y" } }) }), { inputs: {} })
      assert.isTrue(Exit.isFailure(exit))
      assert.deepStrictEqual(
        events.flatMap((event) => (event._tag === "task.refused" ? [event.reason] : [])),
        ["./review.yaml can not be used: input files: found \"the plan\", expected a list"]
      )
      assert.deepStrictEqual(statuses(RunState.foldAll(events)), {
        "core/plan": "completed",
        "core/Review": "failed",
        "core/after": "skipped",
        "review/desk/look": "skipped"
      })
    }))

  it.scoped("fails when what it answers can not be told", () =>
    Effect.gen(function*() {
      const fake = make()
      const { events, exit } = yield* runToEnd(fake, flow([use()], {
        "review.yaml": review({ inputs: {}, teams: [team("desk", { ...task("look"), id: "look" })], outputs: { first: "${{ fromJSON(tasks.look.result).x }}" } })
      }), { inputs: {} })
      assert.isTrue(Exit.isFailure(exit))
      const [problem] = events.flatMap((event) => (event._tag === "uses.finished" ? [event.problem ?? ""] : []))
      assert.match(problem ?? "", /^output first can not be evaluated: found .*, expected /)
    }))

  it.scoped("can be used within another, each with its own inputs, tasks and names", () =>
    Effect.gen(function*() {
      const fake = answering()
      const { events, exit } = yield* runToEnd(fake, flow([plan, use({ uses: "./parts/outer.yaml", with: { what: given.what }, blocked_by: ["plan"] }), after], {
        "parts/outer.yaml": review({
          metadata: { name: "outer" },
          inputs: { what: { required: true } },
          teams: [team(
            "core",
            { ...task("plan"), id: "plan", description: "plan ${{ inputs.what }}", outputs: { summary: "string" }, outputs_prompt: false },
            use({ uses: "../review.yaml", with: { what: "${{ tasks.plan.outputs.summary }} of ${{ inputs.what }}" }, blocked_by: ["plan"] }),
            { ...task("last", "review"), description: "${{ tasks.review.outputs.what }}" }
          )],
          outputs: { verdict: "${{ tasks.review.outputs.verdict }}", what: "${{ inputs.what }}" }
        }),
        "review.yaml": review()
      }), { inputs: {} })
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepStrictEqual(sent(fake), [
        "do plan",
        "plan the plan",
        "look at the plan of the plan in ",
        "tell fine of review",
        "the the plan of the plan",
        "do the plan: fine"
      ])
      assert.deepStrictEqual(Object.keys(statuses(RunState.foldAll(events))), [
        "core/plan",
        "core/Review",
        "core/after",
        "review/core/plan",
        "review/core/Review",
        "review/core/last",
        "review/review/desk/look",
        "review/review/desk/tell"
      ])
    }))

  it.scoped("limits how many of its tasks are under way, and no others", () =>
    Effect.gen(function*() {
      const fake = make()
      for (const subject of ["a", "b", "c", "d"]) fake.begins.set(subject, "running")
      const run = yield* start(fake, flow([task("c"), task("d"), use()], {
        "review.yaml": review({ inputs: {}, max_parallel: 1, teams: [team("one", task("a")), team("two", task("b"))], outputs: {} })
      }), { inputs: {} })
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(Object.keys(made(fake)).toSorted(), ["a", "c", "d"])
      for (const subject of ["a", "c", "d"]) fake.change(subject, { status: "completed" })
      yield* TestClock.adjust("3 seconds")
      fake.change("b", { status: "completed" })
      yield* TestClock.adjust("3 seconds")
      assert.isTrue(Exit.isSuccess((yield* finish(run)).exit))
    }))

  it.scoped("takes what holds by default from its own file, and else from the one that uses it", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("look", "failed").set("tell", "failed")
      const files = { "review.yaml": review({ inputs: {}, defaults: { retry: 2 }, teams: [team("desk", task("look"))], outputs: {} }) }
      yield* Effect.exit(runToEnd(fake, flow([use()], files, { defaults: { retry: 1 } }), { inputs: {} }))
      assert.deepStrictEqual(made(fake), { look: 3 })
      const other = make()
      other.begins.set("look", "failed")
      yield* Effect.exit(runToEnd(other, flow([use()], { "review.yaml": { ...files["review.yaml"], defaults: {} } }, { defaults: { retry: 1 } }), { inputs: {} }))
      assert.deepStrictEqual(made(other), { look: 2 })
    }))
})

describe("a workflow that is used, in a resumed run", () => {
  const spec = flow([plan, use({ with: given, blocked_by: ["plan"] }), after])

  it.scopedLive.each([
    { call: "createTask look" },
    { call: "createTask look", isAfter: true },
    { call: "createTask after" },
    ...Array.from({ length: 34 }, (_, event) => ({ events: 1 + event }))
  ])("goes on where a process was killed at %j, and does each task once", (point) =>
    Effect.gen(function*() {
      const fake = answering()
      const there = yield* world(fake)
      const first = yield* driver(there, 1, point)
      yield* first.untilKilled(first.execute(spec, { inputs: {} }))
      answering(fake)
      const second = yield* driver(there, 2)
      const { run } = yield* Arr.head(yield* list(second.parts))
      if ((yield* stateOf(there, run))?.endedAt === undefined) yield* second.resume(run)
      assert.deepStrictEqual(made(fake), { plan: 1, look: 1, tell: 1, after: 1 })
      assert.deepStrictEqual(sent(fake).at(-1), "do the the plan: fine")
      assert.deepStrictEqual(statuses(yield* stateOf(there, run)), {
        "core/plan": "completed",
        "core/Review": "completed",
        "core/after": "completed",
        "review/desk/look": "completed",
        "review/desk/tell": "completed"
      })
    }))

  it.scopedLive("tries again what of it has failed, and no other", () =>
    Effect.gen(function*() {
      const fake = answering()
      fake.begins.set("tell", "failed")
      const there = yield* world(fake)
      const first = yield* driver(there, 1)
      yield* Effect.exit(first.execute({ ...spec, teardown: "never" }, { inputs: {} }))
      const { run } = yield* Arr.head(yield* list(first.parts))
      const refused = yield* Effect.flip(first.resume(run))
      assert.strictEqual(refused._tag, "NothingToResumeError")
      fake.begins.delete("tell")
      yield* first.resume(run, { retryFailed: true })
      assert.deepStrictEqual(made(fake), { plan: 1, look: 1, tell: 2, after: 1 })
    }))
})
