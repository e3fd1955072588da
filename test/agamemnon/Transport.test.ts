import { inspect } from "node:util"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Inspectable from "effect/Inspectable"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Tracer from "effect/Tracer"
import * as AgamemnonClient from "../../src/agamemnon/AgamemnonClient.ts"
import { RequestRetry } from "../../src/agamemnon/RequestRetry.ts"
import * as EmbeddedAgamemnon from "../../src/embedded/EmbeddedAgamemnon.ts"
import * as Faults from "../../src/embedded/Faults.ts"
import { agentId, names, operations, teamId } from "../support/ClientOperations.ts"
import { eventually } from "../support/HttpQuestion.ts"
import { answer, client, http, https, inTurn, nobody, nothing, type Respond, tcp } from "../support/RawServer.ts"
import * as ScriptedHttp from "../support/ScriptedHttp.ts"
import * as SelfSigned from "../support/SelfSigned.ts"

const once = Effect.provideService(RequestRetry, { schedule: Schedule.stop, onFailure: () => Effect.void })

const team = { agentIds: [], createdAt: "", id: "t", name: "t", updatedAt: "" }

describe("Transport", () => {
  it.scopedLive("closes a plain connection after each answer", () =>
    Effect.gen(function*() {
      const server = yield* http(answer(200, { team }))
      const { hasTeam } = yield* client({ url: server.url })
      yield* Effect.replicateEffect(hasTeam(teamId), 3)
      assert.deepStrictEqual(server.received.map(({ headers }) => headers.connection), ["close", "close", "close"])
      assert.strictEqual(yield* server.connections, 3)
      yield* eventually(server.open, (open) => open === 0)
    }))

  it.scopedLive("keeps a plain connection to an embedded Agamemnon, but for pings, and closes it when another answers", () =>
    Effect.gen(function*() {
      let product: string | undefined = "Telemachy"
      const server = yield* http((response, received, index) => {
        if (product !== undefined) response.setHeader("server", product)
        answer(200, { team })(response, received, index)
      })
      const { hasTeam, ping } = yield* client({ url: server.url })
      const asked = (count: number) =>
        Effect.gen(function*() {
          const [first, before] = [server.received.length, yield* server.connections]
          yield* Effect.replicateEffect(hasTeam(teamId), count)
          return [server.received.slice(first).map(({ headers }) => headers.connection), (yield* server.connections) - before]
        })
      yield* ping
      assert.deepStrictEqual(yield* asked(3), [["keep-alive", "keep-alive", "keep-alive"], 1])
      yield* ping
      assert.deepStrictEqual([server.received.at(-1)?.headers.connection, yield* server.connections], ["close", 3])
      product = undefined
      assert.deepStrictEqual(yield* asked(3), [["keep-alive", "close", "close"], 2])
      product = "nginx"
      assert.deepStrictEqual(yield* asked(1), [["close"], 1])
    }))

  it.scopedLive("sends a create once though the connection that was kept for it is dead", () =>
    Effect.gen(function*() {
      const server = yield* EmbeddedAgamemnon.make({ workers: false })
      const { createTeam, listTeams, ping } = yield* client(server)
      yield* ping
      yield* createTeam("one", [], new Set())
      yield* server.setFaults([Faults.Refuse()])
      yield* server.setFaults([])
      yield* createTeam("two", [], new Set())
      assert.deepStrictEqual((yield* listTeams).map(({ name }) => name).toSorted(), ["one", "two"])
    }))

  it.scopedLive("keeps a secure connection for the next request", () =>
    Effect.gen(function*() {
      const certificate = SelfSigned.make()
      const server = yield* https(certificate, answer(200, { team }))
      const { hasTeam } = yield* client({ url: server.url }, { ca: certificate.cert })
      yield* Effect.replicateEffect(hasTeam(teamId), 5)
      assert.lengthOf(server.received, 5)
      assert.deepStrictEqual(new Set(server.received.map(({ headers }) => headers.connection)), new Set(["keep-alive"]))
      assert.strictEqual(yield* server.connections, 1)
    }))

  it.scopedLive("has no more requests under way than it may, and all of them in the end", () =>
    Effect.gen(function*() {
      const table = [
        [{}, 6],
        [{ maxConnections: 1 }, 1],
        [{ maxConnections: 3, rateLimit: { rps: 1000, burst: 100 } }, 3]
      ] as const
      for (const [options, limit] of table) {
        const waiting: Array<() => void> = []
        let open = true
        const { received, url } = yield* http((response, request, index) => {
          const respond = () => answer(200, { team })(response, request, index)
          if (open) waiting.push(respond)
          else respond()
        })
        const { hasTeam } = yield* client({ url, ...options })
        const asking = yield* Effect.fork(
          Effect.all(Array.from({ length: 20 }, () => hasTeam(teamId)), { concurrency: "unbounded" })
        )
        yield* eventually(Effect.sync(() => received.length), (length) => length >= limit)
        yield* Effect.sleep("50 millis")
        assert.lengthOf(received, limit)
        open = false
        for (const respond of waiting) respond()
        assert.lengthOf(yield* Fiber.join(asking), 20)
        assert.lengthOf(received, 20)
      }
    }))

  it.scopedLive("sends no more than its share of a limit of rate that processes have in common, and all of it when it is alone", () =>
    Effect.gen(function*() {
      const { received, url } = yield* http(answer(200, { team }))
      const { hasTeam, shareRate } = yield* client({ url, rateLimit: { rps: 10, burst: 6 } })
      yield* shareRate?.(3) ?? Effect.dieMessage("it has no limit to share")
      const asking = yield* Effect.fork(Effect.all(Array.from({ length: 20 }, () => hasTeam(teamId)), { concurrency: "unbounded" }))
      yield* Effect.sleep("1200 millis")
      // Two of the burst, and one for each three tokens, of which ten come in a second.
      assert.isAtLeast(received.length, 3)
      assert.isAtMost(received.length, 6)
      // More share it than there are tokens: each still has one request after the other.
      yield* shareRate?.(1000) ?? Effect.void
      const before = received.length
      yield* Effect.sleep("1500 millis")
      assert.isAbove(received.length, before)
      yield* Fiber.interrupt(asking)
      yield* shareRate?.(1) ?? Effect.void
      const alone = received.length
      yield* Effect.all(Array.from({ length: 10 }, () => hasTeam(teamId)), { concurrency: "unbounded" }).pipe(Effect.timeout("4 seconds"))
      assert.strictEqual(received.length, alone + 10)
      const unlimited = yield* client({ url })
      assert.isUndefined(unlimited.shareRate)
    }))

  it.scopedLive("says how a request failed that had no usable answer", () =>
    Effect.gen(function*() {
      const head = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
      const hung = yield* tcp((socket) => socket.resume())
      const halfway = yield* tcp((socket) => socket.once("data", () => socket.write(`${head}{`)))
      const broken = yield* tcp((socket) => socket.once("data", () => socket.end(`${head}{`)))
      const plain = yield* http(answer(200))
      const request = "GET /v1/teams/t failed:"
      const table = [
        [hung.url, `${request} no answer came in time`],
        [halfway.url, `${request} no answer came in time`],
        [broken.url, `${request} the connection was closed before an answer came`],
        [yield* nobody, `${request} the connection was refused`],
        [
          plain.url.replace("http", "https"),
          `${request} no secure connection could be made: what answers does not speak TLS; is it an http:// address?`
        ]
      ] as const
      for (const [url, message] of table) {
        const requestTimeout = message.endsWith("in time") ? "150 millis" : "10 seconds"
        const { hasTeam } = yield* client({ url, requestTimeout })
        const error = yield* Effect.flip(once(hasTeam(teamId)))
        assert.strictEqual(error.message, message)
        assert.strictEqual(error.reason, "Transport")
      }
      yield* eventually(Effect.all([hung.open, halfway.open]), ([one, other]) => one + other === 0)
    }))

  it.scopedLive("closes the socket of a request that is interrupted", () =>
    Effect.gen(function*() {
      const { open, received, url } = yield* http(() => {})
      const { hasTeam } = yield* client({ url })
      const fiber = yield* Effect.fork(hasTeam(teamId))
      yield* eventually(Effect.sync(() => received.length), (length) => length === 1)
      yield* Fiber.interrupt(fiber)
      yield* eventually(open, (sockets) => sockets === 0)
    }))

  it.scopedLive("reports a refusal at once, while other requests of the same work wait for their answers", () =>
    Effect.gen(function*() {
      let refuse = () => {}
      const { open, received, url } = yield* http((response, request, index) => {
        if (request.body.includes("refused")) refuse = () => answer(400, { error: "no" })(response, request, index)
        if (index === 2) refuse()
      })
      const agamemnon = yield* client({ url, rateLimit: { rps: 1000, burst: 100 } })
      const asking = Effect.forEach(
        ["slow", "refused", "slow"],
        (name) => agamemnon.createAgent({ name }, new Set()),
        { concurrency: "unbounded" }
      )
      const error = yield* Effect.flip(Effect.timeoutFail(asking, { duration: "10 seconds", onTimeout: () => "slow" }))
      assert.deepInclude(error, { reason: "Refused", status: 400, detail: "no" })
      assert.lengthOf(received, 3)
      yield* eventually(open, (sockets) => sockets === 0)
    }))

  it.scopedLive("sends the length of a body that is empty, without which Agamemnon waits", () =>
    Effect.gen(function*() {
      const { received, url } = yield* http(answer(200, { id: "a", status: "online" }))
      const { startAgent } = yield* client({ url })
      yield* startAgent(agentId)
      assert.deepStrictEqual(received.map(({ headers }) => headers["content-length"]), ["0"])
    }))

  it.scopedLive("finds Agamemnon behind a path, and names requests without it", () =>
    Effect.gen(function*() {
      const { received, url } = yield* http(inTurn(answer(200), answer(200, { team }), answer(403, { error: "no" })))
      const { hasTeam, ping, url: shown } = yield* client({ url: `${url}/proxy/agamemnon//` })
      yield* ping
      yield* hasTeam(teamId)
      const error = yield* Effect.flip(hasTeam(teamId))
      assert.deepStrictEqual(received.map(({ path }) => path), [
        "/proxy/agamemnon/v1/agents?limit=1",
        "/proxy/agamemnon/v1/teams/t",
        "/proxy/agamemnon/v1/teams/t"
      ])
      assert.strictEqual(error.path, "/v1/teams/t")
      assert.strictEqual(shown, `${url}/proxy/agamemnon`)
    }))

  it.scopedLive("understands the errors of fetch as well", () =>
    Effect.gen(function*() {
      const { hasTeam, ping } = yield* Effect.provide(
        AgamemnonClient.make({ url: yield* nobody }),
        FetchHttpClient.layer
      )
      assert.strictEqual((yield* Effect.flip(once(hasTeam(teamId)))).transport, "refused")
      assert.strictEqual((yield* Effect.flip(ping)).reason, "refused")
    }))
})

