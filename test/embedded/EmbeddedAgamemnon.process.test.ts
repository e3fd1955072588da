import { Agent, type IncomingMessage, request } from "node:http"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as EmbeddedAgamemnon from "../../src/embedded/EmbeddedAgamemnon.ts"
import { ask, bearer } from "../support/HttpQuestion.ts"

describe("EmbeddedAgamemnon", () => {
  it.scopedLive("listens on a free loopback port with a key of its own", () =>
    Effect.gen(function*() {
      const [one, other] = yield* Effect.all([EmbeddedAgamemnon.make(), EmbeddedAgamemnon.make()])
      assert.match(one.url, /^http:\/\/127\.0\.0\.1:\d+$/)
      assert.notStrictEqual(one.url, other.url)
      assert.match(Redacted.value(one.apiKey), /^[0-9a-f]{64}$/)
      assert.notStrictEqual(Redacted.value(one.apiKey), Redacted.value(other.apiKey))
      yield* ask(one.url, { method: "POST", path: "/v1/agents", headers: bearer(one.apiKey) })
      const { text } = yield* ask(other.url, { path: "/v1/agents", headers: bearer(other.apiKey) })
      assert.include(text, "\"total\":0")
    }))

  it.effect("is a layer that needs nothing", () =>
    Effect.gen(function*() {
      const { url } = yield* EmbeddedAgamemnon.EmbeddedAgamemnon
      assert.strictEqual((yield* ask(url, { path: "/health" })).status, 200)
    }).pipe(Effect.provide(EmbeddedAgamemnon.layer())))

  it.scopedLive("answers each request for itself when it is made while another server answers one", () =>
    Effect.gen(function*() {
      const outer = HttpServerRequest.fromWeb(new Request("http://outer.test/nowhere"))
      const { apiKey, url } = yield* Effect.provideService(EmbeddedAgamemnon.make(), HttpServerRequest.HttpServerRequest, outer)
      const { status } = yield* ask(url, { path: "/v1/agents", headers: bearer(apiKey) })
      assert.strictEqual(status, 200)
    }))

  it.scopedLive("says that a port is taken", () =>
    Effect.gen(function*() {
      const { url } = yield* EmbeddedAgamemnon.make()
      const port = Number(new URL(url).port)
      const error = yield* Effect.flip(EmbeddedAgamemnon.make({ port }))
      assert.strictEqual(error._tag, "AddressUnavailable")
      assert.strictEqual(
        error.message,
        `Agamemnon can not listen on 127.0.0.1:${port}: another program listens there; ` +
          "choose another port, or 0 for a free one"
      )
    }))

  it.scopedLive("refuses an address that others can reach, unless told", () =>
    Effect.gen(function*() {
      for (const host of ["0.0.0.0", "::", "example.org"]) {
        const error = yield* Effect.flip(EmbeddedAgamemnon.make({ host }))
        assert.strictEqual(error._tag, "RemoteAddressError")
      }
      const { url } = yield* EmbeddedAgamemnon.make({ host: "0.0.0.0", allowRemote: true })
      assert.strictEqual((yield* ask(url, { path: "/health" })).status, 200)
    }))

  it.live("closes at once, though connections are idle or wait for an answer", () =>
    Effect.gen(function*() {
      const agent = new Agent({ keepAlive: true })
      const closed = yield* Effect.scoped(Effect.gen(function*() {
        const server = yield* EmbeddedAgamemnon.make()
        const idle = yield* Effect.async<IncomingMessage>((resume) => {
          request(`${server.url}/health`, { agent }, (response) => {
            response.resume().on("end", () => resume(Effect.succeed(response)))
          }).end()
        })
        assert.strictEqual(idle.headers.connection, "keep-alive")
        return Effect.flip(ask(server.url, { path: "/health" }))
      })).pipe(Effect.timeout("2 seconds"))
      assert.strictEqual((yield* closed).code, "ECONNREFUSED")
      agent.destroy()
    }))

  it.scopedLive("journals what it was asked and what it answered", () =>
    Effect.gen(function*() {
      const { apiKey, requestLog, requests, url } = yield* EmbeddedAgamemnon.make()
      yield* ask(url, { path: "/v1/agents?limit=1", headers: bearer(apiKey) })
      yield* ask(url, { path: "/v1/agents" })
      yield* ask(url, { method: "POST", path: "/v1/nothing", headers: bearer(apiKey) })
      assert.strictEqual(yield* requests, 3)
      assert.deepStrictEqual(yield* requestLog, [
        { method: "GET", path: "/v1/agents?limit=1", status: 200 },
        { method: "GET", path: "/v1/agents", status: 401 },
        { method: "POST", path: "/v1/nothing", status: 404 }
      ])
    }))

  it.scopedLive("remembers the last thousand requests and counts them all", () =>
    Effect.gen(function*() {
      const { requestLog, requests, url } = yield* EmbeddedAgamemnon.make()
      yield* Effect.forEach(Array.from({ length: 1003 }), (_, index) => ask(url, { path: `/${index}` }), {
        concurrency: 8,
        discard: true
      })
      assert.strictEqual(yield* requests, 1003)
      assert.lengthOf(yield* requestLog, 1000)
    }))
})
