import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as TestClock from "effect/TestClock"
import { WorkflowConnectivityError } from "../../src/executor/RunError.ts"
import type { TeardownPolicy } from "../../src/workflow/TeardownPolicy.ts"
import { type FakeAgamemnon, make } from "../support/FakeAgamemnon.ts"
import { failure, finish, outcome, runToEnd, start, told, workflow } from "../support/TestRun.ts"

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

describe("connectivity loss", () => {
  it.scoped("the run fails with the connectivity error after the threshold", () =>
    Effect.gen(function*() {
      const { run } = yield* withOutage("gone", "50 seconds")
      const error = failure((yield* finish(run)).exit)
      assert.instanceOf(error, WorkflowConnectivityError)
      assert.strictEqual(error.run, run.events[0]?.run)
      assert.deepInclude(error, {
        workflow: "flow",
        backend: "Agamemnon",
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
})
