/** A collector on a loopback socket, which keeps what it is sent by OTLP in JSON. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as RawServer from "./RawServer.ts"

const Attributes = Schema.Array(Schema.Struct({ key: Schema.String, value: Schema.Record({ key: Schema.String, value: Schema.Unknown }) }))

const Span = Schema.Struct({
  traceId: Schema.String,
  spanId: Schema.String,
  parentSpanId: Schema.optional(Schema.String),
  name: Schema.String,
  kind: Schema.Int,
  status: Schema.Struct({ code: Schema.Int, message: Schema.optional(Schema.String) }),
  attributes: Attributes
})

const Resource = Schema.Struct({ attributes: Attributes })

const Traces = Schema.parseJson(Schema.Struct({
  resourceSpans: Schema.Array(Schema.Struct({ resource: Resource, scopeSpans: Schema.Array(Schema.Struct({ spans: Schema.Array(Span) })) }))
}))

const Metrics = Schema.parseJson(Schema.Struct({
  resourceMetrics: Schema.Array(Schema.Struct({
    resource: Resource,
    scopeMetrics: Schema.Array(Schema.Struct({ metrics: Schema.Array(Schema.Struct({ name: Schema.String })) }))
  }))
}))

const Logs = Schema.parseJson(Schema.Struct({
  resourceLogs: Schema.Array(Schema.Struct({
    scopeLogs: Schema.Array(Schema.Struct({
      logRecords: Schema.Array(Schema.Struct({ traceId: Schema.optional(Schema.String), severityText: Schema.String, body: Schema.Unknown, attributes: Attributes }))
    }))
  }))
}))

/** Attributes as an object. */
export const valuesOf = (attributes: typeof Attributes.Type): Readonly<Record<string, unknown>> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))

/** Starts a collector that does this about each request. */
export const make = Effect.fnUntraced(function*(respond: RawServer.Respond = RawServer.answer(200, {})) {
  const { received, url } = yield* RawServer.http(respond)
  const sent = <A>(path: string, schema: Schema.Schema<A, string>) =>
    Effect.suspend(() => Effect.forEach(received.filter((each) => each.path === path), ({ body }) => Schema.decode(schema)(body)))
  return {
    received,
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" },
    url,
    spans: Effect.map(sent("/v1/traces", Traces), (all) =>
      all.flatMap(({ resourceSpans }) => resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)))
        .map((span) => ({ ...span, attributes: valuesOf(span.attributes) }))),
    resources: Effect.map(sent("/v1/metrics", Metrics), (all) =>
      all.flatMap(({ resourceMetrics }) => resourceMetrics.map(({ resource }) => valuesOf(resource.attributes)))),
    metrics: Effect.map(sent("/v1/metrics", Metrics), (all) =>
      new Set(all.flatMap(({ resourceMetrics }) => resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics.map(({ name }) => name)))))),
    logs: Effect.map(sent("/v1/logs", Logs), (all) =>
      all.flatMap(({ resourceLogs }) => resourceLogs.flatMap(({ scopeLogs }) => scopeLogs.flatMap(({ logRecords }) => logRecords)))
        .map((entry) => ({ ...entry, attributes: valuesOf(entry.attributes) })))
  }
})
