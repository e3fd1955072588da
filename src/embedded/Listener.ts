/**
 * The socket: a plain HTTP server that can be told to refuse connections and to
 * take them again on the same port, and that closes at once.
 */
import { createServer, type RequestListener } from "node:http"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"

/** The address can not be listened on. */
export class AddressUnavailable extends Schema.TaggedError<AddressUnavailable>()("AddressUnavailable", {
  host: Schema.String,
  port: Schema.Int,
  reason: Schema.String,
  /** What was to be reached there; Agamemnon when it is left out. */
  what: Schema.optionalWith(Schema.String, { exact: true })
}) {
  override get message(): string {
    const why = this.reason === "EADDRINUSE"
      ? "another program listens there; choose another port, or 0 for a free one"
      : this.reason === "EACCES"
      ? "this user may not listen there; choose a port from 1024 on"
      : this.reason
    return `${this.what ?? "Agamemnon"} can not listen on ${this.host}:${this.port}: ${why}`
  }
}

/** An HTTP server that listens. */
export interface Listener {
  /** The port that it listens on. */
  readonly port: number
  /** Closes the port and every connection: whoever comes is refused. */
  readonly refuse: Effect.Effect<void>
  /** Opens the same port again. */
  readonly accept: Effect.Effect<void>
}

/** A path that is longer, with its query, is not looked at. */
const maxPathLength = 8192

/**
 * Listens on an address until the scope closes, which ends every connection, idle or not.
 *
 * @internal
 */
export const make = Effect.fn("Listener.make")(function*(
  { host, onRequest, port, product, what }: {
    readonly host: string
    readonly port: number
    readonly onRequest: RequestListener
    /** What every answer says that it comes from. Defaults to nothing. */
    readonly product?: string
    readonly what?: string
  }
): Effect.fn.Return<Listener, AddressUnavailable, Scope.Scope> {
  const server = createServer({ maxHeaderSize: 64 * 1024, noDelay: true }, (request, response) => {
    response.sendDate = false
    if (product !== undefined) response.setHeader("server", product)
    if ((request.url?.length ?? 0) <= maxPathLength) onRequest(request, response)
    else response.writeHead(414, { "content-length": "0" }).end()
  })
  server.maxRequestsPerSocket = 100

  const listen = (onPort: number) =>
    Effect.async<number, AddressUnavailable>((resume) => {
      const onError = (error: NodeJS.ErrnoException) => {
        server.off("listening", onListening)
        resume(new AddressUnavailable({ host, port: onPort, reason: error.code ?? error.message, ...(what === undefined ? {} : { what }) }))
      }
      const onListening = () => {
        server.off("error", onError)
        const address = server.address()
        resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : onPort))
      }
      server.once("error", onError).once("listening", onListening).listen(onPort, host)
    })

  const close = Effect.async<void>((resume) => {
    server.close(() => resume(Effect.void))
    server.closeAllConnections()
  })

  const opened = yield* Effect.acquireRelease(listen(port), () => close)
  return {
    port: opened,
    refuse: close,
    // Somebody's outgoing connection may have been given the port meanwhile, in real time.
    accept: Effect.suspend(() =>
      server.listening
        ? Effect.void
        : listen(opened).pipe(
          Effect.retry({ schedule: Schedule.spaced("50 millis"), times: 100 }),
          Effect.withClock(Clock.make()),
          Effect.orDie,
          Effect.asVoid
        )
    )
  }
})
