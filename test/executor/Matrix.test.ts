import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import * as TaskAnswers from "../../src/executor/TaskAnswers.ts"
import * as RunState from "../../src/run/RunState.ts"
import * as WorkflowBuilder from "../../src/workflow/WorkflowBuilder.ts"
import * as WorkflowExpression from "../../src/workflow/WorkflowExpression.ts"
import type { WorkflowInput } from "../../src/workflow/WorkflowSpec.ts"
import { type FakeAgamemnon, make } from "../support/FakeAgamemnon.ts"
import { driver, list, made, stateOf, world } from "../support/JournaledRun.ts"
import { finish, runToEnd, start, task, team, told, workflow } from "../support/TestRun.ts"

type Task = WorkflowInput["teams"][number]["tasks"][number]

const agents = [{ name: "worker", program: "claude-code" }, { name: "helper", program: "none" }]

const flow = (...tasks: ReadonlyArray<Task>) =>
  workflow({ agents, teams: [{ ...team("core", ...tasks), agents: ["worker", "helper"] }] })

const plan: Task = { ...task("plan"), id: "plan", outputs: { files: "list" }, outputs_prompt: false }

const answer = (...files: ReadonlyArray<unknown>) => ({ status: "completed", result: JSON.stringify({ files }) })

/** From now on the planner answers with these files. */
const plansWith = (fake: FakeAgamemnon, ...files: ReadonlyArray<unknown>) =>
  fake.on("createTask plan", (usual) => Effect.tap(usual, () => Effect.sync(() => fake.change("plan", answer(...files)))))

/** An Agamemnon whose planner answers with these files. */
const planned = (...files: ReadonlyArray<unknown>) => {
  const fake = make()
  plansWith(fake, ...files)
  return fake
}

const statuses = (state: RunState.RunState | undefined) =>
  state === undefined ? {} : Object.fromEntries(RunState.tasks(state).map(({ status, subject }) => [subject, status]))

const sent = (bodies: ReadonlyArray<unknown>) =>
  bodies.flatMap((body) =>
    typeof body === "object" && body !== null && "description" in body
      ? [{ description: body.description, blockedBy: "blockedBy" in body && Array.isArray(body.blockedBy) ? body.blockedBy.length : 0 }]
      : [])

