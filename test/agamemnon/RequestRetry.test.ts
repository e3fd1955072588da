import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import { AgentId } from "../../src/agamemnon/AgamemnonModel.ts"
import { backoff, RequestRetry } from "../../src/agamemnon/RequestRetry.ts"
import { nothing } from "../support/RawServer.ts"
import * as ScriptedHttp from "../support/ScriptedHttp.ts"

const deleted = { status: 200, body: { deleted: "a" } }
const a = AgentId.make("a")

/** Deletes an agent against a script, as time goes by. */
const outcome = (...replies: ReadonlyArray<ScriptedHttp.Reply>) =>
  Effect.gen(function*() {
    const { agamemnon, sent } = yield* ScriptedHttp.client(ScriptedHttp.inTurn(...replies))
    const fiber = yield* Effect.fork(Effect.exit(agamemnon.deleteAgent(a)))
    yield* TestClock.adjust("1 day")
    const exit = yield* Fiber.join(fiber)
    return { succeeded: Exit.isSuccess(exit), requests: sent.length, times: sent.map(({ at }) => at) }
  })

/** Whether the preflight succeeds, and when it asks. */
const preflight = (...replies: ReadonlyArray<ScriptedHttp.Reply>) =>
  Effect.gen(function*() {
    const { agamemnon, sent } = yield* ScriptedHttp.client(ScriptedHttp.inTurn(...replies))
    const fiber = yield* Effect.fork(Effect.exit(agamemnon.preflight))
    yield* TestClock.adjust("1 day")
    return [Exit.isSuccess(yield* Fiber.join(fiber)), sent.map(({ at }) => at - (sent[0]?.at ?? 0))]
  })

const busy = (after: string) => ({
  status: 429,
  body: { error: "rate limit exceeded", retry_after_seconds: Number(after) },
  headers: { "retry-after": after }
})

const failure = (...replies: ReadonlyArray<ScriptedHttp.Reply>) =>
  Effect.gen(function*() {
    const { agamemnon, sent } = yield* ScriptedHttp.client(ScriptedHttp.inTurn(...replies))
    const fiber = yield* Effect.fork(Effect.flip(agamemnon.deleteAgent(a)))
    yield* TestClock.adjust("1 day")
    return { error: yield* Fiber.join(fiber), requests: sent.length }
  })

