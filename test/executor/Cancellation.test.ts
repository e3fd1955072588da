import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Scheduler from "effect/Scheduler"
import * as TestClock from "effect/TestClock"
import { type FakeAgamemnon, make } from "../support/FakeAgamemnon.ts"
import { finish, outcome, start, type TestRun, told } from "../support/TestRun.ts"

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

describe("a run that is interrupted", () => {
  it.scoped("ends at once while tasks wait for their predecessor", () =>
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

  it.scoped("ends what it has begun, wherever that is", () =>
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
})
