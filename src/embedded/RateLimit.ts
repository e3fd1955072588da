/**
 * How many requests are answered in a second: a token bucket. A request that
 * finds no token takes none and is told when to come again.
 */
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as MonotonicTime from "../liveness/MonotonicTime.ts"
import { pathOf } from "./Authentication.ts"

/** What a rate limit is made of. */
export interface Options {
  /** Tokens that come back in a second. */
  readonly rps: number
  /** Tokens that there are at most, and at first. */
  readonly burst: number
}

/** The answer to a request that comes too early. */
export const tooMany = (seconds: number): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.unsafeJson(
    { error: "rate limit exceeded", retry_after_seconds: seconds },
    { status: 429, headers: { "retry-after": String(seconds) } }
  )

const isUnlimited = new Set(["/health", "/v1/health", "/v1/version"])

/** Answers 429 to requests that come faster than the limit. */
export const limited = Effect.fnUntraced(function*({ burst, rps }: Options) {
  let tokens = burst
  let filledAt = yield* MonotonicTime.millis
  const take = Effect.map(MonotonicTime.millis, (time) => {
    tokens = Math.min(burst, tokens + ((time - filledAt) / 1000) * rps)
    filledAt = time
    if (tokens < 1) return Math.floor((1 - tokens) / rps) + 1
    tokens -= 1
    return 0
  })
  return <E, R>(app: HttpApp.Default<E, R>): HttpApp.Default<E, R> =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
      isUnlimited.has(pathOf(request))
        ? app
        : Effect.flatMap(take, (wait): HttpApp.Default<E, R> => (wait === 0 ? app : Effect.succeed(tooMany(wait)))))
})
