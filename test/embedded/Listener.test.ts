import { Agent } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as EmbeddedAgamemnon from "../../src/embedded/EmbeddedAgamemnon.ts"
import { ask, bearer } from "../support/HttpQuestion.ts"

const start = EmbeddedAgamemnon.make({ workers: false })

describe("Listener", () => {
  it.scopedLive("keeps a connection for a hundred requests, and says so", () =>
    Effect.gen(function*() {
      const { apiKey, url } = yield* start
      const agent = yield* Effect.acquireRelease(
        Effect.sync(() => new Agent({ keepAlive: true, maxSockets: 1 })),
        (kept) => Effect.sync(() => kept.destroy())
      )
      const question = { agent, path: "/v1/agents", headers: bearer(apiKey) }
      const answers = yield* Effect.replicateEffect(ask(url, question), 101)
      const seen = answers.map(({ headers, status }) => `${status} ${headers.connection} ${headers["keep-alive"]}`)
      assert.deepStrictEqual(new Set(seen.slice(0, 99)), new Set(["200 keep-alive timeout=5, max=100"]))
      assert.deepStrictEqual(seen.slice(99), ["200 close undefined", "200 keep-alive timeout=5, max=100"])
    }))

  it.scopedLive("says in every answer that it is embedded, by which a client keeps its connections", () =>
    Effect.gen(function*() {
      const { apiKey, url } = yield* start
      const answers = yield* Effect.forEach(
        [{ path: "/v1/agents", headers: bearer(apiKey) }, { path: "/v1/agents" }, { path: "/v1/nothing", headers: bearer(apiKey) }, { path: `/${"x".repeat(9000)}` }],
        (question) => ask(url, question)
      )
      assert.deepStrictEqual(answers.map(({ headers, status }) => [status, headers.server]), [200, 401, 404, 414].map((status) => [status, "Telemachy"]))
    }))

  it.scopedLive("refuses an address that is too long, whoever asks", () =>
    Effect.gen(function*() {
      const { apiKey, url } = yield* start
      const status = (length: number, headers: Record<string, string>) =>
        Effect.map(ask(url, { path: `/v1/agents?${"x".repeat(length - 11)}`, headers }), (answer) =>
          [answer.status, answer.text === "", answer.headers["content-length"]])
      assert.deepStrictEqual(yield* status(8192, bearer(apiKey)), [200, false, "46"])
      assert.deepStrictEqual(yield* status(8193, bearer(apiKey)), [414, true, "0"])
      assert.deepStrictEqual(yield* status(30_000, {}), [414, true, "0"])
    }))

  it.scopedLive("gives the length of every answer, an empty one too", () =>
    Effect.gen(function*() {
      const { apiKey, url } = yield* start
      const lengthOf = (method: string, path: string, body?: string) =>
        Effect.map(ask(url, { method, path, headers: bearer(apiKey), body }), ({ headers, status }) =>
          [status, headers["content-length"], headers["transfer-encoding"]])
      assert.deepStrictEqual(yield* lengthOf("GET", "/nope"), [404, "0", undefined])
      assert.deepStrictEqual(yield* lengthOf("GET", "/v1/agents/"), [404, "0", undefined])
      assert.deepStrictEqual(yield* lengthOf("PUT", "/v1/agents/x"), [404, "0", undefined])
      assert.deepStrictEqual(yield* lengthOf("GET", "/v1/agents/by-name/a%2Fb"), [404, "0", undefined])
      assert.deepStrictEqual(yield* lengthOf("POST", "/v1/agents", "x".repeat(1_048_577)), [413, "0", undefined])
      assert.deepStrictEqual(yield* lengthOf("GET", "/v1/agents/x"), [404, "27", undefined])
    }))
})
