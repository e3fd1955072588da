import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/TestClock"
import { BudgetExceededError } from "../../src/executor/RunError.ts"
import type { RunEvent } from "../../src/run/RunEvent.ts"
import * as RunState from "../../src/run/RunState.ts"
import type { WorkflowInput } from "../../src/workflow/WorkflowSpec.ts"
import { make } from "../support/FakeAgamemnon.ts"
import { driver, list, made, stateOf, world } from "../support/JournaledRun.ts"
import { failure, finish, outcome, runToEnd, start, task, team, told, workflow } from "../support/TestRun.ts"

const flow = (budget: WorkflowInput["budget"], rest: Partial<WorkflowInput> = {}) =>
  workflow({ ...rest, ...(budget === undefined ? {} : { budget }) })

const exceeded = <A, E>(exit: Exit.Exit<A, E>) => {
  const error = failure(exit)
  return error instanceof BudgetExceededError ? { budget: error.budget, spent: error.spent, limit: error.limit, unknown: error.unknown } : error
}

const usageOf = (events: ReadonlyArray<RunEvent>) => RunState.foldAll(events)?.usage

const three = [team("core", task("first"), task("second", "first"), task("third", "second"))]

const spread = (count: number) => [team("core", ...Arr.makeBy(count, (index) => task(`t${index}`)))]

