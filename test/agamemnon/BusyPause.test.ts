import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import * as BusyPause from "../../src/agamemnon/BusyPause.ts"
import * as AtStep from "../support/AtStep.ts"

describe("BusyPause", () => {
  it.scoped("ends when the longest pause is over", () =>
    Effect.gen(function*() {
      const { begin, wait } = yield* BusyPause.make
      yield* begin(Duration.seconds(2))
      yield* begin(Duration.seconds(1))
      const waiting = yield* Effect.fork(wait)
      yield* TestClock.adjust("1999 millis")
      assert.isNull(waiting.unsafePoll())
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(waiting)
    }))

  it.effect("ends with its scope", () =>
    Effect.gen(function*() {
      const { begin, wait } = yield* Effect.scoped(Effect.tap(BusyPause.make, ({ begin }) => begin(Duration.hours(1))))
      yield* wait
      yield* begin(Duration.hours(1))
      yield* wait
    }))

  for (const what of ["interrupted", "delayed"] as const) {
    it.scoped(`ends, at whichever step who was asked for it is ${what}`, () =>
      AtStep.sweep({ what }, (happening) =>
        Effect.gen(function*() {
          const { begin, wait } = yield* BusyPause.make
          const asked = yield* Effect.fork(happening(begin(Duration.seconds(1))))
          yield* Effect.fork(begin(Duration.seconds(1)))
          yield* Fiber.await(asked)
          const waiting = yield* Effect.fork(wait)
          yield* TestClock.adjust("1 second")
          assert.isNotNull(waiting.unsafePoll())
        })))
  }
})