describe("RequestRetry", () => {
  it.scoped("repeats what failed in transport: no connection, no answer, a gateway's word for it", () =>
    Effect.gen(function*() {
      const gateways = [502, 503, 504].map((status) => ({ status }))
      for (const reply of ["ECONNREFUSED", "ECONNRESET", "ENOTFOUND", "ETIMEDOUT", ...gateways]) {
        const { requests, succeeded } = yield* outcome(reply, reply, reply, reply, deleted)
        assert.deepStrictEqual([requests, succeeded], [5, true], JSON.stringify(reply))
      }
    }))

  it.scoped("repeats a request four times by default, and then fails with why", () =>
    Effect.gen(function*() {
      const { error, requests } = yield* failure("ECONNREFUSED")
      assert.strictEqual(requests, 5)
      assert.deepInclude(error, { reason: "Transport", transport: "refused", method: "DELETE", path: "/v1/agents/a" })
      assert.strictEqual(error.message, "DELETE /v1/agents/a failed: the connection was refused")
    }))

  it.scoped("repeats a request to a server that failed three times, however long others are repeated", () =>
    Effect.gen(function*() {
      const broken = { status: 500, body: { error: "out of order" } }
      const { error, requests } = yield* Effect.provideService(failure(broken), RequestRetry, {
        schedule: backoff,
        onFailure: () => Effect.void
      })
      assert.strictEqual(requests, 4)
      assert.strictEqual(error.message, "DELETE /v1/agents/a answered 500: out of order")
      assert.deepInclude(yield* outcome(broken, broken, broken, deleted), { requests: 4, succeeded: true })
    }))

  it.scoped("counts only failures of the server among other failures", () =>
    Effect.gen(function*() {
      const { error, requests } = yield* Effect.provideService(
        failure({ status: 500 }, "ECONNRESET", { status: 500 }, { status: 503 }, "ECONNRESET", { status: 501 }),
        RequestRetry,
        { schedule: backoff, onFailure: () => Effect.void }
      )
      assert.deepStrictEqual([requests, error.status], [7, 501])
    }))

  it.scoped("fails with a refusal at once, in the server's own words", () =>
    Effect.gen(function*() {
      const path = "DELETE /v1/agents/a answered"
      const table = [
        [400, "'name' must be a string", `${path} 400: 'name' must be a string`],
        [401, "unauthorized", `${path} 401: unauthorized; check AGAMEMNON_API_KEY`],
        [403, "not you", `${path} 403: not you`],
        [409, "busy", `${path} 409: busy`],
        [413, "too large", `${path} 413: too large; the request is larger than Agamemnon accepts`]
      ] as const
      for (const [status, sentence, message] of table) {
        const { error, requests } = yield* failure({ status, body: { error: sentence } })
        assert.deepInclude(error, { _tag: "AgamemnonError", reason: "Refused", status, detail: sentence })
        assert.deepStrictEqual([error.message, requests], [message, 1])
      }
    }))

  it.scoped("repeats an empty 400, which is about an earlier request, and not one with a verdict", () =>
    Effect.gen(function*() {
      assert.deepInclude(yield* outcome({ status: 400 }, { status: 400 }, deleted), { requests: 3, succeeded: true })
      assert.deepInclude(yield* outcome({ status: 400, body: "no" }, deleted), { requests: 1, succeeded: false })
      assert.deepInclude(yield* outcome({ status: 400, body: {} }, deleted), { requests: 1, succeeded: false })
    }))

  it.scoped("waits as long as a busy server says", () =>
    Effect.gen(function*() {
      const { agamemnon, sent } = yield* ScriptedHttp.client(ScriptedHttp.inTurn(busy("7"), busy("90"), deleted))
      const fiber = yield* Effect.fork(agamemnon.deleteAgent(a))
      yield* TestClock.adjust("6999 millis")
      assert.lengthOf(sent, 1)
      yield* TestClock.adjust("1 milli")
      assert.lengthOf(sent, 2)
      yield* TestClock.adjust("89999 millis")
      assert.lengthOf(sent, 2)
      yield* TestClock.adjust("1 milli")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(sent.map(({ at }) => at), [0, 7000, 97_000])
    }))

  it.scoped("waits a second for a busy server that does not say how long", () =>
    Effect.gen(function*() {
      for (const header of [undefined, "", "0", "-5", "soon"]) {
        const headers = header === undefined ? {} : { headers: { "retry-after": header } }
        const { times } = yield* outcome({ status: 429, ...headers }, deleted)
        assert.strictEqual((times[1] ?? 0) - (times[0] ?? 0), 1000, header)
      }
    }))

  it.scoped("understands a date, and waits no longer than five minutes, which it says", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(Date.UTC(2026, 10, 25, 15, 0, 0))
      const words = "rate limit exceeded"
      const table = [
        ["Wed, 25 Nov 2026 15:00:09 GMT", 9, ""],
        ["Wednesday, 25-Nov-26 15:00:20 GMT", 20, ""],
        ["Wed Nov 25 15:01:00 2026", 60, "; it asks to wait 1m"],
        ["Wed, 25 Nov 2026 14:00:00 GMT", 1, ""],
        ["Wed, 25 Nov 2026 25:00:00 GMT", 1, ""],
        ["2026-11-25", 1, ""],
        ["300", 300, "; it asks to wait 5m"],
        ["3600", 300, "; it asks to wait 1h, of which 5m are waited"],
        ["Thu, 26 Nov 2026 15:00:00 GMT", 300, "; it asks to wait 1d, of which 5m are waited"]
      ] as const
      for (const [header, seconds, said] of table) {
        const heard: Array<string> = []
        const { agamemnon, sent } = yield* ScriptedHttp.client(ScriptedHttp.inTurn({ ...busy("0"), headers: { "retry-after": header } }, deleted))
        const before = yield* Clock.currentTimeMillis
        const fiber = yield* Effect.fork(Effect.provideService(agamemnon.deleteAgent(a), RequestRetry, {
          schedule: backoff,
          onFailure: ({ message }) => Effect.sync(() => heard.push(message))
        }))
        yield* TestClock.adjust("10 minutes")
        yield* Fiber.join(fiber)
        assert.deepStrictEqual(sent.map(({ at }) => at - before), [0, seconds * 1000], header)
        assert.deepStrictEqual(heard, [`DELETE /v1/agents/a answered 429: ${words}${said}`])
        yield* TestClock.setTime(Date.UTC(2026, 10, 25, 15, 0, 0))
      }
    }))

  it.scoped("lets every request wait of which one was told to, but no ping", () =>
    Effect.gen(function*() {
      const { agamemnon, sent } = yield* ScriptedHttp.client((_, index) => (index === 0 ? busy("60") : deleted))
      const first = yield* Effect.fork(agamemnon.deleteAgent(a))
      yield* TestClock.adjust("10 seconds")
      const others = yield* Effect.fork(
        Effect.all([agamemnon.deleteAgent(a), agamemnon.startAgent(a)], { concurrency: "unbounded" })
      )
      yield* agamemnon.ping
      yield* TestClock.adjust("49999 millis")
      assert.deepStrictEqual(sent.map(({ at, method }) => [method, at]), [["DELETE", 0], ["GET", 10_000]])
      const late = yield* Effect.fork(agamemnon.deleteAgent(a))
      yield* TestClock.adjust("1 milli")
      yield* Fiber.join(others)
      yield* Fiber.joinAll([first, late])
      assert.deepStrictEqual(sent.slice(2).map(({ at }) => at), [60_000, 60_000, 60_000, 60_000])
      yield* agamemnon.deleteAgent(a)
      assert.lengthOf(sent, 7)
    }))

  it.scoped("lets a request that waits for its turn be interrupted", () =>
    Effect.gen(function*() {
      const { agamemnon, sent } = yield* ScriptedHttp.client((_, index) => (index === 0 ? busy("60") : deleted))
      const fiber = yield* Effect.fork(agamemnon.deleteAgent(a))
      yield* TestClock.adjust("1 second")
      const other = yield* Effect.fork(agamemnon.deleteAgent(a))
      yield* Effect.yieldNow()
      yield* Fiber.interruptAll([fiber, other])
      assert.lengthOf(sent, 1)
    }))

  it.scoped("pauses from a tenth of a second to five seconds, and goes on for as long as it is told", () =>
    Effect.gen(function*() {
      const { agamemnon, sent } = yield* ScriptedHttp.client(ScriptedHttp.inTurn("ECONNRESET"))
      const fiber = yield* Effect.fork(Effect.provideService(agamemnon.deleteAgent(a), RequestRetry, {
        schedule: backoff,
        onFailure: () => Effect.void
      }))
      yield* TestClock.adjust("3 minutes")
      yield* Fiber.interrupt(fiber)
      const pauses = sent.slice(1).map(({ at }, index) => at - (sent[index]?.at ?? 0))
      assert.isAbove(pauses.length, 30)
      pauses.forEach((pause, index) => {
        const expected = Math.min(100 * 2 ** index, Duration.toMillis("5 seconds"))
        assert.isAtLeast(pause, 0.8 * expected - 1)
        assert.isAtMost(pause, 1.2 * expected + 1)
      })
    }))

  it.scoped("lets hear of what can be repeated, and of nothing else", () =>
    Effect.gen(function*() {
      const heard: Array<string> = []
      const persistence = {
        schedule: backoff,
        onFailure: (error: Error) => Effect.sync(() => heard.push(error.message))
      }
      yield* Effect.provideService(outcome("ECONNRESET", { status: 429 }, deleted), RequestRetry, persistence)
      yield* Effect.provideService(outcome({ status: 403 }), RequestRetry, persistence)
      assert.deepStrictEqual(heard, [
        "DELETE /v1/agents/a failed: the connection was closed before an answer came",
        "DELETE /v1/agents/a answered 429: no explanation was given"
      ])
    }))

  it.scoped("repeats the preflight of a server that is busy, or hidden by a page of somebody else, only", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* preflight(busy("3"), busy("3"), { status: 200 }), [true, [0, 3000, 6000]])
      const [succeeded, times] = yield* preflight({ status: 200, body: "<html>" }, { status: 200, body: nothing.agents })
      assert.deepStrictEqual([succeeded, Array.isArray(times) && times.length], [true, 2])
      assert.deepStrictEqual(yield* preflight("ECONNREFUSED", { status: 200 }), [false, [0]])
      assert.deepStrictEqual(yield* preflight({ status: 503 }, { status: 200 }), [false, [0]])
      assert.deepStrictEqual(yield* preflight({ status: 401 }, { status: 200 }), [false, [0]])
    }))
})
