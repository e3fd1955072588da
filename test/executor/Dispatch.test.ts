import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as fc from "effect/FastCheck"
import * as TestClock from "effect/TestClock"
import { TaskId } from "../../src/agamemnon/AgamemnonModel.ts"
import { TasksFailedError } from "../../src/executor/RunError.ts"
import type { RunResult } from "../../src/executor/WorkflowExecutor.ts"
import type { RunEvent } from "../../src/run/RunEvent.ts"
import { answerLost, answers, type FakeAgamemnon, make, slow } from "../support/FakeAgamemnon.ts"
import { failure, finish, outcome, runToEnd, start, task, team, told, workflow } from "../support/TestRun.ts"

const keep = { teardown: "never" } as const

const submissions = (fake: FakeAgamemnon) =>
  fake.calls.filter((call) => call.startsWith("createTask")).map((call) => call.slice("createTask ".length))

const statuses = (exit: Exit.Exit<RunResult, unknown>) =>
  Exit.isSuccess(exit) ? exit.value.tasks.map(({ status, subject }) => `${subject} ${status}`) : []

const finished = (events: ReadonlyArray<RunEvent>) =>
  events.flatMap((event) =>
    event._tag === "task.finished"
      ? [{ subject: event.subject, status: event.status, earlier: event.earlier, result: event.result }]
      : [])

