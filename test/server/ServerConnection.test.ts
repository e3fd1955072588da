import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import manifest from "../../package.json" with { type: "json" }
import { RunId } from "../../src/run/RunId.ts"
import * as RunsClient from "../../src/server/RunsClient.ts"
import * as ServerConnection from "../../src/server/ServerConnection.ts"
import * as ServerRunReader from "../../src/server/ServerRunReader.ts"
import * as RunReader from "../../src/store/RunReader.ts"
import * as RawServer from "../support/RawServer.ts"

const key = "a key that nobody else may see"

/** What reads from a server, as the settings say. */
const readerOf = (settings: Readonly<Record<string, string>>, http = NodeHttpClient.layer) =>
  Effect.provide(RunReader.RunReader, ServerRunReader.layer.pipe(
    Layer.provide(Layer.provide(ServerConnection.layer, http)),
    Layer.provide(Layer.setConfigProvider(ConfigProvider.fromMap(new Map(Object.entries({ TELEMACHY_SERVER_KEY: key, ...settings })))))
  ))

/** The sentence with which nothing can be read from a server. */
const problem = (settings: Readonly<Record<string, string>>, http = NodeHttpClient.layer) =>
  Effect.flatMap(readerOf(settings, http), ({ find }) => find("latest")).pipe(Effect.flip, Effect.map(({ message }) => message))

/** The same of a server that answers so. */
const answering = (respond: RawServer.Respond, http = NodeHttpClient.layer) =>
  Effect.gen(function*() {
    const { received, url } = yield* RawServer.http(respond)
    const message = yield* problem({ TELEMACHY_SERVER: url, REQUEST_TIMEOUT_SECONDS: "1" }, http)
    assert.notInclude(message, key)
    return { received, said: message.replaceAll(url, "URL") }
  })

const said = (respond: RawServer.Respond) => Effect.map(answering(respond), ({ said }) => said)

const versioned = (version: string, respond: RawServer.Respond): RawServer.Respond => (response, received, index) =>
  (received.path === "/v1/version" ? RawServer.answer(200, { name: "telemachy", version }) : respond)(response, received, index)

describe("a server that is asked for runs", () => {
  it.scopedLive("says in a sentence why it is none, or does not answer", () =>
    Effect.gen(function*() {
      const nobody = yield* RawServer.nobody
      assert.strictEqual(yield* problem({ TELEMACHY_SERVER: nobody }), `the server ${nobody} does not answer: the connection was refused`)
      assert.strictEqual(yield* said(() => {}), "the server URL does not answer within 1s")
      const silent = yield* RawServer.tcp((socket) => socket.end("SSH-2.0-OpenSSH_9\r\n"))
      assert.match(yield* problem({ TELEMACHY_SERVER: silent.url }), /^the server \S+ does not answer: what answers does not speak HTTP/)

      const html = RawServer.answer(200, "<html>hello</html>")
      assert.strictEqual(yield* said(html), "the server URL is no telemachy serve, as it seems: its answer is not what was expected")
      assert.strictEqual(yield* said(RawServer.answer(200, { hello: true })), "the server URL is no telemachy serve, as it seems: its answer is not what was expected")
      assert.strictEqual(yield* said(RawServer.answer(404, "<html>")), "the server URL is no telemachy serve, as it seems: it answers with status 404")
      assert.strictEqual(
        yield* said(versioned("9.9.9", RawServer.answer(404))),
        `the server URL is Telemachy 9.9.9, and this is ${manifest.version}, which does not understand it: it answers with status 404`
      )
      assert.strictEqual(yield* said(RawServer.answer(502, "<html>")), "the server URL answers with status 502")
      assert.strictEqual(yield* said(RawServer.answer(503, { _tag: "BusyError", message: "256 requests are under way" })), "the server URL has too much to do: 256 requests are under way")
      assert.strictEqual(yield* said(RawServer.answer(421, { _tag: "MisdirectedRequestError", message: "this server is not called so" })), "the server URL has refused that: this server is not called so")
      assert.strictEqual(
        yield* said(RawServer.answer(401, { _tag: "UnauthorizedError", message: "a key is asked for" })),
        "the server URL does not know the key that was given (TELEMACHY_SERVER_KEY, --server-key-file)"
      )
      assert.strictEqual(yield* said(RawServer.answer(403, { _tag: "ForbiddenError", message: "the key of reader may only look" })), "the server URL has refused that: the key of reader may only look")
      assert.strictEqual(yield* said(RawServer.answer(404, { _tag: "RunUnknownError", run: "latest", message: "whatever" })), "no run latest is recorded, see telemachy list --all")
      const away = { _tag: "JournalError", action: "read", where: "postgres://db", detail: "it is away", isTransient: true, message: "whatever" }
      assert.strictEqual(yield* said(RawServer.answer(503, away)), "the journal of runs (postgres://db) cannot be read: it is away")
      const broken: RawServer.Respond = (response) => {
        response.writeHead(200, { "content-length": "999" }).write("{\"run\":", () => response.destroy())
      }
      assert.match(yield* said(broken), /^the server URL (has broken its answer off|does not answer: the connection was closed)/)
    }))

  for (const [name, http] of [["node", NodeHttpClient.layer], ["fetch", FetchHttpClient.layer]] as const) {
    it.scopedLive(`is sent the key, and nobody to whom it sends on (${name})`, () =>
      Effect.gen(function*() {
        const other = yield* RawServer.http(RawServer.answer(200, {}))
        const { received, said } = yield* answering(RawServer.answer(307, "", { location: `${other.url}/v1/runs` }), http)
        assert.strictEqual(said, `the server URL sends on to ${other.url}/v1/runs (status 307), where no key is sent: name that address, if it is meant`)
        assert.strictEqual(received[0]?.headers.authorization, `Bearer ${key}`)
        assert.deepStrictEqual(other.received, [])
      }))
  }

  it.effect("is sent no key in plain text over a network, unless that is allowed, and none that is missing", () =>
    Effect.gen(function*() {
      assert.strictEqual(
        yield* problem({ TELEMACHY_SERVER: "http://runs.example:7150" }),
        "http://runs.example:7150 is not encrypted and not on this machine: use https://, or set REQUIRE_TLS=false if the network is trusted"
      )
      yield* readerOf({ TELEMACHY_SERVER: "http://runs.example:7150", REQUIRE_TLS: "false" })
      yield* readerOf({ TELEMACHY_SERVER: "https://runs.example/telemachy/" })
      assert.strictEqual(
        yield* problem({ TELEMACHY_SERVER: "https://runs.example", TELEMACHY_SERVER_KEY: "" }),
        "the server https://runs.example asks for a key: TELEMACHY_SERVER_KEY, or --server-key-file"
      )
    }))
})

