/**
 * What a command that drives runs does about its measurements: sends them where the settings say, and continues the trace that it
 * was started in. Without either it does nothing, and loads nothing.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import { IsCounting } from "../run/MetricFamily.ts"
import type { RunEvent } from "../run/RunEvent.ts"
import * as TelemetrySettings from "../settings/TelemetrySettings.ts"

/** Whether metrics are sent. */
export class IsExporting extends Context.Reference<IsExporting>()("telemachy/telemetry/Telemetry/IsExporting", {
  defaultValue: (): boolean => false
}) {}

/** Counts what happens in runs, where anybody is told. */
export const followers: Effect.Effect<ReadonlyArray<(events: Stream.Stream<RunEvent>) => Effect.Effect<void>>> = Effect.flatMap(IsExporting, (isExporting) =>
  isExporting ? Effect.map(Effect.promise(() => import("./RunMetrics.ts")), ({ follow }) => [follow]) : Effect.succeed([]))

const nothing = Layer.succeed(IsExporting, false)

/** Layer of what sends to the collector that the settings name, if they name one. */
export const layer = Layer.unwrapEffect(Effect.gen(function*() {
  const endpoint = yield* TelemetrySettings.endpoint.config
  if (Option.isNone(endpoint)) return nothing
  const { isDisabled, optionsOf } = yield* Effect.promise(() => import("./OtlpOptions.ts"))
  if (yield* isDisabled) return nothing
  const options = yield* optionsOf(endpoint.value)
  const OtlpExport = yield* Effect.promise(() => import("./OtlpExport.ts"))
  return Layer.merge(OtlpExport.layer(options), Layer.succeed(IsExporting, options.hasMetrics))
}))

/** Layer of the trace that the process was started in, if it was in one: a run is a part of it. */
const continued = Layer.unwrapEffect(Effect.gen(function*() {
  const given = yield* TelemetrySettings.traceparent.config
  if (Option.isNone(given)) return Layer.empty
  const { parse } = yield* Effect.promise(() => import("./TraceParent.ts"))
  const found = parse(given.value)
  if (Option.isSome(found)) return Layer.succeed(Tracer.ParentSpan, found.value)
  yield* Effect.logWarning(`TRACEPARENT: expected a traceparent of W3C Trace Context, found ${JSON.stringify(given.value)}; it is ignored`)
  return Layer.empty
}))

const isNothingAsked = Effect.map(
  Effect.all([TelemetrySettings.endpoint.config, TelemetrySettings.traceparent.config]),
  (given) => given.every(Option.isNone)
)

/** The same, of a command that drives one run: nobody asks it for what it has counted. */
export const layerOfRun = Layer.unwrapEffect(Effect.map(isNothingAsked, (isNothing) =>
  isNothing
    ? Layer.succeed(IsCounting, false)
    : Layer.effect(IsCounting, IsExporting).pipe(Layer.provideMerge(layer), Layer.merge(continued))))
