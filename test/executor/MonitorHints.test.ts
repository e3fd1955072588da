import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import { TaskId } from "../../src/agamemnon/AgamemnonModel.ts"
import * as TaskFeed from "../../src/agamemnon/TaskFeed.ts"
import type { RunEvent } from "../../src/run/RunEvent.ts"
import type { WorkflowSpec } from "../../src/workflow/WorkflowSpec.ts"
import { answers, type FakeAgamemnon, make } from "../support/FakeAgamemnon.ts"
import * as FakeTaskFeed from "../support/FakeTaskFeed.ts"
import { finish, outcome, start, task, team, told, workflow } from "../support/TestRun.ts"

const settings = { monitorPoll: Duration.seconds(1) }

const chain = (length: number) =>
  workflow({ teams: [team("core", ...Arr.makeBy(length, (at) => task(`t${at}`, ...(at === 0 ? [] : [`t${at - 1}`]))))] })

/** Starts a run whose tasks run until they are told to end, and lets it come so far. */
const running = Effect.fnUntraced(function*(fake: FakeAgamemnon, spec: WorkflowSpec = chain(2), link?: TaskFeed.FeedStatus) {
  const events = yield* FakeTaskFeed.make(link)
  for (const { subject } of spec.teams.flatMap(({ tasks }) => tasks)) fake.begins.set(subject, "pending")
  const run = yield* Effect.provideService(start(fake, spec, { settings }), TaskFeed.TaskFeed, events.service)
  yield* TestClock.adjust("5 seconds")
  return { run, events }
})

const reads = (fake: FakeAgamemnon) => fake.calls.filter((call) => call.startsWith("listTasks")).length

const taskOf = (fake: FakeAgamemnon, subject: string) =>
  Option.getOrThrow(Arr.findLast(fake.tasks.values(), (each) => each.subject === subject))

const finished = (events: ReadonlyArray<RunEvent>) => told(events, "task.finished")

const ends = (events: ReadonlyArray<RunEvent>) =>
  events.flatMap((event) => event._tag === "task.finished" ? [[event.subject, event.status, event.result]] : [])

const aMoment = TestClock.adjust("100 millis")