describe("a run with a budget", () => {
  it.scoped("submits nothing more when all of its money is used, and says so", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.usages.set("first", { usd: 1, input_tokens: 10, output_tokens: 5 })
      fake.usages.set("second", { usd: 1.5 })
      const { events, exit } = yield* runToEnd(fake, flow({ usd: 2.5 }, { teams: three }))
      assert.deepStrictEqual(exceeded(exit), { budget: "usd", spent: 2.5, limit: 2.5, unknown: 0 })
      assert.deepStrictEqual(made(fake), { first: 1, second: 1 })
      assert.deepStrictEqual(outcome(events), ["over_budget"])
      assert.deepStrictEqual(fake.existing(), [])
      const reasons = events.flatMap((event) => (event._tag === "run.decided" ? [event.reason] : []))
      assert.deepStrictEqual(reasons, ["over budget: 2.50 of 2.50 USD"])
      const last = events.at(-1)
      assert.deepInclude(last?._tag === "run.finished" ? last.spent : undefined, {
        usd: 2.5,
        inputTokens: 10,
        outputTokens: 5,
        tasks: 2,
        unknown: { usd: 0, tokens: 1 }
      })
    }))

  it.scoped("counts tokens that are read and that are written", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.usages.set("first", { input_tokens: 60, output_tokens: 40 })
      const { exit } = yield* runToEnd(fake, flow({ tokens: 100 }))
      assert.deepStrictEqual(exceeded(exit), { budget: "tokens", spent: 100, limit: 100, unknown: 0 })
      assert.deepStrictEqual(made(fake), { first: 1 })
    }))

  it.scoped("completes when the last task uses more than there was", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.usages.set("second", { usd: 9 })
      const { events, exit } = yield* runToEnd(fake, flow({ usd: 2 }))
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepStrictEqual(outcome(events), ["completed"])
      assert.deepInclude(Exit.isSuccess(exit) ? exit.value.usage : undefined, { usd: 9, tasks: 2, unknown: { usd: 1, tokens: 2 } })
    }))

  it.scoped("counts what nobody reports as unknown, and not as nothing", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.usages.set("first", { usd: "a lot" })
      fake.usages.set("third", { usd: 3 })
      const { events, exit } = yield* runToEnd(fake, flow({ usd: 3 }, { teams: [team("core", task("first"), task("second", "first"), task("third", "second"), task("last", "third"))] }))
      assert.deepStrictEqual(exceeded(exit), { budget: "usd", spent: 3, limit: 3, unknown: 2 })
      assert.include(String(failure(exit)), "over budget: 3 of 3 USD, usage of 2 tasks unknown")
      const problems = events.flatMap((event) => (event._tag === "task.finished" ? [event.usageProblem] : []))
      assert.deepStrictEqual(problems, ["usage.usd is \"a lot\", not a number from 0", undefined, undefined])
    }))

  it.scoped("submits no more tasks than it may, however many are due at once", () =>
    Effect.gen(function*() {
      const fake = make()
      const { exit } = yield* runToEnd(fake, flow({ tasks: 4 }, { teams: spread(10) }))
      assert.deepStrictEqual(exceeded(exit), { budget: "tasks", spent: 4, limit: 4, unknown: 0 })
      assert.isAtMost(fake.tasks.size, 4)
    }))

  it.scoped("runs as many tasks as it may", () =>
    Effect.gen(function*() {
      const fake = make()
      const { events, exit } = yield* runToEnd(fake, flow({ tasks: 10 }, { teams: spread(10) }))
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepInclude(usageOf(events), { tasks: 10, attempts: 10, open: 0 })
    }))

  it.scoped("counts each attempt, and what each has used", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("first", ["failed", "failed", "completed"])
      fake.usages.set("first", { usd: 1 })
      const retried = { ...task("first"), retry: { times: 4, wait: "5s" } }
      const { events, exit } = yield* runToEnd(fake, flow({ tasks: 2 }, { teams: [team("core", retried)] }))
      assert.deepStrictEqual(exceeded(exit), { budget: "tasks", spent: 2, limit: 2, unknown: 0 })
      assert.deepInclude(usageOf(events), { usd: 2, tasks: 2, known: { usd: 2, tokens: 0 } })
    }))

  it.scoped("does not wait for an attempt that could not be paid for", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("first", "failed")
      fake.usages.set("first", { usd: 3 })
      const retried = { ...task("first"), retry: { times: 4, wait: "30m" } }
      const run = yield* start(fake, flow({ usd: 2 }, { teams: [team("core", retried)] }))
      const { exit, took } = yield* finish(run, "1 minute")
      assert.deepStrictEqual(exceeded(exit), { budget: "usd", spent: 3, limit: 2, unknown: 0 })
      assert.isBelow(took, 5000)
    }))

  it.scoped("ends at once when one of ten tasks uses more than there was while the others run", () =>
    Effect.gen(function*() {
      const fake = make()
      for (const index of Arr.range(0, 9)) fake.begins.set(`t${index}`, "running")
      const run = yield* start(fake, flow({ usd: 5 }, { teams: spread(10) }))
      yield* TestClock.adjust("5 seconds")
      fake.change("t3", { status: "completed", usage: { usd: 5 } })
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(outcome(run.events), [], "all of it is used, and not more")
      fake.change("t4", { status: "completed", usage: { usd: 0.01 } })
      const { exit, took } = yield* finish(run)
      assert.deepStrictEqual(exceeded(exit), { budget: "usd", spent: 5.01, limit: 5, unknown: 0 })
      assert.isBelow(took, 3000)
      assert.deepStrictEqual(fake.existing(), [])
      const last = run.events.at(-1)
      assert.deepInclude(last?._tag === "run.finished" ? last.spent : undefined, { unknown: { usd: 8, tokens: 10 } })
    }))

  it.scoped("ends when the time of its agents is up, which is recomputed as they come and go", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("first", "running")
      const agents = ["worker", "helper"].map((name) => ({ name, program: "none" }))
      const run = yield* start(fake, flow({ agent_time: "10m" }, { agents, teams: [team("core", task("first"))] }))
      yield* TestClock.adjust("299 seconds")
      assert.deepStrictEqual(outcome(run.events), [])
      const { exit, took } = yield* finish(run, "10 seconds")
      assert.deepStrictEqual(exceeded(exit), { budget: "agent_time", spent: 600, limit: 600, unknown: 0 })
      assert.strictEqual(took, 1000)
      assert.deepStrictEqual(fake.existing(), [])
    }))

  it.scoped("counts the time of an agent from when it was made, though another is made later", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("first", "running")
      fake.on("createAgent helper", (usual) => Effect.delay(usual, "20 seconds"), 1)
      const agents = ["worker", "helper"].map((name) => ({ name, program: "none" }))
      const run = yield* start(fake, flow({ agent_time: "1m" }, { agents, teams: [team("core", task("first"))] }))
      const { exit, took } = yield* finish(run, "2 minutes")
      assert.deepStrictEqual(exceeded(exit), { budget: "agent_time", spent: 60, limit: 60, unknown: 0 })
      // One lives for 40 seconds, and the other for 20.
      assert.strictEqual(took, 40_000)
    }))

  it.scoped("has time left when it ends before that is up", () =>
    Effect.gen(function*() {
      const { events, exit } = yield* runToEnd(make(), flow({ agent_time: "30s" }))
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepStrictEqual(outcome(events), ["completed"])
    }))

  it.scoped("says nothing of a budget where there is none and nothing is reported", () =>
    Effect.gen(function*() {
      const { events } = yield* runToEnd(make())
      assert.deepStrictEqual(events.filter((event) => "budget" in event || "spent" in event || "usage" in event), [])
    }))
})

