/** The span of a request, named and described by the conventions of OpenTelemetry for HTTP clients. */
import * as Headers from "@effect/platform/Headers"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as HttpTraceContext from "@effect/platform/HttpTraceContext"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"

/** Where a request goes. */
export interface Addressed {
  readonly request: HttpClientRequest.HttpClientRequest
  readonly url: URL
}

type Execute<E> = (addressed: Addressed) => Effect.Effect<HttpClientResponse.HttpClientResponse, E>

/** Executes a request in a span of its own, of which the server is told; or in none, where requests have none. */
export const within = <E>(execute: Execute<E>): Execute<E> => (addressed) =>
  Effect.withFiberRuntime((fiber) => {
    const { request, url } = addressed
    const isTraced = fiber.getFiberRef(FiberRef.currentTracerEnabled) && !fiber.getFiberRef(HttpClient.currentTracerDisabledWhen)(request)
    if (!isTraced) return execute(addressed)
    const isTold = fiber.getFiberRef(HttpClient.currentTracerPropagation)
    const name = Context.get(fiber.currentContext, HttpClient.SpanNameGenerator)(request)
    const redacted = fiber.getFiberRef(Headers.currentRedactedNames)
    return Effect.useSpan(name, { kind: "client", captureStackTrace: false }, (span) => {
      const describe = (attributes: Attributes) => {
        for (const [attribute, value] of Object.entries(attributes)) span.attribute(attribute, value)
      }
      describe({ ...attributesOf(addressed), ...headersOf("request", Headers.redact(request.headers, redacted)) })
      const told = isTold ? HttpClientRequest.setHeaders(request, HttpTraceContext.toHeaders(span)) : request
      return Effect.map(Effect.withParentSpan(execute({ request: told, url }), span), (response) => {
        describe({
          "http.response.status_code": response.status,
          ...headersOf("response", Headers.redact(response.headers, redacted))
        })
        return response
      })
    })
  })

type Attributes = Readonly<Record<string, string | number>>

/** Headers without secrets, one attribute each. */
const headersOf = (kind: "request" | "response", headers: Readonly<Record<string, unknown>>): Attributes =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [`http.${kind}.header.${name}`, String(value)]))

const attributesOf = ({ request, url }: Addressed): Attributes => ({
  "http.request.method": request.method,
  "server.address": url.origin,
  "url.full": url.toString(),
  "url.path": url.pathname,
  "url.scheme": url.protocol.slice(0, -1),
  ...(url.port === "" ? {} : { "server.port": Number(url.port) }),
  ...(url.search.length < 2 ? {} : { "url.query": url.search.slice(1) })
})