describe("a matrix", () => {
  it.scoped("makes an instance of the task for each combination, named by the values", () =>
    Effect.gen(function*() {
      const fake = make()
      const { events, exit } = yield* runToEnd(fake, flow(
        { ...task("build"), id: "build", matrix: { os: ["linux", "mac"], node: [20, 22], exclude: [{ os: "mac", node: 22 }] } },
        { ...task("after", "build"), description: "${{ join(tasks.build.*.status) }}" }
      ))
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepStrictEqual(made(fake), { "build (linux, 20)": 1, "build (linux, 22)": 1, "build (mac, 20)": 1, after: 1 })
      assert.deepStrictEqual(sent(fake.bodies).at(-1), { description: "completed,completed,completed", blockedBy: 3 })
      assert.deepStrictEqual(told(events, "task.expanded"), ["task.expanded build"])
      assert.deepStrictEqual(statuses(RunState.foldAll(events)), {
        "build (linux, 20)": "completed",
        "build (linux, 22)": "completed",
        "build (mac, 20)": "completed",
        after: "completed"
      })
    }))

  it.scoped("tells the programs of later tasks the values of each instance with its answer", () =>
    Effect.gen(function*() {
      const { events } = yield* runToEnd(make(), flow(
        { ...task("build"), id: "build", matrix: { os: ["linux", "mac"] } },
        task("after", "build")
      ))
      const state = RunState.foldAll(events)
      const answers = state === undefined ? {} : TaskAnswers.of(state, { team: "core", subject: "after" })
      assert.deepStrictEqual(Arr.ensure(answers["build"]).map((each) => each?.matrix), [{ os: "linux" }, { os: "mac" }])
    }))

  it.scoped("of what a task has answered fills each text of an instance, once", () =>
    Effect.gen(function*() {
      const fake = planned("a.ts", "${{ inputs.x }}")
      const { exit } = yield* runToEnd(fake, flow(plan, {
        ...task("do", "plan"),
        subject: "Do ${{ matrix.file }}",
        description: "Do ${{ matrix.file }} of ${{ join(tasks.plan.outputs.files) }}",
        assign_to: "${{ matrix.who }}",
        matrix: { file: "${{ tasks.plan.outputs.files }}", who: ["helper"] }
      }))
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepStrictEqual(made(fake), { plan: 1, "Do a.ts": 1, "Do ${{ inputs.x }}": 1 })
      assert.deepInclude(sent(fake.bodies).at(-1), { description: "Do ${{ inputs.x }} of a.ts,${{ inputs.x }}" })
    }))

  it.scoped("without an instance is completed, and what waits for it runs", () =>
    Effect.gen(function*() {
      const fake = planned()
      const { exit } = yield* runToEnd(fake, flow(
        plan,
        { ...task("do", "plan"), id: "do", matrix: { file: "${{ tasks.plan.outputs.files }}" }, outputs: { x: "string" } },
        { ...task("after", "do"), description: "[${{ join(tasks.do.*.outputs.x) }}]" }
      ))
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepStrictEqual(made(fake), { plan: 1, after: 1 })
      assert.deepInclude(sent(fake.bodies).at(-1), { description: "[]" })
      assert.deepStrictEqual(Exit.map(exit, ({ outputs }) => outputs["do"]), Exit.succeed([]))
    }))

  it.scoped("hands the outputs of its instances on as a list", () =>
    Effect.gen(function*() {
      const fake = planned("a", "b")
      for (const file of ["a", "b"]) {
        fake.on(`createTask do (${file})`, (usual) =>
          Effect.tap(usual, () => Effect.sync(() => fake.change(`do (${file})`, { status: "completed", result: `{"branch": "fix-${file}"}` }))))
      }
      const { exit } = yield* runToEnd(fake, flow(
        plan,
        { ...task("do", "plan"), id: "do", matrix: { file: "${{ tasks.plan.outputs.files }}" }, outputs: { branch: "string" } },
        { ...task("merge", "do"), description: "${{ join(tasks.do.*.outputs.branch, ' ') }} ${{ tasks.do[1].outputs.branch }}" }
      ))
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepInclude(sent(fake.bodies).at(-1), { description: "fix-a fix-b fix-b" })
      assert.deepStrictEqual(Exit.map(exit, ({ outputs }) => outputs), Exit.succeed({ plan: { files: ["a", "b"] }, do: [{ branch: "fix-a" }, { branch: "fix-b" }] }))
    }))

  it.scoped("has in the result of the run what its completed instances have answered, in the order of the matrix", () =>
    Effect.gen(function*() {
      const fake = make()
      const answers = (...files: ReadonlyArray<string>) => {
        for (const file of files) {
          fake.on(`createTask do (${file})`, (usual) =>
            Effect.tap(usual, () => Effect.sync(() => fake.change(`do (${file})`, { status: "completed", result: `{"branch": "fix-${file}"}` }))))
        }
      }
      answers("c", "a")
      const { exit } = yield* runToEnd(fake, flow(
        { ...task("do"), id: "do", matrix: { file: ["c", "b", "a"] }, outputs: { branch: "string" }, continue_on_error: true },
        { ...task("all fail", "do"), id: "failed", matrix: { file: ["x"] }, outputs: { branch: "string" }, continue_on_error: true },
        { ...task("skipped", "do"), id: "skipped", if: false, matrix: { file: ["x"] }, outputs: { branch: "string" } },
        { ...task("silent", "do"), id: "silent", matrix: { file: ["x"] } }
      ))
      assert.deepStrictEqual(Exit.map(exit, ({ outputs }) => outputs), Exit.succeed({ do: [{ branch: "fix-c" }, { branch: "fix-a" }], failed: [] }))
      assert.deepStrictEqual(
        Exit.map(exit, ({ tasks }) => tasks.map(({ ref }) => ref)),
        Exit.succeed(["do", "do", "do", "failed", "skipped", "silent"])
      )
    }))

  it.scoped("has failed when an instance has, when all have ended, and what waits for it is skipped", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("do (a)", "failed")
      const { events, exit } = yield* runToEnd(fake, flow(
        { ...task("do"), matrix: { file: ["a", "b"] } },
        task("after", "do"),
        { ...task("always", "do"), if: "failure()" }
      ))
      assert.isTrue(Exit.isFailure(exit))
      assert.deepStrictEqual(statuses(RunState.foldAll(events)), { "do (a)": "failed", "do (b)": "completed", after: "skipped", always: "completed" })
    }))

  it.scoped("can have instances whose failure is tolerated", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("do (a)", "failed")
      const { exit } = yield* runToEnd(fake, flow({ ...task("do"), matrix: { file: ["a", "b"] }, continue_on_error: true }, task("after", "do")))
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepStrictEqual(made(fake), { "do (a)": 1, "do (b)": 1, after: 1 })
    }))

  it.scoped("is asked once whether it runs at all", () =>
    Effect.gen(function*() {
      const fake = make()
      const { events, exit } = yield* runToEnd(fake, flow({ ...task("do"), id: "do", matrix: { file: ["a"] }, if: "false" }, {
        ...task("after", "do"),
        if: "always()",
        description: "[${{ join(tasks.do.*.status) }}]"
      }))
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepStrictEqual(statuses(RunState.foldAll(events)), { do: "skipped", after: "completed" })
      assert.deepInclude(sent(fake.bodies).at(-1), { description: "[]" })
    }))

  it.scoped.each([
    [["a", 3].concat(Array.from({ length: 1000 }, String)), "its matrix can not be used: found 1002 instances, expected at most 1000"],
    ["text", "output files is text, not a list"]
  ])("that is not to be had is said of the task, in words: %#", ([files, reason]) =>
    Effect.gen(function*() {
      const fake = make()
      fake.on("createTask plan", (usual) =>
        Effect.tap(usual, () => Effect.sync(() => fake.change("plan", { status: "completed", result: JSON.stringify({ files }) }))))
      const { events, exit } = yield* runToEnd(fake, flow(plan, { ...task("do", "plan"), matrix: { file: "${{ tasks.plan.outputs.files }}" } }))
      assert.isTrue(Exit.isFailure(exit))
      const state = RunState.foldAll(events)
      assert.include(state === undefined ? [] : RunState.tasks(state).map(({ problem }) => problem), reason)
      assert.deepStrictEqual(made(fake), { plan: 1 })
    }))

  it.scoped("refuses an instance that nobody of the team can do, and does the others", () =>
    Effect.gen(function*() {
      const fake = planned("worker", "nobody")
      const { events, exit } = yield* runToEnd(fake, flow(plan, {
        ...task("do", "plan"),
        assign_to: "${{ matrix.who }}",
        matrix: { who: "${{ tasks.plan.outputs.files }}" }
      }))
      assert.isTrue(Exit.isFailure(exit))
      assert.deepStrictEqual(made(fake), { plan: 1, "do (worker)": 1 })
      const refused = events.find(({ _tag }) => _tag === "task.refused")
      assert.deepInclude(refused, { subject: "do (nobody)", reason: "assign_to is \"nobody\", which is no member of the team" })
    }))

  it.scoped("gives equal combinations names of their own", () =>
    Effect.gen(function*() {
      const fake = planned("a", "a", "b")
      yield* runToEnd(fake, flow(plan, task("do (b)"), { ...task("do", "plan"), matrix: { file: "${{ tasks.plan.outputs.files }}" } }))
      assert.deepStrictEqual(Object.keys(made(fake)).toSorted(), ["do (a)", "do (a) #2", "do (b)", "do (b) #3", "plan"])
    }))
})

