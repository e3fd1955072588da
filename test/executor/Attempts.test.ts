import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import { AgamemnonClient } from "../../src/agamemnon/AgamemnonClient.ts"
import { TasksFailedError } from "../../src/executor/RunError.ts"
import * as TaskFeed from "../../src/agamemnon/TaskFeed.ts"
import type { RunEvent } from "../../src/run/RunEvent.ts"
import * as RunState from "../../src/run/RunState.ts"
import type { WorkflowInput, WorkflowSpec } from "../../src/workflow/WorkflowSpec.ts"
import { type FakeAgamemnon, make } from "../support/FakeAgamemnon.ts"
import * as FakeTaskFeed from "../support/FakeTaskFeed.ts"
import { driver, list, made, type Point, recorded, stateOf, world } from "../support/JournaledRun.ts"
import { failure, finish, runToEnd, start, task, team, told, workflow } from "../support/TestRun.ts"

type Task = WorkflowInput["teams"][number]["tasks"][number]

/** A workflow of a task with these rules, and one after it. */
const flow = (rules: Partial<Task>, more: Partial<WorkflowInput> = {}) =>
  workflow({ teams: [team("core", { ...task("first"), ...rules }, task("second", "first"))], ...more })

/** When the attempts at the first task were submitted, in seconds since the first of them. */
const submittedAt = (events: ReadonlyArray<RunEvent>) => {
  const times = events.flatMap((event) =>
    event._tag === "task.submitting" && event.subject === "first" ? [DateTime.toEpochMillis(event.at) / 1000] : [])
  return times.map((time) => Math.round(time - (times[0] ?? 0)))
}

const attemptsOf = (events: ReadonlyArray<RunEvent>) =>
  events.flatMap((event) =>
    event._tag === "task.submitting" && event.subject === "first" ? [[event.attempt, event.of]] : [])

const ends = (events: ReadonlyArray<RunEvent>) =>
  events.flatMap((event) =>
    event._tag === "task.retrying" || (event._tag === "task.finished" && event.subject === "first")
      ? [`${event.status}${event._tag === "task.finished" && event.final !== undefined ? `: ${event.final}` : ""}`]
      : [])

const firstOf = (state: RunState.RunState | undefined) =>
  state === undefined ? undefined : RunState.tasks(state).find(({ subject }) => subject === "first")

const stateAfter = (events: ReadonlyArray<RunEvent>) => firstOf(RunState.foldAll(events))

const failures = (fake: FakeAgamemnon) => fake.calls.filter((call) => call.startsWith("failTask"))

