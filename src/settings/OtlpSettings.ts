/**
 * What else is said of the collector, where there is one: variables of OpenTelemetry, which other programs read as well. Without an
 * endpoint they are not looked at, and this module is not loaded.
 */
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { type Description, optional, parsed, secret, withDefault } from "./Setting.ts"
import * as TelemetrySettings from "./TelemetrySettings.ts"

/** `name=value` pairs, percent-encoded, as W3C Baggage has them. */
const pairs = (text: string): Either.Either<ReadonlyMap<string, string>, string> => {
  const found = new Map<string, string>()
  for (const part of text.split(",").map((each) => each.trim()).filter((each) => each !== "")) {
    const [, name = "", value = ""] = /^([^=\s]+)\s*=\s*(.*)$/.exec(part) ?? []
    if (name === "") return Either.left("expected name=value pairs with commas between them")
    try {
      found.set(decodeURIComponent(name), decodeURIComponent(value))
    } catch {
      return Either.left("expected name=value pairs with commas between them, in which a % is written as %25")
    }
  }
  return Either.right(found)
}

const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const headerValue = /^[\t\x20-\x7e]*$/

/** What each request to the collector carries, as a key. */
export const headers = secret({
  name: TelemetrySettings.nameOfHeaders,
  description: "Headers for that collector, a key for example; shown nowhere",
  range: "name=value pairs with commas between them",
  fallback: "none",
  parse: (value) =>
    Either.flatMap(pairs(value), (found) =>
      [...found].every(([name, each]) => headerName.test(name) && headerValue.test(each))
        ? Either.right(Redacted.make<Readonly<Record<string, string>>>(Object.fromEntries(found)))
        : Either.left("expected name=value pairs that a header can carry"))
})

/** How it is encoded. */
export const protocol = withDefault({
  name: "OTEL_EXPORTER_OTLP_PROTOCOL",
  description: "How that is encoded",
  range: "http/protobuf or http/json",
  default: "http/protobuf" as const,
  schema: Schema.compose(Schema.Lowercase, Schema.Literal("http/protobuf", "http/json"))
})

/** The name under which a collector shows all of it. */
export const serviceName = optional({
  name: "OTEL_SERVICE_NAME",
  description: "Name under which a collector shows what is sent",
  range: "any text",
  fallback: "service.name of OTEL_RESOURCE_ATTRIBUTES, else telemachy",
  schema: Schema.String
})

/** What a collector is told of this process. */
export const resourceAttributes = parsed({
  name: "OTEL_RESOURCE_ATTRIBUTES",
  description: "What a collector is told of this process besides",
  range: "name=value pairs with commas between them",
  fallback: "none",
  parse: (value) => Either.mapLeft(pairs(value), (problem) => `${problem}, found ${JSON.stringify(value)}`)
})

/** Whether nothing is sent, wherever the collector is. */
export const isDisabled = withDefault({
  name: "OTEL_SDK_DISABLED",
  description: "Whether nothing is sent though there is a collector",
  range: "true or false",
  default: false,
  schema: Schema.transform(Schema.compose(Schema.Lowercase, Schema.Literal("true", "false")), Schema.Boolean, {
    strict: true,
    decode: (word) => word === "true",
    encode: (value) => (value ? "true" : "false")
  })
})

const exporter = (name: string, what: string) =>
  withDefault({
    name,
    description: `Whether ${what} are sent to that collector`,
    range: "otlp or none",
    default: "otlp" as const,
    schema: Schema.compose(Schema.Lowercase, Schema.Literal("otlp", "none"))
  })

export const traces = exporter("OTEL_TRACES_EXPORTER", "traces")
export const metrics = exporter("OTEL_METRICS_EXPORTER", "metrics")
export const logs = exporter("OTEL_LOGS_EXPORTER", "log entries")

/** All that is said of a collector and of traces, in the order in which it is documented. */
export const all: ReadonlyArray<Description> = [
  TelemetrySettings.endpoint,
  headers,
  protocol,
  serviceName,
  resourceAttributes,
  isDisabled,
  traces,
  metrics,
  logs,
  TelemetrySettings.traceparent
]