describe("Dispatch", () => {
  it.scoped("submits a task when the last of its predecessors is completed, and says which they were", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("a", "running").set("b", "running")
      const run = yield* start(fake, workflow({ teams: [team("core", task("c", "a", "b"), task("a"), task("b"))] }))
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(submissions(fake), ["a", "b"])
      fake.change("a", { status: "completed" })
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(submissions(fake), ["a", "b"])
      fake.change("b", { status: "completed", result: "done" })
      const { exit } = yield* finish(run)
      assert.deepStrictEqual(submissions(fake), ["a", "b", "c"])
      assert.deepStrictEqual(statuses(exit), ["c completed", "a completed", "b completed"])
      assert.deepStrictEqual(fake.bodies.at(-1), {
        subject: "c",
        description: "do c",
        assigneeAgentId: "agent-1",
        blockedBy: ["task-3", "task-4"]
      })
      const b = { subject: "b", status: "completed", earlier: false, result: "done" } as const
      assert.deepStrictEqual(finished(run.events).at(1), b)
    }))

  it.scoped("skips what waits for a task that ended any other way, and what waits for that", () =>
    Effect.gen(function*() {
      for (const end of ["failed", "error", "cancelled"]) {
        const fake = make()
        fake.begins.set("a", end)
        const spec = workflow({ teams: [team("core", task("a"), task("b", "a"), task("c", "b"), task("d"))] })
        const { events, exit } = yield* runToEnd(fake, spec)
        assert.deepStrictEqual(submissions(fake), ["a", "d"])
        assert.deepStrictEqual(told(events, "task.skipped"), ["task.skipped b", "task.skipped c"])
        assert.deepStrictEqual(outcome(events), ["failed"])
        assert.deepInclude(failure(exit), {
          _tag: "TasksFailedError",
          message: `3 of 4 tasks did not complete: core/a ${end}, core/b skipped, core/c skipped`
        })
      }
    }))

  it.scoped("fails with what each task that did not complete has written, and where the rest of that is", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("a", "running")
      fake.logs.set("a", "/logs/a")
      const run = yield* start(fake, workflow({ teams: [team("core", task("a"), task("b", "a"), task("c"))] }))
      yield* TestClock.adjust("5 seconds")
      fake.change("a", { status: "failed", result: "no disk" })
      const { exit } = yield* finish(run)
      const error = failure(exit)
      assert.instanceOf(error, TasksFailedError)
      assert.deepStrictEqual<unknown>(error.tasks, [
        { team: "core", subject: "a", status: "failed", result: "no disk", log: "/logs/a" },
        { team: "core", subject: "b", status: "skipped" }
      ])
    }))

  it.scoped("lets teams advance independently, and a failure in one does not stop the other", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("slow", "running").set("bad", "failed")
      const spec = workflow({
        teams: [
          team("one", task("slow"), task("after slow", "slow")),
          team("two", task("quick"), task("after quick", "quick")),
          team("three", task("bad"))
        ]
      })
      const run = yield* start(fake, spec)
      yield* TestClock.adjust("10 seconds")
      assert.sameMembers(finished(run.events).map(({ subject }) => subject), ["quick", "bad", "after quick"])
      fake.change("slow", { status: "completed" })
      const { exit } = yield* finish(run)
      assert.deepInclude(failure(exit), { message: "1 of 5 tasks did not complete: three/bad failed" })
      assert.include(submissions(fake), "after slow")
    }))

  it.scoped("tells tasks of the same subject in two teams apart", () =>
    Effect.gen(function*() {
      const fake = make()
      const spec = workflow({ teams: [team("one", task("same")), team("two", task("same"))] })
      const { exit } = yield* runToEnd(fake, spec)
      assert.deepStrictEqual(submissions(fake), ["same", "same"])
      assert.deepStrictEqual(statuses(exit), ["same completed", "same completed"])
    }))

  it.scoped("finds a task whose answer was lost, and does not submit it again", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.on("create", answerLost, 3)
      const { exit } = yield* runToEnd(fake, workflow(), keep)
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepStrictEqual([fake.agents.size, fake.teams.size, fake.tasks.size], [1, 1, 2])
    }))

  it.scoped("finds that an earlier run has completed a task, and passes its id on", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("second", "failed")
      yield* runToEnd(fake, workflow(), keep)
      fake.change("first", { status: "completed", result: "from before" })
      fake.begins.clear()
      const { events, exit } = yield* runToEnd(fake, workflow(), keep)
      assert.deepStrictEqual(finished(events), [
        { subject: "first", status: "completed", earlier: true, result: "from before" },
        { subject: "second", status: "completed", earlier: false, result: undefined }
      ])
      assert.deepStrictEqual(submissions(fake), ["first", "second", "second"])
      assert.deepInclude(fake.bodies.at(-1), { subject: "second", blockedBy: ["task-3"] })
      assert.deepStrictEqual(Exit.isSuccess(exit) && exit.value.tasks.map(({ earlier, result }) => [earlier, result]), [
        [true, "from before"],
        [false, undefined]
      ])
    }))

  it.scoped("watches what an earlier run has left in progress", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("first", "running")
      yield* runToEnd(fake, workflow(), { ...keep, timeout: "10 seconds" })
      const run = yield* start(fake, workflow(), keep)
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(told(run.events, "task."), ["task.watched first", "task.progressed first"])
      fake.change("first", { status: "completed" })
      assert.isTrue(Exit.isSuccess((yield* finish(run)).exit))
      assert.deepStrictEqual(submissions(fake), ["first", "second"])
    }))

  it.scoped("submits again what ended otherwise in an earlier run, as a new task", () =>
    Effect.gen(function*() {
      for (const end of ["failed", "error", "cancelled"]) {
        const fake = make()
        fake.begins.set("first", end)
        yield* runToEnd(fake, workflow(), keep)
        fake.begins.clear()
        const { events, exit } = yield* runToEnd(fake, workflow(), keep)
        assert.isTrue(Exit.isSuccess(exit))
        assert.deepStrictEqual(submissions(fake), ["first", "first", "second"])
        assert.deepStrictEqual([...fake.tasks.values()].map(({ status }) => status), [end, "completed", "completed"])
        assert.isTrue(finished(events).every(({ earlier }) => !earlier))
      }
    }))

  type History = ReadonlyArray<readonly [status: string, age: number]>
  const histories: Record<string, readonly [history: History, found: string]> = {
    "the newest counts: it was completed": [[["failed", 2], ["completed", 1]], "task.finished"],
    "the newest counts: it has failed": [[["completed", 2], ["failed", 1]], "task.submitting"],
    "the newest counts: it runs": [[["failed", 3], ["running", 1], ["failed", 2]], "task.watched"],
    "the failed one of the same age was replaced: it completed": [[["failed", 1], ["completed", 1]], "task.finished"],
    "the failed one of the same age was replaced: it runs": [[["running", 1], ["failed", 1]], "task.watched"]
  }
  for (const [name, [history, found]] of Object.entries(histories)) {
    it.scoped(`where a subject occurs several times, ${name}`, () =>
      Effect.gen(function*() {
        for (const order of [history, Arr.reverse(history)]) {
          const fake = make()
          const spec = workflow({ teams: [team("core", task("first"))] })
          yield* runToEnd(fake, spec, keep)
          const [original] = fake.tasks.values()
          if (original === undefined) return assert.fail("there is no task")
          fake.tasks.clear()
          order.forEach(([status, age], position) => {
            const id = TaskId.make(`old-${position}`)
            fake.tasks.set(id, { ...original, id, status, createdAt: `2020-01-01T00:00:0${9 - age}Z` })
          })
          const run = yield* start(fake, spec, keep)
          yield* TestClock.adjust("1 second")
          assert.strictEqual(run.events.find(({ _tag }) => _tag.startsWith("task"))?._tag, found)
        }
      }))
  }

  it.scoped("submits again what an earlier run did when forced to", () =>
    Effect.gen(function*() {
      const fake = make()
      yield* runToEnd(fake, workflow(), keep)
      const { events } = yield* runToEnd(fake, workflow(), { ...keep, force: true })
      assert.deepStrictEqual(submissions(fake), ["first", "second", "first", "second"])
      assert.isTrue(finished(events).every(({ earlier }) => !earlier))
    }))

  const subjects = ["a", "b", "c", "d", "e", "f", "g"]
  const graphs = fc.tuple(...subjects.map((subject, position) =>
    fc.record({
      subject: fc.constant(subject),
      blockers: fc.subarray(subjects.slice(0, position)),
      end: fc.constantFrom("completed", "completed", "completed", "failed", "error", "cancelled")
    })))

  it.scoped("does again what was declared otherwise when it was done, and says so", () =>
    Effect.gen(function*() {
      const fake = make()
      yield* runToEnd(fake, workflow(), keep)
      const changed = { ...task("second", "first"), description: "do it otherwise" }
      const { events } = yield* runToEnd(fake, workflow({ teams: [team("core", task("first"), changed)] }), keep)
      assert.deepStrictEqual(finished(events).map(({ earlier, subject }) => [subject, earlier]), [["first", true], ["second", false]])
      const submitted = events.flatMap((event) => (event._tag === "task.submitting" ? [[event.subject, event.changed]] : []))
      assert.deepStrictEqual(submitted, [["second", true]])
      assert.deepStrictEqual(submissions(fake), ["first", "second", "second"])
    }))

  it.scoped("does again what another member of the team has done, when that is declared now", () =>
    Effect.gen(function*() {
      const fake = make()
      const agents = ["worker", "helper"].map((name) => ({ name, program: "none" }))
      const core = (assignee: string) =>
        workflow({ agents, teams: [{ name: "core", agents: ["worker", "helper"], tasks: [{ ...task("first"), assign_to: assignee }] }] })
      yield* runToEnd(fake, core("worker"), keep)
      const { events } = yield* runToEnd(fake, core("helper"), keep)
      assert.deepStrictEqual(finished(events).map(({ earlier }) => earlier), [false])
      assert.deepStrictEqual(finished((yield* runToEnd(fake, core("helper"), keep)).events).map(({ earlier }) => earlier), [true])
    }))

  it.scoped("two runs without a journal in common do each task once, and each says that another is at work", () =>
    Effect.gen(function*() {
      const fake = make()
      for (const subject of ["a", "b", "c"]) fake.begins.set(subject, "running")
      const spec = workflow({ teams: [team("core", task("a"), task("b", "a"), task("c", "b"))] })
      const one = yield* start(fake, spec, keep)
      yield* TestClock.adjust("5 seconds")
      const other = yield* start(fake, spec, keep)
      yield* TestClock.adjust("5 seconds")
      for (const subject of ["a", "b", "c"]) {
        fake.change(subject, { status: "completed" })
        yield* TestClock.adjust("5 seconds")
      }
      yield* finish(one)
      yield* finish(other)
      assert.deepStrictEqual(submissions(fake), ["a", "b", "c"])
      assert.deepStrictEqual([outcome(one.events), outcome(other.events)], [["completed"], ["completed"]])
      assert.includeMembers([...told(one.events, "team.shared"), ...told(other.events, "team.shared")], ["team.shared core"])
    }))

  it.scoped("asks once for all tasks that become ready together whether another run has submitted them", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.on("countTasks", slow("20 millis"))
      const many = Arr.makeBy(50, (number) => task(`t${number}`))
      yield* runToEnd(fake, workflow({ teams: [team("core", ...many)] }))
      assert.isAtMost(fake.calls.filter((call) => call.startsWith("countTasks")).length, 2)
    }))

  it.scoped("does not ask again what a list has answered that was read for the end of the task before", () =>
    Effect.gen(function*() {
      const fake = make()
      const chain = Arr.makeBy(20, (number) => task(`t${number}`, ...(number === 0 ? [] : [`t${number - 1}`])))
      yield* runToEnd(fake, workflow({ teams: [team("core", ...chain)] }))
      assert.lengthOf(fake.calls.filter((call) => call.startsWith("countTasks")), 1)
    }))

  it.scoped("watches what such a list shows of another run, and does not submit it", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("first", "running")
      const run = yield* start(fake, workflow())
      yield* TestClock.adjust("1 second")
      const [own] = fake.tasks.values()
      if (own === undefined) return assert.fail("there is no task")
      fake.tasks.set("other", { ...own, ...task("second"), id: TaskId.make("other"), status: "running" })
      fake.change("first", { status: "completed" })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(submissions(fake), ["first"])
      assert.include(told(run.events), "task.watched second")
      fake.tasks.set("other", { ...own, ...task("second"), id: TaskId.make("other"), status: "completed" })
      assert.isTrue(Exit.isSuccess((yield* finish(run)).exit))
    }))

  it.scoped("says of a server that asks to wait longer than the run may take that the limit comes first", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.on("createTask first", answers(429, "busy", "4 minutes"), 1)
      const { events } = yield* runToEnd(fake, workflow(), { timeout: "30 seconds" })
      const failures = events.flatMap((event) => (event._tag === "request.failed" ? [event.error] : []))
      assert.deepStrictEqual(failures, ["ANY /v1/any answered 429: busy; the run reaches its limit before that"])
      assert.deepStrictEqual(outcome(events), ["timed_out"])
    }))

  it.scoped("does not ask an Agamemnon of its own", () =>
    Effect.gen(function*() {
      const fake = make()
      yield* runToEnd(fake, workflow(), { embedded: true })
      assert.notInclude(fake.calls.join(), "countTasks")
    }))

  it.scoped.prop("every task is submitted once, after its predecessors, or skipped", [graphs], ([graph]) =>
    Effect.gen(function*() {
      const fake = make()
      for (const { end, subject } of graph) fake.begins.set(subject, end)
      const tasks = Arr.reverse(graph.map(({ blockers, subject }) => task(subject, ...blockers)))
      const spec = workflow({ teams: [team("core", ...tasks)] })
      const { events } = yield* runToEnd(fake, spec)
      const expected = new Map<string, string>()
      for (const { blockers, end, subject } of graph) {
        expected.set(subject, blockers.every((blocker) => expected.get(blocker) === "completed") ? end : "skipped")
      }
      const ended = events.flatMap((event): ReadonlyArray<readonly [string, string]> =>
        event._tag === "task.finished"
          ? [[event.subject, event.status]]
          : event._tag === "task.skipped"
          ? [[event.subject, "skipped"]]
          : [])
      assert.deepStrictEqual(new Map(ended), expected)
      assert.lengthOf(ended, graph.length)
      assert.sameMembers(submissions(fake), subjects.filter((subject) => expected.get(subject) !== "skipped"))
      const ids = new Map<string, string>([...fake.tasks.values()].map(({ id, subject }) => [subject, id]))
      const order = events.flatMap((event) =>
        event._tag === "task.submitting" || event._tag === "task.finished" ? [`${event._tag} ${event.subject}`] : [])
      for (const { blockers, subject } of graph.filter((each) => expected.get(each.subject) !== "skipped")) {
        const sent = [...fake.tasks.values()].find((each) => each.subject === subject)
        assert.deepStrictEqual(sent?.blockedBy, blockers.map((blocker) => ids.get(blocker) ?? ""))
        for (const blocker of blockers) {
          assert.isBelow(order.indexOf(`task.finished ${blocker}`), order.indexOf(`task.submitting ${subject}`))
        }
      }
    }), { fastCheck: { numRuns: 25 } })
})