describe.concurrent("Attempts", () => {
  it.scoped("tries a task again that has failed, after waits that grow up to the longest", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("first", ["failed", "error", "failed", "completed"])
      const run = yield* start(fake, flow({ retry: { times: 4, wait: "10s", backoff: 2, max_wait: "15s" } }))
      const { exit } = yield* finish(run)
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepStrictEqual(submittedAt(run.events), [0, 10, 25, 40])
      assert.deepStrictEqual(attemptsOf(run.events), [[1, 5], [2, 5], [3, 5], [4, 5]])
      assert.deepStrictEqual(ends(run.events), ["failed", "error", "failed", "completed"])
      assert.deepStrictEqual(made(fake), { first: 4, second: 1 })
      const state = stateAfter(run.events)
      assert.deepInclude(state, { status: "completed", attempt: 4, mostAttempts: 5, retryAt: undefined })
      assert.deepStrictEqual(state?.attempts.map(({ id, number, status }) => [number, status, id]), [
        [1, "failed", "task-3"],
        [2, "error", "task-4"],
        [3, "failed", "task-5"]
      ])
    }))

  it.scoped("fails a task when no attempt is left, and skips what waits for it", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("first", "failed")
      const { events, exit } = yield* runToEnd(fake, flow({ retry: 2 }))
      assert.instanceOf(failure(exit), TasksFailedError)
      assert.deepStrictEqual(ends(events), ["failed", "failed", "failed: 3 of 3 attempts were made"])
      assert.include(told(events), "task.skipped second")
    }))

  it.scoped("does not try again after an end that is not named, or that somebody wanted, and says so", () =>
    Effect.gen(function*() {
      for (const [end, why] of [["failed", "retry.on does not name failed"], ["cancelled", "what was cancelled is not tried again"]] as const) {
        const fake = make()
        fake.begins.set("first", end)
        const { events } = yield* runToEnd(fake, flow({ retry: { times: 3, on: end === "failed" ? ["timeout"] : ["failed"] } }))
        assert.deepStrictEqual(ends(events), [`${end}: ${why}`])
        assert.strictEqual(stateAfter(events)?.final, why)
      }
    }))

  it.scoped("does what the defaults say for a task that says nothing, and what it says itself otherwise", () =>
    Effect.gen(function*() {
      const defaults = { retry: 1 }
      const fake = make()
      fake.begins.set("first", "failed")
      yield* runToEnd(fake, flow({}, { defaults }))
      assert.strictEqual(made(fake).first, 2)
      const other = make()
      other.begins.set("first", "failed")
      yield* runToEnd(other, flow({ retry: 3 }, { defaults }))
      assert.strictEqual(made(other).first, 4)
    }))

  it.scoped("gives an attempt up that takes too long since it was seen running, tells Agamemnon once, and tries again", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("first", ["pending", "completed"])
      const run = yield* start(fake, flow({ timeout: "30s", retry: 1 }))
      yield* TestClock.adjust("20 seconds")
      fake.change("first", { status: "running" })
      yield* TestClock.adjust("29 seconds")
      assert.deepStrictEqual(failures(fake), [])
      const { exit } = yield* finish(run)
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepStrictEqual(failures(fake), ["failTask first"])
      assert.deepStrictEqual(ends(run.events), ["timeout", "completed"])
      assert.isAtMost(submittedAt(run.events)[1] ?? 0, 53)
      const intent = run.events.find(({ _tag }) => _tag === "task.failing")
      assert.deepInclude(intent, { as: "timeout", reason: "it took longer than 30s" })
    }))

  it.scoped("counts the limit from the submission where a task is never seen running", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("first", "pending")
      const { events, exit, took } = yield* runToEnd(fake, flow({ timeout: "30s" }))
      assert.instanceOf(failure(exit), TasksFailedError)
      assert.deepStrictEqual(ends(events), ["timeout"])
      assert.isAtLeast(took, 30_000)
      assert.isAtMost(took, 33_000)
    }))

  it.scoped("takes an attempt for completed of which Agamemnon knows when it was, though it was told that it had failed", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("first", "running")
      // The worker completes it between the last look and the word that it has failed.
      fake.on("failTask first", (usual) => {
        const [[id, first] = assert.fail("there is no task")] = fake.tasks
        fake.tasks.set(id, { ...first, status: "completed", completedAt: "2026-01-01T00:00:00Z", result: "done" })
        return usual
      }, 1)
      const { events, exit } = yield* runToEnd(fake, flow({ timeout: "10s", retry: 3 }))
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepStrictEqual(ends(events), ["completed"])
      assert.strictEqual(stateAfter(events)?.result, "done")
      assert.deepStrictEqual(made(fake), { first: 1, second: 1 })
    }))

  for (const when of ["waits for the next", "is at the next"] as const) {
    it.scoped(`counts an attempt that was over and completes while it ${when}`, () =>
      Effect.gen(function*() {
        const fake = make()
        fake.begins.set("first", "running")
        const run = yield* start(fake, workflow({
          teams: [team("core", { ...task("first"), timeout: "10s", retry: { times: 3, wait: when === "is at the next" ? "1s" : "1m" } }, task("second", "first"), task("other"))]
        }))
        fake.begins.set("other", "running")
        yield* TestClock.adjust("16 seconds")
        fake.change("first", { status: "completed", result: "late" }, 0)
        // Something else is read meanwhile, so that its end is seen.
        yield* TestClock.adjust("40 seconds")
        fake.change("other", { status: "completed" })
        const { exit } = yield* finish(run)
        assert.isTrue(Exit.isSuccess(exit))
        assert.deepStrictEqual(ends(run.events), ["timeout", "completed"])
        assert.deepInclude(stateAfter(run.events), { status: "completed", result: "late", attempt: 1, id: "task-3" })
        const isThere = when === "is at the next"
        assert.deepStrictEqual(made(fake), { first: isThere ? 2 : 1, second: 1, other: 1 })
        // The other one is not to do the work a second time.
        assert.lengthOf(failures(fake), isThere ? 2 : 1)
        if (isThere) assert.deepStrictEqual(stateAfter(run.events)?.attempts.map(({ number, status }) => [number, status]), [[2, "cancelled"]])
      }))
  }

  it.scoped("gives the other attempt up also when the team has no more to do", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("first", "running")
      const run = yield* start(fake, workflow({
        teams: [team("core", { ...task("first"), timeout: "10s", retry: { times: 1, wait: "1s" } })],
        teardown: "never"
      }))
      yield* TestClock.adjust("16 seconds")
      fake.change("first", { status: "completed" }, 0)
      assert.isTrue(Exit.isSuccess((yield* finish(run)).exit))
      assert.deepStrictEqual([...fake.tasks.values()].map(({ status }) => status), ["completed", "failed"])
    }))

  it.scoped("gives an attempt up although its worker says something at that moment", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("first", "running")
      const feed = yield* FakeTaskFeed.make()
      const run = yield* Effect.provideService(start(fake, flow({ timeout: "10s" })), TaskFeed.TaskFeed, feed.service)
      yield* TestClock.adjust("5 seconds")
      const [[, first] = assert.fail("there is no task")] = fake.tasks
      // The read that is to show that it has not ended takes so long that a hint comes before it.
      for (const call of ["listTasks", "getTask"]) {
        fake.on(call, (usual) => Effect.zipRight(Effect.zipRight(feed.tell(TaskFeed.Started({ id: first.id })), Effect.sleep("1 second")), usual))
      }
      const { exit } = yield* finish(run)
      assert.instanceOf(failure(exit), TasksFailedError)
      assert.deepStrictEqual(ends(run.events), ["timeout"])
    }))

  it.scoped("tells of an attempt that completes when another one has, and counts it once", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("first", ["running", "completed"]).set("second", "running")
      const run = yield* start(fake, flow({ timeout: "10s", retry: 1 }))
      yield* TestClock.adjust("20 seconds")
      fake.change("first", { status: "completed", result: "late" }, 0)
      yield* TestClock.adjust("20 seconds")
      fake.change("second", { status: "completed" })
      const { exit } = yield* finish(run)
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepStrictEqual(ends(run.events), ["timeout", "completed"])
      const late = run.events.filter(({ _tag }) => _tag === "task.late")
      assert.lengthOf(late, 1)
      assert.deepInclude(late[0], { id: "task-3", attempt: 1, subject: "first" })
      assert.deepInclude(stateAfter(run.events), { attempt: 2, id: "task-4" })
      assert.isTrue(stateAfter(run.events)?.attempts[0]?.late)
    }))

  it.scoped("gives an attempt up that shows no sign of life, and not one that does", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("first", "running")
      const run = yield* start(fake, flow({ stalled_after: "1m" }))
      for (let minute = 1; minute < 5; minute += 1) {
        yield* TestClock.adjust("50 seconds")
        fake.change("first", { updatedAt: `2026-01-01T00:0${minute}:00Z` })
      }
      assert.deepStrictEqual(failures(fake), [])
      const { exit } = yield* finish(run, "2 minutes")
      assert.instanceOf(failure(exit), TasksFailedError)
      assert.deepStrictEqual(ends(run.events), ["stalled"])
      const intent = run.events.find(({ _tag }) => _tag === "task.failing")
      assert.deepInclude(intent, { as: "stalled", reason: "it showed no sign of life for 1m" })
    }))

  it.scoped("asks for traces of work when nothing else is known, and not before, and counts from the last of them", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("first", "running")
      const asked: Array<string> = []
      let quiet = Option.some(Duration.seconds(10))
      const activity = { quietFor: (task: string) => Effect.sync(() => (asked.push(task), quiet)) }
      const run = yield* start({ ...fake, client: AgamemnonClient.of({ ...fake.client, activity }) }, flow({ stalled_after: "1m" }))
      yield* TestClock.adjust("40 seconds")
      fake.change("first", { updatedAt: "2026-01-01T00:01:00Z" })
      yield* TestClock.adjust("55 seconds")
      assert.deepStrictEqual(asked, [])
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(asked, ["task-3"])
      quiet = Option.none()
      yield* TestClock.adjust("40 seconds")
      assert.deepStrictEqual(failures(fake), [])
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(failures(fake), ["failTask first"])
      assert.lengthOf(asked, 2)
      yield* finish(run)
      assert.deepStrictEqual(ends(run.events), ["stalled"])
    }))

  it.scoped("completes though a task has failed that the run is to go on without", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("first", "failed")
      const { events, exit } = yield* runToEnd(fake, flow({ continue_on_error: true }))
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepStrictEqual(ends(events), ["failed"])
      assert.include(told(events), "task.finished second")
      const state = stateAfter(events)
      assert.isTrue(state !== undefined && RunState.isTolerated(state))
    }))

  it.scoped("sends the type of a task, and none where none is given", () =>
    Effect.gen(function*() {
      const fake = make()
      yield* runToEnd(fake, flow({ type: "review" }))
      const types = fake.bodies.flatMap((body) =>
        typeof body === "object" && body !== null && "subject" in body ? ["type" in body ? body.type : undefined] : [])
      assert.deepStrictEqual(types, ["review", undefined])
    }))
})