describe("a matrix of a resumed run", () => {
  const spec = flow(
    plan,
    { ...task("do", "plan"), id: "do", matrix: { file: "${{ tasks.plan.outputs.files }}" } },
    { ...task("after", "do"), description: "${{ join(tasks.do.*.status) }}" }
  )

  it.scopedLive.each([
    { call: "createTask do (a)" },
    { call: "createTask do (a)", isAfter: true },
    { call: "createTask do (b)" },
    { call: "createTask after" },
    ...Array.from({ length: 16 }, (_, event) => ({ events: 8 + event }))
  ])("is the same, and each instance is done once, when a process was killed at %j", (point) =>
    Effect.gen(function*() {
      const fake = planned("a", "b", "c")
      const there = yield* world(fake)
      const first = yield* driver(there, 1, point)
      yield* first.untilKilled(first.execute(spec))
      plansWith(fake, "a", "b", "c")
      const second = yield* driver(there, 2)
      const { run } = yield* Arr.head(yield* list(second.parts))
      if ((yield* stateOf(there, run))?.endedAt === undefined) yield* second.resume(run)
      assert.deepStrictEqual(made(fake), { plan: 1, "do (a)": 1, "do (b)": 1, "do (c)": 1, after: 1 })
      const state = yield* stateOf(there, run)
      assert.deepStrictEqual(statuses(state), { plan: "completed", "do (a)": "completed", "do (b)": "completed", "do (c)": "completed", after: "completed" })
      assert.deepStrictEqual(state === undefined ? [] : RunState.tasks(state).map(({ matrix }) => matrix?.["file"]), [undefined, "a", "b", "c", undefined])
    }))

  it.scopedLive("tries the instances again that have failed, and no other", () =>
    Effect.gen(function*() {
      const fake = planned("a", "b")
      fake.begins.set("do (b)", "failed")
      const there = yield* world(fake)
      const first = yield* driver(there, 1)
      yield* Effect.exit(first.execute({ ...spec, teardown: "never" }))
      fake.begins.delete("do (b)")
      const { run } = yield* Arr.head(yield* list(first.parts))
      yield* first.resume(run, { retryFailed: true })
      assert.deepStrictEqual(made(fake), { plan: 1, "do (a)": 1, "do (b)": 2, after: 1 })
    }))
})

