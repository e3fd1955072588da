/** Whether the server answers, and whether it knows who asks: told by every request that the page makes. */
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SubscriptionRef from "effect/SubscriptionRef"

/** What is known. */
export interface State {
  /** Since when the server does not answer, in milliseconds since 1970; nothing while it does. */
  readonly lostAt: number | undefined
  /** Whether it has answered that it does not know who asks. */
  readonly isLoggedOut: boolean
}

/** What is known of the server. */
export class Connection extends Context.Tag("telemachy/page/Connection")<Connection, SubscriptionRef.SubscriptionRef<State>>() {}

/** Layer where nothing is known yet. */
export const layer = Layer.effect(Connection, SubscriptionRef.make<State>({ lostAt: undefined, isLoggedOut: false }))

/** How long the server may take to begin an answer. */
const answerTimeout = "30 seconds"

const change = (connection: SubscriptionRef.SubscriptionRef<State>, how: (state: State) => State) =>
  SubscriptionRef.update(connection, (state) => {
    const next = how(state)
    return next.lostAt === state.lostAt && next.isLoggedOut === state.isLoggedOut ? state : next
  })

/** Whether an answer says that the server does not know who asks; nothing when it does not say. */
const toldOf = ({ method, url }: HttpClientRequest.HttpClientRequest, status: number): boolean | undefined => {
  const isSession = url.endsWith("/v1/session")
  if (isSession && status === 200) return method === "DELETE"
  // A wrong key is no end of a session.
  return status === 401 && !(isSession && method === "POST") ? true : undefined
}

/** Layer of a client of HTTP that takes down what each of its requests tells. */
export const httpClient = Layer.effect(HttpClient.HttpClient, Effect.gen(function*() {
  const connection = yield* Connection
  const answered = (isLoggedOut: boolean | undefined) =>
    change(connection, (state) => ({ lostAt: undefined, isLoggedOut: isLoggedOut ?? state.isLoggedOut }))
  const lost = Effect.flatMap(Clock.currentTimeMillis, (now) => change(connection, (state) => ({ ...state, lostAt: state.lostAt ?? now })))
  return (yield* HttpClient.HttpClient).pipe(
    HttpClient.transform((answer, request) =>
      answer.pipe(
        Effect.timeoutFail({
          duration: answerTimeout,
          onTimeout: () => new HttpClientError.RequestError({ request, reason: "Transport", description: `no answer within ${answerTimeout}` })
        }),
        Effect.tap(({ status }) => answered(toldOf(request, status))),
        Effect.tapErrorTag("RequestError", ({ reason }) => reason === "Transport" ? lost : Effect.void)
      ))
  )
}))
