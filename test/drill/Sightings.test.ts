import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import * as Sightings from "../../src/drill/Sightings.ts"
import type { RunEvent } from "../../src/run/RunEvent.ts"
import { RunId } from "../../src/run/RunId.ts"

const common = { run: RunId.make("0123456789abcdef"), workflow: "w", at: DateTime.unsafeMake(0) }

const submitted = (subject: string): RunEvent => ({ _tag: "task.submitted", ...common, team: "t", subject, id: subject })

describe("Sightings", () => {
  it.effect("waits for an event, of one tag or another, about a task, after a moment", () =>
    Effect.gen(function*() {
      const { first, see } = yield* Sightings.make
      const waiting = yield* Effect.fork(first(["task.watched", "task.submitted"], { subject: "b" }))
      yield* see(submitted("a"))
      yield* Effect.yieldNow()
      assert.isTrue(Option.isNone(yield* Fiber.poll(waiting)))
      yield* TestClock.adjust("1 second")
      yield* see(submitted("b"))
      const { at, event } = yield* Fiber.join(waiting)
      assert.deepStrictEqual(event, submitted("b"))
      assert.deepStrictEqual((yield* first(["task.submitted"])).event, submitted("a"))
      assert.deepStrictEqual((yield* first(["task.submitted"], { after: at })).event, submitted("b"))
    }))

  it.effect("fails when the run has ended without it", () =>
    Effect.gen(function*() {
      const { end, first, see, state } = yield* Sightings.make
      const waiting = yield* Effect.fork(Effect.flip(first(["task.finished"])))
      assert.isUndefined(yield* state)
      yield* see(submitted("a"))
      yield* end
      assert.strictEqual((yield* Fiber.join(waiting)).message, "the run ended without task.finished")
      // What was seen before is found all the same.
      assert.deepStrictEqual((yield* first(["task.submitted"])).event, submitted("a"))
    }))
})
