import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import * as Scheduler from "effect/Scheduler"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { AgamemnonClient } from "../../src/agamemnon/AgamemnonClient.ts"
import { WorkflowConnectivityError } from "../../src/liveness/Heartbeat.ts"
import { WorkflowTimeoutError } from "../../src/run/RunError.ts"
import type { RunEvent } from "../../src/run/RunEvent.ts"
import * as WorkflowExecutor from "../../src/run/WorkflowExecutor.ts"
import type { TeardownPolicy } from "../../src/workflow/WorkflowSpec.ts"
import { answers, broken, dies, type FakeAgamemnon, make } from "./FakeAgamemnon.ts"
import { failure, finish, outcome, runToEnd, start, task, team, type TestRun, told, workflow } from "./TestRun.ts"

/** Starts a run that is interrupted after so many steps of its fibers. */
const interruptedAfter = Effect.fnUntraced(function*(steps: number, fake: FakeAgamemnon) {
  let run: TestRun | undefined
  let taken = 0
  const scheduler: Scheduler.Scheduler = {
    scheduleTask: (step, priority) => Scheduler.defaultScheduler.scheduleTask(step, priority),
    shouldYield: (fiber) => {
      if (run !== undefined && taken++ === steps) run.fiber.unsafeInterruptAsFork(FiberId.none)
      return Scheduler.defaultScheduler.shouldYield(fiber)
    }
  }
  run = yield* Effect.withScheduler(start(fake), scheduler)
  yield* TestClock.adjust("2 seconds")
  return { events: run.events, exit: yield* Effect.flatten(Fiber.poll(run.fiber)) }
})

/** Starts a run on an Agamemnon that dies while the first task runs, for so long. */
const withOutage = Effect.fnUntraced(function*(
  health: FakeAgamemnon["health"],
  outage: Duration.DurationInput,
  options: Parameters<typeof start>[2] = {}
) {
  const fake = make()
  fake.begins.set("first", "running")
  const run = yield* start(fake, workflow(), options)
  yield* TestClock.adjust("1 second")
  fake.health = health
  yield* TestClock.adjust(outage)
  fake.health = "well"
  fake.begins.clear()
  for (const { subject } of fake.tasks.values()) fake.change(subject, { status: "completed" })
  return { fake, run }
})

const remains = (policy: TeardownPolicy) =>
  Effect.gen(function*() {
    const { fake, run } = yield* withOutage("gone", "50 seconds", { teardown: policy })
    yield* finish(run)
    assert.deepStrictEqual(outcome(run.events), ["connectivity_lost"])
    return fake.existing()
  })

