/**
 * The cookie of a session: what browsers send by themselves, and so with
 * requests that another page makes them send as well. Those are not answered.
 */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as ApiError from "./ApiError.ts"
import * as Sessions from "./Sessions.ts"

type Request = HttpServerRequest.HttpServerRequest

// Cookies know no ports: two servers of one machine would have the same one.
const nameOf = ({ headers }: Request): string => `telemachy-session-${/:(\d+)$/.exec(headers["host"] ?? "")?.[1] ?? "default"}`

/** What a request has in its cookie, if it has one. */
export const tokenOf = (request: Request): Redacted.Redacted | undefined => {
  const token = request.cookies[nameOf(request)]
  return token === undefined || token === "" ? undefined : Redacted.make(token)
}

/** Whether a request was made by the page itself: a browser says so of each that changes something. */
const isOwn = ({ headers, method }: Request): boolean => {
  const site = headers["sec-fetch-site"]
  if (site !== undefined && site !== "same-origin" && site !== "none") return false
  return method === "GET" || headers["origin"] !== undefined
}

/** The session of a request that has no key. */
export const sessionOf = Effect.gen(function*() {
  const request = yield* HttpServerRequest.HttpServerRequest
  const token = tokenOf(request)
  if (token === undefined) return undefined
  if (!isOwn(request)) {
    return yield* new ApiError.UnauthorizedError({ message: "requests of other pages are not answered" })
  }
  return yield* (yield* Sessions.Sessions).find(token)
})

const attributes = ({ headers }: Request) =>
  ({ httpOnly: true, sameSite: "strict", path: "/", secure: headers["origin"]?.startsWith("https:") ?? false }) as const

/** An answer that has a browser keep a session. */
export const keeping = (request: Request, token: Redacted.Redacted, body: unknown) =>
  HttpServerResponse.unsafeJson(body).pipe(
    HttpServerResponse.unsafeSetCookie(nameOf(request), Redacted.value(token), {
      ...attributes(request),
      maxAge: Sessions.sessionTime
    })
  )

/** An answer that has a browser drop its session. */
export const dropping = (request: Request, body: unknown) =>
  HttpServerResponse.unsafeJson(body).pipe(
    HttpServerResponse.unsafeSetCookie(nameOf(request), "", { ...attributes(request), maxAge: 0 })
  )
