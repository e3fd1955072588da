import { createConnection, createServer, type Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as OpenedSockets from "../../../src/agamemnon/nats/OpenedSockets.ts"
import { eventually } from "../../support/HttpQuestion.ts"

/** A server that takes connections and is silent. */
const silent = Effect.gen(function*() {
  const sockets = new Set<Socket>()
  const server = yield* Effect.acquireRelease(
    Effect.async<ReturnType<typeof createServer>>((resume) => {
      const server = createServer((socket) => {
        sockets.add(socket)
        socket.on("close", () => sockets.delete(socket))
      }).listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close())
  )
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  return { port, open: (count: number) => eventually(Effect.sync(() => sockets.size), (size) => size === count) }
})

/** Opens a socket, a moment after it was asked to. */
const open = (port: number, then: (socket: Socket) => Promise<Socket>) => async () => {
  await Promise.resolve()
  const socket = createConnection({ port, host: "127.0.0.1" })
  await new Promise((resolve) => socket.once("connect", resolve))
  return then(socket)
}

describe("OpenedSockets", () => {
  it.scopedLive("are destroyed when what has opened them fails, and nobody else's", () =>
    Effect.gen(function*() {
      const { open: isOpen, port } = yield* silent
      const { signal } = new AbortController()
      const kept = yield* Effect.promise(() => OpenedSockets.releasing(signal, open(port, (socket) => Promise.resolve(socket))))
      const failing = OpenedSockets.releasing(signal, open(port, () => isOpen(3).pipe(Effect.runPromise).then(() => Promise.reject(new Error("no")))))
      const other = createConnection({ port, host: "127.0.0.1" })
      const error = yield* Effect.flip(Effect.tryPromise({ try: () => failing, catch: String }))
      assert.strictEqual(error, "Error: no")
      yield* isOpen(2)
      assert.isFalse(kept.destroyed)
      assert.isFalse(other.destroyed)
      kept.destroy()
      other.destroy()
      yield* isOpen(0)
    }))

  it.scopedLive("are destroyed at once when nobody waits any longer", () =>
    Effect.gen(function*() {
      const { open: isOpen, port } = yield* silent
      const controller = new AbortController()
      const hanging = OpenedSockets.releasing(controller.signal, open(port, (socket) =>
        new Promise((_, reject) => socket.once("close", () => reject(new Error("closed"))))))
      yield* isOpen(1)
      controller.abort()
      const error = yield* Effect.flip(Effect.tryPromise({ try: () => hanging, catch: String }))
      assert.strictEqual(error, "Error: closed")
      yield* isOpen(0)
    }))
})
