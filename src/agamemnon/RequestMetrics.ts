/** What is counted of requests to Agamemnon, and of pings: how they ended, and how long they took. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as MetricFamily from "../run/MetricFamily.ts"
import type { AgamemnonError, PingError } from "./AgamemnonError.ts"

/** `status_code` is that of the answer, or what happened to the connection. */
export const requests = MetricFamily.counter("telemachy_agamemnon_requests_total", "Requests to Agamemnon, without pings", "method", "endpoint", "status_code")

export const requestSeconds = MetricFamily.histogram("telemachy_agamemnon_request_seconds", "How long they took", MetricFamily.latencies, "method", "endpoint")

/** `result` is answered, or what happened. */
export const pings = MetricFamily.counter("telemachy_pings_total", "Pings of Agamemnon, by how they ended", "result")

export const pingSeconds = MetricFamily.histogram("telemachy_ping_seconds", "How long they took", MetricFamily.latencies)

const isWord = (part: string): boolean => /^(|v1|health|version|agents|by-name|start|stop|teams|tasks|complete|chaos)$/.test(part)

/** The path that a request is for, with `:id` for every id and name in it: as many paths there are, so many values has the label. */
export const endpointOf = (path: string): string => path.replace(/\?.*$/s, "").split("/").map((part) => (isWord(part) ? part : ":id")).join("/")

/** Counts a request when it has ended. One that is interrupted has not. */
export const request = (sent: { readonly method: string; readonly path: string }) =>
<A extends { readonly status: number }>(effect: Effect.Effect<A, AgamemnonError>): Effect.Effect<A, AgamemnonError> =>
  MetricFamily.timed(effect, (seconds, exit) => {
    const status = Exit.match(exit, {
      onSuccess: ({ status }) => Option.some(String(status)),
      onFailure: (cause) => Option.map(Cause.failureOption(cause), ({ status, transport }) => transport ?? String(status ?? "none"))
    })
    const labels = { method: sent.method, endpoint: endpointOf(sent.path) }
    return Option.match(status, {
      onNone: () => Effect.void,
      onSome: (status_code) => Effect.zipRight(requestSeconds.update(seconds, labels), requests.update(1, { ...labels, status_code }))
    })
  })

/** Counts a ping when it has ended. */
export const ping = <A>(effect: Effect.Effect<A, PingError>): Effect.Effect<A, PingError> =>
  MetricFamily.timed(effect, (seconds, exit) => {
    const result = Exit.match(exit, {
      onSuccess: () => Option.some("answered"),
      onFailure: (cause) => Option.map(Cause.failureOption(cause), ({ reason }) => reason)
    })
    return Option.match(result, {
      onNone: () => Effect.void,
      onSome: (result) => Effect.zipRight(pingSeconds.update(seconds, {}), pings.update(1, { result }))
    })
  })
