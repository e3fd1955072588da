import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import type { AgamemnonError } from "../../src/agamemnon/AgamemnonError.ts"
import { permitted, retrying } from "../../src/agamemnon/RequestRetry.ts"
import * as PendingCreates from "../../src/executor/PendingCreates.ts"
import { answers, broken } from "../support/FakeAgamemnon.ts"

type Made = { readonly id: string }

/** A create whose requests do one after the other what the test says, and how many were sent. */
const creating = (...requests: ReadonlyArray<Effect.Effect<Made, AgamemnonError>>) => {
  let sent = 0
  const request = Effect.suspend(() => requests[sent++] ?? Effect.succeed({ id: "made" }))
  return { create: retrying(permitted(request)), sent: () => sent }
}

/** What became of the create, which must have begun. */
const settledOf = ({ find }: PendingCreates.PendingCreates) => find("key")?.settled ?? Effect.dieMessage("no create has begun")

const lost = broken("reset")(Effect.never)

describe("PendingCreates", () => {
  it.scoped("answers what was made, and that no answer was lost", () =>
    Effect.gen(function*() {
      const creates = yield* PendingCreates.make
      const { create } = creating()
      assert.deepStrictEqual(yield* creates.run("key", create), { made: { id: "made" }, isUncertain: false })
      assert.deepStrictEqual(yield* settledOf(creates), { id: "made", uncertainAt: undefined })
      assert.isUndefined(creates.find("another"))
    }))

  it.scoped("says that an answer was lost, and when that request was sent", () =>
    Effect.gen(function*() {
      const creates = yield* PendingCreates.make
      yield* TestClock.adjust("1 minute")
      const { create, sent } = creating(Effect.delay(lost, "2 seconds"))
      const running = yield* Effect.fork(creates.run("key", create))
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* Fiber.join(running), { made: { id: "made" }, isUncertain: true })
      assert.deepStrictEqual(yield* settledOf(creates), { id: "made", uncertainAt: 60_000 })
      assert.strictEqual(sent(), 2)
    }))

  it.scoped("a refusal is no uncertainty", () =>
    Effect.gen(function*() {
      const creates = yield* PendingCreates.make
      const { create } = creating(answers(400)(Effect.never))
      yield* Effect.flip(creates.run("key", create))
      assert.deepStrictEqual(yield* settledOf(creates), { id: undefined, uncertainAt: undefined })
    }))

  it.scoped("when it is interrupted, who waited goes on at once, and the request that is under way has its answer", () =>
    Effect.gen(function*() {
      const creates = yield* PendingCreates.make
      const answer = yield* Deferred.make<Made>()
      const { create, sent } = creating(Deferred.await(answer))
      const running = yield* Effect.fork(creates.run("key", create))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(running)
      const settling = yield* Effect.fork(settledOf(creates))
      yield* TestClock.adjust("5 seconds")
      assert.isTrue((yield* Fiber.poll(settling))._tag === "None")
      yield* Deferred.succeed(answer, { id: "late" })
      assert.deepStrictEqual(yield* Fiber.join(settling), { id: "late", uncertainAt: undefined })
      assert.strictEqual(sent(), 1)
    }))

  it.scoped("after an interruption no further request is sent, and a lost answer is told", () =>
    Effect.gen(function*() {
      const creates = yield* PendingCreates.make
      const { create, sent } = creating(Effect.delay(lost, "2 seconds"))
      const running = yield* Effect.fork(creates.run("key", create))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(running)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* settledOf(creates), { id: undefined, uncertainAt: 0 })
      assert.strictEqual(sent(), 1)
    }))

  it.scoped("a create that waits before its next request ends at once", () =>
    Effect.gen(function*() {
      const creates = yield* PendingCreates.make
      const { create, sent } = creating(answers(429, "busy", "1 minute")(Effect.never))
      const running = yield* Effect.fork(creates.run("key", create))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(running)
      assert.deepStrictEqual(yield* settledOf(creates), { id: undefined, uncertainAt: undefined })
      assert.strictEqual(sent(), 1)
    }))

  it.effect("what is under way when the scope closes is cut", () =>
    Effect.gen(function*() {
      const cut = yield* Deferred.make<void>()
      const { create } = creating(Effect.onInterrupt(Effect.never, () => Deferred.succeed(cut, undefined)))
      yield* Effect.scoped(Effect.gen(function*() {
        const creates = yield* PendingCreates.make
        const running = yield* Effect.fork(creates.run("key", create))
        yield* TestClock.adjust("1 second")
        yield* Fiber.interrupt(running)
      }))
      yield* Deferred.await(cut)
    }))
})
