/** The server of the API of runs: asks for a key, limits what it is asked, and answers from the journal. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Listener from "../embedded/Listener.ts"
import * as AgamemnonAddress from "../settings/AgamemnonAddress.ts"
import * as AboutHandlers from "./AboutHandlers.ts"
import * as ApiDocument from "./ApiDocument.ts"
import * as ApiError from "./ApiError.ts"
import * as ApiKeys from "./ApiKeys.ts"
import * as RequestGuard from "./RequestGuard.ts"
import * as RunHandlers from "./RunHandlers.ts"
import { Authorization, RunsApi } from "./RunsApi.ts"
import * as ScheduleHandlers from "./ScheduleHandlers.ts"
import * as WorkflowHandlers from "./WorkflowHandlers.ts"

/** How the API is served. */
export interface Options extends RequestGuard.Options {
  readonly host: string
  /** A free one where it is 0. */
  readonly port: number
  /** Allows an address that other machines can reach. */
  readonly allowRemote: boolean
  readonly keys: ReadonlyArray<ApiKeys.ApiKey>
}

/** The API would be reachable from other machines. */
export class RemoteApiError extends Schema.TaggedError<RemoteApiError>()("RemoteApiError", { host: Schema.String }) {
  override get message(): string {
    return `${this.host} can be reached from other machines, where whoever has a key could run workflows here, and what is said ` +
      "could be read on the way: listen on 127.0.0.1, or allow it explicitly (--allow-remote), behind a proxy that speaks TLS"
  }
}

/** How long the answer to a request may take, the cleanup of a run included. */
const answerTimeout = "2 minutes"

const addressOf = (host: string) => `http://${host.includes(":") ? `[${host}]` : host}`

const authorization = (keys: ReadonlyArray<ApiKeys.ApiKey>) => {
  const find = ApiKeys.finder(keys)
  return Layer.succeed(Authorization, {
    key: (given) => {
      const found = find(given)
      return found === undefined
        ? new ApiError.UnauthorizedError({ message: "a key is asked for: Authorization: Bearer KEY" })
        : Effect.succeed({ name: found.name, role: found.role })
    }
  })
}

const services = (keys: ReadonlyArray<ApiKeys.ApiKey>) =>
  HttpApiBuilder.api(RunsApi).pipe(
    Layer.provide([AboutHandlers.system, AboutHandlers.about, WorkflowHandlers.layer, RunHandlers.layer, ScheduleHandlers.layer]),
    Layer.provide(authorization(keys)),
    Layer.merge(Layer.provide(ApiDocument.layer, HttpApiBuilder.Router.Live)),
    Layer.merge(Layer.mergeAll(HttpApiBuilder.Router.Live, HttpApiBuilder.Middleware.layer, NodeHttpServer.layerContext))
  )

/** Refuses an address that other machines can reach, unless that is allowed. */
export const check = ({ allowRemote, host }: Pick<Options, "host" | "allowRemote">): Effect.Effect<void, RemoteApiError> => {
  const address = addressOf(host)
  const isLoopback = URL.canParse(address) && AgamemnonAddress.isLoopback(new URL(address).hostname)
  return allowRemote || isLoopback ? Effect.void : new RemoteApiError({ host })
}

/** Serves the API until the scope closes. Answers with its address. */
export const start = Effect.fn("RunsServer.start")(function*({ allowRemote, host, hosts, keys, port }: Options) {
  yield* check({ allowRemote, host })
  const context = yield* Layer.build(services(keys))
  const app = yield* Effect.provide(HttpApiBuilder.httpApp, context)
  const guard = yield* RequestGuard.make({ hosts })
  const answered = Effect.timeoutTo(Effect.provide(app, context), {
    duration: answerTimeout,
    onSuccess: (response) => response,
    onTimeout: () => HttpServerResponse.unsafeJson({ _tag: "BusyError", message: `it took longer than ${answerTimeout}` }, { status: 503 })
  })
  const onRequest = yield* NodeHttpServer.makeHandler(guard(answered)).pipe(Effect.interruptible)
  const listener = yield* Listener.make({ host, port, onRequest, what: "the API" })
  return `${addressOf(host)}:${listener.port}`
})