// Long enough to be cut in two where an error ends.
const secret = `s3cr3t\t${"k3y".repeat(40)}`

/** Repeats the request that it is asked, as a proxy in trouble may. */
const echo = (status: number): Respond => (response, { headers }, index) => {
  const echoed = { error: `unexpected header Authorization: ${headers.authorization}, ${headers.authorization}` }
  answer(status, echoed, { "retry-after": "0.001" })(response, { method: "", path: "", headers, body: "" }, index)
}

const redirecting = answer(302, "", { location: `https://login.example/${secret}?token=${secret}` })

/** Echoes it where an answer is decoded. */
const echoDecoded: Respond = (response, received, index) =>
  answer(200, { team: received.headers, agents: received.headers, id: received.headers })(response, received, index)

describe("The key", () => {
  it.scopedLive("is sent with every request", () =>
    Effect.gen(function*() {
      const { received, url } = yield* http(answer(403))
      const agamemnon = yield* client({ url, apiKey: Redacted.make(secret) })
      yield* Effect.forEach(Object.values(operations(agamemnon)), Effect.exit)
      yield* Effect.exit(agamemnon.ping)
      yield* Effect.exit(agamemnon.preflight)
      assert.lengthOf(received, names.length + 2)
      assert.isTrue(received.every(({ headers }) => headers.authorization === `Bearer ${secret}`))
    }))

  it.scopedLive("is in no error, log entry or span, whatever goes wrong, even if the server repeats it", () => {
    const written: Array<string> = []
    const spans: Array<Tracer.Span> = []
    const collecting = Effect.map(Effect.tracer, (tracer) =>
      Tracer.make({
        context: (execute, fiber) => tracer.context(execute, fiber),
        span: (...definition) => {
          const span = tracer.span(...definition)
          spans.push(span)
          return span
        }
      }))
    const write = (value: unknown) =>
      written.push(String(value), JSON.stringify(value), inspect(value, { depth: 12, showHidden: true }))
    const logger = Logger.make(({ annotations, cause, message }) =>
      written.push(Inspectable.format([message, Cause.pretty(cause), [...annotations]])))
    return Effect.gen(function*() {
      const responds = [401, 400, 404, 429, 500, 503].map(echo)
      const urls = yield* Effect.forEach([...responds, echoDecoded, answer(200, "<html>"), redirecting], (respond) =>
        Effect.map(http(respond), ({ url }) => url))
      const tracer = yield* collecting
      for (const url of [...urls, yield* nobody, (yield* tcp((socket) => socket.destroy())).url]) {
        const agamemnon = yield* client({ url, apiKey: Redacted.make(secret) })
        write(agamemnon)
        const { ping, preflight } = agamemnon
        for (const request of [...Object.values(operations(agamemnon)), ping, preflight]) {
          const exit = yield* request.pipe(
            Effect.tapErrorCause((cause) => Effect.logError("failed", cause)),
            once,
            Effect.withTracer(tracer),
            Effect.exit
          )
          if (Exit.isFailure(exit)) {
            write(exit)
            written.push(Cause.pretty(exit.cause))
            write(Cause.squash(exit.cause))
          }
        }
      }
      for (const { attributes, name } of spans) written.push(Inspectable.format([name, [...attributes]]))
      assert.isAbove(written.length, 500)
      assert.deepStrictEqual(written.filter((text) => text.includes("k3yk3y")), [])
      for (const shown of ["unexpected header Authorization: Bearer <redacted>", "http.request.header.authorization"]) {
        assert.isTrue(written.some((text) => text.includes(shown)), shown)
      }
    }).pipe(
      Effect.provide(Logger.replace(Logger.defaultLogger, logger)),
      Logger.withMinimumLogLevel(LogLevel.All)
    )
  })
})

