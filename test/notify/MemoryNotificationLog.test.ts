import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as MemoryNotificationLog from "../../src/notify/MemoryNotificationLog.ts"
import type { RunEvent } from "../../src/run/RunEvent.ts"
import { runA, started } from "../support/TestStore.ts"

const at = DateTime.unsafeMake(0)
const ended: RunEvent = { _tag: "run.finished", run: runA, workflow: "flow", at, outcome: "failed", left: 0, kept: 0 }
const told = { run: runA, destination: "one" }

describe("MemoryNotificationLog", () => {
  it.effect("keeps what is to be told of a run until it is told, and nothing of one of which nobody is told", () =>
    Effect.gen(function*() {
      const log = MemoryNotificationLog.make()
      yield* log.note(started())
      yield* log.note(ended)
      assert.deepStrictEqual(yield* log.history(runA), [])
      yield* log.note(started())
      yield* log.open(runA, ["one", "other"])
      assert.deepStrictEqual(yield* log.pending(10), [])
      yield* log.note(ended)
      assert.deepStrictEqual(yield* log.history(runA), [started(), ended])
      assert.deepStrictEqual(yield* log.pending(10), [told, { run: runA, destination: "other" }])
      assert.deepStrictEqual(yield* log.claim(told, "me", 1), Option.some({ settled: 0, seen: 0 }))
      yield* log.settle(told, "me", { settled: 1, seen: 1, isOver: false })
      assert.deepStrictEqual(yield* log.pending(1), [{ run: runA, destination: "other" }])
      yield* log.settle(told, "me", { settled: 1, seen: 1, isOver: true })
      yield* log.settle({ run: runA, destination: "other" }, "me", { settled: 1, seen: 1, isOver: true })
      assert.deepStrictEqual([yield* log.pending(10), yield* log.history(runA)], [[], []])
    }))
})