const run = RunId.make("aaaaaaaaaaaaaaaa")

const event = (seq: number) => `id: ${seq}\nevent: request.failed\ndata: ${
  JSON.stringify({ _tag: "request.failed", run, workflow: "flow", at: "2026-01-01T00:00:00.000Z", error: `number ${seq}` })
}\n\n`

describe("a stream of a server", () => {
  it.scopedLive("goes on where it was when its connection is lost, with no gap and nothing told twice", () =>
    Effect.gen(function*() {
      const froms: Array<string | null> = []
      const { url } = yield* RawServer.http((response, { path }) => {
        const from = new URL(path, "http://x").searchParams.get("from")
        const attempt = froms.push(from)
        response.writeHead(200, { "content-type": "text/event-stream" }).write("retry: 1000\n\n")
        // An event is cut in two, and one of a newer version is between.
        if (attempt === 1) {
          response.write(`${event(0)}id: 1\nevent: run.dreamt\ndata: {"_tag":"run.dreamt"}\n\n${event(2)}id: 3\nevent: request.fa`, () => response.destroy())
        } else if (attempt === 2) response.end(`: \n\n${event(3)}`)
        else response.end(`${event(4)}event: end\ndata: {"reason":"over"}\n\n`)
      })
      const client = yield* Effect.provide(RunsClient.RunsClient, Layer.provide(RunsClient.layer({ url, key: Redacted.make(key) }), NodeHttpClient.layer))
      const found = yield* Stream.runCollect(client.follow(run))
      assert.deepStrictEqual(Chunk.toReadonlyArray(found).map(({ seq }) => seq), [0, 2, 3, 4])
      assert.deepStrictEqual(froms, ["0", "3", "4"])
    }))

  it.scopedLive("is refused at once where there is no such run, and no such log", () =>
    Effect.gen(function*() {
      const { received, url } = yield* RawServer.http(RawServer.answer(404, { _tag: "RunUnknownError", message: "no run is recorded" }))
      const client = yield* Effect.provide(RunsClient.RunsClient, Layer.provide(RunsClient.layer({ url, key: Redacted.make(key) }), NodeHttpClient.layer))
      assert.strictEqual((yield* Effect.flip(Stream.runDrain(client.follow(run)))).message, `the server ${url} has refused that: no run is recorded`)
      assert.strictEqual((yield* Effect.flip(Stream.runDrain(client.log(run, { task: "a" })))).message, `the server ${url} has refused that: no run is recorded`)
      assert.lengthOf(received, 2)
    }))

  it.scopedLive("of a log goes on behind the lines that were read", () =>
    Effect.gen(function*() {
      const line = (second: number, text: string) => `${JSON.stringify({ at: `2026-01-01T00:00:0${second}.000Z`, stream: "stdout", text })}\n`
      const { url } = yield* RawServer.http((response, { path }, index) => {
        assert.match(path, /task=crew%2Fsay/)
        const isFirst = index === 0
        const read = `${line(1, "a")}\n${line(1, "b")}`
        response.writeHead(200, { "content-type": "application/x-ndjson" }).write(read, () => isFirst && response.destroy())
        if (!isFirst) response.end(`${line(1, "c")}${line(2, "d")}`)
      })
      const client = yield* Effect.provide(RunsClient.RunsClient, Layer.provide(RunsClient.layer({ url, key: Redacted.make(key) }), NodeHttpClient.layer))
      const told: Array<string> = []
      const reading = yield* Effect.fork(Stream.runForEach(
        client.log(run, { task: "crew/say", follow: true, onOutage: ({ problem }) => Effect.sync(() => void told.push(problem)) }),
        ({ text }) => Effect.sync(() => void told.push(text))
      ))
      yield* Fiber.join(reading)
      assert.deepStrictEqual(told, ["a", "b", "has broken its answer off", "c", "d"])
    }))
})