describe("TLS", () => {
  it.scopedLive("is asked of every host but this machine, before a name is looked up or a byte is sent", () =>
    Effect.gen(function*() {
      const { connections, url } = yield* http(answer(200, { team }))
      const { port } = new URL(url)
      const asked: Array<string> = []
      const lookup = (
        hostname: string,
        _: object,
        callback: (error: null, addresses: Array<{ readonly address: string; readonly family: number }>) => void
      ) => {
        asked.push(hostname)
        callback(null, [{ address: "127.0.0.1", family: 4 }])
      }
      for (const other of [`http://agamemnon.example:${port}`, `HTTP://agamemnon.example:${port}/`]) {
        const error = yield* Effect.flip(client({ url: other, apiKey: Redacted.make(secret) }, { lookup }))
        assert.strictEqual(error._tag, "TlsRequiredError")
        assert.strictEqual(
          error.message,
          `http://agamemnon.example:${port} is not encrypted and not on this machine: ` +
            "use https://, or set REQUIRE_TLS=false if the network is trusted"
        )
      }
      yield* Effect.sleep("50 millis")
      assert.deepStrictEqual([asked, yield* connections], [[], 0])

      const trusting = yield* client({ url: `http://agamemnon.example:${port}`, requireTls: false }, { lookup })
      assert.isTrue(yield* trusting.hasTeam(teamId))
      assert.deepStrictEqual([asked, yield* connections], [["agamemnon.example"], 1])
    }))

  it.scoped("is not asked of this machine, by whichever name", () =>
    Effect.gen(function*() {
      for (const host of ["localhost", "127.0.0.1", "127.9.9.9", "[::1]"]) {
        const { agamemnon } = yield* ScriptedHttp.client(() => ({ status: 200, body: nothing.agents }), {
          url: `http://${host}:1`
        })
        assert.deepStrictEqual(yield* agamemnon.listAgents, [])
      }
    }))
})
