/**
 * The connections to Agamemnon, over the sockets of Node, and which of them are
 * kept.
 *
 * A request that asks its connection to be closed has one of its own, which
 * nobody uses before or after it: HTTP/1.1 does not oblige a server to repeat
 * the word, and without that Node would keep the connection for the next
 * request. All others share connections that are kept, and are dropped before a
 * server, or something on the way, forgets them.
 */
import type { AgentOptions } from "node:https"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** How long a connection is kept without a request: less than the 5 seconds of Agamemnon. */
export const idleTimeout = Duration.seconds(4)

const clientOf = (options: AgentOptions) =>
  Effect.flatMap(NodeHttpClient.makeAgent(options), (agent) =>
    Effect.provideService(NodeHttpClient.make, NodeHttpClient.HttpAgent, agent))

const asksToClose = ({ headers }: HttpClientRequest.HttpClientRequest): boolean => headers["connection"] === "close"

/** Layer of the connections. */
export const layer = (options: AgentOptions = {}): Layer.Layer<HttpClient.HttpClient> =>
  Layer.scoped(
    HttpClient.HttpClient,
    Effect.gen(function*() {
      const kept = yield* clientOf({ timeout: Duration.toMillis(idleTimeout), ...options, keepAlive: true })
      const own = yield* clientOf({ ...options, keepAlive: false })
      return HttpClient.transform(kept, (execute, request) => (asksToClose(request) ? own.execute(request) : execute))
    })
  )
