/** A client of the API of runs, made of its description: `telemachy/client`. */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpApiClient from "@effect/platform/HttpApiClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { identity, pipe } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { TlsRequiredError } from "../agamemnon/AgamemnonError.ts"
import * as LogLine from "../report/LogLine.ts"
import * as RunEvent from "../run/RunEvent.ts"
import * as AgamemnonAddress from "../settings/AgamemnonAddress.ts"
import * as Outage from "../store/Outage.ts"
import type { PlacedEvent } from "../store/RunStore.ts"
import { ServerError } from "../store/ServerError.ts"
import * as EventMessages from "./EventMessages.ts"
import * as LogPlace from "./LogPlace.ts"
import { RunsApi } from "./RunsApi.ts"
import * as ServerAnswer from "./ServerAnswer.ts"

/**
 * The server can not be asked, or has answered something else than a server of runs does.
 *
 * **Example** (Saying which server is away)
 *
 * ```ts
 * import { Effect } from "effect"
 * import type { ServerError } from "telemachy/client"
 *
 * export const explained = <A>(asking: Effect.Effect<A, ServerError>) =>
 *   Effect.tapErrorTag(asking, "ServerError", ({ isTransient, url }) => Effect.log(url, isTransient ? "is away" : "is another"))
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export { ServerError } from "../store/ServerError.ts"

/**
 * Where the server is, and the key that it asks for.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Its address, such as `http://127.0.0.1:7150`. */
  readonly url: string
  /** Sent with each request. Defaults to none, as in a browser whose cookie stands for one. */
  readonly key?: Redacted.Redacted | undefined
  /** Refuses to send the key over plain `http://` to another machine than this one. Defaults to true. */
  readonly requireTls?: boolean | undefined
}

/** How long a stream may say nothing before its connection counts as lost: the server says each 15 seconds that it is there. */
const idleTimeout = "45 seconds"

/** How long it may take until a stream begins. */
const openTimeout = "30 seconds"

/** Fails when an answer says that something went wrong, and is none of a server of runs: those are JSON. */
const refuseForeign = (answer: Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError>) =>
  Effect.filterOrFail(
    answer,
    ({ headers, status }) => status < 400 || /^application\/json\b/.test(headers["content-type"] ?? ""),
    (response) => new HttpClientError.ResponseError({ request: response.request, response, reason: "StatusCode" })
  )

/** Sends the key with each request, to the server that is meant and to none to which that sends on. */
const transformed = ({ key }: Options) => (client: HttpClient.HttpClient) =>
  client.pipe(
    HttpClient.mapRequest(key === undefined ? identity : HttpClientRequest.bearerToken(key)),
    HttpClient.transformResponse((answer) => refuseForeign(Effect.provideService(answer, FetchHttpClient.RequestInit, { redirect: "manual" })))
  )

const makeClient = (options: Options) => HttpApiClient.make(RunsApi, { baseUrl: options.url, transformClient: transformed(options) })

const decodeEvent = Schema.decodeEither(RunEvent.Json)

const decodeLine = Schema.decodeOption(LogLine.Json)

const decodeProblem = Schema.decodeOption(Schema.parseJson(Schema.Struct({ problem: Schema.String })))

/** The longest line of a stream, in characters. */
const maxLineLength = 64 * 1024 * 1024

const check = ({ requireTls = true, url }: Options) =>
  Effect.gen(function*() {
    const address = yield* Effect.mapError(
      AgamemnonAddress.parse(url, "key"),
      (problem) => new ServerError({ url, problem: `can not be asked: ${problem}`, isTransient: false })
    )
    if (requireTls && address.isPlain && !address.isLoopback) return yield* new TlsRequiredError({ url: address.url })
    return address.url
  })

