import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import * as Parking from "../../src/executor/Parking.ts"

const parkedOf = ({ parked }: Parking.Parking) => Option.getOrElse(parked, () => Effect.never)

const isParked = (fiber: Fiber.RuntimeFiber<void>) => Effect.map(Fiber.poll(fiber), Option.isSome)

describe("Parking", () => {
  it.effect("comes when nothing but gates was waited for all the time", () =>
    Effect.gen(function*() {
      const parking = yield* Parking.make(Option.some(Parking.usual))
      const { asking, working } = parking
      const fiber = yield* Effect.fork(parkedOf(parking))
      const passes = Effect.fnUntraced(function*(minutes: number) {
        yield* TestClock.adjust(Duration.minutes(minutes))
        return yield* isParked(fiber)
      })
      assert.isFalse(yield* passes(60), "nothing is asked")
      const work = yield* Effect.fork(working(Effect.sleep("30 minutes")))
      yield* Effect.fork(asking(Effect.never))
      assert.isFalse(yield* passes(29), "something is done")
      assert.isFalse(yield* passes(1 + 9), "not for long enough")
      yield* Fiber.join(work)
      yield* Effect.fork(working(Effect.sleep("1 minute")))
      assert.isFalse(yield* passes(1 + 9), "the time begins anew")
      assert.isTrue(yield* passes(1.1))
    }))

  it.effect("ends with the question", () =>
    Effect.gen(function*() {
      const parking = yield* Parking.make(Option.some(Duration.minutes(10)))
      const fiber = yield* Effect.fork(parkedOf(parking))
      yield* Effect.fork(parking.asking(Effect.sleep("9 minutes")))
      yield* TestClock.adjust("1 hour")
      assert.isFalse(yield* isParked(fiber))
    }))

  it.effect("never comes without a limit", () =>
    Effect.gen(function*() {
      const parking = yield* Parking.make(Option.none())
      const fiber = yield* Effect.fork(parkedOf(parking))
      yield* Effect.fork(parking.asking(Effect.never))
      yield* TestClock.adjust("30 days")
      assert.isFalse(yield* isParked(fiber))
    }))
})
