/**
 * Tells a dead backend from slow work: a ping on a Schedule, in a fiber beside
 * the work, that fails with {@link WorkflowConnectivityError}.
 *
 * ```text
 * ping    |    |    x    |    x    x      | answered   x not answered
 * count   0    0    1    0    1    2      threshold 2: lost
 * ```
 *
 * With interval I, timeout T and threshold N, loss is noticed no later than
 * I + (N-1) * max(I, T) + T after the last answer, and never before (N-1) * I
 * after the first ping that failed.
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { dual } from "effect/Function"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as Connectivity from "./Connectivity.ts"

/** The backend has not answered as many pings in a row as the threshold says. */
export class WorkflowConnectivityError extends Schema.TaggedError<WorkflowConnectivityError>()(
  "WorkflowConnectivityError",
  {
    /** The workflow whose run was ended, when the work was one. */
    workflow: Schema.optionalWith(Schema.String, { exact: true }),
    /** The run that was ended, when the work was one. */
    run: Schema.optionalWith(Schema.String, { exact: true }),
    consecutiveFailures: Schema.Int,
    threshold: Schema.Int,
    interval: Schema.Duration,
    /** When the backend answered last, if it ever did. */
    lastAnswer: Schema.optionalWith(Schema.DateTimeUtc, { exact: true }),
    /** When it was given up. */
    lostAt: Schema.DateTimeUtc,
    /** What the last ping failed with, in words. */
    lastError: Schema.String
  }
) {
  override get message(): string {
    const silence = this.lastAnswer === undefined
      ? "no answer"
      : `no answer for ${Duration.format(DateTime.distanceDuration(this.lastAnswer, this.lostAt))}`
    const pings = this.consecutiveFailures === 1 ? "a ping failed" : `${this.consecutiveFailures} pings in a row failed`
    return `connectivity lost, ${silence}: ${pings}, the last because ${this.lastError}`
  }
}

/** How a backend is watched. */
export interface Options<E, R> {
  /** Succeeds when the backend answers; the name `ping` stands for it. */
  readonly probe: Effect.Effect<unknown, E, R>
  /** Time from the start of one ping to the start of the next. Defaults to 15 seconds. */
  readonly interval?: Duration.DurationInput | undefined
  /** How many pings in a row must fail. Defaults to 2. */
  readonly failureThreshold?: number | undefined
  /** How long a ping may take. Defaults to 5 seconds. */
  readonly timeout?: Duration.DurationInput | undefined
  /** The Ref to write. Defaults to one of its own. */
  readonly connectivity?: Connectivity.ConnectivityRef | undefined
  /** Names that the error carries. */
  readonly workflow?: string | undefined
  readonly run?: string | undefined
}

/** A heartbeat under way. */
export interface Heartbeat {
  /** The state of the backend, to read and to watch. */
  readonly connectivity: Connectivity.ConnectivityRef
  /** Fails when the backend is lost, and never succeeds. */
  readonly lost: Effect.Effect<never, WorkflowConnectivityError>
  /** Asks for a ping now, because a request of the work failed. Changes nothing while a ping is under way or has failed. */
  readonly suspect: Effect.Effect<void>
}

/** The clock may run this much past a ping's timeout before the process itself is held to have stood still. */
const stallAllowance = (timeout: Duration.Duration): Duration.Duration =>
  Duration.clamp(timeout, { minimum: "250 millis", maximum: "1 second" })

const describe = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)

/**
 * Starts a heartbeat in the current scope. The first ping is sent one interval
 * later: whoever starts it has just heard from the backend.
 */
