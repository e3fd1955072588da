/** What the settings say of a collector. Loaded where there is one. */
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as AgamemnonAddress from "../settings/AgamemnonAddress.ts"
import * as OtlpSettings from "../settings/OtlpSettings.ts"
import * as Settings from "../settings/Settings.ts"
import * as TelemetrySettings from "../settings/TelemetrySettings.ts"
import type * as OtlpExport from "./OtlpExport.ts"

const usualName = "telemachy"

/** What is said beside the endpoint. */
const others = Config.all({
  headers: OtlpSettings.headers.config,
  protocol: OtlpSettings.protocol.config,
  serviceName: OtlpSettings.serviceName.config,
  attributes: OtlpSettings.resourceAttributes.config,
  traces: OtlpSettings.traces.config,
  metrics: OtlpSettings.metrics.config,
  logs: OtlpSettings.logs.config,
  requireTls: Settings.requireTls.config
})

/** A key that anybody on the way could read is not sent. */
const isRefused = (endpoint: string, requireTls: boolean): boolean =>
  requireTls && Either.match(AgamemnonAddress.parse(endpoint), { onLeft: () => false, onRight: ({ isLoopback, isPlain }) => isPlain && !isLoopback })

/** Whether nothing is sent, wherever the collector is. */
export const isDisabled = OtlpSettings.isDisabled.config

/** Reads what is sent to this collector, and how. */
export const optionsOf = (endpoint: string): Config.Config<OtlpExport.Options> =>
  Config.mapOrFail(others, ({ headers, logs, metrics, protocol, requireTls, serviceName, traces, ...given }) => {
    if (Option.isSome(headers) && isRefused(endpoint, requireTls)) {
      return Either.left(ConfigError.InvalidData(
        [TelemetrySettings.endpoint.name],
        `${endpoint} is plain http:// to another machine, and OTEL_EXPORTER_OTLP_HEADERS could be read on the way: use https://, or allow it (REQUIRE_TLS=false)`
      ))
    }
    const attributes = Object.fromEntries(Option.getOrElse(given.attributes, () => new Map<string, string>()))
    const { "service.name": named = usualName, ...resourceAttributes } = attributes
    return Either.right({
      endpoint,
      headers: Option.getOrElse(headers, () => Redacted.make<Readonly<Record<string, string>>>({})),
      isJson: protocol === "http/json",
      serviceName: Option.getOrElse(serviceName, () => named),
      resourceAttributes,
      hasTraces: traces === "otlp",
      hasMetrics: metrics === "otlp",
      hasLogs: logs === "otlp"
    })
  })