describe("a matrix that is written in TypeScript", () => {
  it.scoped("has answers of its instances in the result, by the values of the matrix", () =>
    Effect.gen(function*() {
      const worker = WorkflowBuilder.agent("worker")
      const helper = WorkflowBuilder.agent("helper", { program: "none" })
      const core = WorkflowBuilder.team("core", [worker, helper])
      const each = WorkflowBuilder.matrix({ who: ["helper", "worker"], file: ["a", "b"] }, { exclude: [{ who: "helper", file: "b" }] })
      const change = core.task("do", {
        subject: WorkflowExpression.text`do ${each.value("file")} by ${each.value("who")}`,
        description: each.value("file"),
        assignTo: each.value("who"),
        matrix: each,
        maxParallel: 1,
        outputs: { branch: "string" },
        outputsPrompt: false
      })
      const merge = core.task("merge", {
        description: WorkflowExpression.text`${WorkflowExpression.join(change.output("branch"), " ")}`,
        assignTo: worker,
        blockedBy: [change]
      })
      const fake = make()
      for (const subject of ["do a by helper", "do a by worker", "do b by worker"]) {
        fake.on(`createTask ${subject}`, (usual) =>
          Effect.tap(usual, () => Effect.sync(() => fake.change(subject, { status: "completed", result: JSON.stringify({ branch: subject }) }))))
      }
      const { exit } = yield* runToEnd(fake, yield* WorkflowBuilder.build(WorkflowBuilder.make("built", { tasks: [merge] })))
      assert.deepStrictEqual(Exit.map(exit, (result) => WorkflowBuilder.outputsOf(result, change)), Exit.succeed(Option.some([
        { matrix: { who: "helper", file: "a" }, outputs: { branch: "do a by helper" } },
        { matrix: { who: "worker", file: "a" }, outputs: { branch: "do a by worker" } },
        { matrix: { who: "worker", file: "b" }, outputs: { branch: "do b by worker" } }
      ])))
      assert.deepInclude(sent(fake.bodies).at(-1), { description: "do a by helper do a by worker do b by worker" })
    }))
})

