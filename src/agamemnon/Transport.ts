/**
 * HTTP to one Agamemnon: its address, its key, a deadline for every answer, and
 * one kind of error. The ping goes past everything that an ordinary request
 * waits for.
 */
import type * as Headers from "@effect/platform/Headers"
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { identity } from "effect/Function"
import * as MutableRef from "effect/MutableRef"
import * as Redacted from "effect/Redacted"
import * as SharedProbe from "../liveness/SharedProbe.ts"
import * as TimeLimit from "../liveness/TimeLimit.ts"
import * as RunSpan from "../run/RunSpan.ts"
import type { AgamemnonAddress } from "../settings/AgamemnonAddress.ts"
import * as Settings from "../settings/Settings.ts"
import * as AgamemnonError from "./AgamemnonError.ts"
import * as BodyLimit from "./BodyLimit.ts"
import * as BusyPause from "./BusyPause.ts"
import * as Replies from "./Replies.ts"
import * as RequestMetrics from "./RequestMetrics.ts"
import { retrying } from "./RequestRetry.ts"
import * as RequestSpan from "./RequestSpan.ts"
import * as ServerProduct from "./ServerProduct.ts"
import * as TransportProblem from "./TransportProblem.ts"
import { WholeAnswer } from "./WholeAnswer.ts"

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
  /** Sends ordinary requests; an answer that is not 2xx is a failure, and of any other it is not the client that reads the body. */
  readonly client: HttpClient.HttpClient.With<AgamemnonError.AgamemnonError | HttpClientError.HttpClientError>
  /** Runs one call of the API on that client and reads its answer, and says of whatever it fails with which request it was. */
  readonly call: <A, E>(request: Request<E>, reply: Replies.Reply<A>) => Effect.Effect<A, AgamemnonError.AgamemnonError>
  readonly ping: Effect.Effect<void, AgamemnonError.PingError>
  readonly preflight: Effect.Effect<void, AgamemnonError.PingError | AgamemnonError.AgamemnonError>
}

/** A request that the client of the API makes, with its answer, of which that reads nothing. */
export type Request<E> = Effect.Effect<readonly [unknown, HttpClientResponse.HttpClientResponse], E>

/** An answer, as far as it was read. */
interface Answered extends BodyLimit.Beginning {
  readonly status: number
  readonly headers: Headers.Headers
}

// Read to its end: a connection that breaks in the middle, or is silent there, has not answered.
const answerTo = <E>(execution: Effect.Effect<HttpClientResponse.HttpClientResponse, E>, limit: BodyLimit.Limit) =>
  Effect.flatMap(execution, (response) =>
    Effect.map(BodyLimit.read(response, isOk(response) ? limit.ok : limit.other), (beginning): Answered => ({
      status: response.status,
      headers: response.headers,
      ...beginning
    })))

const inJson = (text: string): string => JSON.stringify(text).slice(1, -1)

const isOk = ({ status }: { readonly status: number }): boolean => BodyLimit.isOk(status)

const parse = (text: string): Either.Either<unknown, unknown> => Either.try((): unknown => JSON.parse(text))

/** A key that is shorter than this can be part of any text: it is taken out of messages only. */
const shortestSecret = 8

