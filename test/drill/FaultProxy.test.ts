import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as FaultProxy from "../../src/drill/FaultProxy.ts"
import { ask, eventually } from "../support/HttpQuestion.ts"
import * as RawServer from "../support/RawServer.ts"
import * as SelfSigned from "../support/SelfSigned.ts"

const body = JSON.stringify({ agent: { id: "a1" }, id: "a1" })

/** A server behind a proxy. */
const behind = Effect.gen(function*() {
  const server = yield* RawServer.http(RawServer.answer(201, body, { "content-type": "application/json", "x-api-version": "0.1.0" }))
  const proxy = yield* FaultProxy.make(server.url)
  return { server, proxy }
})

const post = (url: string, path = "/v1/agents") =>
  ask(url, { method: "POST", path, body: "{\"name\":\"n\"}", headers: { authorization: "Bearer k" } })

const codeOf = (proxy: FaultProxy.FaultProxy) => Effect.map(Effect.flip(post(proxy.url)), ({ code }) => code)

describe("FaultProxy", () => {
  it.scopedLive("passes requests and answers on as they are", () =>
    Effect.gen(function*() {
      const { proxy, server } = yield* behind
      const answer = yield* post(proxy.url, "/v1/agents?x=%20y")
      assert.deepStrictEqual([answer.status, answer.text, answer.headers["x-api-version"]], [201, body, "0.1.0"])
      const [received] = server.received
      assert.deepStrictEqual([received?.method, received?.path, received?.body], ["POST", "/v1/agents?x=%20y", "{\"name\":\"n\"}"])
      assert.strictEqual(received?.headers.authorization, "Bearer k")
    }))

  it.scopedLive("keeps and tells what changes something, before it is answered", () =>
    Effect.gen(function*() {
      const { proxy } = yield* behind
      yield* ask(proxy.url, { path: "/v1/agents" })
      yield* post(proxy.url)
      const [kept] = yield* proxy.exchanges
      assert.deepInclude(kept, { method: "POST", path: "/v1/agents", body: "{\"name\":\"n\"}", status: 201, answer: body })
      assert.lengthOf(yield* proxy.exchanges, 1)
      const told = yield* Stream.runHead(proxy.changes)
      assert.deepStrictEqual(Option.getOrUndefined(told), kept)
    }))

  it.scopedLive("passes on to a path, and over TLS", () =>
    Effect.gen(function*() {
      const certificate = SelfSigned.make()
      const server = yield* RawServer.https(certificate, RawServer.answer(200, "{}"))
      const proxy = yield* FaultProxy.make(`${server.url}/below`, { ca: certificate.cert })
      assert.strictEqual((yield* ask(proxy.url, { path: "/v1/agents" })).status, 200)
      assert.strictEqual(server.received[0]?.path, "/below/v1/agents")
      // One that it does not trust is asked nothing.
      const careful = yield* FaultProxy.make(server.url)
      assert.strictEqual((yield* Effect.flip(ask(careful.url, { path: "/v1/agents" }))).code, "ECONNRESET")
      assert.lengthOf(server.received, 1)
    }))

  it.scopedLive("refuses connections, breaks those that there are, and takes them again on the same port", () =>
    Effect.gen(function*() {
      const { proxy, server } = yield* behind
      yield* proxy.set([FaultProxy.Hang({})])
      const hanging = yield* Effect.fork(Effect.flip(post(proxy.url)))
      yield* proxy.struck
      yield* proxy.set([FaultProxy.Refuse()])
      assert.strictEqual((yield* Fiber.join(hanging)).code, "ECONNRESET")
      assert.strictEqual(yield* codeOf(proxy), "ECONNREFUSED")
      yield* proxy.struck
      yield* proxy.set([])
      assert.strictEqual((yield* post(proxy.url)).status, 201)
      assert.lengthOf(server.received, 1)
    }))

  it.scopedLive("resets before anything is done", () =>
    Effect.gen(function*() {
      const { proxy, server } = yield* behind
      yield* proxy.set([FaultProxy.Reset({})])
      assert.strictEqual(yield* codeOf(proxy), "ECONNRESET")
      assert.lengthOf(server.received, 0)
    }))

  it.scopedLive("loses an answer, of only so many requests and only of those that it aims at", () =>
    Effect.gen(function*() {
      const { proxy, server } = yield* behind
      yield* proxy.set([FaultProxy.DropAnswer({ ...FaultProxy.aims.createAgent, times: 1 })])
      assert.strictEqual((yield* ask(proxy.url, { path: "/v1/agents" })).status, 201)
      assert.strictEqual((yield* post(proxy.url, "/v1/teams")).status, 201)
      assert.strictEqual(yield* codeOf(proxy), "ECONNRESET")
      assert.strictEqual((yield* post(proxy.url)).status, 201)
      assert.lengthOf(server.received, 4)
    }))

  it.scopedLive("keeps an answer back until the fault is replaced", () =>
    Effect.gen(function*() {
      const { proxy, server } = yield* behind
      yield* proxy.set([FaultProxy.Withhold({})])
      const asking = yield* Effect.fork(Effect.flip(post(proxy.url)))
      yield* proxy.struck
      assert.lengthOf(server.received, 1)
      assert.isTrue(Option.isNone(yield* Fiber.poll(asking)))
      yield* proxy.set([])
      assert.strictEqual((yield* Fiber.join(asking)).code, "ECONNRESET")
    }))

  it.scopedLive("answers 429, and passes nothing on", () =>
    Effect.gen(function*() {
      const { proxy, server } = yield* behind
      yield* proxy.set([FaultProxy.Busy({ retryAfter: 3 })])
      const { headers, status, text } = yield* post(proxy.url)
      assert.deepStrictEqual([status, headers["retry-after"], text], [429, "3", "{\"error\":\"rate limit exceeded\",\"retry_after_seconds\":3}"])
      assert.lengthOf(server.received, 0)
    }))

  it.scopedLive("breaks off in the middle of an answer that was carried out", () =>
    Effect.gen(function*() {
      const { proxy, server } = yield* behind
      yield* proxy.set([FaultProxy.Cut({ times: 1 })])
      assert.strictEqual(yield* codeOf(proxy), "ECONNRESET")
      assert.lengthOf(server.received, 1)
      assert.strictEqual((yield* post(proxy.url)).text, body)
    }))

  it.scopedLive("passes a request on late, when its client has long gone", () =>
    Effect.gen(function*() {
      const { proxy, server } = yield* behind
      yield* proxy.set([FaultProxy.Late({ delay: "300 millis", cut: "20 millis" })])
      assert.strictEqual(yield* codeOf(proxy), "ECONNRESET")
      yield* proxy.set([])
      assert.lengthOf(server.received, 0)
      yield* proxy.settled
      assert.lengthOf(server.received, 1)
      assert.lengthOf(yield* proxy.exchanges, 1)
    }))

  it.scopedLive("passes a request on late, and answers a client that waits", () =>
    Effect.gen(function*() {
      const { proxy } = yield* behind
      yield* proxy.set([FaultProxy.Late({ delay: "50 millis" })])
      assert.strictEqual((yield* post(proxy.url)).status, 201)
    }))

  it.scopedLive("breaks the connection when nobody answers behind it", () =>
    Effect.gen(function*() {
      const proxy = yield* FaultProxy.make(yield* RawServer.nobody)
      assert.strictEqual(yield* codeOf(proxy), "ECONNRESET")
    }))

  it.scopedLive("ends every connection with its scope", () =>
    Effect.gen(function*() {
      const { server } = yield* behind
      const ended = yield* Effect.scoped(Effect.gen(function*() {
        const proxy = yield* FaultProxy.make(server.url)
        yield* proxy.set([FaultProxy.Hang({})])
        const asking = yield* Effect.forkDaemon(Effect.flip(post(proxy.url)))
        yield* proxy.struck
        return asking
      }))
      assert.strictEqual((yield* Fiber.join(ended)).code, "ECONNRESET")
      yield* eventually(server.open, (open) => open === 0)
    }))

  it.scopedLive("takes many requests at once", () =>
    Effect.gen(function*() {
      const { proxy, server } = yield* behind
      yield* Effect.all(Arr.replicate(post(proxy.url), 50), { concurrency: "unbounded" })
      assert.lengthOf(server.received, 50)
      assert.lengthOf(yield* proxy.exchanges, 50)
    }))
})