describe("a run with a budget that is resumed", () => {
  it.scopedLive("goes on with what it had used, and begins nothing that could not be paid for", () =>
    Effect.gen(function*() {
      const there = yield* world(make())
      there.fake.usages.set("first", { usd: 2 })
      const spec = flow({ usd: 2 }, { teams: three })
      const one = yield* driver(there, 1)
      assert.deepStrictEqual(exceeded(yield* Effect.exit(one.execute(spec))), { budget: "usd", spent: 2, limit: 2, unknown: 0 })
      const [run] = yield* list(one.parts)
      if (run === undefined) return assert.fail("the run is on record")
      assert.deepInclude(run, { status: "over_budget", usd: 2 })
      const changes = there.fake.changes().length
      const two = yield* driver(there, 2)
      assert.deepStrictEqual(exceeded(yield* Effect.exit(two.resume(run.run))), { budget: "usd", spent: 2, limit: 2, unknown: 0 })
      assert.strictEqual(there.fake.changes().length, changes, "nothing is made for what can not be done")
      const three_ = yield* driver(there, 3)
      const more = flow({ usd: 3 }, { teams: three })
      assert.isTrue(Exit.isSuccess(yield* Effect.exit(three_.resume(run.run, { spec: more, acceptChanges: true }))))
      assert.deepStrictEqual(made(there.fake), { first: 1, second: 1, third: 1 })
      const state = yield* stateOf(there, run.run)
      assert.deepInclude(state?.usage, { usd: 2, tasks: 3, attempts: 3, open: 0 })
    }))
})

describe("the budget of a day", () => {
  const settings = { budgetUsdPerDay: 4 }

  it.scoped("holds for the runs of this process where nothing is recorded, which is said", () =>
    Effect.gen(function*() {
      const said: Array<unknown> = []
      const fake = make()
      fake.usages.set("first", { usd: 5 })
      const { exit } = yield* runToEnd(fake, workflow(), { settings }).pipe(
        Effect.provide(Logger.replace(Logger.defaultLogger, Logger.make(({ message }) => said.push(message))))
      )
      assert.deepStrictEqual(exceeded(exit), { budget: "usd_per_day", spent: 5, limit: 4, unknown: 0 })
      assert.deepStrictEqual(made(fake), { first: 1 })
      assert.include(String(said[0]), "only those of this process are counted")
    }))

  it.scoped("is another one on the next day", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("second", "running")
      fake.usages.set("first", { usd: 3 })
      const spec = workflow({ teams: three, timeout: "3d" })
      const seldom = { ...settings, monitorPoll: "1 hour", healthcheckInterval: "1 hour" } as const
      const run = yield* start(fake, spec, { settings: seldom })
      yield* TestClock.adjust("25 hours")
      fake.change("second", { status: "completed", usage: { usd: 2 } })
      const { exit } = yield* finish(run, "3 hours")
      assert.isTrue(Exit.isSuccess(exit), String(exit))
      assert.deepStrictEqual(told(run.events, "task.finished").length, 3)
    }))

  it.scoped("ends what is under way when it is exceeded", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("t0", "running")
      fake.begins.set("t1", "running")
      const run = yield* start(fake, workflow({ teams: spread(2) }), { settings })
      yield* TestClock.adjust("2 seconds")
      fake.change("t0", { status: "completed", usage: { usd: 4.5 } })
      const { exit, took } = yield* finish(run)
      assert.deepStrictEqual(exceeded(exit), { budget: "usd_per_day", spent: 4.5, limit: 4, unknown: 0 })
      assert.isBelow(took, 3000)
    }))
})

describe("the time of agents", () => {
  it.scoped("ends with the run, and is counted for each", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("first", "running")
      const run = yield* start(fake, flow({ agent_time: "1h" }, { teams: [team("core", task("first"))] }))
      yield* TestClock.adjust("90 seconds")
      fake.change("first", { status: "completed" })
      const { exit } = yield* finish(run, "10 seconds")
      const time = Exit.isSuccess(exit) ? Duration.toSeconds(exit.value.usage.agentTime) : 0
      assert.isAtLeast(time, 90)
      assert.isAtMost(time, 95)
    }))
})