describe.concurrent("Attempts of a run that is resumed", () => {
  const rules = { timeout: 0.2, retry: { times: 3, wait: 0.2 } } as const

  /** What a run does that is not killed: its events, and its calls but for pings. */
  const whole = Effect.fnUntraced(function*(spec: WorkflowSpec, begins: ReadonlyArray<string>) {
    const fake = make()
    fake.begins.set("first", begins)
    const there = yield* world(fake)
    const only = yield* driver(there, 1)
    yield* Effect.exit(only.execute(spec))
    const { run } = yield* Arr.head(yield* list(only.parts))
    return { events: yield* recorded(there, run), calls: fake.calls.filter((call) => call !== "ping") }
  })

  /** Kills a run at a point, and makes the process that is to resume it. */
  const killedAt = Effect.fnUntraced(function*(point: Point, spec: WorkflowSpec, begins: ReadonlyArray<string>) {
    const fake = make()
    fake.begins.set("first", begins)
    const there = yield* world(fake)
    const first = yield* driver(there, 1, point)
    assert.isTrue(Option.isNone(yield* first.untilKilled(first.execute(spec))))
    const second = yield* driver(there, 2)
    const { run } = yield* Arr.head(yield* list(second.parts))
    return { fake, second, run, events: recorded(there, run), task: Effect.map(stateOf(there, run), firstOf) }
  })

  const points: ReadonlyArray<readonly [name: string, point: Point]> = [
    ...Arr.makeBy(8, (more) => [`event ${8 + more} was on record`, { events: 8 + more }] as const),
    ["Agamemnon was about to be told", { call: "failTask first" }],
    ["Agamemnon had been told", { call: "failTask first", isAfter: true }]
  ]
  for (const [name, point] of points) {
    it.scopedLive(`makes each attempt once when it was killed as ${name}`, () =>
      Effect.gen(function*() {
        const { events, fake, run, second, task } = yield* killedAt(point, flow(rules), ["running", "running", "completed"])
        yield* second.resume(run)
        assert.deepStrictEqual(made(fake), { first: 3, second: 1 })
        assert.deepStrictEqual(ends(yield* events), ["timeout", "timeout", "completed"])
        // The intent of one that was not sent yet is written again.
        assert.deepStrictEqual(Arr.dedupe(attemptsOf(yield* events).map(([number]) => number)), [1, 2, 3])
        assert.deepInclude(yield* task, { status: "completed", attempt: 3 })
      }))
  }

  for (const isAfter of [false, true]) {
    it.scopedLive(`submits an attempt once when it was killed ${isAfter ? "after" : "before"} that had taken effect`, () =>
      Effect.gen(function*() {
        const spec = flow({ retry: 2 })
        const { calls } = yield* whole(spec, ["failed", "completed"])
        const request = calls.lastIndexOf("createTask first")
        const { fake, run, second, task } = yield* killedAt({ request, isAfter }, spec, ["failed", "completed"])
        yield* second.resume(run)
        assert.deepStrictEqual(made(fake), { first: 2, second: 1 })
        const state = yield* task
        assert.deepInclude(state, { status: "completed", attempt: 2 })
        assert.deepStrictEqual(state?.attempts.map(({ number, status }) => [number, status]), [[1, "failed"]])
      }))
  }

  it.scopedLive("takes an attempt for the end of the task that has completed while nobody looked, and gives the other up", () =>
    Effect.gen(function*() {
      const spec = flow({ timeout: 0.2, retry: 1 })
      const { events } = yield* whole(spec, ["running", "running"])
      const submitted = events.findLastIndex(({ _tag }) => _tag === "task.submitted")
      const { fake, run, second } = yield* killedAt({ events: submitted + 1 }, spec, ["running", "running"])
      fake.change("first", { status: "completed", result: "late" }, 0)
      const { tasks } = yield* second.resume(run)
      assert.deepInclude(tasks[0], { status: "completed", result: "late", id: "task-3" })
      assert.deepStrictEqual(made(fake), { first: 2, second: 1 })
      assert.strictEqual(fake.tasks.get("task-4")?.status, "failed")
    }))

  it.scopedLive("makes one more attempt when failed tasks are to be tried again", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("first", "failed")
      const there = yield* world(fake)
      const first = yield* driver(there, 1)
      assert.isTrue(Exit.isFailure(yield* Effect.exit(first.execute(flow({ retry: 1 })))))
      const second = yield* driver(there, 2)
      const { run } = yield* Arr.head(yield* list(second.parts))
      assert.isTrue(Exit.isFailure(yield* Effect.exit(second.resume(run, { retryFailed: true }))))
      assert.strictEqual(made(fake).first, 3)
      const task = firstOf(yield* stateOf(there, run))
      assert.deepInclude(task, { status: "failed", attempt: 3, mostAttempts: 3, final: "3 of 3 attempts were made" })
      assert.deepStrictEqual(task?.attempts.map(({ number }) => number), [1, 2])
    }))
})