describe.concurrent("Monitor, with events", () => {
  it.scoped("does not read for what it hears", () =>
    Effect.gen(function*() {
      const fake = make()
      const { events, run } = yield* running(fake, chain(20))
      yield* events.update(taskOf(fake, "t0"), { status: "running" })
      yield* TestClock.adjust("2 seconds")
      const before = fake.calls.length
      for (let at = 0; at < 20; at++) {
        fake.change(`t${at}`, { status: "completed", result: `${at}` })
        yield* events.update(taskOf(fake, `t${at}`))
        yield* aMoment
      }
      const { exit } = yield* finish(run)
      assert.isTrue(Exit.isSuccess(exit))
      const asked = fake.calls.slice(before).filter((call) => /^(listTasks|getTask|hasTeam)/.test(call))
      assert.deepStrictEqual(asked, [])
      const results = run.events.flatMap((event) => event._tag === "task.finished" ? [event.result] : [])
      assert.deepStrictEqual(results, Arr.makeBy(20, String))
    }))

  it.scoped("reads every 30 seconds while it has heard of its tasks, and as ever until then", () =>
    Effect.gen(function*() {
      const fake = make()
      const { events, run } = yield* running(fake)
      yield* TestClock.adjust("20 seconds")
      const count = Effect.gen(function*() {
        const before = reads(fake)
        yield* TestClock.adjust("2 minutes")
        return reads(fake) - before
      })
      assert.strictEqual(yield* count, 120)
      yield* events.update(taskOf(fake, "t0"), { status: "running" })
      fake.change("t0", { status: "running" })
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* count, 4)
      fake.change("t0", { status: "failed" })
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(finished(run.events), ["task.finished t0"])
      yield* finish(run)
    }))

  it.scoped("asks for the one task that has ended by a hint, until it has or a second is over", () =>
    Effect.gen(function*() {
      const fake = make()
      const { events, run } = yield* running(fake)
      const { id } = taskOf(fake, "t0")
      yield* events.tell(TaskFeed.Mentioned({ id }))
      yield* TestClock.adjust("10 seconds")
      const before = fake.calls.length
      yield* events.tell(TaskFeed.Mentioned({ id }))
      yield* TestClock.adjust("10 seconds")
      const asked = fake.calls.slice(before).filter((call) => call !== "ping")
      assert.isNotEmpty(asked)
      assert.isAtMost(asked.length, 10)
      assert.deepStrictEqual(Arr.dedupe(asked), [`getTask core ${id}`])
      fake.change("t0", { status: "completed" })
      yield* events.tell(TaskFeed.Mentioned({ id }))
      yield* aMoment
      assert.deepStrictEqual(finished(run.events), ["task.finished t0"])
      yield* events.tell(TaskFeed.Mentioned({ id: taskOf(fake, "t1").id }))
      fake.change("t1", { status: "completed" })
      assert.isTrue(Exit.isSuccess((yield* finish(run)).exit))
    }))

  it.scoped("asks at once, however long the reads before have taken, and once about all that has come together", () =>
    Effect.gen(function*() {
      const fake = make()
      const subjects = ["a", "b", "c", "d"]
      for (const call of ["listTasks", "getTask"]) fake.on(call, Effect.delay("300 millis"))
      const { events, run } = yield* running(fake, workflow({ teams: [team("core", ...subjects.map((each) => task(each)))] }))
      const asked = Effect.fnUntraced(function*(...hinted: ReadonlyArray<string>) {
        // Whatever is under way has ended, and what is left of it is a pause.
        yield* TestClock.adjust("320 millis")
        const before = fake.calls.length
        for (const each of hinted) fake.change(each, { status: "completed" })
        yield* events.tell(...hinted.map((each) => TaskFeed.Mentioned({ id: taskOf(fake, each).id })))
        yield* TestClock.adjust(0)
        const calls = fake.calls.slice(before).filter((call) => call !== "ping")
        yield* TestClock.adjust("310 millis")
        return calls
      })
      yield* events.update(taskOf(fake, "a"), { status: "running" })
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* asked("a"), [`getTask core ${taskOf(fake, "a").id}`])
      // So soon after a read, a pause would follow it.
      assert.deepStrictEqual(yield* asked("b", "c"), ["listTasks core"])
      assert.deepStrictEqual(yield* asked("d"), [`getTask core ${taskOf(fake, "d").id}`])
      assert.sameMembers([...finished(run.events)], subjects.map((each) => `task.finished ${each}`))
      assert.isTrue(Exit.isSuccess((yield* finish(run)).exit))
    }))

  it.scoped("asks again, when a hint comes while it asks, as soon as it has its answer", () =>
    Effect.gen(function*() {
      const fake = make()
      const { events, run } = yield* running(fake, chain(1))
      const { id } = taskOf(fake, "t0")
      yield* events.update(taskOf(fake, "t0"), { status: "running" })
      yield* TestClock.adjust("2 seconds")
      // What it is answered is how the task was when it asked.
      fake.on("getTask", Effect.tap(Effect.sleep("300 millis")))
      const before = fake.calls.length
      yield* events.tell(TaskFeed.Mentioned({ id }))
      yield* TestClock.adjust("100 millis")
      yield* events.tell(...Arr.makeBy(5, () => TaskFeed.Mentioned({ id })))
      yield* TestClock.adjust("100 millis")
      const asked = () => fake.calls.slice(before).filter((call) => call.startsWith("getTask"))
      assert.lengthOf(asked(), 1)
      fake.change("t0", { status: "completed" })
      yield* TestClock.adjust("100 millis")
      assert.lengthOf(asked(), 2)
      yield* finish(run)
      assert.lengthOf(asked(), 2)
    }))

  it.scoped("shows a task as running that its worker has begun, though Agamemnon has it as pending", () =>
    Effect.gen(function*() {
      const fake = make()
      const { events, run } = yield* running(fake)
      const { id } = taskOf(fake, "t0")
      yield* events.tell(TaskFeed.Started({ id }), TaskFeed.Started({ id }))
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(told(run.events, "task.progressed"), ["task.progressed t0"])
      fake.change("t0", { status: "blocked" })
      yield* TestClock.adjust("30 seconds")
      fake.change("t0", { status: "completed" })
      yield* events.tell(TaskFeed.Mentioned({ id }))
      yield* aMoment
      fake.change("t1", { status: "completed" })
      assert.isTrue(Exit.isSuccess((yield* finish(run)).exit))
      const steps = run.events.flatMap((event) => "subject" in event && event.subject === "t0" && "status" in event ? [event.status] : [])
      assert.deepStrictEqual(steps, ["running", "blocked", "completed"])
    }))

  /** What Agamemnon is asked about tasks, and told of them. */
  const dealings = (fake: FakeAgamemnon, from = 0) => fake.calls.slice(from).filter((call) => /^(getTask|failTask)/.test(call))

  it.scoped("tells Agamemnon of a failure that it does not know of, and ends the task with the worker's words", () =>
    Effect.gen(function*() {
      const fake = make()
      const { events, run } = yield* running(fake)
      const { id } = taskOf(fake, "t0")
      const before = fake.calls.length
      yield* events.tell(TaskFeed.Failed({ id, reason: "no space left on device" }))
      yield* aMoment
      assert.deepStrictEqual(dealings(fake, before), [`getTask core ${id}`, "failTask t0", `getTask core ${id}`])
      assert.deepStrictEqual(fake.bodies.at(-1), { status: "failed", result: "no space left on device" })
      assert.deepStrictEqual(told(run.events, "task.f", "task.sk"), ["task.failing t0", "task.finished t0", "task.skipped t1"])
      assert.deepStrictEqual(ends(run.events), [["t0", "failed", "no space left on device"]])
      yield* finish(run)
      assert.deepStrictEqual(outcome(run.events), ["failed"])
    }))

  it.scoped("tells Agamemnon once, however often a worker says that it has failed, and without words where it has none", () =>
    Effect.gen(function*() {
      const fake = make()
      const { events, run } = yield* running(fake, chain(1))
      const { id } = taskOf(fake, "t0")
      const failed = TaskFeed.Failed({ id })
      fake.on("failTask", Effect.delay("10 seconds"))
      yield* events.tell(failed, failed)
      yield* TestClock.adjust("5 seconds")
      yield* events.tell(failed)
      yield* finish(run)
      assert.deepStrictEqual(told(run.events, "task.failing"), ["task.failing t0"])
      assert.lengthOf(dealings(fake).filter((call) => call.startsWith("failTask")), 1)
      assert.deepStrictEqual(fake.bodies.at(-1), { status: "failed" })
    }))

  it.scoped("does not tell Agamemnon of a failure when a read shows an end", () =>
    Effect.gen(function*() {
      for (const status of ["completed", "failed"]) {
        const fake = make()
        const { events, run } = yield* running(fake, chain(1))
        fake.change("t0", { status, result: "known" })
        yield* events.tell(TaskFeed.Failed({ id: taskOf(fake, "t0").id, reason: "said" }))
        yield* finish(run)
        assert.deepStrictEqual(told(run.events, "task.f"), ["task.finished t0"])
        assert.deepStrictEqual(ends(run.events), [["t0", status, "known"]])
      }
    }))

  it.scoped("does not tell Agamemnon of a failure after which the worker has begun anew before a read was answered", () =>
    Effect.gen(function*() {
      const fake = make()
      const { events, run } = yield* running(fake, chain(1))
      const { id } = taskOf(fake, "t0")
      fake.on("getTask", Effect.tap(Effect.sleep("1 second")))
      yield* events.tell(TaskFeed.Failed({ id }))
      yield* aMoment
      yield* events.tell(TaskFeed.Started({ id }))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(told(run.events, "task.failing"), [])
      fake.change("t0", { status: "completed" })
      yield* events.tell(TaskFeed.Mentioned({ id }))
      assert.isTrue(Exit.isSuccess((yield* finish(run)).exit))
    }))

  it.scoped("fails when Agamemnon refuses to be told, and finds the state lost when it does not know the task", () =>
    Effect.gen(function*() {
      const how = { failed: (fake: FakeAgamemnon) => fake.on("failTask", answers(403, "no")), state_lost: (fake: FakeAgamemnon) => fake.tasks.clear() }
      for (const expected of ["failed", "state_lost"] as const) {
        const fake = make()
        const { events, run } = yield* running(fake, chain(1))
        const { id } = taskOf(fake, "t0")
        fake.on("getTask", (usual) => Effect.tap(usual, () => how[expected](fake)), 1)
        yield* events.tell(TaskFeed.Failed({ id }))
        yield* finish(run)
        assert.deepStrictEqual(outcome(run.events), [expected])
      }
    }))

  it.scoped("goes by the first end, however often and in which order it hears", () =>
    Effect.gen(function*() {
      const fake = make()
      const { events, run } = yield* running(fake, chain(1))
      const early = taskOf(fake, "t0")
      const late = { ...early, updatedAt: "9999-01-01T00:00:00Z" }
      yield* events.update(late, { status: "running" })
      yield* events.update(early, { status: "blocked" })
      yield* events.update(late, { status: "running" })
      yield* events.update(late, { status: "completed" })
      yield* events.update(late, { status: "completed" })
      yield* events.update(late, { status: "failed" })
      yield* events.update(late, { status: "pending" })
      yield* finish(run)
      const steps = run.events.flatMap((event) => "subject" in event && "status" in event ? [event.status] : [])
      assert.deepStrictEqual(steps, ["running", "completed"])
      assert.deepStrictEqual(outcome(run.events), ["completed"])
    }))

  it.scoped("does not believe an end that was said of a time before the last that it knows", () =>
    Effect.gen(function*() {
      const fake = make()
      const { events, run } = yield* running(fake, chain(1))
      const before = { ...taskOf(fake, "t0"), updatedAt: "1960-01-01T00:00:00Z" }
      yield* events.update(before, { status: "failed" })
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(finished(run.events), [])
      fake.change("t0", { status: "completed" })
      yield* events.update(before, { status: "failed" })
      yield* aMoment
      assert.deepStrictEqual(outcome(run.events), ["completed"])
      yield* finish(run)
    }))

  it.scoped("hears of its own tasks before it knows them, however much it hears of others", () =>
    Effect.gen(function*() {
      const fake = make()
      // The worker is faster than the answer to the submission.
      const { events, run } = yield* running(fake, chain(3))
      const early = (subject: string, others: number) =>
        fake.on(`createTask ${subject}`, (usual) =>
          Effect.tap(usual, () =>
            Effect.gen(function*() {
              const submitted = taskOf(fake, subject)
              fake.change(subject, { status: "completed" })
              yield* events.update(submitted, { status: "running" })
              yield* events.update(submitted, { status: "completed" })
              yield* events.update(submitted, { id: TaskId.make("other"), status: "failed" })
              yield* events.tell(...Arr.makeBy(others, (at) => TaskFeed.Mentioned({ id: TaskId.make(`other-${at}`) })))
              yield* Effect.sleep("1 second")
            })))
      early("t1", 10)
      early("t2", 1500)
      yield* events.update(taskOf(fake, "t0"), { status: "running" })
      yield* TestClock.adjust("2 seconds")
      const before = reads(fake)
      fake.change("t0", { status: "completed" })
      yield* events.update(taskOf(fake, "t0"))
      yield* TestClock.adjust("1500 millis")
      assert.deepStrictEqual(finished(run.events), ["task.finished t0", "task.finished t1"])
      assert.strictEqual(reads(fake), before)
      const { exit, took } = yield* finish(run)
      assert.isTrue(Exit.isSuccess(exit))
      assert.isAtMost(took, 1000)
      assert.isTrue(run.events.every((event) => !("id" in event) || !event.id?.startsWith("other")))
    }))

  it.scoped("asks nothing about a task that has ended", () =>
    Effect.gen(function*() {
      const fake = make()
      const { events, run } = yield* running(fake)
      fake.change("t0", { status: "completed" })
      yield* events.update(taskOf(fake, "t0"))
      yield* TestClock.adjust("2 seconds")
      const before = fake.calls.length
      yield* events.tell(TaskFeed.Mentioned({ id: taskOf(fake, "t0").id }))
      yield* events.update(taskOf(fake, "t0"), { status: "failed", updatedAt: "1960-01-01T00:00:00Z" })
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(fake.calls.slice(before).filter((call) => call !== "ping"), [])
      fake.change("t1", { status: "completed" })
      yield* finish(run)
    }))

  it.scoped("does not go back to what a list said that was read before it heard", () =>
    Effect.gen(function*() {
      const fake = make()
      const { events, run } = yield* running(fake, chain(1))
      fake.on("listTasks", Effect.tap(Effect.sleep("2 seconds")))
      yield* TestClock.adjust("1500 millis")
      yield* events.update(taskOf(fake, "t0"), { status: "running", updatedAt: "9999-01-01T00:00:00Z" })
      yield* TestClock.adjust("20 seconds")
      assert.deepStrictEqual(told(run.events, "task.progressed"), ["task.progressed t0"])
      fake.change("t0", { status: "completed" })
      assert.isTrue(Exit.isSuccess((yield* finish(run)).exit))
    }))

  it.scoped("polls again after one end that it was not told of, until it hears of it", () =>
    Effect.gen(function*() {
      const fake = make()
      const { events, run } = yield* running(fake, chain(5))
      yield* events.update(taskOf(fake, "t0"), { status: "running" })
      yield* TestClock.adjust("2 seconds")
      fake.change("t0", { status: "completed" })
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(finished(run.events), ["task.finished t0"])
      // One that never comes costs one reconciling read, and no more, though others do come.
      for (const subject of ["t1", "t2"]) {
        yield* events.update(taskOf(fake, subject), { status: "running" })
        yield* TestClock.adjust("5 seconds")
        fake.change(subject, { status: "completed" })
        yield* TestClock.adjust("1 second")
        assert.include(finished(run.events), `task.finished ${subject}`)
      }
      const before = reads(fake)
      for (const subject of ["t0", "t1", "t2"]) yield* events.update(taskOf(fake, subject))
      yield* TestClock.adjust("20 seconds")
      assert.isAtMost(reads(fake) - before, 2)
      fake.change("t3", { status: "completed" })
      yield* events.update(taskOf(fake, "t3"))
      yield* aMoment
      fake.change("t4", { status: "completed" })
      yield* events.update(taskOf(fake, "t4"))
      assert.isTrue(Exit.isSuccess((yield* finish(run)).exit))
    }))

  it.scoped("says once that no events come, polls, and reads everything once when they do again", () =>
    Effect.gen(function*() {
      const fake = make()
      const { events, run } = yield* running(fake, chain(2))
      yield* events.update(taskOf(fake, "t0"), { status: "running" })
      yield* TestClock.adjust("2 seconds")
      yield* events.lose("it is gone")
      yield* events.lose("it still is")
      yield* TestClock.adjust("10 seconds")
      fake.change("t0", { status: "completed" })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(finished(run.events), ["task.finished t0"])
      yield* TestClock.adjust("10 seconds")
      fake.change("t1", { status: "completed" })
      const before = reads(fake)
      yield* events.restore
      yield* aMoment
      assert.strictEqual(reads(fake) - before, 1)
      assert.isTrue(Exit.isSuccess((yield* finish(run)).exit))
      const said = run.events.flatMap((event) => event._tag.startsWith("feed.") ? [event] : [])
      assert.deepStrictEqual(said.map((event) => [event._tag, "reason" in event ? event.reason : ""]), [
        ["feed.lost", "it is gone"],
        ["feed.restored", ""]
      ])
      assert.strictEqual(events.listeners(), 0)
    }))

  it.scoped("says at its start that no events come, and nothing of a link that is up or still connecting", () =>
    Effect.gen(function*() {
      for (const link of [TaskFeed.Down({ reason: "refused" }), TaskFeed.Up(), TaskFeed.Connecting(), TaskFeed.Absent()]) {
        const fake = make()
        const { run } = yield* running(fake, chain(1), link)
        fake.change("t0", { status: "completed" })
        assert.isTrue(Exit.isSuccess((yield* finish(run)).exit))
        assert.deepStrictEqual(told(run.events, "feed."), link._tag === "Down" ? ["feed.lost"] : [])
      }
    }))

  it.scoped("finds the state lost by its reconciling read", () =>
    Effect.gen(function*() {
      const fake = make()
      const { events, run } = yield* running(fake)
      yield* events.update(taskOf(fake, "t0"), { status: "running" })
      yield* TestClock.adjust("2 seconds")
      fake.forget()
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(outcome(run.events), ["state_lost"])
      yield* finish(run)
    }))

  it.scoped("reads everything every 30 seconds though it is never long without an event", () =>
    Effect.gen(function*() {
      const fake = make()
      const { events, run } = yield* running(fake, chain(100))
      yield* events.update(taskOf(fake, "t0"), { status: "running" })
      yield* TestClock.adjust("2 seconds")
      const before = reads(fake)
      for (let at = 0; at < 95; at++) {
        fake.change(`t${at}`, { status: "completed" })
        yield* events.tell(TaskFeed.Mentioned({ id: taskOf(fake, `t${at}`).id }))
        yield* TestClock.adjust("1 second")
      }
      assert.lengthOf(finished(run.events), 95)
      assert.strictEqual(reads(fake) - before, 3)
      yield* Fiber.interruptFork(run.fiber)
      yield* finish(run)
    }))
})