describe("WorkflowExecutor", () => {
  it.scoped("runs a workflow to its end and tells of every step", () =>
    Effect.gen(function*() {
      const { events, exit } = yield* runToEnd(make())
      assert.deepStrictEqual(told(events), [
        "run.started",
        "connectivity.alive",
        "agent.creating worker",
        "agent.created worker",
        "agent.started worker",
        "team.creating core",
        "team.created core",
        "task.submitting first",
        "task.submitted first",
        "task.finished first",
        "task.submitting second",
        "task.submitted second",
        "task.finished second",
        "run.decided",
        "teardown.started",
        "team.removed core",
        "agent.removed worker",
        "run.finished"
      ])
      assert.deepStrictEqual(Exit.isSuccess(exit) && exit.value.tasks.map(({ status, subject }) => [subject, status]), [
        ["first", "completed"],
        ["second", "completed"]
      ])
    }))

  it.scoped("the run fails with the connectivity error after the threshold", () =>
    Effect.gen(function*() {
      const { run } = yield* withOutage("gone", "50 seconds")
      const error = failure((yield* finish(run)).exit)
      assert.instanceOf(error, WorkflowConnectivityError)
      assert.deepInclude(error, {
        workflow: "flow",
        run: run.events[0]?.run ?? "",
        consecutiveFailures: 2,
        threshold: 2,
        interval: Duration.seconds(15),
        lastError: "http://fake.test: the connection was refused"
      })
      const lastAnswer = error.lastAnswer === undefined ? 0 : DateTime.toEpochMillis(error.lastAnswer)
      const lostAt = DateTime.toEpochMillis(error.lostAt)
      assert.isAtLeast(lostAt, 16_000, "an interval after the first ping that failed, at the earliest")
      assert.isAtMost(lostAt - lastAnswer, 35_000, "interval + interval + timeout after the last answer, at the latest")
      assert.deepStrictEqual(told(run.events, "connectivity.suspect", "connectivity.lost", "run.decided"), [
        "connectivity.suspect",
        "connectivity.lost",
        "run.decided"
      ])
    }))

  it.scoped("an Agamemnon that is silent is lost as one that is gone", () =>
    Effect.gen(function*() {
      const { run } = yield* withOutage("silent", "50 seconds")
      const error = failure((yield* finish(run)).exit)
      assert.instanceOf(error, WorkflowConnectivityError)
      assert.isAtMost(DateTime.toEpochMillis(error.lostAt), 35_000)
    }))

  it.scoped("connectivity loss tears down under on_completion", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* remains("on_completion"), [])
    }))

  it.scoped("connectivity loss tears down under on_failure", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* remains("on_failure"), [])
    }))

  it.scoped("connectivity loss tears down under always", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* remains("always"), [])
    }))

  it.scoped("connectivity loss does not tear down under never", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* remains("never"), ["agent worker", "team core"])
    }))

  it.scoped("an outage that is shorter than the threshold costs nothing but time", () =>
    Effect.gen(function*() {
      for (const health of ["gone", "silent"] as const) {
        const { fake, run } = yield* withOutage(health, "10 seconds")
        const { exit } = yield* finish(run)
        assert.isTrue(Exit.isSuccess(exit), health)
        assert.lengthOf(fake.changes().filter((call) => call === "createTask second"), 1)
      }
    }))

  it.scoped("an Agamemnon that is not there at the start is lost, and nothing is made", () =>
    Effect.gen(function*() {
      for (const health of ["gone", "silent"] as const) {
        const fake = make()
        fake.health = health
        const { events, exit } = yield* runToEnd(fake)
        assert.deepInclude(failure(exit), { _tag: "WorkflowConnectivityError", consecutiveFailures: 1 })
        assert.deepStrictEqual(outcome(events), ["connectivity_lost"])
        assert.deepStrictEqual(fake.changes(), [])
      }
    }))

  it.scoped("the limit is the option's, or else the workflow's, or else the setting's", () =>
    Effect.gen(function*() {
      const settings = { workflowTimeout: Duration.seconds(30), monitorPoll: Duration.seconds(5) }
      const limits: ReadonlyArray<readonly [expected: number, spec: number | null, option?: string]> = [
        [30, null],
        [20, 20],
        [10, 20, "10 seconds"]
      ]
      for (const [expected, seconds, timeout] of limits) {
        const fake = make()
        fake.begins.set("first", "running")
        const { events, exit, took } = yield* runToEnd(fake, workflow({ timeout_seconds: seconds }), {
          settings,
          timeout: timeout === undefined ? undefined : "10 seconds"
        })
        assert.strictEqual(took, expected * 1000)
        const error = failure(exit)
        assert.instanceOf(error, WorkflowTimeoutError)
        assert.strictEqual(error.message, `timed out after ${expected}s`)
        assert.deepStrictEqual(outcome(events), ["timed_out"])
        assert.deepStrictEqual(fake.existing(), [])
      }
    }))

  it.scoped("the limit holds for the preflight too", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.on("preflight", answers(429, "rate limit exceeded", "1 hour"))
      const { events, took } = yield* runToEnd(fake, workflow(), { timeout: "20 seconds" })
      assert.deepStrictEqual([outcome(events), took], [["timed_out"], 20_000])
      assert.deepStrictEqual(told(events, "request"), ["request.failed"])
    }))

  it.scoped("a refusal fails the run at once, with the server's message", () =>
    Effect.gen(function*() {
      for (const call of ["preflight", "listAgents", "createAgent", "startAgent", "createTeam", "createTask", "listTasks"]) {
        const fake = make()
        fake.on(call, answers(401, "unauthorized"), 1)
        fake.begins.set("first", "running")
        const { events, exit, took } = yield* runToEnd(fake)
        assert.deepInclude(failure(exit), { _tag: "AgamemnonError", status: 401 }, call)
        assert.isAtMost(took, 1000, call)
        const decided = events.find((event) => event._tag === "run.decided")
        assert.deepInclude(decided, {
          outcome: "failed",
          reason: "ANY /v1/any answered 401: unauthorized; check AGAMEMNON_API_KEY"
        })
        assert.deepStrictEqual(fake.existing(), [], call)
      }
    }))

  it.scoped("a server that fails is asked three times more, and no more", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.on("createTask first", answers(500, "internal server error"), 3)
      assert.isTrue(Exit.isSuccess((yield* runToEnd(fake)).exit))
      const other = make()
      other.on("createTask first", answers(500, "internal server error"))
      const { events, exit } = yield* runToEnd(other)
      assert.deepInclude(failure(exit), { status: 500, detail: "internal server error" })
      assert.deepStrictEqual(outcome(events), ["failed"])
      assert.lengthOf(other.changes().filter((call) => call === "createTask first"), 4)
    }))

  it.scoped("a busy server is asked again when it says so, however often, and is not suspected", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.on("createTask first", answers(429, "rate limit exceeded", "7 seconds"), 6)
      const { events, exit, took } = yield* runToEnd(fake)
      assert.isTrue(Exit.isSuccess(exit))
      assert.isAtLeast(took, 42_000)
      assert.isAtMost(took, 43_000)
      assert.lengthOf(told(events, "request.failed"), 6)
      assert.lengthOf(fake.calls.filter((call) => call === "ping"), 2)
    }))

  it.scoped("a request that fails in transport wakes the heartbeat", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.on("createTeam", broken("reset"), 1)
      yield* runToEnd(fake)
      assert.deepStrictEqual(fake.calls.slice(fake.calls.indexOf("createTeam core")).slice(0, 3), [
        "createTeam core",
        "ping",
        "createTeam core"
      ])
    }))

  for (const call of ["preflight", "listAgents", "createAgent", "startAgent", "listTeams", "createTeam", "createTask", "listTasks", "hasTeam"]) {
    it.scoped(`a defect in ${call} fails the run, and what was made is removed`, () =>
      Effect.gen(function*() {
        const fake = make()
        fake.on(call, dies, 1)
        fake.begins.set("first", "running")
        const { events, exit } = yield* runToEnd(fake)
        assert.isTrue(Exit.isFailure(exit) && exit.cause._tag === "Die")
        const decided = events.find((event) => event._tag === "run.decided")
        assert.deepInclude(decided, { outcome: "failed", reason: "a defect in the program: Error: a bug" })
        assert.strictEqual(events.at(-1)?._tag, "run.finished")
        assert.deepStrictEqual(fake.existing(), [])
      }))
  }

  it.scoped("a run that is cancelled while tasks wait for their predecessor ends at once", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("first", "running")
      const run = yield* start(fake)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(told(run.events, "task.submitted"), ["task.submitted first"])
      yield* Fiber.interruptFork(run.fiber)
      const { exit, took } = yield* finish(run)
      assert.isTrue(Exit.isInterrupted(exit))
      assert.strictEqual(took, 0)
      assert.deepStrictEqual(outcome(run.events), ["cancelled"])
      assert.deepStrictEqual(fake.existing(), [])
    }))

  it.scoped("ends what it has begun, wherever it is interrupted", () =>
    Effect.gen(function*() {
      const endings = new Set<string>()
      for (let steps = 80; steps < 20_000; steps += steps < 160 ? 1 : Math.floor(steps / 10)) {
        const fake = make()
        const { events, exit } = yield* interruptedAfter(steps, fake)
        endings.add(Exit.isSuccess(exit) ? "completed" : outcome(events).join())
        if (events.length === 0) continue
        assert.deepStrictEqual(told(events, "run."), ["run.started", "run.decided", "run.finished"], `${steps} steps`)
        assert.deepStrictEqual([events[0]?._tag, events.at(-1)?._tag], ["run.started", "run.finished"])
        assert.deepStrictEqual(fake.existing(), [], `${steps} steps`)
      }
      assert.deepStrictEqual(endings, new Set(["", "cancelled", "completed"]))
    }))

  it.scoped("two runs at once do not mix", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("third", "failed")
      const executor = yield* Effect.provideService(WorkflowExecutor.make(), AgamemnonClient, fake.client)
      const events: Array<RunEvent> = []
      yield* (yield* executor.events).pipe(
        Stream.runForEach((event) => Effect.sync(() => events.push(event))),
        Effect.forkScoped
      )
      const one = workflow({ metadata: { name: "one" } })
      const other = workflow({ metadata: { name: "other" }, teams: [team("core", task("third"))], teardown: "never" })
      const both = yield* Effect.fork(
        Effect.all([Effect.exit(executor.execute(one)), Effect.exit(executor.execute(other))], { concurrency: 2 })
      )
      yield* TestClock.adjust("10 seconds")
      const [first, second] = yield* Fiber.join(both)
      assert.isTrue(Exit.isSuccess(first))
      assert.deepInclude(failure(second), { _tag: "TasksFailedError", workflow: "other", total: 1 })
      assert.deepStrictEqual(fake.existing(), ["agent worker", "team core"])
      const runs = Arr.groupBy(events, ({ run, workflow }) => `${run} of ${workflow}`)
      assert.lengthOf(Object.keys(runs), 2)
      for (const own of Object.values(runs)) {
        assert.deepStrictEqual([own[0]._tag, own.at(-1)?._tag], ["run.started", "run.finished"])
      }
      assert.include(Option.getOrElse(Exit.causeOption(second), () => "").toString(), "1 of 1 tasks did not complete")
    }))
})
