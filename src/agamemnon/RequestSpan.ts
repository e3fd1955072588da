/** The span of a request, named and described by the conventions of OpenTelemetry for HTTP clients. */
import * as Headers from "@effect/platform/Headers"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as HttpTraceContext from "@effect/platform/HttpTraceContext"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberRef from "effect/FiberRef"
import * as Tracer from "effect/Tracer"
import * as RunSpan from "../run/RunSpan.ts"

/** Where a request goes. */
export interface Addressed {
  readonly request: HttpClientRequest.HttpClientRequest
  readonly url: URL
}

type Execute<E> = (addressed: Addressed) => Effect.Effect<HttpClientResponse.HttpClientResponse, E>

/** What makes spans where nothing else was given: nobody hears of those. */
const nobodys = Context.get(DefaultServices.liveServices, Tracer.Tracer)

/** Executes a request in a span of its own, of which the server is told; or in none, where requests have none, or nobody hears of it. */
export const within = <E>(execute: Execute<E>): Execute<E> => (addressed) =>
  Effect.withFiberRuntime((fiber) => {
    const { request, url } = addressed
    const isTraced = fiber.currentTracer !== nobodys && fiber.getFiberRef(FiberRef.currentTracerEnabled) &&
      !fiber.getFiberRef(HttpClient.currentTracerDisabledWhen)(request)
    const isTold = fiber.getFiberRef(HttpClient.currentTracerPropagation)
    if (!isTraced) return isTold ? continued(execute, addressed) : execute(addressed)
    const name = Context.get(fiber.currentContext, HttpClient.SpanNameGenerator)(request)
    const redacted = fiber.getFiberRef(Headers.currentRedactedNames)
    const context = Context.make(RunSpan.IsStep, !isRepeated(addressed) && !Context.get(fiber.currentContext, RunSpan.IsRepeated))
    return Effect.useSpan(name, { kind: "client", captureStackTrace: false, context }, (span) => {
      const describe = (attributes: Attributes) => {
        for (const [attribute, value] of Object.entries(attributes)) span.attribute(attribute, value)
      }
      describe({ ...attributesOf(addressed), ...headersOf("request", Headers.redact(request.headers, redacted)) })
      const told = isTold ? HttpClientRequest.setHeaders(request, HttpTraceContext.toHeaders(span)) : request
      return execute({ request: told, url }).pipe(
        Effect.tapError(() => Effect.sync(() => describe({ "error.type": "connection" }))),
        Effect.flatMap((response) => {
          const { status } = response
          describe({
            "http.response.status_code": status,
            ...headersOf("response", Headers.redact(response.headers, redacted))
          })
          if (status < 400) return Effect.succeed(response)
          // To a client, such an answer is an error; the request itself has not failed.
          describe({ "error.type": String(status) })
          return Effect.map(Clock.currentTimeNanos, (now) => {
            span.end(now, Exit.fail(`status ${status}`))
            return response
          })
        })
      )
    })
  })

/** Has no span within it name what an answer tells of itself that may hold a token, as the address of a redirection does. */
export const withoutSecrets = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.withFiberRuntime((fiber) => {
    const names = fiber.getFiberRef(Headers.currentRedactedNames)
    return names.includes("location") ? effect : Effect.locally(effect, Headers.currentRedactedNames, [...names, "location"])
  })

/** Whether it is one of those by which a run watches its tasks, of which a long run makes thousands. */
const isRepeated = ({ request, url }: Addressed): boolean => request.method === "GET" && /\/tasks(\/[^/]+)?$/.test(url.pathname)

/** Executes a request that has no span, and tells the server of the trace that this process was started in, if it was in one. */
const continued = <E>(execute: Execute<E>, { request, url }: Addressed) =>
  Effect.flatMap(RunSpan.traceparent, (traceparent) =>
    execute({ request: traceparent === undefined ? request : HttpClientRequest.setHeader(request, "traceparent", traceparent), url }))

type Attributes = Readonly<Record<string, string | number>>

/** Headers without secrets, one attribute each. */
const headersOf = (kind: "request" | "response", headers: Readonly<Record<string, unknown>>): Attributes =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [`http.${kind}.header.${name}`, String(value)]))

const attributesOf = ({ request, url }: Addressed): Attributes => ({
  "http.request.method": request.method,
  "server.address": url.hostname,
  "url.full": url.toString(),
  "url.path": url.pathname,
  "url.scheme": url.protocol.slice(0, -1),
  ...(url.port === "" ? {} : { "server.port": Number(url.port) }),
  ...(url.search.length < 2 ? {} : { "url.query": url.search.slice(1) })
})
