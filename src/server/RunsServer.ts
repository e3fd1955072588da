/** The server of the API of runs: asks for a key, limits what it is asked, and answers from the journal. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Listener from "../embedded/Listener.ts"
import * as AgamemnonAddress from "../settings/AgamemnonAddress.ts"
import * as AboutHandlers from "./AboutHandlers.ts"
import * as ApiDocument from "./ApiDocument.ts"
import * as ApiError from "./ApiError.ts"
import * as ApiKeys from "./ApiKeys.ts"
import * as PageFiles from "./PageFiles.ts"
import * as RequestGuard from "./RequestGuard.ts"
import * as RunHandlers from "./RunHandlers.ts"
import * as RunStates from "./RunStates.ts"
import * as RunViewHandlers from "./RunViewHandlers.ts"
import { Authorization, RunsApi } from "./RunsApi.ts"
import * as ScheduleHandlers from "./ScheduleHandlers.ts"
import * as SessionCookie from "./SessionCookie.ts"
import * as SessionHandlers from "./SessionHandlers.ts"
import * as Sessions from "./Sessions.ts"
import * as WorkflowHandlers from "./WorkflowHandlers.ts"

/** How the API is served. */
export interface Options extends RequestGuard.Options {
  readonly host: string
  /** A free one where it is 0. */
  readonly port: number
  /** Allows an address that other machines can reach. */
  readonly allowRemote: boolean
  readonly keys: ReadonlyArray<ApiKeys.ApiKey>
  /** The directory with the files of the page; nothing when it is not served. */
  readonly page?: string | undefined
  /** US dollars that an agent costs an hour; nothing where that is not known. */
  readonly agentUsdPerHour?: number | undefined
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

/** A key counts that is sent with a request, or else that with which a browser has logged in. */
const authorization = (keys: ReadonlyArray<ApiKeys.ApiKey>) =>
  Layer.effect(Authorization, Effect.map(Sessions.Sessions, (sessions) => {
    const find = ApiKeys.finder(keys)
    return {
      key: (given) =>
        Effect.gen(function*() {
          const isGiven = Redacted.value(given) !== ""
          const found = isGiven ? find(given) : yield* Effect.provideService(SessionCookie.sessionOf, Sessions.Sessions, sessions)
          if (found !== undefined) return { name: found.name, role: found.role }
          return yield* new ApiError.UnauthorizedError({ message: "a key is asked for: Authorization: Bearer KEY" })
        })
    }
  }))

const services = ({ agentUsdPerHour, keys, page }: Pick<Options, "agentUsdPerHour" | "keys" | "page">) =>
  HttpApiBuilder.api(RunsApi).pipe(
    Layer.provide([AboutHandlers.system, AboutHandlers.about({ agentUsdPerHour }), WorkflowHandlers.layer, RunHandlers.layer, ScheduleHandlers.layer, RunViewHandlers.layer, SessionHandlers.layer]),
    Layer.provide(authorization(keys)),
    Layer.merge(Layer.provide(ApiDocument.layer, HttpApiBuilder.Router.Live)),
    Layer.merge(page === undefined ? Layer.empty : Layer.provide(PageFiles.layer(page), HttpApiBuilder.Router.Live)),
    Layer.provideMerge(Layer.mergeAll(Sessions.layer(keys), RunStates.layer)),
    Layer.merge(Layer.mergeAll(HttpApiBuilder.Router.Live, HttpApiBuilder.Middleware.layer, NodeHttpServer.layerContext))
  )

/** Refuses an address that other machines can reach, unless that is allowed. */
export const check = ({ allowRemote, host }: Pick<Options, "host" | "allowRemote">): Effect.Effect<void, RemoteApiError> => {
  const address = addressOf(host)
  const isLoopback = URL.canParse(address) && AgamemnonAddress.isLoopback(new URL(address).hostname)
  return allowRemote || isLoopback ? Effect.void : new RemoteApiError({ host })
}

/** Serves the API, and the page, until the scope closes. Answers with its address. */
export const start = Effect.fn("RunsServer.start")(function*({ agentUsdPerHour, allowRemote, host, hosts, keys, page, port }: Options) {
  yield* check({ allowRemote, host })
  const context = yield* Layer.build(services({ agentUsdPerHour, keys, page }))
  const app = yield* Effect.provide(HttpApiBuilder.httpApp, context)
  const guard = RequestGuard.make({ hosts })
  const answered = Effect.timeoutTo(Effect.provide(app, context), {
    duration: answerTimeout,
    onSuccess: (response) => response,
    onTimeout: () => HttpServerResponse.unsafeJson({ _tag: "BusyError", message: `it took longer than ${answerTimeout}` }, { status: 503 })
  })
  const onRequest = yield* NodeHttpServer.makeHandler(guard(answered)).pipe(Effect.interruptible)
  const listener = yield* Listener.make({ host, port, onRequest, what: "the API" })
  const url = `${addressOf(host)}:${listener.port}`
  const { makeLink } = Context.get(context, Sessions.Sessions)
  return {
    url,
    /** Makes an address of the page that logs in whoever opens it first; nothing when it is not served. */
    makeLink: page === undefined ? Effect.succeedNone : Effect.map(makeLink, (link) => Option.some(Redacted.make(`${url}/login#${Redacted.value(link)}`)))
  }
})
