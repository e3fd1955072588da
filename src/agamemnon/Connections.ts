/**
 * The connections to Agamemnon, over the sockets of Node, and which of them are
 * kept.
 *
 * A request that asks its connection to be closed has one of its own, which
 * nobody uses before or after it: HTTP/1.1 does not oblige a server to repeat
 * the word, and without that Node would keep the connection for the next
 * request. All others share connections that are kept, and are dropped before a
 * server, or something on the way, forgets them.
 *
 * An answer is read to its end, within its limit, before it is handed on: one
 * callback for all of it costs half of what a stream and two fibers do.
 */
import * as Http from "node:http"
import * as Https from "node:https"
import type * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as UrlParams from "@effect/platform/UrlParams"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as BodyLimit from "./BodyLimit.ts"
import * as RequestSpan from "./RequestSpan.ts"
import { WholeAnswer } from "./WholeAnswer.ts"

/** How long a connection is kept without a request: less than the 5 seconds of Agamemnon. */
export const idleTimeout = Duration.seconds(4)

/** The connections of requests to `http://` and to `https://`. */
interface Agents {
  readonly http: Http.Agent
  readonly https: Https.Agent
}

const agents = (options: Https.AgentOptions): Effect.Effect<Agents, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => ({ http: new Http.Agent(options), https: new Https.Agent(options) })),
    ({ http, https }) =>
      Effect.sync(() => {
        http.destroy()
        https.destroy()
      })
  )

const asksToClose = ({ headers }: HttpClientRequest.HttpClientRequest): boolean => headers["connection"] === "close"

/** The bytes of a body. This client has no others to send. */
const bytesOf = (body: HttpBody.HttpBody): Uint8Array | undefined => (body._tag === "Uint8Array" ? body.body : undefined)

/** Makes a client with connections of its own, which are closed with the scope. */
export const make = Effect.fnUntraced(function*(options: Https.AgentOptions = {}) {
  const kept = yield* agents({ timeout: Duration.toMillis(idleTimeout), ...options, keepAlive: true })
  const own = yield* agents({ ...options, keepAlive: false })
  const execute = RequestSpan.within((addressed) =>
    Effect.flatMap(BodyLimit.BodyLimit, (limit = limitOf(addressed)) =>
      exchange({ ...addressed, agents: asksToClose(addressed.request) ? own : kept, limit })))
  return HttpClient.makeWith<HttpClientError.HttpClientError, never, HttpClientError.HttpClientError, never>(
    Effect.flatMap((request) => Effect.flatMap(urlOf(request), (url) => execute({ request, url }))),
    Effect.succeed
  )
})

/** Layer of such a client. */
export const layer = (options?: Https.AgentOptions): Layer.Layer<HttpClient.HttpClient> =>
  Layer.scoped(HttpClient.HttpClient, make(options))

const urlOf = (request: HttpClientRequest.HttpClientRequest) =>
  Either.mapLeft(UrlParams.makeUrl(request.url, request.urlParams, request.hash), (cause) =>
    new HttpClientError.RequestError({ request, reason: "InvalidUrl", cause }))

const limitOf = ({ request, url }: RequestSpan.Addressed): BodyLimit.Limit => BodyLimit.of(request.method, url.pathname + url.search)

/** A request, and what its answer may be. */
interface Options extends RequestSpan.Addressed {
  readonly agents: Agents
  readonly limit: BodyLimit.Limit
}

/** Sends a request and reads its answer. Whoever is interrupted closes the connection. */
const exchange = ({ agents, limit, request, url }: Options) =>
  Effect.async<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError>((resume) => {
    const [send, agent] = url.protocol === "https:" ? [Https.request, agents.https] : [Http.request, agents.http]
    const sent = send(url, { agent, method: request.method, headers: request.headers })
    const fail = (cause: unknown) => resume(new HttpClientError.RequestError({ request, reason: "Transport", cause }))
    sent.on("error", fail)
    sent.on("response", (response) => {
      const { headers, statusCode: status = 0 } = response
      const most = BodyLimit.isOk(status) ? limit.ok : limit.other
      const chunks: Array<Uint8Array> = []
      let length = 0
      const answer = () =>
        resume(Effect.succeed(new WholeAnswer({ request, status, headers: saidOf(headers), body: joined(chunks) })))
      response.on("data", (chunk: Uint8Array) => {
        chunks.push(chunk)
        length += chunk.length
        if (length <= most) return
        answer()
        sent.destroy()
      })
      response.on("end", answer)
      // Broken off in the middle.
      response.on("error", fail)
    })
    // Nobody has asked for another protocol. It is an answer all the same, and the last of its connection.
    sent.on("upgrade", ({ headers, statusCode: status = 0 }, socket) => {
      socket.destroy()
      resume(Effect.succeed(new WholeAnswer({ request, status, headers: saidOf(headers) })))
    })
    sent.end(bytesOf(request.body))
    return Effect.sync(() => sent.destroy())
  })

const joined = (chunks: ReadonlyArray<Uint8Array>): Uint8Array | undefined =>
  chunks.length > 1 ? Buffer.concat(chunks) : chunks[0]

/** The headers that were said. */
const saidOf = (headers: Http.IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, Array.isArray(value) ? value.join(", ") : value]]))
