import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import * as EmbeddedAgamemnon from "../../src/embedded/EmbeddedAgamemnon.ts"
import { ask, bearer } from "../support/HttpQuestion.ts"

const gets = (count: number, server: EmbeddedAgamemnon.EmbeddedAgamemnon["Type"], path = "/v1/agents") =>
  Effect.replicateEffect(
    Effect.map(ask(server.url, { path, headers: bearer(server.apiKey) }), ({ status }) => status),
    count
  )

describe("RateLimit", () => {
  it.scoped("answers a burst, then 429, and a token comes back with time", () =>
    Effect.gen(function*() {
      const server = yield* EmbeddedAgamemnon.make({ rateLimit: { rps: 5, burst: 5 }, workers: false })
      assert.deepStrictEqual(yield* gets(7, server), [200, 200, 200, 200, 200, 429, 429])
      yield* TestClock.adjust("400 millis")
      assert.deepStrictEqual(yield* gets(3, server), [200, 200, 429])
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* gets(6, server), [200, 200, 200, 200, 200, 429])
    }))

  it.scoped("says in whole seconds when to come again", () =>
    Effect.gen(function*() {
      const server = yield* EmbeddedAgamemnon.make({ rateLimit: { rps: 0.2, burst: 1 }, workers: false })
      yield* gets(1, server)
      yield* TestClock.adjust("1 second")
      const { headers, status, text } = yield* ask(server.url, { path: "/nope", headers: bearer(server.apiKey) })
      assert.deepStrictEqual(
        [status, text, headers["retry-after"], headers["content-type"], headers["x-api-version"]],
        [429, "{\"error\":\"rate limit exceeded\",\"retry_after_seconds\":5}", "5", "application/json", undefined]
      )
    }))

  it.scoped("does not count health, version, and requests without the key", () =>
    Effect.gen(function*() {
      const server = yield* EmbeddedAgamemnon.make({ rateLimit: { rps: 1, burst: 1 }, workers: false })
      assert.deepStrictEqual(yield* gets(3, server, "/health"), [200, 200, 200])
      assert.deepStrictEqual(yield* gets(3, server, "/v1/version"), [200, 200, 200])
      assert.strictEqual((yield* ask(server.url, { path: "/v1/agents" })).status, 401)
      assert.deepStrictEqual(yield* gets(2, server), [200, 429])
    }))
})