export const make = <E, R>(options: Options<E, R>): Effect.Effect<Heartbeat, never, R | Scope.Scope> =>
  Effect.gen(function*() {
    const interval = Duration.decode(options.interval ?? "15 seconds")
    const timeout = Duration.decode(options.timeout ?? "5 seconds")
    const threshold = options.failureThreshold ?? 2
    const connectivity = options.connectivity ?? (yield* Connectivity.make(yield* DateTime.now))
    const suspicion = yield* Queue.sliding<void>(1)
    const onePing = yield* Effect.makeSemaphore(1)

    const ping = Effect.timeoutFail(options.probe, {
      duration: timeout,
      onTimeout: () => `no answer came within ${Duration.format(timeout)}`
    })

    const answered = Effect.gen(function*() {
      const before = yield* SubscriptionRef.get(connectivity)
      yield* SubscriptionRef.set(connectivity, Connectivity.Alive({ lastAnswer: yield* DateTime.now }))
      if (before._tag === "Suspect") {
        yield* Effect.logInfo(`connectivity restored after ${before.failures} failure${before.failures === 1 ? "" : "s"}`)
      }
    })

    const failed = Effect.fnUntraced(function*(error: E | string) {
      const before = yield* SubscriptionRef.get(connectivity)
      const failures = before._tag === "Alive" ? 1 : before.failures + 1
      const { lastAnswer } = before
      if (failures < threshold) {
        yield* Effect.logInfo(`ping failed: ${describe(error)}`)
        return yield* SubscriptionRef.set(connectivity, Connectivity.Suspect({ lastAnswer, failures }))
      }
      yield* SubscriptionRef.set(connectivity, Connectivity.Lost({ lastAnswer, failures }))
      return yield* new WorkflowConnectivityError({
        ...(options.workflow === undefined ? {} : { workflow: options.workflow }),
        ...(options.run === undefined ? {} : { run: options.run }),
        consecutiveFailures: failures,
        threshold,
        interval,
        lastAnswer,
        lostAt: yield* DateTime.now,
        lastError: describe(error)
      })
    })

    // When the clock ran far past the timeout, it was this process that stood still: the ping says nothing.
    const stalledSince = (start: number) =>
      Effect.map(Clock.currentTimeMillis, (now) =>
        now - start > Duration.toMillis(timeout) + Duration.toMillis(stallAllowance(timeout)))

    const beat = onePing.withPermits(1)(Effect.gen(function*() {
      const start = yield* Clock.currentTimeMillis
      yield* Effect.matchEffect(ping, {
        onSuccess: () => answered,
        onFailure: (error) =>
          Effect.if(stalledSince(start), {
            onTrue: () => Effect.logWarning("this process stood still during a ping, which is not counted"),
            onFalse: () => failed(error)
          })
      })
    }))

    const beats = Effect.schedule(beat, Schedule.fixed(interval))

    const untilSuspicion = (opening: Effect.Effect<void, WorkflowConnectivityError, R>) =>
      Effect.raceFirst(Effect.all([opening, beats], { concurrency: "unbounded" }), Queue.take(suspicion))

    // A suspicion brings one ping at once, and a new rhythm begins with it: the spacing stays.
    const heartbeat = yield* untilSuspicion(Effect.void).pipe(
      Effect.zipRight(Effect.forever(untilSuspicion(beat))),
      Effect.annotateLogs({ module: "Heartbeat" }),
      Effect.interruptible,
      Effect.forkScoped
    )

    return {
      connectivity,
      lost: Fiber.join(heartbeat),
      suspect: Effect.gen(function*() {
        const state = yield* SubscriptionRef.get(connectivity)
        if (state._tag === "Alive") yield* onePing.withPermitsIfAvailable(1)(Queue.offer(suspicion, undefined))
      })
    }
  })

/**
 * Runs an effect for as long as its backend answers. When the heartbeat gives
 * up, the effect is interrupted and fails with {@link WorkflowConnectivityError}.
 *
 * **Example** (Guarding a long query)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Heartbeat } from "telemachy"
 *
 * const guarded = longQuery.pipe(
 *   Heartbeat.guard({ probe: selectOne, interval: "10 seconds", failureThreshold: 3 })
 * )
 * ```
 */
export const guard: {
  <E2, R2>(
    options: Options<E2, R2>
  ): <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | WorkflowConnectivityError, R | R2>
  <A, E, R, E2, R2>(
    effect: Effect.Effect<A, E, R>,
    options: Options<E2, R2>
  ): Effect.Effect<A, E | WorkflowConnectivityError, R | R2>
} = dual(
  2,
  <A, E, R, E2, R2>(
    effect: Effect.Effect<A, E, R>,
    options: Options<E2, R2>
  ): Effect.Effect<A, E | WorkflowConnectivityError, R | R2> =>
    Effect.flatMap(make(options), ({ lost }) => Effect.raceFirst(effect, lost)).pipe(Effect.scoped)
)
