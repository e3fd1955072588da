import type { LookupFunction, Socket } from "node:net"
import { Readable } from "node:stream"
import { scheduler } from "node:timers/promises"
import { assert, describe, it } from "@effect/vitest"
import type { DurationInput } from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import type { PingError } from "../../src/agamemnon/AgamemnonError.ts"
import { AgentId } from "../../src/agamemnon/AgamemnonModel.ts"
import { eventually } from "../support/HttpQuestion.ts"
import { answer, client, http, https, nobody, nothing, tcp } from "../support/RawServer.ts"
import * as SelfSigned from "../support/SelfSigned.ts"

const body = JSON.stringify(nothing.agents)
const head = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`

/** Says once what it is told, as soon as it is asked anything. */
const says = (say: (socket: Socket) => void) => tcp((socket) => socket.once("data", () => say(socket)))

const pinged = (url: string, pingTimeout: DurationInput = "10 seconds") =>
  Effect.flatMap(client({ pingTimeout, url }), ({ ping }) =>
    Effect.match(ping, { onFailure: ({ reason }) => reason, onSuccess: () => "alive" }))

const failure = (url: string, pingTimeout: DurationInput = "10 seconds") =>
  Effect.flatMap(client({ pingTimeout, url }), ({ ping }) => Effect.flip(ping))

const spaced = async function*(pieces: Iterable<string>) {
  for (const piece of pieces) {
    await scheduler.wait(5)
    yield piece
  }
}

/** Writes piece after piece, one every few milliseconds, until there are no more or nobody listens. */
const drip = (socket: Socket, pieces: Iterable<string>) => Readable.from(spaced(pieces)).pipe(socket)

const endlessly = function*(piece: string) {
  while (true) yield piece
}

const soon = "150 millis"

/** A lookup that fails with a code, and knows what it was asked. */
const lookup = (code: string) => {
  const asked: Array<string> = []
  const find: LookupFunction = (hostname, _, callback) => {
    asked.push(hostname)
    callback(Object.assign(new Error(code), { code }), [])
  }
  return { asked, find }
}

describe("Ping", () => {
  it.scopedLive("succeeds on 2xx", () =>
    Effect.gen(function*() {
      for (const respond of [answer(200, nothing.agents), answer(200), answer(204)]) {
        assert.strictEqual(yield* pinged((yield* http(respond)).url), "alive")
      }
    }))

  it.scopedLive("succeeds on every answer that shows a server that is there", () =>
    Effect.gen(function*() {
      for (const status of [301, 400, 401, 403, 404, 429]) {
        assert.strictEqual(yield* pinged((yield* http(answer(status))).url), "alive", String(status))
      }
    }))

  it.scopedLive("fails on 5xx", () =>
    Effect.gen(function*() {
      for (const status of [500, 502, 503, 504, 599]) {
        const { url } = yield* http(answer(status, { error: "no" }))
        const error = yield* failure(url)
        assert.deepInclude(error, { _tag: "PingError", reason: "status", status, url })
        assert.strictEqual(error.message, `${url} answered ${status}`)
      }
    }))

  it.scopedLive("fails on timeout: the connection is taken, and no answer comes", () =>
    Effect.gen(function*() {
      const server = yield* tcp((socket) => socket.resume())
      const error = yield* failure(server.url, soon)
      assert.strictEqual(error.reason, "timeout")
      assert.strictEqual(error.message, `${server.url}: no answer came in time`)
      yield* eventually(server.open, (open) => open === 0)
    }))

  it.scopedLive("fails on timeout: the headers come, and the body never does", () =>
    Effect.gen(function*() {
      const server = yield* says((socket) => socket.write(head))
      assert.strictEqual(yield* pinged(server.url, soon), "timeout")
      yield* eventually(server.open, (open) => open === 0)
    }))

  it.scopedLive("fails on timeout: the answer comes in drops without an end", () =>
    Effect.gen(function*() {
      const server = yield* says((socket) => {
        socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        drip(socket, endlessly("1\r\n \r\n"))
      })
      assert.strictEqual(yield* pinged(server.url, soon), "timeout")
      yield* eventually(server.open, (open) => open === 0)
    }))

  it.scopedLive("succeeds when the answer comes in drops, but in time", () =>
    Effect.gen(function*() {
      const server = yield* says((socket) => drip(socket, `${head}${body}`))
      assert.strictEqual(yield* pinged(server.url), "alive")
    }))

  it.scopedLive("fails on connection refused", () =>
    Effect.gen(function*() {
      const url = yield* nobody
      const error = yield* failure(url)
      assert.strictEqual(error.reason, "refused")
      assert.strictEqual(error.message, `${url}: the connection was refused`)
    }))

  it.scopedLive("fails on a connection that is broken before the whole answer has come", () =>
    Effect.gen(function*() {
      const servers = [
        yield* says((socket) => socket.resetAndDestroy()),
        yield* says((socket) => socket.end()),
        yield* tcp((socket) => socket.destroy()),
        yield* says((socket) => socket.write(`${head}{`, () => socket.resetAndDestroy())),
        yield* says((socket) => socket.end(`${head}{`)),
        yield* says((socket) => socket.end("220 mail.example ESMTP\r\n"))
      ]
      for (const { url } of servers) assert.strictEqual(yield* pinged(url), "reset")
    }))

  it.scopedLive("fails on a name that can not be resolved", () =>
    Effect.gen(function*() {
      for (const code of ["ENOTFOUND", "EAI_AGAIN"]) {
        const { asked, find } = lookup(code)
        const { ping } = yield* client({ url: "https://agamemnon.example" }, { lookup: find })
        const error = yield* Effect.flip(ping)
        assert.strictEqual(error.reason, "dns")
        assert.strictEqual(error.message, "https://agamemnon.example: the host name could not be resolved")
        assert.deepStrictEqual(asked, ["agamemnon.example"])
      }
    }))

  it.scopedLive("fails on TLS that the other end does not speak, or that nobody vouches for", () =>
    Effect.gen(function*() {
      const plain = yield* http(answer(200))
      const error = yield* failure(plain.url.replace("http:", "https:"))
      assert.strictEqual(error.reason, "tls")
      assert.include(error.message, ": no secure connection could be made")
      const unknown = yield* https(SelfSigned.make(), answer(200))
      assert.strictEqual(yield* pinged(unknown.url), "tls")
      assert.deepStrictEqual([...plain.received, ...unknown.received], [])
    }))

  it.scopedLive("says what is wrong with a certificate", () =>
    Effect.gen(function*() {
      const other = SelfSigned.make({ address: [127, 0, 0, 2] })
      const expired = SelfSigned.make({ lastYear: 2021 })
      const table = [
        [SelfSigned.make(), {}, "signed by nobody who is known here; NODE_EXTRA_CA_CERTS names a file of those who are"],
        [other, { ca: other.cert }, "for another name"],
        [expired, { ca: expired.cert }, "expired"]
      ] as const
      for (const [certificate, sockets, words] of table) {
        const { received, url } = yield* https(certificate, answer(200))
        const { ping } = yield* client({ url }, sockets)
        const error = yield* Effect.flip(ping)
        assert.strictEqual(error.reason, "tls")
        assert.match(error.message, /^https:\/\/127\.0\.0\.1:\d+: no secure connection could be made: its certificate (is|has) /)
        assert.isTrue(error.message.endsWith(words), error.message)
        assert.deepStrictEqual(received, [])
      }
    }))

  it.scopedLive("says of an answer that can not be read what it is", () =>
    Effect.gen(function*() {
      const ok = "HTTP/1.1 200 OK\r\n"
      const table = [
        ["220 mail.example ESMTP\r\n", "what answers does not speak HTTP; is it an https:// address?"],
        ["\u0015\u0003\u0001\u0000\u0002\u0002(", "what answers does not speak HTTP; is it an https:// address?"],
        [`${ok}X: ${"x".repeat(70_000)}\r\n\r\n`, "the headers of the answer are larger than can be read"],
        [`${ok}X Y: 1\r\n\r\n`, "the answer is broken: Invalid header token"],
        [`${ok}Content-Length: x\r\n\r\n`, "the answer is broken: Invalid character in Content-Length"]
      ] as const
      for (const [text, words] of table) {
        const server = yield* says((socket) => socket.end(text))
        const error = yield* failure(server.url)
        assert.strictEqual(error.reason, "reset")
        assert.strictEqual(error.message, `${server.url}: ${words}`)
        yield* eventually(server.open, (open) => open === 0)
      }
    }))

  it.scopedLive("closes its socket when it is interrupted, before the answer or in the middle of it", () =>
    Effect.gen(function*() {
      for (const say of ["", head, `${head}{`]) {
        let asked = false
        const server = yield* says((socket) => {
          asked = true
          socket.write(say)
        })
        const { ping } = yield* client({ url: server.url })
        const fiber = yield* Effect.fork(ping)
        yield* eventually(Effect.sync(() => asked), (yes) => yes)
        yield* Effect.sleep("20 millis")
        assert.strictEqual(yield* server.open, 1)
        yield* Fiber.interrupt(fiber)
        yield* eventually(server.open, (open) => open === 0)
      }
    }))

  it.scopedLive("closes its socket when it has succeeded", () =>
    Effect.gen(function*() {
      const server = yield* http(answer(200, nothing.agents))
      const { ping } = yield* client({ url: server.url })
      yield* Effect.replicateEffect(ping, 3)
      assert.strictEqual(yield* server.connections, 3)
      yield* eventually(server.open, (open) => open === 0)
    }))

  it.scopedLive("asks once for one agent, with the key, whatever comes of it", () =>
    Effect.gen(function*() {
      for (const respond of [answer(200), answer(503), answer(429, "", { "retry-after": "0" })]) {
        const { received, url } = yield* http(respond)
        const { ping } = yield* client({ url, apiKey: Redacted.make("a key") })
        yield* Effect.exit(ping)
        assert.deepStrictEqual(
          received.map(({ headers, method, path }) => [method, path, headers.authorization, headers.connection]),
          [["GET", "/v1/agents?limit=1", "Bearer a key", "close"]]
        )
      }
    }))

  it.scopedLive("goes past every limit of the client", () =>
    Effect.gen(function*() {
      const { received, url } = yield* http((response, request, index) => {
        if (request.path.endsWith("limit=1")) answer(200)(response, request, index)
      })
      const { deleteAgent, ping } = yield* client({
        url,
        maxConnections: 2,
        pingTimeout: "5 seconds",
        rateLimit: { rps: 0.001, burst: 2 }
      })
      const stuck = yield* Effect.forEach([1, 2, 3], () => Effect.fork(deleteAgent(AgentId.make("a"))))
      yield* eventually(Effect.sync(() => received.length), (length) => length === 2)
      yield* Effect.replicateEffect(ping, 3)
      assert.strictEqual(received.length, 5)
      yield* Fiber.interruptAll(stuck)
    }))

  it.scopedLive("is sent once for all who ask at the same time", () =>
    Effect.gen(function*() {
      const { received, url } = yield* http(answer(200))
      const { ping, preflight } = yield* client({ url })
      yield* Effect.all(Array.from({ length: 500 }, () => [ping, preflight]).flat(), { concurrency: "unbounded" })
      assert.isAtMost(received.length, 2)
    }))
})

const explanation = (url: string) =>
  Effect.flatMap(client({ url }), ({ preflight }) => Effect.flip(preflight)).pipe(
    Effect.map(({ message }) => message)
  )

describe("Preflight", () => {
  it.scopedLive("succeeds on 2xx", () =>
    Effect.gen(function*() {
      const { received, url } = yield* http(answer(200, nothing.agents))
      const { preflight } = yield* client({ url })
      yield* preflight
      assert.lengthOf(received, 1)
    }))

  it.scopedLive("explains an answer that shows a server, but not one that can be used", () =>
    Effect.gen(function*() {
      const asked = "GET /v1/agents?limit=1 answered"
      const elsewhere = "is AGAMEMNON_URL the address of an Agamemnon of a version known here?"
      const table = [
        [answer(401, { error: "unauthorized" }), `${asked} 401: unauthorized; check AGAMEMNON_API_KEY`],
        [answer(403, { error: "not you" }), `${asked} 403: not you`],
        [answer(403), `${asked} 403: no explanation was given`],
        [answer(404), `${asked} 404: there is nothing at this path; ${elsewhere}`],
        [answer(404, "<html>\n\tNot Found</html>"), `${asked} 404: there is nothing at this path; ${elsewhere}`],
        [answer(404, { error: "not found" }), `${asked} 404: not found; is AGAMEMNON_URL the address of an Agamemnon?`],
        [
          answer(308, "", { location: "https://agamemnon.example/" }),
          `${asked} 308: a redirection to https://agamemnon.example/; ${elsewhere}`
        ]
      ] as const
      for (const [respond, message] of table) {
        const { received, url } = yield* http(respond)
        assert.strictEqual(yield* explanation(url), message)
        assert.lengthOf(received, 1)
      }
    }))

  it.scopedLive("fails as a ping does when there is no answer, at once", () =>
    Effect.gen(function*() {
      const failing = yield* http(answer(500))
      const broken = yield* says((socket) => socket.resetAndDestroy())
      for (const url of [failing.url, broken.url, yield* nobody]) {
        const { ping, preflight } = yield* client({ url })
        const error: unknown = yield* Effect.flip(preflight)
        const expected: PingError = yield* Effect.flip(ping)
        assert.deepStrictEqual(error, expected)
      }
      assert.lengthOf(failing.received, 2)
    }))
})
