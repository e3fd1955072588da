/** Servers of a few lines on loopback sockets, for all that an embedded Agamemnon does not do, and a client of them. */
import {
  createServer as createHttpServer,
  type IncomingHttpHeaders,
  type RequestListener,
  type ServerResponse
} from "node:http"
import { type AgentOptions, createServer as createHttpsServer } from "node:https"
import { createServer, type Server, type Socket } from "node:net"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as AgamemnonClient from "../../src/agamemnon/AgamemnonClient.ts"
import * as Connections from "../../src/agamemnon/Connections.ts"
import type { SelfSigned } from "./SelfSigned.ts"

/** A server, and what has happened at its sockets. */
export interface RawServer {
  readonly url: string
  /** How many connections were made. */
  readonly connections: Effect.Effect<number>
  /** How many of them are open. */
  readonly open: Effect.Effect<number>
}

const listening = (server: Server, scheme: string) => {
  const sockets = new Set<Socket>()
  let connections = 0
  server.on("connection", (socket) => {
    connections += 1
    sockets.add(socket)
    // A client may break a connection at any time.
    socket.on("error", () => {}).on("close", () => sockets.delete(socket))
  })
  return Effect.acquireRelease(
    Effect.async<RawServer>((resume) => {
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        const port = typeof address === "object" && address !== null ? address.port : 0
        resume(Effect.succeed({
          url: `${scheme}://127.0.0.1:${port}`,
          connections: Effect.sync(() => connections),
          open: Effect.sync(() => sockets.size)
        }))
      })
    }),
    () =>
      Effect.async<void>((resume) => {
        server.close(() => resume(Effect.void))
        for (const socket of sockets) socket.destroy()
      })
  )
}

/** Takes connections, and does with each what it is told. */
export const tcp = (onConnection: (socket: Socket) => void) => listening(createServer(onConnection), "http")

/** The address of a port on which nobody listens. */
export const nobody = Effect.map(Effect.scoped(tcp(() => {})), ({ url }) => url)

/** A request that was received. */
export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** What is done about a request. */
export type Respond = (response: ServerResponse, received: Received, index: number) => void

const listener = (respond: Respond, received: Array<Received>): RequestListener => (request, response) => {
  const chunks: Array<Buffer> = []
  request.on("data", (chunk: Buffer) => chunks.push(chunk))
  request.on("end", () => {
    const { headers, method = "", url: path = "" } = request
    const one = { method, path, headers, body: Buffer.concat(chunks).toString() }
    respond(response, one, received.push(one) - 1)
  })
}

/** Serves HTTP, and remembers what it was asked. */
export const http = Effect.fnUntraced(function*(respond: Respond) {
  const received: Array<Received> = []
  const server = yield* listening(createHttpServer(listener(respond, received)), "http")
  return { ...server, received }
})

/** Serves HTTPS, and remembers what it was asked. */
export const https = Effect.fnUntraced(function*(certificate: SelfSigned, respond: Respond) {
  const received: Array<Received> = []
  const server = yield* listening(createHttpsServer(certificate, listener(respond, received)), "https")
  return { ...server, received }
})

/** Answers with a status and a body: a text as it is, anything else as JSON. */
export const answer = (
  status: number,
  body: unknown = "",
  headers: Readonly<Record<string, string>> = {}
): Respond =>
(response) => {
  const isText = typeof body === "string"
  response.writeHead(status, isText ? headers : { "content-type": "application/json", ...headers }).end(isText ? body : JSON.stringify(body))
}

/** Answers each request as the next of these says, and all that follow as the last. */
export const inTurn = (...responds: ReadonlyArray<Respond>): Respond => (response, received, index) =>
  responds[Math.min(index, responds.length - 1)]?.(response, received, index)

/** An empty page of each list, and any other thing that a client asks for. */
export const nothing = {
  agents: { agents: [], limit: 1000, offset: 0, total: 0 },
  tasks: { limit: 1000, offset: 0, tasks: [], total: 0 },
  teams: { limit: 1000, offset: 0, teams: [], total: 0 }
}

/** Makes a client over sockets of its own, as the command does. */
export const client = Effect.fnUntraced(function*(
  options: AgamemnonClient.Options,
  sockets: AgentOptions = {}
) {
  const context = yield* Layer.build(Connections.layer(sockets))
  return yield* Effect.provide(AgamemnonClient.make(options), context)
})
