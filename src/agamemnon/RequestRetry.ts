/**
 * How long an ordinary request is repeated, and who is told of its failures.
 *
 * A request that fails in transport or finds a busy server is sent again for as
 * long as the schedule goes on; one that finds a failing server, three times. A
 * refusal is an answer and is never repeated.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Retry from "../liveness/Retry.ts"
import type { AgamemnonError } from "./AgamemnonError.ts"

/**
 * Pauses that grow from a tenth of a second to five seconds.
 *
 * **Example** (Retrying for a minute)
 *
 * ```ts
 * import { Schedule } from "effect"
 * import { RequestRetry } from "telemachy"
 *
 * export const forAMinute = RequestRetry.backoff.pipe(Schedule.upTo("1 minute"))
 * ```
 *
 * @since 0.1.0
 * @category config
 */
export const backoff: Schedule.Schedule<unknown> = Schedule.exponential("100 millis").pipe(
  Schedule.union(Schedule.spaced("5 seconds")),
  Schedule.jittered,
  // A timer of Node has no smaller unit.
  Schedule.modifyDelay((_, delay) => Duration.millis(Math.ceil(Duration.toMillis(delay))))
)

/**
 * What holds for the requests of the code that it is provided to. By default a
 * request is repeated four times and nobody is told.
 *
 * **Example** (Sending each request once)
 *
 * ```ts
 * import { Effect, Schedule } from "effect"
 * import { RequestRetry } from "telemachy"
 *
 * export const once = <A, E, R>(requests: Effect.Effect<A, E, R>) =>
 *   Effect.provideService(requests, RequestRetry.RequestRetry, {
 *     schedule: Schedule.recurs(0),
 *     onFailure: (error) => Effect.logWarning(error.message)
 *   })
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class RequestRetry extends Context.Reference<RequestRetry>()("telemachy/agamemnon/RequestRetry", {
  defaultValue: (): {
    /** Goes on for as long as a request may be repeated. */
    readonly schedule: Schedule.Schedule<unknown>
    /** Hears of each failure of a request that can be repeated, though the schedule may not go on. */
    readonly onFailure: (error: AgamemnonError) => Effect.Effect<void>
    /** Is waited for before each request is sent. Defaults to nothing. */
    readonly permission?: Effect.Effect<void>
  } => ({
    schedule: Schedule.intersect(backoff, Schedule.recurs(4)),
    onFailure: () => Effect.void
  })
}) {}

/**
 * What is read for several runs at once belongs to none: it is read once, none permits it, and none hears of its failure.
 *
 * @internal
 */
export const ofNobody: RequestRetry["Type"] = { schedule: Schedule.recurs(0), onFailure: () => Effect.void }

/**
 * Waits for the permission to send a request.
 *
 * @internal
 */
export const permitted = <A, E, R>(request: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(RequestRetry, ({ permission = Effect.void }) => Effect.zipRight(permission, request))

/** How many times a request is sent again to a server that failed (500). */
const serverErrorRepeats = 3

// A fold puts out what it has counted before its present input.
const toleratedServerErrors = Schedule.identity<AgamemnonError>().pipe(
  Schedule.reduce(0, (count, { reason }) => (reason === "ServerError" ? count + 1 : count)),
  Schedule.intersect(Schedule.identity<AgamemnonError>()),
  Schedule.whileOutput(([before, { reason }]) => reason !== "ServerError" || before < serverErrorRepeats)
)

/**
 * Repeats a request as the {@link RequestRetry} in force says.
 *
 * @internal
 */
export const retrying = <A, R>(request: Effect.Effect<A, AgamemnonError, R>): Effect.Effect<A, AgamemnonError, R> =>
  Effect.catchIf(request, ({ isRepeatable }) => isRepeatable, (error) => repeating(request, error))

const repeating = <A, R>(request: Effect.Effect<A, AgamemnonError, R>, failure: AgamemnonError): Effect.Effect<A, AgamemnonError, R> =>
  Effect.flatMap(RequestRetry, ({ onFailure, schedule }) =>
    Retry.afterFailure(request, failure).pipe(
      Effect.tapError((error) => (error.isRepeatable ? onFailure(error) : Effect.void)),
      Effect.retry({
        while: (error) => error.isRepeatable,
        schedule: schedule.pipe(
          Schedule.intersect(toleratedServerErrors),
          Schedule.zipRight(Schedule.identity<AgamemnonError>()),
          Schedule.modifyDelay(({ retryAfter = Duration.zero }, delay) => Duration.max(delay, retryAfter))
        )
      })
    ))
