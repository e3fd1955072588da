/**
 * HTTP to one Agamemnon: its address, its key, a deadline for every answer, and
 * one kind of error. The ping goes past everything that an ordinary request
 * waits for.
 */
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { identity } from "effect/Function"
import type * as Redacted from "effect/Redacted"
import * as AgamemnonError from "./AgamemnonError.ts"
import { persist } from "./Persistence.ts"

/** What is sent where, and how long an answer may take. */
export interface Options {
  readonly url: string
  readonly apiKey?: Redacted.Redacted | undefined
  /** Whether the address is plain `http://`. */
  readonly plain: boolean
  /** Defaults to 30 seconds. */
  readonly requestTimeout?: Duration.DurationInput | undefined
  /** Defaults to 5 seconds. */
  readonly pingTimeout?: Duration.DurationInput | undefined
}

/** HTTP to one Agamemnon. */
export interface Transport {
  /** Sends ordinary requests; an answer that is not 2xx is a failure. */
  readonly client: HttpClient.HttpClient.With<AgamemnonError.AgamemnonError | HttpClientError.HttpClientError>
  readonly ping: Effect.Effect<void, AgamemnonError.PingError>
  readonly preflight: Effect.Effect<void, AgamemnonError.PingError | AgamemnonError.AgamemnonError>
}

const sent = (request: HttpClientRequest.HttpClientRequest) => {
  const query = [...request.urlParams].map(([key, value]) => `${key}=${value}`).join("&")
  const path = URL.canParse(request.url) ? new URL(request.url).pathname : request.url
  return { method: request.method, path: query === "" ? path : `${path}?${query}` }
}

const buffered = (
  request: HttpClientRequest.HttpClientRequest,
  { headers, status }: HttpClientResponse.HttpClientResponse,
  body: string
) => HttpClientResponse.fromWeb(request, new Response(body === "" ? null : body, { status, headers }))

const isOk = (response: HttpClientResponse.HttpClientResponse): boolean => response.status >= 200 && response.status < 300

/** Makes the transport. */
export const make = Effect.fnUntraced(function*({ apiKey, pingTimeout = "5 seconds", plain, requestTimeout = "30 seconds", url }: Options) {
  const addressed = (yield* HttpClient.HttpClient).pipe(
    HttpClient.mapRequest((request) =>
      request.pipe(
        HttpClientRequest.prependUrl(url.replace(/\/+$/, "")),
        apiKey === undefined ? identity : HttpClientRequest.bearerToken(apiKey),
        // Agamemnon's plain keep-alive connections answer late and hold its threads (observed on 0.1.0).
        plain ? HttpClientRequest.setHeader("connection", "close") : identity
      )
    )
  )

  // The body is read here, where a connection that breaks in the middle can still be told by its request.
  const client = HttpClient.transform(addressed, (execute, request) =>
    execute.pipe(
      Effect.flatMap((response) => Effect.map(response.text, (body) => buffered(request, response, body))),
      Effect.mapError((error) => AgamemnonError.fromTransport(sent(request), AgamemnonError.transportFailure(error))),
      Effect.timeoutFail({
        duration: requestTimeout,
        onTimeout: () => AgamemnonError.fromTransport(sent(request), "timeout")
      }),
      Effect.filterOrElse(isOk, (response) => Effect.flip(AgamemnonError.fromResponse(sent(request), response)))
    ))

  const pingRequest = HttpClientRequest.get("/v1/agents", { urlParams: { limit: 1 } })
  const pinged = addressed.execute(pingRequest).pipe(
    Effect.mapError((error) => new AgamemnonError.PingError({ url, reason: AgamemnonError.transportFailure(error) })),
    Effect.timeoutFail({
      duration: pingTimeout,
      onTimeout: () => new AgamemnonError.PingError({ url, reason: "timeout" })
    }),
    Effect.filterOrFail(
      (response) => response.status < 500,
      ({ status }) => new AgamemnonError.PingError({ url, reason: "status", status })
    )
  )

  // A ping without an answer is final here; only an answer such as 429 is worth asking again for.
  const explained = Effect.flatMap(
    Effect.either(pinged),
    (answer): Effect.Effect<Either.Either<HttpClientResponse.HttpClientResponse, AgamemnonError.PingError>, AgamemnonError.AgamemnonError> =>
      Either.isRight(answer) && !isOk(answer.right)
        ? Effect.flip(AgamemnonError.fromResponse(sent(pingRequest), answer.right))
        : Effect.succeed(answer)
  )

  return {
    client,
    ping: Effect.asVoid(pinged),
    preflight: Effect.asVoid(Effect.flatten(persist(explained)))
  } satisfies Transport
})
