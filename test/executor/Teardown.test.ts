import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import { AgentId } from "../../src/agamemnon/AgamemnonModel.ts"
import { Outcome } from "../../src/run/Outcome.ts"
import type { RunEvent } from "../../src/run/RunEvent.ts"
import type { TeardownPolicy } from "../../src/workflow/TeardownPolicy.ts"
import { answerLost, answers, broken, dies, type FakeAgamemnon, hangs, late, make, slow } from "../support/FakeAgamemnon.ts"
import { finish, outcome, start, type TestRun, task, team, told, workflow } from "../support/TestRun.ts"

/** How a run ends; one that waits for a gate is parked, see Gates.test.ts. */
type Ended = Exclude<Outcome, "waiting">

const policies: ReadonlyArray<TeardownPolicy> = ["on_completion", "on_failure", "always", "never"]

/** What becomes of the agent and the team, by outcome and policy. */
const table: Record<Ended, ReadonlyArray<"removed" | "kept">> = {
  completed: ["removed", "kept", "removed", "kept"],
  connectivity_lost: ["removed", "removed", "removed", "kept"],
  state_lost: ["removed", "removed", "removed", "kept"],
  failed: ["kept", "removed", "removed", "kept"],
  timed_out: ["kept", "removed", "removed", "kept"],
  over_budget: ["kept", "removed", "removed", "kept"],
  cancelled: ["removed", "removed", "removed", "kept"]
}

/** Lets Agamemnon be gone until it is given up. */
const lost = Effect.fnUntraced(function*(fake: FakeAgamemnon) {
  fake.health = "gone"
  yield* TestClock.adjust("40 seconds")
})

/** What it takes for a run to end like this. */
const causes: Record<Ended, (fake: FakeAgamemnon, run: TestRun) => Effect.Effect<unknown>> = {
  completed: (fake) => Effect.sync(() => fake.change("first", { status: "completed" })),
  failed: (fake) => Effect.sync(() => fake.change("first", { status: "failed" })),
  connectivity_lost: (fake) =>
    Effect.map(lost(fake), () => {
      fake.health = "well"
    }),
  state_lost: (fake) => Effect.sync(() => fake.tasks.clear()),
  timed_out: () => TestClock.adjust("1 minute"),
  over_budget: () => TestClock.adjust("50 seconds"),
  cancelled: (_, { fiber }) => Fiber.interruptFork(fiber)
}

const finals = (events: ReadonlyArray<RunEvent>) =>
  told(events).filter((line) => /^(agent|team)\.(removed|kept|left) /.test(line))

const leftReasons = (events: ReadonlyArray<RunEvent>) =>
  events.flatMap((event) => (event._tag === "agent.left" || event._tag === "team.left" ? [event.error] : []))

/** Starts a run whose first task does not end by itself, and lets it come so far. */
const running = Effect.fnUntraced(function*(
  fake: FakeAgamemnon,
  options: Parameters<typeof start>[2] = {},
  spec: Parameters<typeof start>[1] = workflow()
) {
  fake.begins.set("first", "running")
  const run = yield* start(fake, spec, {
    timeout: "1 minute",
    ...options,
    settings: { monitorPoll: Duration.seconds(5), ...options.settings }
  })
  yield* TestClock.adjust("1 second")
  assert.include(told(run.events), "task.submitted first")
  return run
})

