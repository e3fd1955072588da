/**
 * What a request must be before it is looked at: named by a host that is meant,
 * so that no page of another name can reach this one by its own (DNS rebinding),
 * from no other origin, and not too large. And what every answer says to browsers.
 */
import { isIP } from "node:net"
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as ConcurrencyLimit from "../liveness/ConcurrencyLimit.ts"

/** The largest body of a request, in bytes: a workflow of the largest size, with its files and inputs. */
export const maxBodySize = 4 * 1024 * 1024

/** What the API is asked with. A HEAD would open a stream that nobody reads to its end. */
const methods: ReadonlySet<string> = new Set(["GET", "POST", "DELETE"])

/** How many requests may be under way. */
const maxRequests = 256

/** Which names the server has, besides `localhost` and every address. */
export interface Options {
  readonly hosts: ReadonlyArray<string>
}

const refusal = (status: number, _tag: string, message: string) => HttpServerResponse.unsafeJson({ _tag, message }, { status })

/** The name in a `Host`, without its port. */
const nameOf = (host: string): string => host.replace(/:\d+$/, "").replace(/^\[|\]$/g, "").toLowerCase()

/** A name can be pointed at any address by who owns it; an address can not. */
const isMeant = (host: string, hosts: ReadonlyArray<string>): boolean => {
  const name = nameOf(host)
  return isIP(name) !== 0 || name === "localhost" || name.endsWith(".localhost") || hosts.includes(name)
}

const hostOf = (origin: string): string | undefined => (URL.canParse(origin) ? new URL(origin).host : undefined)

const objection = ({ headers, method }: HttpServerRequest.HttpServerRequest, { hosts }: Options) => {
  const { host = "", origin } = headers
  if (!methods.has(method)) return refusal(405, "MethodNotAllowedError", `the API is not asked with ${method}`)
  if (!isMeant(host, hosts)) {
    return refusal(421, "MisdirectedRequestError", `this server is not called ${nameOf(host) || "nothing"}: --allow-host says which names it has`)
  }
  if (origin !== undefined && hostOf(origin) !== host) {
    return refusal(403, "ForbiddenError", `requests of pages from ${origin} are not answered`)
  }
  if (Number(headers["content-length"] ?? 0) > maxBodySize) {
    return refusal(413, "TooLargeError", `a request has at most ${maxBodySize} bytes`)
  }
  return undefined
}

const said = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff"
}

/** Answers in the place of an app where a request is not what it must be. */
export const make = (options: Options) => {
  const places = ConcurrencyLimit.make(maxRequests)
  return <E, R>(app: HttpApp.Default<E, R>): HttpApp.Default<E, R> =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
      const refused = objection(request, options)
      if (refused !== undefined) return Effect.succeed(refused)
      return app.pipe(
        HttpServerRequest.withMaxBodySize(Option.some(maxBodySize)),
        places.runIfFree,
        Effect.map(Option.getOrElse(() => refusal(503, "BusyError", `${maxRequests} requests are under way`)))
      )
    }).pipe(Effect.map((response) => HttpServerResponse.setHeaders(response, { ...said, ...response.headers })))
}
