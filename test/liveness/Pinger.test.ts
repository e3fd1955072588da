import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as RcRef from "effect/RcRef"
import * as Ref from "effect/Ref"
import * as TestClock from "effect/TestClock"
import * as Heartbeat from "../../src/liveness/Heartbeat.ts"
import * as Pinger from "../../src/liveness/Pinger.ts"
import { isRunning, lossOf } from "../support/ProbedBackend.ts"

/** A backend that can be out, and the times at which it was asked. */
const backend = () => {
  const asked: Array<number> = []
  const state = { isOut: false }
  const probe = Effect.flatMap(Clock.currentTimeMillis, (now) => {
    asked.push(now / 1000)
    return state.isOut ? Effect.fail("refused") : Effect.void
  })
  return Object.assign(state, { asked, probe })
}

describe("Pinger", () => {
  it.scoped("pings once for a thousand heartbeats, each of which counts up to its own threshold", () =>
    Effect.gen(function*() {
      const server = backend()
      const pinger = yield* Pinger.make({ probe: server.probe, interval: "10 seconds" })
      const losses = yield* Effect.forEach(Array.from({ length: 1000 }, (_, index) => index), (index) =>
        Effect.flatMap(Heartbeat.fromPinger(pinger, { failureThreshold: 1 + index % 3, backend: String(index) }), lossOf))
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(server.asked, [10, 20, 30])
      server.isOut = true
      const counts: Array<number> = []
      for (let beat = 0; beat < 3; beat += 1) {
        yield* TestClock.adjust("10 seconds")
        counts.push((yield* Effect.filter(losses, isRunning)).length)
      }
      assert.deepStrictEqual(counts, [666, 333, 0])
      assert.deepStrictEqual(server.asked, [10, 20, 30, 40, 50, 60])
      const errors = yield* Fiber.join(Fiber.all(losses.slice(0, 3)))
      assert.deepStrictEqual(
        [...errors].map(({ consecutiveFailures, backend, threshold }) => ({ consecutiveFailures, backend, threshold })),
        [0, 1, 2].map((index) => ({ consecutiveFailures: index + 1, backend: String(index), threshold: index + 1 }))
      )
    }))

  it.scoped("one that joins in the middle hears of the next ping, and an outage that it has not seen begin counts from there", () =>
    Effect.gen(function*() {
      const server = backend()
      const pinger = yield* Pinger.make({ probe: server.probe, interval: "10 seconds" })
      const early = yield* Effect.flatMap(Heartbeat.fromPinger(pinger), lossOf)
      server.isOut = true
      yield* TestClock.adjust("15 seconds")
      const late = yield* Effect.flatMap(Heartbeat.fromPinger(pinger), lossOf)
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual([yield* isRunning(early), yield* isRunning(late)], [false, true])
      yield* TestClock.adjust("10 seconds")
      assert.isFalse(yield* isRunning(late))
      assert.deepStrictEqual(server.asked, [10, 20, 30])
    }))

  it.scoped("the suspicion of one brings a ping for all", () =>
    Effect.gen(function*() {
      const server = backend()
      const pinger = yield* Pinger.make({ probe: server.probe, interval: "10 seconds" })
      const [one, other] = yield* Effect.all([Heartbeat.fromPinger(pinger), Heartbeat.fromPinger(pinger)])
      yield* TestClock.adjust("2 seconds")
      server.isOut = true
      yield* one.suspect
      yield* other.suspect
      yield* TestClock.adjust("1 seconds")
      assert.deepStrictEqual(server.asked, [2])
      assert.strictEqual((yield* other.connectivity.get)._tag, "Suspect")
      // After a ping that has failed, nothing brings the next one forward.
      yield* other.suspect
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(server.asked, [2])
    }))

  it.scoped("tells how long the last answer took, and keeps that while there is none", () =>
    Effect.gen(function*() {
      const probe = yield* Ref.make<Effect.Effect<void, string>>(Effect.sleep("3 seconds"))
      const pinger = yield* Pinger.make({ probe: Effect.flatten(Ref.get(probe)), interval: "10 seconds" })
      assert.deepStrictEqual(yield* pinger.took, Option.none())
      yield* TestClock.adjust("13 seconds")
      assert.deepStrictEqual(yield* pinger.took, Option.some(Duration.nanos(3_000_000_000n)))
      yield* Ref.set(probe, Effect.fail("refused"))
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* pinger.took, Option.some(Duration.nanos(3_000_000_000n)))
    }))

  it.scoped("a defect of the probe ends every heartbeat with it", () =>
    Effect.gen(function*() {
      const pinger = yield* Pinger.make({ probe: Effect.die("a bug"), interval: "10 seconds" })
      const heartbeats = yield* Effect.all([Heartbeat.fromPinger(pinger), Heartbeat.fromPinger(pinger)])
      const ends = yield* Effect.forEach(heartbeats, ({ lost }) => Effect.fork(Effect.exit(lost)))
      yield* TestClock.adjust("10 seconds")
      const exits = yield* Fiber.join(Fiber.all(ends))
      assert.isTrue([...exits].every((exit) => Exit.isFailure(exit) && exit.cause._tag === "Die"))
    }))

  it.scoped("that is shared goes on for as long as somebody uses it, and no longer", () =>
    Effect.gen(function*() {
      const server = backend()
      const shared = yield* RcRef.make({ acquire: Pinger.make({ probe: server.probe, interval: "10 seconds" }) })
      const use = (time: string & `${number} seconds`) =>
        Effect.fork(Effect.scoped(Effect.flatMap(RcRef.get(shared), (pinger) =>
          Effect.zipRight(Heartbeat.fromPinger(pinger), Effect.sleep(time)))))
      yield* use("25 seconds")
      yield* use("35 seconds")
      yield* TestClock.adjust("100 seconds")
      assert.deepStrictEqual(server.asked, [10, 20, 30])
      yield* use("15 seconds")
      yield* TestClock.adjust("100 seconds")
      assert.deepStrictEqual(server.asked, [10, 20, 30, 110])
    }))
})
