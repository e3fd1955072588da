/**
 * Where what is measured is sent, and the trace that the process was started in: variables of OpenTelemetry
 * (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as AgamemnonAddress from "./AgamemnonAddress.ts"
import { optional, parsed } from "./Setting.ts"

/** The variable that holds a key of the collector: no program that is started here is given it. */
export const nameOfHeaders = "OTEL_EXPORTER_OTLP_HEADERS"

/** Where the collector is that spans, metrics and log entries are sent to. */
export const endpoint = parsed({
  name: "OTEL_EXPORTER_OTLP_ENDPOINT",
  description: "Collector for traces, metrics and log entries (OTLP over HTTP)",
  range: "an http:// or https:// address",
  fallback: "nothing is sent",
  parse: (value) => Either.map(AgamemnonAddress.parse(value, nameOfHeaders), ({ url }) => url)
})

/** The trace that the process was started in. What is none is not refused, as it is not the user who writes it. */
export const traceparent = optional({
  name: "TRACEPARENT",
  description: "Trace that a run continues (W3C Trace Context)",
  range: "any text",
  fallback: "a run is a trace of its own",
  schema: Schema.String
})
