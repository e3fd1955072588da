/**
 * What can be made to go wrong with the embedded Agamemnon, so that tests can
 * prove what its clients do about it.
 *
 * A request meets the first fault that it matches. A fault without an aim is
 * met by every request.
 */
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { unauthorized } from "./Authentication.ts"
import { tooMany } from "./RateLimit.ts"
import * as Refusal from "./Refusal.ts"

/**
 * Which requests meet a fault.
 *
 * @since 0.1.0
 * @category models
 */
export interface Aim {
  /** Only requests of this method, such as `POST`. */
  readonly method?: string | undefined
  /** Only requests whose path and query begin like this, or match this. */
  readonly path?: string | RegExp | undefined
  /** Only the first so many of them. */
  readonly times?: number | undefined
}

/**
 * Something that goes wrong.
 *
 * @since 0.1.0
 * @category models
 */
export type Fault = Data.TaggedEnum<{
  /** The port is closed: connections are refused, and those that there are break. */
  Refuse: {}
  /** The request is taken and never answered. */
  Hang: Aim
  /** The connection is reset before anything is done. */
  Reset: Aim
  /** The request is carried out, and answered after a pause. */
  Slow: Aim & { readonly delay: Duration.DurationInput }
  /** The request is answered with this status and nothing is done. `retryAfter` goes with 429, and is a second by default. */
  Status: Aim & { readonly status: 401 | 429 | 500 | 503; readonly retryAfter?: Duration.DurationInput | undefined }
  /** The request is answered as if a body that was left unread were a request: 400 and nothing else. */
  EmptyBadRequest: Aim
  /** The request is carried out, and the connection is reset instead of answering. */
  DropAnswer: Aim
}>

/**
 * Makes faults: `Faults.Hang({})`, `Faults.Status({ status: 503, ...Faults.pings })`.
 *
 * **Example** (Losing the answer to one create, and every second ping)
 *
 * ```ts
 * import { Faults } from "telemachy"
 *
 * export const faults = [
 *   Faults.DropAnswer({ method: "POST", path: "/v1/agents", times: 1 }),
 *   Faults.Status({ status: 503, ...Faults.pings })
 * ]
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const { DropAnswer, EmptyBadRequest, Hang, Refuse, Reset, Slow, Status } = Data.taggedEnum<Fault>()

/**
 * Aims at the pings by which clients find out whether Agamemnon is alive.
 *
 * **Example** (A server that answers everything but its pings)
 *
 * ```ts
 * import { Faults } from "telemachy"
 *
 * export const deafToPings = Faults.Hang(Faults.pings)
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const pings: Aim = { method: "GET", path: /^\/v1\/agents\?limit=1$/ }

const reasons = { 500: "internal server error", 503: "service unavailable" }

const answerOf = ({ retryAfter = "1 second", status }: Data.TaggedEnum.Value<Fault, "Status">) => {
  switch (status) {
    case 401:
      return unauthorized
    case 429:
      return tooMany(Duration.toSeconds(retryAfter))
    default:
      return HttpServerResponse.unsafeJson({ error: reasons[status] }, { status })
  }
}

const isAt = ({ method, path }: Aim, request: HttpServerRequest.HttpServerRequest): boolean =>
  (method === undefined || method === request.method) &&
  (path === undefined || (typeof path === "string" ? request.url.startsWith(path) : path.test(request.url)))

// Requests are handled uninterruptibly, but one that nobody waits for any longer may end.
const silence = Effect.interruptible(Effect.never)

const reset = Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
  NodeHttpServerRequest.toIncomingMessage(request).socket.resetAndDestroy()
  return silence
})

const inject = <E, R>(fault: Fault, app: HttpApp.Default<E, R>): HttpApp.Default<E, R> => {
  switch (fault._tag) {
    case "Refuse":
      return app
    case "Hang":
      return silence
    case "Reset":
      return reset
    case "Slow":
      return Effect.tap(app, Effect.interruptible(Effect.sleep(fault.delay)))
    case "Status":
      return Effect.succeed(answerOf(fault))
    case "EmptyBadRequest":
      return Effect.succeed(Refusal.empty(400))
    case "DropAnswer":
      return Effect.zipRight(app, reset)
  }
}

/**
 * The faults in force, and the middleware that makes them happen.
 *
 * @since 0.1.0
 * @category models
 */
export interface Faults {
  /** Replaces the faults in force; none at all heals. */
  readonly set: (faults: ReadonlyArray<Fault>) => Effect.Effect<void>
  /** Puts the faults in force in front of a server. */
  readonly middleware: <E, R>(app: HttpApp.Default<E, R>) => HttpApp.Default<E, R>
}

/**
 * Makes a server's faults: none at first.
 *
 * @internal
 */
export const make: Effect.Effect<Faults> = Effect.sync(() => {
  let inForce: ReadonlyArray<{ readonly fault: Exclude<Fault, { readonly _tag: "Refuse" }>; left: number }> = []
  return {
    set: (faults) =>
      Effect.sync(() => {
        inForce = faults.flatMap((fault) =>
          fault._tag === "Refuse" ? [] : [{ fault, left: fault.times ?? Number.POSITIVE_INFINITY }])
      }),
    middleware: (app) =>
      Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
        const next = inForce.find(({ fault, left }) => left > 0 && isAt(fault, request))
        if (next === undefined) return app
        next.left -= 1
        return inject(next.fault, app)
      })
  }
})
