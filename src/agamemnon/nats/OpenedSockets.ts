/**
 * The sockets that somebody else's code opens.
 *
 * The client of NATS gives up on a server that takes its connection and is
 * silent, but leaves the socket open: there would be one more with every
 * attempt, and the process could not end before the server does.
 */
import { AsyncLocalStorage } from "node:async_hooks"
import { subscribe, unsubscribe } from "node:diagnostics_channel"
import { Socket } from "node:net"
import * as Predicate from "effect/Predicate"

const storage = new AsyncLocalStorage<Set<Socket>>()
const channel = "net.client.socket"

/** Does something, and destroys the sockets that it has opened when it fails or is aborted. */
export const releasing = async <A>(signal: AbortSignal, act: () => Promise<A>): Promise<A> => {
  const opened = new Set<Socket>()
  const note = (message: unknown) => {
    if (storage.getStore() !== opened || !Predicate.hasProperty(message, "socket")) return
    if (message.socket instanceof Socket) opened.add(message.socket)
    if (signal.aborted) destroy()
  }
  const destroy = () => {
    for (const socket of opened) socket.destroy()
  }
  subscribe(channel, note)
  signal.addEventListener("abort", destroy)
  try {
    return await storage.run(opened, act)
  } catch (error) {
    destroy()
    throw error
  } finally {
    unsubscribe(channel, note)
    signal.removeEventListener("abort", destroy)
  }
}