/** Makes the transport. */
export const make = Effect.fnUntraced(function*(options: Options) {
  const { address: { isPlain, url }, apiKey, pingTimeout = Settings.healthcheckTimeout.default } = options
  const { requestTimeout = Settings.requestTimeout.default } = options
  // Agamemnon's plain keep-alive connections answer late and hold its threads (observed on 0.1.0); those of the embedded one do not.
  const isKeeping = MutableRef.make(!isPlain)
  const onAnswer = ({ headers }: HttpClientResponse.HttpClientResponse) =>
    Effect.sync(() => MutableRef.set(isKeeping, headers["server"] === ServerProduct.embedded))
  const addressed = (yield* HttpClient.HttpClient).pipe(
    HttpClient.transformResponse(RequestSpan.withoutSecrets),
    isPlain ? HttpClient.tap(onAnswer) : identity,
    HttpClient.mapRequest((request) =>
      request.pipe(
        HttpClientRequest.prependUrl(url),
        apiKey === undefined ? identity : HttpClientRequest.bearerToken(apiKey),
        MutableRef.get(isKeeping) ? identity : HttpClientRequest.setHeader("connection", "close")
      )
    )
  )

  // A server may repeat the request in its answer, and an error the answer: as it is, or as JSON has it.
  const secrets = apiKey === undefined ? [] : [Redacted.value(apiKey), inJson(Redacted.value(apiKey))]
  const withoutKey = (text: string): string =>
    secrets.reduce((shown, secret) => shown.replaceAll(secret, "<redacted>"), text)

  const sent = (request: HttpClientRequest.HttpClientRequest): AgamemnonError.Sent => {
    const query = [...request.urlParams].map(([key, value]) => `${key}=${value}`).join("&")
    const path = withoutKey(request.url.startsWith(url) ? request.url.slice(url.length) : request.url)
    return { method: request.method, path: query === "" ? path : `${path}?${query}` }
  }

  const pause = yield* BusyPause.make

  const refuse: Explanation = (request, answer) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const { location, ...headers } = answer.headers
      const shown = {
        status: answer.status,
        headers: location === undefined ? headers : { ...headers, location: withoutKey(location) },
        body: withoutKey(BodyLimit.textOf(answer))
      }
      const error = AgamemnonError.fromAnswer(sent(request), shown, now)
      return error.retryAfter === undefined ? error : Effect.zipRight(pause.begin(error.retryAfter), error)
    })

  const refuseNoJson: Explanation = (request, answer) =>
    AgamemnonError.fromNoJson({ ...sent(request), status: answer.status }, withoutKey(BodyLimit.textOf(answer)))

  const client = HttpClient.transform(addressed, (execute, request) => {
    const { method, path } = sent(request)
    const limit = BodyLimit.of(method, path)
    return answerTo(execute, limit).pipe(
      Effect.mapError((error) => {
        const { detail, failure } = TransportProblem.of(error)
        return AgamemnonError.fromTransport({ method, path }, failure, detail)
      }),
      TimeLimit.within({
        limit: requestTimeout,
        onTimeout: () => AgamemnonError.fromTransport({ method, path }, "timeout")
      }),
      RequestMetrics.request({ method, path }),
      Effect.flatMap((answer) => {
        const { body, isWhole, status } = answer
        if (!isOk(answer)) return refuse(request, answer)
        if (!isWhole) return AgamemnonError.fromTooLarge({ method, path, status }, limit.ok, BodyLimit.inWords(limit.ok))
        return Effect.succeed(new WholeAnswer({ request, status, body }))
      })
    )
  })

  /** Reads an answer. One that is not empty is JSON, whether or not it is used. */
  const decoded = <A>({ request, status }: HttpClientResponse.HttpClientResponse, body: string, reply: Replies.Reply<A>) => {
    const text = apiKey !== undefined && Redacted.value(apiKey).length >= shortestSecret ? withoutKey(body) : body
    const json = body === "" && reply === Replies.nothing ? Either.void : parse(text)
    return Either.isLeft(json)
      ? Either.left(AgamemnonError.fromNoJson({ ...sent(request), status }, withoutKey(body)))
      : Either.mapLeft(reply(json.right), (problem) => AgamemnonError.fromUndecoded({ ...sent(request), status }, withoutKey(problem)))
  }

  const call = <A, E>(request: Request<E>, reply: Replies.Reply<A>) =>
    Effect.zipRight(pause.wait, request).pipe(
      Effect.flatMap(([, response]) => Effect.flatMap(response.text, (text) => decoded(response, text, reply))),
      Effect.mapError((error) =>
        error instanceof AgamemnonError.AgamemnonError ? error : AgamemnonError.fromUnencoded(error, withoutKey))
    )

  const pings = yield* makePing({ addressed, url, pingTimeout, refuse, refuseNoJson })
  return { client, call, ...pings } satisfies Transport
})

// Over a connection of its own: one that was kept may be dead, which says nothing of the server.
const pingRequest = HttpClientRequest.get("/v1/agents", { urlParams: { limit: 1 } }).pipe(
  HttpClientRequest.setHeader("connection", "close")
)

type Explanation = (
  request: HttpClientRequest.HttpClientRequest,
  answer: Answered
) => Effect.Effect<never, AgamemnonError.AgamemnonError>

// Of a long answer only the beginning was read.
const isJson = (answer: Answered): boolean =>
  !answer.isWhole || answer.body.length === 0 || Either.isRight(parse(BodyLimit.textOf(answer)))

/** What a ping takes. */
interface PingOptions {
  readonly addressed: HttpClient.HttpClient
  readonly url: string
  readonly pingTimeout: Duration.DurationInput
  readonly refuse: Explanation
  readonly refuseNoJson: Explanation
}

/** Makes the ping, which is sent once for all who ask and has a limit of its own, and the preflight that explains its answer. */
const makePing = Effect.fnUntraced(function*({ addressed, pingTimeout, refuse, refuseNoJson, url }: PingOptions) {
  const pinged = yield* answerTo(BodyLimit.within(BodyLimit.ofPing)(addressed.execute(pingRequest)), BodyLimit.ofPing).pipe(
    Effect.mapError((error) => {
      const { detail, failure } = TransportProblem.of(error)
      return new AgamemnonError.PingError({ url, reason: failure, detail })
    }),
    TimeLimit.withinOwnTime({
      limit: pingTimeout,
      onTimeout: () => new AgamemnonError.PingError({ url, reason: "timeout" })
    }),
    Effect.filterOrFail(
      ({ status }) => status < 500,
      ({ status }) => new AgamemnonError.PingError({ url, reason: "status", status })
    ),
    RequestMetrics.ping,
    // It is sent for all who ask, of whatever run.
    Effect.provideService(RunSpan.IsRepeated, true),
    RunSpan.ofNoRun,
    SharedProbe.make
  )
  // A ping without an answer is final here; only an answer such as 429, or a proxy's page, is worth asking again for.
  const explained = Effect.tap(Effect.either(pinged), (answer) => {
    if (Either.isLeft(answer)) return Effect.void
    if (!isOk(answer.right)) return refuse(pingRequest, answer.right)
    return isJson(answer.right) ? Effect.void : refuseNoJson(pingRequest, answer.right)
  })
  return {
    ping: Effect.asVoid(pinged),
    preflight: Effect.asVoid(Effect.flatten(retrying(explained)))
  }
})
