/** A client of the API of runs, made of its description. */
import * as HttpApiClient from "@effect/platform/HttpApiClient"
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { identity } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as RunEvent from "../run/RunEvent.ts"
import type { PlacedEvent } from "../store/RunStore.ts"
import { RunsApi } from "./RunsApi.ts"

/**
 * Where the server is, and the key that it asks for.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Its address, such as `http://127.0.0.1:7150`. */
  readonly url: string
  readonly key: Redacted.Redacted
}

/** How long a server that is away is waited for, and how often it is tried. */
const whileAway = Schedule.upTo(Schedule.spaced("1 second"), "1 minute")

const makeClient = ({ key, url }: Options) =>
  HttpApiClient.make(RunsApi, {
    baseUrl: url,
    transformClient: HttpClient.mapRequest(HttpClientRequest.bearerToken(key))
  })

/** A message of a stream of events. */
interface Message {
  readonly id: string | undefined
  readonly event: string | undefined
  readonly data: string
}

/** Puts the lines of a stream together to messages; a line that is empty ends one. */
const messages = <E, R>(lines: Stream.Stream<string, E, R>): Stream.Stream<Message, E, R> =>
  lines.pipe(
    Stream.mapAccum<Message, string, Option.Option<Message>>({ id: undefined, event: undefined, data: "" }, (open, line) => {
      const none: Message = { id: undefined, event: undefined, data: "" }
      if (line === "") return [none, open.data === "" ? Option.none() : Option.some(open)]
      const [, field = "", value = ""] = /^([^:]*):? ?(.*)$/s.exec(line) ?? []
      switch (field) {
        case "id":
          return [{ ...open, id: value }, Option.none()]
        case "event":
          return [{ ...open, event: value }, Option.none()]
        case "data":
          return [{ ...open, data: open.data + value }, Option.none()]
        default:
          return [open, Option.none()]
      }
    }),
    Stream.filterMap(identity)
  )

const decode = Schema.decodeEither(RunEvent.Json)

/**
 * The server has ended the events of a run before the run was over, again and again for a minute.
 *
 * **Example** (Asking whether the server is well)
 *
 * ```ts
 * import { Effect, Stream } from "effect"
 * import { RunsClient } from "telemachy"
 *
 * export const watch = (run: string) =>
 *   Effect.gen(function*() {
 *     const client = yield* RunsClient.RunsClient
 *     const watching = Stream.runDrain(client.follow(run))
 *     yield* Effect.catchTag(watching, "StreamInterruptedError", () => client.system.health())
 *   })
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class StreamInterruptedError extends Schema.TaggedError<StreamInterruptedError>()("StreamInterruptedError", {
  run: Schema.String
}) {
  override get message(): string {
    return `the server ends the events of run ${this.run} before the run is over`
  }
}

/** Reads the events of a stream, and fails when it ends without having said so. An event of a newer version is left out. */
const placed = (run: string, found: Stream.Stream<Message, HttpClientError.HttpClientError>) =>
  Stream.concat(Stream.map(found, Option.some), Stream.succeed(Option.none<Message>())).pipe(
    Stream.mapEffect(Option.match({
      onNone: () => new StreamInterruptedError({ run }),
      onSome: Effect.succeed
    })),
    Stream.takeWhile(({ event }) => event !== "end"),
    Stream.filterMap(({ data, id }): Option.Option<PlacedEvent> =>
      Either.match(decode(data), {
        onLeft: () => Option.none(),
        onRight: (event) => Option.some({ seq: Number(id), event })
      }))
  )

const make = (options: Options) =>
  Effect.gen(function*() {
    const api = yield* makeClient(options)
    const http = yield* HttpClient.HttpClient

    const open = (run: string, from: number) =>
      HttpClientRequest.get(`${options.url}/v1/runs/${encodeURIComponent(run)}/events/stream`).pipe(
        HttpClientRequest.bearerToken(options.key),
        HttpClientRequest.setUrlParam("from", String(from)),
        http.execute,
        Effect.flatMap(HttpClientResponse.filterStatusOk),
        HttpClientResponse.stream,
        Stream.decodeText(),
        Stream.splitLines,
        messages,
        (found) => placed(run, found)
      )

    return RunsClient.of({
      ...api,
      follow: (run, from = 0) => {
        let next = from
        return Stream.suspend(() => open(run, next)).pipe(
          Stream.tap(({ seq }) => Effect.sync(() => void (next = seq + 1))),
          Stream.retry(Schedule.whileInput(whileAway, (error: HttpClientError.HttpClientError | StreamInterruptedError) =>
            error._tag !== "ResponseError" || error.response.status >= 500))
        )
      }
    })
  })

type Client = Effect.Effect.Success<ReturnType<typeof makeClient>>

/**
 * Asks a server of runs, and tells it what to do. Each group of its API is one of its members: `runs`, `schedules`,
 * `workflows` and `about`.
 *
 * **Example** (Submitting a workflow, and watching it)
 *
 * ```ts
 * import { Effect, Stream } from "effect"
 * import { RunsClient } from "telemachy"
 *
 * export const runOnServer = (workflow: string) =>
 *   Effect.gen(function*() {
 *     const client = yield* RunsClient.RunsClient
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
  /**
   * What has happened in a run from a place on, and what happens in it, until it is over or nobody drives it. Goes on where it
   * was when the server is away for a while.
   */
  readonly follow: (run: string, from?: number) => Stream.Stream<PlacedEvent, HttpClientError.HttpClientError | StreamInterruptedError>
}>() {}

/**
 * Layer of a client.
 *
 * **Example** (The server of this machine)
 *
 * ```ts
 * import { FetchHttpClient } from "@effect/platform"
 * import { Layer, Redacted } from "effect"
 * import { RunsClient } from "telemachy"
 *
 * export const Client = RunsClient.layer({ url: "http://127.0.0.1:7150", key: Redacted.make("the key of a file") }).pipe(
 *   Layer.provide(FetchHttpClient.layer)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<RunsClient, never, HttpClient.HttpClient> => Layer.effect(RunsClient, make(options))