describe("Dispatch across teams", () => {
  const across = workflow({
    teams: [
      team("plan", { ...task("write"), id: "plan" }, { ...task("sum up"), blocked_by: ["check"] }),
      team("do", { ...task("build"), blocked_by: ["plan"] }, { ...task("check", "build"), id: "check" })
    ]
  })

  it.scoped("submits a task when those of other teams are completed that it waits for, and names them", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("write", "running").set("check", "running")
      const run = yield* start(fake, across)
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(submissions(fake), ["write"])
      fake.change("write", { status: "completed" })
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(submissions(fake), ["write", "build", "check"])
      fake.change("check", { status: "completed" })
      const { exit } = yield* finish(run)
      assert.deepStrictEqual(statuses(exit), ["write completed", "sum up completed", "build completed", "check completed"])
      assert.deepInclude(fake.bodies.find((body) => typeof body === "object" && body !== null && "subject" in body && body.subject === "sum up"), {
        blockedBy: [[...fake.tasks.values()].find(({ subject }) => subject === "check")?.id]
      })
    }))

  it.scoped("skips what waits for a task of another team that has failed", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("write", "failed")
      const { events, exit } = yield* runToEnd(fake, across)
      assert.isTrue(Exit.isFailure(exit))
      assert.deepStrictEqual(told(events, "task.skipped"), ["task.skipped build", "task.skipped check", "task.skipped sum up"])
    }))

  it.scoped("gives a task of several members to the one that has least to do, and says to whom", () =>
    Effect.gen(function*() {
      const fake = make()
      const subjects = ["one", "two", "three", "four"]
      for (const subject of subjects) fake.begins.set(subject, "running")
      const run = yield* start(fake, workflow({
        agents: [{ name: "a", program: "none" }, { name: "b", program: "none" }],
        teams: [{
          name: "core",
          agents: ["a", "b"],
          tasks: [
            { ...task("one"), assign_to: "b" },
            { ...task("two"), assign_to: ["b", "a"] },
            { ...task("three"), assign_to: ["b", "a"] },
            { ...task("four", "two"), assign_to: ["b", "a"] }
          ]
        }]
      }))
      yield* TestClock.adjust("5 seconds")
      fake.change("two", { status: "completed" })
      yield* TestClock.adjust("5 seconds")
      const assigned = run.events.flatMap((event) => (event._tag === "task.submitting" ? [[event.subject, event.assignee]] : []))
      assert.deepStrictEqual(assigned, [["one", undefined], ["two", "a"], ["three", "b"], ["four", "a"]])
      for (const subject of subjects) fake.change(subject, { status: "completed" })
      const { exit } = yield* finish(run)
      assert.isTrue(Exit.isSuccess(exit))
    }))
})