describe("max_parallel", () => {
  /** How many tasks were under way at once, at most, in a run whose tasks take a second each. */
  const most = Effect.fnUntraced(function*(input: Partial<WorkflowInput>) {
    const fake = make()
    let running = 0
    let highest = 0
    const ended = new Set<string>()
    fake.on("createTask", (usual) =>
      Effect.tap(usual, () =>
        Effect.sync(() => {
          running += 1
          highest = Math.max(highest, running)
        })))
    for (const letter of ["a", "b", "c", "d", "e", "f"]) fake.begins.set(`do (${letter})`, "running").set(letter, "running")
    const run = yield* start(fake, workflow({ agents, ...input }))
    for (let second = 0; second < 8; second++) {
      yield* TestClock.adjust("3 seconds")
      for (const { status, subject } of fake.tasks.values()) {
        if (status !== "running" || ended.has(subject)) continue
        ended.add(subject)
        running -= 1
        fake.change(subject, { status: "completed" })
      }
    }
    const { exit } = yield* finish(run)
    return { isCompleted: Exit.isSuccess(exit), highest, done: ended.size }
  })

  const letters = ["a", "b", "c", "d", "e", "f"]

  it.scoped("limits a matrix", () =>
    Effect.map(most({ teams: [team("core", { ...task("do"), matrix: { file: letters }, max_parallel: 2 })] }), (seen) =>
      assert.deepStrictEqual(seen, { isCompleted: true, highest: 2, done: 6 })))

  it.scoped("limits a team", () =>
    Effect.map(most({ teams: [{ ...team("core", ...letters.map((letter) => task(letter))), max_parallel: 3 }] }), (seen) =>
      assert.deepStrictEqual(seen, { isCompleted: true, highest: 3, done: 6 })))

  it.scoped("limits a workflow, over its teams and matrices", () =>
    Effect.map(
      most({
        max_parallel: 2,
        teams: [team("core", { ...task("do"), matrix: { file: letters.slice(0, 3) }, max_parallel: 3 }), team("other", ...letters.slice(3).map((letter) => task(letter)))]
      }),
      (seen) => assert.deepStrictEqual(seen, { isCompleted: true, highest: 2, done: 6 })
    ))

  const used = { agents, metadata: { name: "used" }, teams: [team("desk", task("look"))] }

  it.scopedLive.each<{ readonly after: string; readonly between: ReadonlyArray<Task>; readonly files?: WorkflowInput["files"] }>([
    { after: "a task", between: [task("m", "b")] },
    { after: "a task with a matrix", between: [{ ...task("m", "b"), matrix: { n: [1, 2] } }] },
    { after: "a task that uses a file", between: [{ id: "m", subject: "m", uses: "./used.yaml", blocked_by: ["b"] }], files: { "used.yaml": used } }
  ])("counts what an earlier process has begun after $after", ({ between, files = {} }) =>
    Effect.gen(function*() {
      const fake = make()
      for (const subject of ["b", "d", "e", "e2", "f", "k"]) fake.begins.set(subject, "running")
      const running = () => [...fake.tasks.values()].flatMap(({ status, subject }) => (status === "running" ? [subject] : [])).toSorted()
      const isRunning = (...subjects: ReadonlyArray<string>) =>
        Effect.repeat(Effect.sleep("20 millis"), { until: () => subjects.every((subject) => running().includes(subject)) })
      const end = (...subjects: ReadonlyArray<string>) => subjects.map((subject) => fake.change(subject, { status: "completed" }))
      const others = [task("k"), task("e", "k"), task("e2", "k"), task("c"), task("c2", "c"), task("d", "c2"), task("a"), task("b", "a")]
      const tasks = [...others, ...between, task("f", "m")]
      const there = yield* world(fake)
      const first = yield* driver(there, 1, { call: "createTask e" })
      const killed = yield* Effect.fork(first.untilKilled(first.execute(workflow({ agents, max_parallel: 3, teams: [team("core", ...tasks)], files }))))
      yield* isRunning("b", "d", "k")
      end("b")
      yield* isRunning("d", "f", "k")
      end("k")
      yield* killed.await
      const second = yield* driver(there, 2)
      const { run } = yield* Arr.head(yield* list(second.parts))
      const resumed = yield* Effect.fork(second.resume(run))
      yield* isRunning("d", "e", "f")
      yield* Effect.sleep("300 millis")
      assert.deepStrictEqual(running(), ["d", "e", "f"])
      end("d", "e", "f")
      yield* isRunning("e2")
      end("e2")
      yield* resumed
      assert.deepStrictEqual([...new Set(Object.values(made(fake)))], [1])
    }))
})
