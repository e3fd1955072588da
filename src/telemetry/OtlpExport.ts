/**
 * Sends traces, metrics and log entries to a collector, by OTLP over HTTP. A collector that is away, is slow or refuses costs a
 * run nothing: what can not be sent is dropped, and that is said once.
 */
import { randomUUID } from "node:crypto"
import { hostname } from "node:os"
import * as OtlpLogger from "@effect/opentelemetry/OtlpLogger"
import * as OtlpMetrics from "@effect/opentelemetry/OtlpMetrics"
import * as OtlpSerialization from "@effect/opentelemetry/OtlpSerialization"
import * as OtlpTracer from "@effect/opentelemetry/OtlpTracer"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as FiberRef from "effect/FiberRef"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import * as Scope from "effect/Scope"
import manifest from "../../package.json" with { type: "json" }
import * as Connections from "../agamemnon/Connections.ts"
import * as TransportProblem from "../agamemnon/TransportProblem.ts"
import * as ConcurrencyLimit from "../liveness/ConcurrencyLimit.ts"
import * as StepTracer from "./StepTracer.ts"

/** What is sent where. */
export interface Options {
  /** The address of the collector, to which the path of each kind is added. */
  readonly endpoint: string
  readonly headers: Redacted.Redacted<Readonly<Record<string, string>>>
  readonly isJson: boolean
  readonly serviceName: string
  readonly resourceAttributes: Readonly<Record<string, string>>
  readonly hasTraces: boolean
  readonly hasMetrics: boolean
  readonly hasLogs: boolean
}

/** How long the end of a command waits until all is sent, at most. */
export const flushTimeout = Duration.seconds(2)

/** How long each kind has for that: a little less, so that one which is late takes none of the others with it. */
const shutdownTimeout = Duration.millis(1800)

/** How long a collector may take to answer. */
const answerTimeout = Duration.seconds(10)

/** How many requests may be under way: of a collector that does not answer, no more are waited for. */
const maxRequests = 4

/** How many spans or entries are sent at once. */
const maxBatchSize = 500

const detailOf = (error: HttpClientError.HttpClientError): string =>
  error._tag === "ResponseError" ? `it answers with ${error.response.status}` : error.reason === "Transport" ? TransportProblem.of(error).detail : error.message

/** The client of the exporters: limited, and heard of when it fails for the first time and when that is over. */
const makeClient = Effect.fnUntraced(function*(endpoint: string) {
  const client = yield* HttpClient.HttpClient
  const places = ConcurrencyLimit.make(maxRequests)
  const isFailing = yield* Ref.make(false)
  const say = (failing: boolean, words: Effect.Effect<void>) =>
    Effect.flatMap(Ref.getAndSet(isFailing, failing), (before) => (before === failing ? Effect.void : words))
  const failed = (detail: string) => say(true, Effect.logWarning(`what is measured can not be sent to ${endpoint}, and is dropped meanwhile: ${detail}`))
  return HttpClient.transform(client, (execution, request) => {
    const refuse = (description: string) => new HttpClientError.RequestError({ request, reason: "Transport", description, cause: new Error(description) })
    return execution.pipe(
      Effect.timeoutFail({ duration: answerTimeout, onTimeout: () => refuse(`no answer came within ${Duration.format(answerTimeout)}`) }),
      places.runIfFree,
      Effect.flatMap(Option.match({ onNone: () => refuse(`${maxRequests} requests are under way`), onSome: Effect.succeed })),
      Effect.tapBoth({
        onSuccess: (response) =>
          response.status < 300
            ? say(false, Effect.logInfo(`what is measured is sent to ${endpoint} again`))
            : failed(`it answers with ${response.status}`),
        onFailure: (error) => failed(detailOf(error))
      }),
      // Who waits for it has no more time.
      Effect.onInterrupt(() => failed("no answer came before the end of the command"))
    )
  })
})

/** Makes the exporters, and answers with what is to be in place of the usual ones. */
const exporters = Effect.fnUntraced(function*(options: Options) {
  const { endpoint, hasLogs, hasMetrics, hasTraces, serviceName } = options
  const shared = (path: string) => ({
    url: `${endpoint}/v1/${path}`,
    headers: Redacted.value(options.headers),
    resource: {
      serviceName,
      serviceVersion: manifest.version,
      attributes: { "service.instance.id": randomUUID(), "host.name": hostname(), "process.pid": process.pid, ...options.resourceAttributes }
    },
    shutdownTimeout
  })
  const replaced: Array<Layer.Layer<never>> = []
  if (hasTraces) {
    const tracer = yield* OtlpTracer.make({ ...shared("traces"), maxBatchSize, exportInterval: "2 seconds" })
    replaced.push(Layer.setTracer(StepTracer.make(tracer)), Layer.scopedDiscard(Effect.locallyScoped(FiberRef.currentTracerEnabled, true)))
  }
  if (hasLogs) replaced.push(Logger.add(yield* OtlpLogger.make({ ...shared("logs"), maxBatchSize, exportInterval: "2 seconds", excludeLogSpans: true })))
  if (hasMetrics) yield* OtlpMetrics.make({ ...shared("metrics"), exportInterval: "10 seconds" })
  return replaced
})

/** Layer of a tracer, a logger and a reader of metrics that send to the collector. All is sent before it closes, for which there is {@link flushTimeout}. */
export const layer = (options: Options): Layer.Layer<never> =>
  Layer.unwrapScoped(Effect.gen(function*() {
    // They are closed together, and nobody waits for that longer than they have time.
    const scope = yield* Effect.acquireRelease(Scope.make(ExecutionStrategy.parallel), (scope, exit) =>
      Effect.timeoutOption(Effect.disconnect(Effect.interruptible(Scope.close(scope, exit))), flushTimeout).pipe(Effect.interruptible))
    const client = yield* makeClient(options.endpoint)
    const replaced = yield* exporters(options).pipe(
      Scope.extend(scope),
      Effect.provideService(HttpClient.HttpClient, client)
    )
    const [first = Layer.empty, ...rest] = replaced
    return Layer.mergeAll(first, ...rest)
  })).pipe(
    Layer.provide(options.isJson ? OtlpSerialization.layerJson : OtlpSerialization.layerProtobuf),
    Layer.provide(Connections.layer())
  )