const make = Effect.fnUntraced(function*(given: Options) {
  const options = { ...given, url: yield* check(given) }
  const { url } = options
  const api = yield* makeClient(options)
  const http = transformed(options)(yield* HttpClient.HttpClient)

  const away = (problem: string) => new ServerError({ url, problem, isTransient: true })
  const strange = (problem: string): ServerError => new ServerError({ url, problem, isTransient: false })
  const explain = (error: ServerAnswer.Untold) =>
    ServerAnswer.explain(url, error, (answered) => Effect.succeed(`is no telemachy serve of this version: ${answered}`))

  /** The lines of an answer, as they come. */
  const lines = (path: string, params: Readonly<Record<string, string>>) =>
    Stream.unwrapScoped(
      HttpClientRequest.get(`${url}${path}`, { urlParams: params }).pipe(
        http.execute,
        Effect.flatMap(HttpClientResponse.filterStatusOk),
        Effect.catchAll((error) => Effect.flatMap(explain(error), Effect.fail)),
        Effect.timeoutFail({ duration: openTimeout, onTimeout: () => away(`does not answer within ${openTimeout}`) }),
        Effect.map((response) =>
          response.stream.pipe(
            Stream.catchAll((error) => Stream.fromEffect(Effect.flatMap(explain(error), Effect.fail))),
            Stream.timeoutFail(() => away(`has said nothing for ${idleTimeout}`), idleTimeout),
            Stream.decodeText(),
            Stream.mapAccumEffect(0, (open, text) => {
              const length = text.includes("\n") ? text.length - text.lastIndexOf("\n") - 1 : open + text.length
              return length > maxLineLength ? strange("sends lines that do not end") : Effect.succeed([length, text] as const)
            }),
            Stream.splitLines
          ))
      )
    )

  /** Reads the events of a stream, and fails when it ends without having said so. An event of a newer version is left out. */
  const events = (run: string, from = 0): Stream.Stream<PlacedEvent, ServerError> =>
    pipe(
      EventMessages.fromLines(lines(`/v1/runs/${encodeURIComponent(run)}/events/stream`, { from: String(from) })),
      Stream.map(Option.some),
      Stream.concat(Stream.succeed(Option.none<EventMessages.Message>())),
      Stream.mapEffect(Option.match({
        onNone: () => Effect.fail(away(`ends the events of run ${run} before the run is over`)),
        onSome: Effect.succeed
      })),
      Stream.takeWhile(({ event }) => event !== "end"),
      Stream.filterMap(({ data, id }): Option.Option<PlacedEvent> =>
        Either.match(decodeEvent(data), {
          onLeft: () => Option.none(),
          onRight: (event) => Option.some({ seq: Number(id), event })
        }))
    )

  const again: Outage.Options<ServerError> = { isAway: Outage.isTransient, onOutage: () => Effect.void }

  return RunsClient.of({
    ...api,
    url,
    events,
    follow: (run, from = 0) =>
      Stream.suspend(() => {
        let next = from
        const rest = Stream.map(Stream.suspend(() => events(run, next)), (placed) => {
          next = placed.seq + 1
          return placed
        })
        return Outage.reopen(rest, again)
      }),
    log: (run, { attempt, follow = false, onOutage = () => Effect.void, task }) =>
      Stream.suspend((): Stream.Stream<LogLine.LogLine, ServerError> => {
        let place = LogPlace.beginning
        const params = { task, follow: String(follow), ...(attempt === undefined ? {} : { attempt: String(attempt) }) }
        const rest = Stream.suspend(() => {
          const unread = LogPlace.unread(place)
          return lines(`/v1/runs/${encodeURIComponent(run)}/log`, params).pipe(
            Stream.mapEffect((line) => Option.match(decodeProblem(line), {
              onNone: () => Effect.succeed(decodeLine(line)),
              onSome: ({ problem }) => strange(`has no log: ${problem}`)
            })),
            Stream.filterMap(identity),
            Stream.map(({ at, stream, text }): LogLine.LogLine => ({ at, stream, text })),
            Stream.mapConcat(unread),
            Stream.map((line) => {
              place = LogPlace.after(place, line)
              return line
            })
          )
        })
        return Outage.reopen(rest, { ...again, onOutage })
      })
  })
})

type Client = Effect.Effect.Success<ReturnType<typeof makeClient>>

/**
 * Which log is read, and how.
 *
 * @since 0.1.0
 * @category models
 */
export interface LogOptions {
  /** The task, as `TEAM/SUBJECT`, or `SUBJECT` where only one team has it. */
  readonly task: string
  /** The number of the attempt, from 1. Defaults to the latest. */
  readonly attempt?: number | undefined
  /** Whether to go on until the attempt is over. Defaults to false. */
  readonly follow?: boolean | undefined
  /** Is told when the server is away, and is asked again. Defaults to nothing. */
  readonly onOutage?: ((error: ServerError) => Effect.Effect<void>) | undefined
}

/**
 * Asks a server of runs, and tells it what to do. Each group of its API is one of its members: `runs`, `schedules`,
 * `workflows` and `about`.
 *
 * **Example** (Submitting a workflow, and watching it)
 *
 * ```ts
 * import { Effect, Stream } from "effect"
 * import { RunsClient } from "telemachy/client"
 *
 * export const runOnServer = (workflow: string) =>
 *   Effect.gen(function*() {
 *     const client = yield* RunsClient
 *     const { run } = yield* client.runs.submit({ payload: { workflow } })
 *     yield* Stream.runForEach(client.follow(run), ({ event }) => Effect.log(event._tag))
 *     return (yield* client.runs.get({ path: { run } })).outcome
 *   })
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class RunsClient extends Context.Tag("telemachy/server/RunsClient")<RunsClient, Client & {
  /** The address of the server. */
  readonly url: string
  /**
   * What has happened in a run from a place on, and what happens in it, until it is over or nobody drives it. When the server is
   * away for up to a minute, or ends the stream before that, it is asked again, and goes on where it was.
   */
  readonly follow: (run: string, from?: number) => Stream.Stream<PlacedEvent, ServerError>
  /** The same over one connection: fails when that is lost. */
  readonly events: (run: string, from?: number) => Stream.Stream<PlacedEvent, ServerError>
  /** What a task has written, line by line, and goes on where it was when the server is away for up to a minute. */
  readonly log: (run: string, options: LogOptions) => Stream.Stream<LogLine.LogLine, ServerError>
}>() {}

/**
 * Layer of a client. Fails when the address is none, or is one to which the key would be sent in plain text over a network.
 *
 * **Example** (The server of this machine)
 *
 * ```ts
 * import { FetchHttpClient } from "@effect/platform"
 * import { Layer, Redacted } from "effect"
 * import { layer } from "telemachy/client"
 *
 * export const Client = layer({ url: "http://127.0.0.1:7150", key: Redacted.make("the key of a file") }).pipe(
 *   Layer.provide(FetchHttpClient.layer)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<RunsClient, ServerError | TlsRequiredError, HttpClient.HttpClient> =>
  Layer.effect(RunsClient, make(options))
