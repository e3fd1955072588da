/**
 * HTTP to one Agamemnon: its address, its key, a deadline for every answer, and
 * one kind of error. The ping goes past everything that an ordinary request
 * waits for.
 */
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { identity } from "effect/Function"
import * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import type { AgamemnonAddress } from "../settings/AgamemnonAddress.ts"
import * as Settings from "../settings/Settings.ts"
import * as AgamemnonError from "./AgamemnonError.ts"
import * as Deadline from "./Deadline.ts"
import { retrying } from "./RequestRetry.ts"

/** What is sent where, and how long an answer may take. */
export interface Options {
  readonly address: AgamemnonAddress
  readonly apiKey?: Redacted.Redacted | undefined
  /** Defaults to 30 seconds. */
  readonly requestTimeout?: Duration.DurationInput | undefined
  /** Defaults to 5 seconds. */
  readonly pingTimeout?: Duration.DurationInput | undefined
}

/** HTTP to one Agamemnon. */
export interface Transport {
  /** Sends ordinary requests; an answer that is not 2xx is a failure. */
  readonly client: HttpClient.HttpClient.With<AgamemnonError.AgamemnonError | HttpClientError.HttpClientError>
  /** Runs one call of the API on that client, and says of whatever it fails with which request it was. */
  readonly call: <A, E>(request: Effect.Effect<A, E>) => Effect.Effect<A, AgamemnonError.AgamemnonError>
  readonly ping: Effect.Effect<void, AgamemnonError.PingError>
  readonly preflight: Effect.Effect<void, AgamemnonError.PingError | AgamemnonError.AgamemnonError>
}

interface Answered extends AgamemnonError.Sent {
  readonly status: number
}

// Answers are decoded by the API's client, whose errors do not say which request they are about: this does.
class OnAnswer extends Context.Reference<OnAnswer>()("telemachy/agamemnon/Transport/OnAnswer", {
  defaultValue: (): ((answered: Answered) => Effect.Effect<void>) => () => Effect.void
}) {}

// Read to its end: a connection that breaks in the middle, or is silent there, has not answered.
const read = (response: HttpClientResponse.HttpClientResponse) =>
  Effect.map(response.text, (body): AgamemnonError.Answer => ({
    status: response.status,
    headers: response.headers,
    body
  }))

// Of an answer that is 2xx only the body is looked at, and there is none that a Response would refuse.
const buffered = (request: HttpClientRequest.HttpClientRequest, { body, status }: AgamemnonError.Answer) =>
  HttpClientResponse.fromWeb(request, new Response(body === "" || isBodiless.has(status) ? null : body, { status }))

const inJson = (text: string): string => JSON.stringify(text).slice(1, -1)

const isBodiless = new Set([204, 205])

const isOk = ({ status }: AgamemnonError.Answer): boolean => status >= 200 && status < 300

/** Makes the transport. */
export const make = Effect.fnUntraced(function*(options: Options) {
  const { address: { isPlain, url }, apiKey, pingTimeout = Settings.healthcheckTimeout.default } = options
  const { requestTimeout = Settings.requestTimeout.default } = options
  const addressed = (yield* HttpClient.HttpClient).pipe(
    HttpClient.mapRequest((request) =>
      request.pipe(
        HttpClientRequest.prependUrl(url),
        apiKey === undefined ? identity : HttpClientRequest.bearerToken(apiKey),
        // Agamemnon's plain keep-alive connections answer late and hold its threads (observed on 0.1.0).
        isPlain ? HttpClientRequest.setHeader("connection", "close") : identity
      )
    )
  )

  const sent = (request: HttpClientRequest.HttpClientRequest): AgamemnonError.Sent => {
    const query = [...request.urlParams].map(([key, value]) => `${key}=${value}`).join("&")
    const path = request.url.startsWith(url) ? request.url.slice(url.length) : request.url
    return { method: request.method, path: query === "" ? path : `${path}?${query}` }
  }

  // A server may repeat the request in its answer, and an error the answer: as it is, or as JSON has it.
  const secrets = apiKey === undefined ? [] : [Redacted.value(apiKey), inJson(Redacted.value(apiKey))]
  const withoutKey = (text: string): string =>
    secrets.reduce((shown, secret) => shown.replaceAll(secret, "<redacted>"), text)

  const refusal = (request: HttpClientRequest.HttpClientRequest, answer: AgamemnonError.Answer) =>
    AgamemnonError.fromAnswer(sent(request), { ...answer, body: withoutKey(answer.body) })

  const client = HttpClient.transform(addressed, (execute, request) =>
    execute.pipe(
      Effect.flatMap(read),
      Effect.mapError((error) => AgamemnonError.fromTransport(sent(request), AgamemnonError.transportFailure(error))),
      Deadline.within(requestTimeout, () => AgamemnonError.fromTransport(sent(request), "timeout")),
      Effect.filterOrFail(isOk, (answer) => refusal(request, answer)),
      Effect.tap(({ status }) => Effect.flatMap(OnAnswer, (onAnswer) => onAnswer({ ...sent(request), status }))),
      Effect.map((answer) => buffered(request, answer))
    ))

  const call = <A, E>(request: Effect.Effect<A, E>): Effect.Effect<A, AgamemnonError.AgamemnonError> =>
    Effect.flatMap(Ref.make<Answered | undefined>(undefined), (lastAnswer) =>
      request.pipe(
        Effect.provideService(OnAnswer, (answered) => Ref.set(lastAnswer, answered)),
        Effect.catchAll((error) =>
          error instanceof AgamemnonError.AgamemnonError
            ? Effect.fail(error)
            : Effect.flatMap(Ref.get(lastAnswer), (answered) =>
              answered === undefined
                ? AgamemnonError.fromUnencoded(error)
                : AgamemnonError.fromUndecoded(answered, withoutKey(AgamemnonError.problemOf(error))))
        )
      ))

  return { client, call, ...makePing({ addressed, url, pingTimeout, refusal }) } satisfies Transport
})

const pingRequest = HttpClientRequest.get("/v1/agents", { urlParams: { limit: 1 } })

/** What a ping takes. */
interface PingOptions {
  readonly addressed: HttpClient.HttpClient
  readonly url: string
  readonly pingTimeout: Duration.DurationInput
  readonly refusal: (
    request: HttpClientRequest.HttpClientRequest,
    answer: AgamemnonError.Answer
  ) => AgamemnonError.AgamemnonError
}

/** Makes the ping, which is sent once and has a limit of its own, and the preflight that explains its answer. */
const makePing = ({ addressed, pingTimeout, refusal, url }: PingOptions) => {
  const pinged = addressed.execute(pingRequest).pipe(
    Effect.flatMap(read),
    Effect.mapError((error) => new AgamemnonError.PingError({ url, reason: AgamemnonError.transportFailure(error) })),
    Deadline.within(pingTimeout, () => new AgamemnonError.PingError({ url, reason: "timeout" })),
    Effect.filterOrFail(
      ({ status }) => status < 500,
      ({ status }) => new AgamemnonError.PingError({ url, reason: "status", status })
    )
  )
  // A ping without an answer is final here; only an answer such as 429 is worth asking again for.
  const explained = Effect.flatMap(Effect.either(pinged), (answer) =>
    Either.isRight(answer) && !isOk(answer.right)
      ? Effect.fail(refusal(pingRequest, answer.right))
      : Effect.succeed(answer))
  return {
    ping: Effect.asVoid(pinged),
    preflight: Effect.asVoid(Effect.flatten(retrying(explained)))
  }
}
