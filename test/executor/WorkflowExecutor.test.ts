import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { AgamemnonClient } from "../../src/agamemnon/AgamemnonClient.ts"
import { WorkflowConnectivityError, WorkflowTimeoutError } from "../../src/executor/RunError.ts"
import * as WorkflowExecutor from "../../src/executor/WorkflowExecutor.ts"
import type { RunEvent } from "../../src/run/RunEvent.ts"
import { answers, broken, dies, make } from "../support/FakeAgamemnon.ts"
import { failure, finish, outcome, runToEnd, start, task, team, told, workflow } from "../support/TestRun.ts"

/** The calls of a run, in the order in which it makes them first. */
const calls = [
  "preflight",
  "listAgents",
  "createAgent",
  "startAgent",
  "listTeams",
  "createTeam",
  "createTask",
  "listTasks",
  "hasTeam"
]

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
      for (const call of calls) {
        const fake = make()
        fake.on(call, answers(401, "unauthorized"), 1)
        fake.begins.set("first", "running")
        // Whether the team is still there is asked when a list lacks one of its tasks.
        if (call === "hasTeam") fake.hidden.add("first")
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

  for (const call of calls) {
    it.scoped(`a defect in ${call} fails the run, and what was made is removed`, () =>
      Effect.gen(function*() {
        const fake = make()
        fake.on(call, dies, 1)
        fake.begins.set("first", "running")
        if (call === "hasTeam") fake.hidden.add("first")
        const { events, exit } = yield* runToEnd(fake)
        assert.isTrue(Exit.isFailure(exit) && exit.cause._tag === "Die")
        const decided = events.find((event) => event._tag === "run.decided")
        assert.deepInclude(decided, { outcome: "failed", reason: "a defect in the program: Error: a bug" })
        assert.strictEqual(events.at(-1)?._tag, "run.finished")
        assert.deepStrictEqual(fake.existing(), [])
      }))
  }

  it.scoped("a defect in the ping fails the run", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("first", "running")
      const run = yield* start(fake)
      yield* TestClock.adjust("1 second")
      fake.health = "defective"
      const { exit } = yield* finish(run)
      assert.isTrue(Exit.isFailure(exit) && exit.cause._tag === "Die")
      assert.deepStrictEqual(outcome(run.events), ["failed"])
      assert.deepStrictEqual(fake.existing(), [])
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

  it.scoped("runs at once share their pings, and each notices the loss", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("first", "running")
      // A test clock waits at each poll, and at each try of a teardown, until all fibers rest.
      const polls = { monitorPoll: Duration.seconds(20), teardownGrace: Duration.seconds(5) }
      const executor = yield* Effect.provideService(WorkflowExecutor.make(polls), AgamemnonClient, fake.client)
      const names = Array.from({ length: 20 }, (_, index) => `flow-${index}`)
      const fibers = yield* Effect.forEach(names, (name) =>
        Effect.fork(Effect.exit(executor.execute(workflow({ metadata: { name } })))))
      yield* TestClock.adjust("46 seconds")
      assert.strictEqual(fake.calls.filter((call) => call === "ping").length, 3)
      fake.health = "gone"
      yield* TestClock.adjust("3 minutes")
      const exits = yield* Fiber.join(Fiber.all(fibers))
      const errors = [...exits].map(failure)
      assert.isTrue(errors.every((error) => error instanceof WorkflowConnectivityError))
      assert.lengthOf(new Set(errors.map((error) => error instanceof WorkflowConnectivityError ? error.workflow : "")), 20)
    }))

  it.scoped("a run goes on when its executor is closed, though nobody can listen any longer", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("first", "running")
      const scope = yield* Scope.make()
      const executor = yield* WorkflowExecutor.make().pipe(
        Effect.provideService(AgamemnonClient, fake.client),
        Scope.extend(scope)
      )
      const fiber = yield* Effect.fork(executor.execute(workflow()))
      yield* TestClock.adjust("1 second")
      yield* Scope.close(scope, Exit.void)
      fake.change("first", { status: "completed" })
      yield* TestClock.adjust("10 seconds")
      const { resources } = yield* Fiber.join(fiber)
      assert.deepStrictEqual(resources.map(({ status }) => status), ["removed", "removed"])
    }))
})
