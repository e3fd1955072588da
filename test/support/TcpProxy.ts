/** Something between the command and a server that it talks to, which a test can break. */
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http"
import { connect, createServer as createTcpServer, type Socket } from "node:net"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"
import { eventually } from "./HttpQuestion.ts"

/** What happens at one request. */
export interface Strike {
  /** Which one, counted from 1: of all before it gets to the server, and of those that change something when it has been answered. */
  readonly at: number
  /** Before it gets to the server, or when it has been answered and the answer is on its way. */
  readonly moment: "before" | "after"
  readonly carryOut: () => void
}

/** A proxy of a server that speaks HTTP. */
export interface Http {
  readonly url: string
  /** How many requests were received. */
  readonly requests: () => number
  /** How many of them were to change something. */
  readonly changes: () => number
  /** Carries something out at a request; from then on, no request gets through and no answer comes back. */
  readonly strike: (strike: Strike) => void
  /** Lets everything through again, when nothing is on its way any more. */
  readonly heal: Effect.Effect<void>
}

/** Puts a proxy in front of a server. */
export const http = Effect.fn("proxy.http")(function*(to: string): Effect.fn.Return<Http, never, Scope.Scope> {
  let received = 0
  let changes = 0
  let underWay = 0
  let isCut = false
  let pending: Strike | undefined

  const carryOut = (strike: Strike) => {
    isCut = true
    pending = undefined
    strike.carryOut()
  }

  const pass = (incoming: IncomingMessage, outgoing: ServerResponse, strike: Strike | undefined) => {
    const { headers, method, url = "" } = incoming
    underWay += 1
    const forward = request(`${to}${url}`, { method, headers, agent: false }, (answer) => {
      const chunks: Array<Buffer> = []
      answer.on("data", (chunk: Buffer) => chunks.push(chunk))
      answer.on("close", () => {
        underWay -= 1
        if (strike !== undefined) carryOut(strike)
        if (isCut) outgoing.destroy()
        else outgoing.writeHead(answer.statusCode ?? 0, answer.headers).end(Buffer.concat(chunks))
      })
    })
    forward.on("error", () => {
      underWay -= 1
      outgoing.destroy()
    })
    incoming.pipe(forward)
  }

  const server = createServer((incoming, outgoing) => {
    received += 1
    const isChange = incoming.method !== "GET"
    if (isChange) changes += 1
    const isIt = pending?.moment === "before" ? pending.at === received : isChange && pending?.at === changes
    const strike = isIt ? pending : undefined
    if (strike?.moment === "before") carryOut(strike)
    if (isCut) incoming.socket.destroy()
    else pass(incoming, outgoing, strike)
  })
  const port = yield* Effect.acquireRelease(
    Effect.async<number>((resume) => {
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0))
      })
    }),
    () =>
      Effect.sync(() => {
        server.close()
        server.closeAllConnections()
      })
  )

  return {
    url: `http://127.0.0.1:${port}`,
    requests: () => received,
    changes: () => changes,
    strike: (strike) => {
      pending = strike
    },
    heal: Effect.orDie(eventually(Effect.sync(() => underWay), (requests) => requests === 0)).pipe(
      Effect.zipRight(Effect.sync(() => {
        isCut = false
        pending = undefined
      }))
    )
  }
})

/** A proxy of a server that speaks anything. */
export interface Tcp {
  readonly port: number
  /** How many connections it has taken. */
  readonly connections: () => number
  /** Breaks all connections, and takes no others. */
  readonly close: Effect.Effect<void>
  /** Takes connections again, on the same port. */
  readonly open: Effect.Effect<void>
  /** Breaks all connections, and takes others. */
  readonly cut: Effect.Effect<void>
  /** Lets nothing through on any connection that there is, and breaks none. With `others`, on none that comes after it either. */
  readonly freeze: (others: boolean) => Effect.Effect<void>
  /** Lets everything through again. */
  readonly thaw: Effect.Effect<void>
}

/** Puts a proxy in front of a server, each of whose answers is delayed. */
export const tcp = Effect.fn("proxy.tcp")(function*(
  to: { readonly host: string; readonly port: number },
  delay: Duration.DurationInput = 0
): Effect.fn.Return<Tcp, never, Scope.Scope> {
  const sockets = new Set<Socket>()
  let taken = 0
  let isFrozen = false
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.on("close", () => sockets.delete(socket)).on("error", () => {})
  }
  const runtime = yield* Effect.runtime()
  const later = (action: () => unknown) => Runtime.runFork(runtime)(Effect.delay(Effect.sync(action), delay))
  const pass = (from: Socket, into: Socket, when: (action: () => unknown) => unknown) => {
    from.on("data", (chunk) => when(() => into.write(chunk))).on("end", () => when(() => into.end()))
  }
  const server = createTcpServer((near) => {
    const far = connect(to)
    taken += 1
    keep(near)
    keep(far)
    pass(near, far, (action) => action())
    pass(far, near, later)
    if (isFrozen) near.pause()
  })
  const cut = Effect.sync(() => sockets.forEach((socket) => socket.destroy()))
  const close = Effect.async<void>((resume) => {
    server.close(() => resume(Effect.void))
    sockets.forEach((socket) => socket.destroy())
  })
  const listen = (port: number) =>
    Effect.async<number>((resume) => {
      server.listen(port, "127.0.0.1", () => {
        const address = server.address()
        resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0))
      })
    })
  const port = yield* Effect.acquireRelease(listen(0), () => close)
  return {
    port,
    connections: () => taken,
    close,
    open: Effect.asVoid(listen(port)),
    cut,
    freeze: (others) =>
      Effect.sync(() => {
        isFrozen = others
        sockets.forEach((socket) => socket.pause())
      }),
    thaw: Effect.sync(() => {
      isFrozen = false
      sockets.forEach((socket) => socket.resume())
    })
  }
})