describe.concurrent("Teardown", () => {
  for (const ended of Outcome.literals.filter((each): each is Ended => each !== "waiting")) {
    policies.forEach((policy, column) => {
      const expected = table[ended][column]
      it.scoped(`after ${ended} under ${policy}: ${expected}`, () =>
        Effect.gen(function*() {
          const fake = make()
          const spec = ended === "over_budget" ? workflow({ budget: { agent_time: "45s" } }) : workflow()
          const run = yield* running(fake, { teardown: policy }, spec)
          yield* causes[ended](fake, run)
          yield* finish(run, "2 minutes")
          assert.deepStrictEqual(outcome(run.events), [ended])
          assert.deepStrictEqual(finals(run.events), [`team.${expected} core`, `agent.${expected} worker`])
          assert.deepStrictEqual(fake.existing(), expected === "removed" ? [] : ["agent worker", "team core"])
        }))
    })
  }

  it.scoped("has nothing to do when nothing was made", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.health = "gone"
      const run = yield* start(fake)
      yield* finish(run, 0)
      assert.deepStrictEqual(told(run.events), ["run.started", "run.decided", "run.finished"])
      assert.deepStrictEqual(fake.calls, [])
    }))

  it.scoped("removes teams before agents, and reads each list once when every create was answered", () =>
    Effect.gen(function*() {
      const fake = make()
      const run = yield* running(fake)
      const before = fake.calls.length
      fake.change("first", { status: "failed" })
      yield* finish(run, "10 seconds")
      const calls = fake.calls.slice(before)
      assert.deepStrictEqual(calls.slice(calls.indexOf("deleteTeam core")), [
        "deleteTeam core",
        "deleteAgent worker",
        "listTeams",
        "listAgents"
      ])
    }))

  it.scoped("waits for an answer at most the grace, and then names what is left", () =>
    Effect.gen(function*() {
      const fake = make()
      const run = yield* running(fake)
      yield* lost(fake)
      assert.deepStrictEqual(told(run.events).slice(-3), ["run.decided", "teardown.started", "teardown.waiting"])
      yield* finish(run, "1 minute")
      assert.deepStrictEqual(finals(run.events), ["team.left core", "agent.left worker"])
      assert.deepStrictEqual(leftReasons(run.events), [
        "Agamemnon did not answer within 1m",
        "Agamemnon did not answer within 1m"
      ])
      assert.strictEqual(run.events.at(-1)?._tag, "run.finished")
    }))

  it.scoped("is over a second grace after the answer, and cuts the request that is under way then", () =>
    Effect.gen(function*() {
      const fake = make()
      const run = yield* running(fake)
      fake.on("deleteTeam", hangs)
      yield* lost(fake)
      fake.health = "well"
      assert.isAtMost((yield* finish(run, "2 minutes")).took, 62_000)
      assert.deepStrictEqual(finals(run.events), ["team.left core", "agent.left worker"])
      const reason = "not removed within 1m"
      assert.deepStrictEqual(leftReasons(run.events), [reason, reason])
    }))

  it.scoped("does not wait for an hour because a busy Agamemnon says so", () =>
    Effect.gen(function*() {
      const fake = make()
      const run = yield* running(fake, { settings: { teardownGrace: Duration.seconds(5) } })
      fake.on("deleteAgent", answers(429, "rate limit exceeded", "1 hour"))
      yield* Fiber.interruptFork(run.fiber)
      assert.strictEqual((yield* finish(run, "1 minute")).took, 6000)
      assert.deepStrictEqual(finals(run.events), ["team.removed core", "agent.left worker"])
      assert.deepStrictEqual(leftReasons(run.events), [
        "not removed within 5s: ANY /v1/any answered 429: rate limit exceeded"
      ])
    }))

  for (const call of ["listTeams", "deleteTeam", "listAgents", "deleteAgent"]) {
    it.scoped(`is over by the grace though ${call} is never answered`, () =>
      Effect.gen(function*() {
        const fake = make()
        const run = yield* running(fake)
        fake.on(call, hangs)
        yield* Fiber.interruptFork(run.fiber)
        // A second more is for what is tried at the very end.
        assert.strictEqual((yield* finish(run, "5 minutes")).took, call.startsWith("delete") ? 61_000 : 60_000)
        assert.lengthOf(finals(run.events), 2)
        // What can not be read again may have copies, and so is named though it is gone itself.
        assert.includeMembers(
          finals(run.events).filter((line) => line.includes("left")).map((line) => line.replace(".left", "")),
          [...fake.existing()]
        )
      }))
  }

  it.scoped("goes on past the grace for as long as it gets on", () =>
    Effect.gen(function*() {
      const fake = make()
      const names = ["worker", ...Array.from({ length: 12 }, (_, number) => `idler ${number}`)]
      const spec = workflow({ agents: names.map((name) => ({ name, program: "none" })) })
      const run = yield* running(fake, { timeout: "20 minutes" }, spec)
      let turn = 0
      fake.on("deleteAgent", (usual) => Effect.suspend(() => Effect.delay(usual, `${30 * ++turn} seconds`)))
      yield* Fiber.interruptFork(run.fiber)
      assert.strictEqual((yield* finish(run, "10 minutes")).took, 13 * 30_000)
      assert.deepStrictEqual(leftReasons(run.events), [])
      assert.deepStrictEqual(fake.existing(), [])
    }))

  it.scoped("repeats a request that fails in transport", () =>
    Effect.gen(function*() {
      const fake = make()
      const run = yield* running(fake)
      fake.on("deleteTeam", broken("reset"), 5)
      yield* Fiber.interruptFork(run.fiber)
      yield* finish(run, "1 minute")
      assert.deepStrictEqual(finals(run.events), ["team.removed core", "agent.removed worker"])
      assert.lengthOf(fake.calls.filter((call) => call === "deleteTeam core"), 6)
    }))

  it.scoped("leaves at once what Agamemnon refuses to remove, and removes the rest", () =>
    Effect.gen(function*() {
      const fake = make()
      const run = yield* running(fake)
      fake.on("deleteTeam", answers(401, "unauthorized"))
      yield* Fiber.interruptFork(run.fiber)
      assert.strictEqual((yield* finish(run, "1 minute")).took, 0)
      assert.deepStrictEqual(finals(run.events), ["team.left core", "agent.removed worker"])
      assert.match(leftReasons(run.events).join(), /answered 401: unauthorized; check AGAMEMNON_API_KEY/)
    }))

  it.scoped("removes by its id what it was told of, though the lists can not be read", () =>
    Effect.gen(function*() {
      const fake = make()
      const run = yield* running(fake)
      fake.on("list", answers(400))
      yield* Fiber.interruptFork(run.fiber)
      yield* finish(run, "1 minute")
      assert.deepStrictEqual(finals(run.events), ["team.removed core", "agent.removed worker"])
      assert.deepStrictEqual(fake.existing(), [])
    }))

  it.scoped("finds by its key what it was never told of, and says so once", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.on("createAgent", slow("1 hour"))
      const run = yield* start(fake)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(fake.existing(), ["agent worker"])
      yield* Fiber.interruptFork(run.fiber)
      assert.strictEqual((yield* finish(run, "1 minute")).took, 0)
      assert.deepStrictEqual(finals(run.events), ["agent.removed worker"])
      assert.deepStrictEqual(fake.existing(), [])
    }))

  it.scoped("leaves, and does not call removed, what it was never told of and can not remove", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.on("createAgent", slow("1 hour"))
      fake.on("deleteAgent", answers(401))
      const run = yield* start(fake)
      yield* TestClock.adjust("1 second")
      yield* Fiber.interruptFork(run.fiber)
      yield* finish(run, "1 minute")
      assert.deepStrictEqual(finals(run.events), ["agent.left worker"])
    }))

  it.scoped("looks once more for what was created while it looked", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.on("createAgent", late("2 seconds"))
      const run = yield* start(fake)
      yield* TestClock.adjust("1500 millis")
      yield* Fiber.interruptFork(run.fiber)
      assert.strictEqual((yield* finish(run, "1 minute")).took, 1000)
      assert.deepStrictEqual(finals(run.events), ["agent.removed worker"])
      assert.deepStrictEqual(fake.existing(), [])
    }))

  it.scoped("removes every copy of a resource of which an answer was lost, and says so once", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.on("createAgent", answerLost, 1)
      const run = yield* running(fake)
      for (const agent of Arr.fromIterable(fake.agents.values())) {
        const id = AgentId.make(`copy-of-${agent.id}`)
        fake.agents.set(id, { ...agent, id })
      }
      yield* Fiber.interruptFork(run.fiber)
      yield* finish(run, "1 minute")
      assert.deepStrictEqual(finals(run.events), ["team.removed core", "agent.removed worker"])
      assert.deepStrictEqual(fake.existing(), [])
    }))

  it.scoped("begins after the last beat of the heartbeat", () =>
    Effect.gen(function*() {
      const fake = make()
      const run = yield* running(fake)
      fake.on("deleteTeam", slow("50 seconds"))
      yield* TestClock.adjust("40 seconds")
      yield* Fiber.interruptFork(run.fiber)
      assert.strictEqual((yield* finish(run, "1 minute")).took, 50_000)
      const calls = fake.calls.filter((call) => call === "ping" || call.startsWith("delete"))
      assert.deepStrictEqual(calls, ["ping", "ping", "deleteTeam core", "deleteAgent worker"])
    }))

  it.scoped("goes on when the run is interrupted again", () =>
    Effect.gen(function*() {
      const fake = make()
      const run = yield* running(fake)
      fake.on("deleteTeam", slow("10 seconds"))
      yield* Fiber.interruptFork(run.fiber)
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(finals(run.events), [])
      yield* Fiber.interruptFork(run.fiber)
      yield* finish(run, "10 seconds")
      assert.deepStrictEqual(finals(run.events), ["team.removed core", "agent.removed worker"])
    }))

  it.scoped("goes on when a completed run is interrupted in it", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.on("deleteTeam", slow("10 seconds"))
      const run = yield* start(fake)
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.interruptFork(run.fiber)
      yield* finish(run, "10 seconds")
      assert.deepStrictEqual(outcome(run.events), ["completed"])
      assert.deepStrictEqual(finals(run.events), ["team.removed core", "agent.removed worker"])
    }))

  it.scoped("leaves what its own defect kept it from removing", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.on("deleteAgent", dies)
      const run = yield* start(fake)
      yield* finish(run, "1 minute")
      assert.deepStrictEqual(finals(run.events), ["team.removed core", "agent.left worker"])
      assert.deepStrictEqual(leftReasons(run.events), ["a defect in the program: Error: a bug"])
      assert.strictEqual(run.events.at(-1)?._tag, "run.finished")
    }))

  it.scoped("leaves everything when its own defect kept it from waiting", () =>
    Effect.gen(function*() {
      const fake = make()
      const run = yield* running(fake)
      yield* lost(fake)
      fake.health = "defective"
      yield* finish(run)
      assert.deepStrictEqual(finals(run.events), ["team.left core", "agent.left worker"])
      assert.strictEqual(run.events.at(-1)?._tag, "run.finished")
    }))

  it.scoped("takes down what was made when a create was refused half way through", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.on("createTeam other", answers(400, "field 'name' exceeds maximum length of 256"))
      const run = yield* start(fake, workflow({ teams: [team("core", task("first")), team("other", task("first"))] }))
      yield* finish(run, "1 minute")
      assert.deepStrictEqual(outcome(run.events), ["failed"])
      assert.sameMembers([...finals(run.events)], ["agent.removed worker", "team.removed core", "team.removed other"])
      assert.deepStrictEqual(fake.existing(), [])
    }))
})
