/**
 * Who may ask: everything but the health of the server needs the key, and the
 * key is checked before anything else, unknown paths included.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto"
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"

/** Makes a key that nobody can guess. */
export const random: Effect.Effect<Redacted.Redacted> = Effect.sync(() =>
  Redacted.make(randomBytes(32).toString("hex"))
)

const digest = (value: string): Buffer => createHash("sha256").update(value).digest()

const scheme = "Bearer "

/** The path of a request, without its query. */
export const pathOf = ({ url }: HttpServerRequest.HttpServerRequest): string => url.split("?", 1).join("")

const isPublic = new Set(["/health", "/v1/health"])

/** Answers 401 to every request that does not carry the key. A bearer token decides over `X-API-Key`. */
export const required = (key: Redacted.Redacted) => {
  const expected = digest(Redacted.value(key))
  return <E, R>(app: HttpApp.Default<E, R>): HttpApp.Default<E, R> =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
      const { authorization = "", "x-api-key": header = "" } = request.headers
      const given = authorization.startsWith(scheme) ? authorization.slice(scheme.length) : header
      return isPublic.has(pathOf(request)) || (given !== "" && timingSafeEqual(digest(given), expected))
        ? app
        : Effect.succeed(unauthorized)
    })
}

/** The answer to a request without the key. */
export const unauthorized: HttpServerResponse.HttpServerResponse = HttpServerResponse.unsafeJson(
  { error: "unauthorized" },
  { status: 401 }
)
