/** The server that commands ask, as the settings name it: with its key, limits of time and size, and its answers in words. */
import * as HttpIncomingMessage from "@effect/platform/HttpIncomingMessage"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import manifest from "../../package.json" with { type: "json" }
import * as TimeLimit from "../liveness/TimeLimit.ts"
import * as Settings from "../settings/Settings.ts"
import { ServerError } from "../store/ServerError.ts"
import * as RunsClient from "./RunsClient.ts"
import * as ServerAnswer from "./ServerAnswer.ts"

/** The most bytes of an answer. */
const maxBytes = 64 * 1024 * 1024

/** How long the server may take to say which version it is. */
const versionTimeout = "5 seconds"

/** How long what changes something may take: longer than the server gives itself. */
export const changeTimeout = Duration.seconds(130)

/** Asks the server. */
export class ServerConnection extends Context.Tag("telemachy/server/ServerConnection")<ServerConnection, {
  readonly client: Context.Tag.Service<RunsClient.RunsClient>
  /** Asks for something, for so long at most, and says in words what is no answer to that. */
  readonly ask: <A, E extends { readonly _tag: string }>(
    request: Effect.Effect<A, E>,
    limit?: Duration.Duration
  ) => Effect.Effect<A, Exclude<E, Extract<E, ServerAnswer.Untold>> | ServerError>
}>() {}

const make = Effect.gen(function*() {
  const client = yield* RunsClient.RunsClient
  const requestTimeout = yield* Settings.requestTimeout.config
  const { url } = client

  /** What an answer is from that is not understood: another version, or no server of runs at all. */
  const stranger = (answered: string) =>
    Effect.map(Effect.option(Effect.timeout(client.about.version(), versionTimeout)), Option.match({
      onNone: () => `is no telemachy serve, as it seems: ${answered}`,
      onSome: ({ version }) =>
        version === manifest.version
          ? `is no whole telemachy serve: ${answered}`
          : `is Telemachy ${version}, and this is ${manifest.version}, which does not understand it: ${answered}`
    }))

  return ServerConnection.of({
    client,
    ask: <A, E extends { readonly _tag: string }>(request: Effect.Effect<A, E>, limit: Duration.Duration = requestTimeout) =>
      request.pipe(
        HttpIncomingMessage.withMaxBodySize(Option.some(maxBytes)),
        Effect.catchIf(
          (error): error is Extract<E, ServerAnswer.Untold> => ServerAnswer.isUntold(error),
          (error) => Effect.flatMap(ServerAnswer.explain(url, error, stranger), Effect.fail)
        ),
        TimeLimit.within({
          limit,
          onTimeout: () => new ServerError({ url, problem: `does not answer within ${Duration.format(limit)}`, isTransient: true })
        })
      )
  })
})

const client = Layer.unwrapEffect(Effect.gen(function*() {
  const url = Option.getOrElse(yield* Settings.serverUrl.config, () => "")
  const key = yield* Settings.serverKey.config
  const requireTls = yield* Settings.requireTls.config
  if (Option.isNone(key)) {
    return yield* new ServerError({ url, problem: "asks for a key: TELEMACHY_SERVER_KEY, or --server-key-file", isTransient: false })
  }
  return RunsClient.layer({ url, key: key.value, requireTls })
}))

/** Layer of the server that the settings name. */
export const layer = Layer.provide(Layer.effect(ServerConnection, make), client)
