import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as TestClock from "effect/TestClock"
import { AgamemnonStateLostError } from "../../src/agamemnon/AgamemnonError.ts"
import { TaskId } from "../../src/agamemnon/AgamemnonModel.ts"
import { type FakeAgamemnon, make } from "../support/FakeAgamemnon.ts"
import { failure, finish, outcome, start, task, team, told, workflow } from "../support/TestRun.ts"

const settings = { monitorPoll: Duration.seconds(2) }

/** Starts a run whose first task runs, and lets it come so far. */
const running = Effect.fnUntraced(function*(fake: FakeAgamemnon) {
  fake.begins.set("first", "running")
  const run = yield* start(fake, workflow(), { settings })
  yield* TestClock.adjust("40 seconds")
  return run
})

const reads = (fake: FakeAgamemnon) => fake.calls.filter((call) => call.startsWith("listTasks")).length

describe("Monitor", () => {
  it.scoped("reads less and less often while nothing happens, and sees changes within two reads", () =>
    Effect.gen(function*() {
      const fake = make()
      const run = yield* running(fake)
      const before = reads(fake)
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual(reads(fake) - before, 10)
      fake.change("first", { status: "completed" })
      yield* TestClock.adjust("2 seconds")
      assert.include(told(run.events), "task.finished first")
      yield* TestClock.adjust("200 millis")
      assert.include(told(run.events), "task.finished second")
      yield* finish(run)
    }))

  it.scoped("does not read at all when no task is watched", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.on("createTask second", Effect.delay("30 seconds"))
      const run = yield* start(fake, workflow(), { settings })
      yield* TestClock.adjust("5 seconds")
      const before = reads(fake)
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual(reads(fake), before)
      assert.isTrue(Exit.isSuccess((yield* finish(run)).exit))
    }))

  it.scoped("tells of each change once, and takes a status that it does not know for progress", () =>
    Effect.gen(function*() {
      const fake = make()
      const run = yield* running(fake)
      for (const status of ["blocked", "running", "in_review", "completed", "pending"]) {
        fake.change("first", { status })
        yield* TestClock.adjust("5 seconds")
      }
      yield* finish(run)
      const steps = run.events.flatMap((event) =>
        "subject" in event && event.subject === "first" && "status" in event ? [event.status] : [])
      assert.deepStrictEqual(steps, ["running", "blocked", "running", "in_review", "completed"])
    }))

  it.scoped("counts only the tasks of its own run", () =>
    Effect.gen(function*() {
      const fake = make()
      const run = yield* running(fake)
      const [own] = fake.tasks.values()
      if (own === undefined) return assert.fail("there is no task")
      fake.tasks.set("other", { ...own, id: TaskId.make("other"), status: "failed" })
      fake.tasks.set(own.id, { ...own, status: "completed" })
      const { exit } = yield* finish(run)
      assert.isTrue(Exit.isSuccess(exit))
      assert.isTrue(run.events.every((event) => !("id" in event) || event.id !== "other"))
    }))

  it.scoped("asks for a task by its id when the list does not show it", () =>
    Effect.gen(function*() {
      const fake = make()
      const run = yield* running(fake)
      fake.hidden.add("first")
      yield* TestClock.adjust("6 seconds")
      assert.lengthOf(fake.calls.filter((call) => call.startsWith("getTask")), 3)
      fake.change("first", { status: "completed" })
      assert.isTrue(Exit.isSuccess((yield* finish(run)).exit))
    }))

  it.scoped("finds the state lost when all is forgotten while a task runs", () =>
    Effect.gen(function*() {
      const fake = make()
      const run = yield* running(fake)
      fake.forget()
      const { exit, took } = yield* finish(run)
      const error = failure(exit)
      assert.instanceOf(error, AgamemnonStateLostError)
      assert.strictEqual(
        error.message,
        "Agamemnon no longer knows team \"core\": it was restarted or has lost its state"
      )
      assert.isAtMost(took, 2000)
      assert.deepStrictEqual(outcome(run.events), ["state_lost"])
    }))

  it.scoped("finds the state lost when a task that had ended is gone", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("second", "running")
      const run = yield* start(fake, workflow(), { settings })
      yield* TestClock.adjust("10 seconds")
      for (const [id, { subject }] of fake.tasks) if (subject === "first") fake.tasks.delete(id)
      yield* finish(run)
      assert.deepStrictEqual(outcome(run.events), ["state_lost"])
    }))

  it.scoped("reads the few tasks that are open, and not the many that have ended", () =>
    Effect.gen(function*() {
      const fake = make()
      const many = Array.from({ length: 120 }, (_, position) => `task ${position}`)
      const last = task("last", ...many)
      fake.begins.set("last", "running")
      const run = yield* start(fake, workflow({ teams: [team("core", ...many.map((each) => task(each)), last)] }), { settings })
      yield* TestClock.adjust("1 second")
      const asked = fake.calls.slice(fake.calls.indexOf("createTask last"))
      assert.isAbove(asked.filter((call) => call.startsWith("getTask")).length, 3)
      assert.lengthOf(asked.filter((call) => call.startsWith("listTasks")), 0)
      // Now and then everything, or the loss of what has ended would not be noticed.
      fake.tasks.forEach(({ subject }, id) => subject === "task 7" && fake.tasks.delete(id))
      yield* finish(run)
      assert.deepStrictEqual(outcome(run.events), ["state_lost"])
    }))

  it.scoped("finds the state lost when the team is gone, though its tasks are still there", () =>
    Effect.gen(function*() {
      const fake = make()
      const run = yield* running(fake)
      fake.teams.clear()
      const { exit } = yield* finish(run)
      assert.deepInclude(failure(exit), { missing: "team \"core\"" })
      assert.deepStrictEqual(outcome(run.events), ["state_lost"])
    }))

  it.scoped("finds the state lost when all was forgotten before the first task was submitted, which waits for ever then", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.on("createTask first", (usual) => Effect.suspend(() => (fake.forget(), usual)))
      fake.begins.set("first", "pending")
      // As a real one, it lists the tasks of a team that it does not know.
      fake.listsUnknown = true
      const run = yield* start(fake, workflow(), { settings })
      const { exit } = yield* finish(run)
      assert.deepInclude(failure(exit), { missing: "team \"core\"" })
      assert.deepStrictEqual(outcome(run.events), ["state_lost"])
      assert.lengthOf(fake.calls.filter((call) => call.startsWith("hasTeam")), 1)
    }))

  it.scoped("asks once whether the team is there, while tasks wait", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("first", "pending")
      const run = yield* start(fake, workflow(), { settings })
      yield* TestClock.adjust("1 minute")
      assert.lengthOf(fake.calls.filter((call) => call.startsWith("hasTeam")), 1)
      fake.change("first", { status: "completed" })
      assert.isTrue(Exit.isSuccess((yield* finish(run)).exit))
    }))

  it.scoped("finds the state lost when all was forgotten between two tasks", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.on("createTask second", (usual) => Effect.suspend(() => (fake.forget(), Effect.delay(usual, "1 second"))))
      const run = yield* start(fake, workflow(), { settings })
      yield* finish(run)
      assert.deepStrictEqual(outcome(run.events), ["state_lost"])
    }))
})
