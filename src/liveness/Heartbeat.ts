/**
 * Tells a dead backend from slow work: a ping on a Schedule, in a fiber beside
 * the work, that fails with {@link WorkflowConnectivityError}.
 *
 * ```text
 * ping    |    |    x    |    x    x      | answered   x not answered
 * count   0    0    1    0    1    2      threshold 2: lost
 * ```
 *
 * Pings are spaced from start to start, and never overlap. With interval I,
 * timeout T and threshold N, loss is noticed no later than
 * I + (N-1) * max(I, T) + T after the last answer, and never before (N-1) * I
 * after the first ping that failed was sent: an outage shorter than that costs
 * the work nothing.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { dual } from "effect/Function"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as Connectivity from "./Connectivity.ts"

/**
 * The backend has not answered as many pings in a row as the threshold says.
 *
 * **Example** (Telling an outage from a failure of the work)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Heartbeat } from "telemachy"
 *
 * const program = longQuery.pipe(
 *   Heartbeat.guard({ probe: selectOne }),
 *   Effect.catchTag("WorkflowConnectivityError", ({ lastError, lostAt }) =>
 *     Effect.logError("the database is gone", { lostAt, lastError }))
 * )
 * ```
 */
export class WorkflowConnectivityError extends Schema.TaggedError<WorkflowConnectivityError>()(
  "WorkflowConnectivityError",
  {
    /** The workflow whose run was ended, when the work was one. */
    workflow: Schema.optionalWith(Schema.String, { exact: true }),
    /** The run that was ended, when the work was one. */
    run: Schema.optionalWith(Schema.String, { exact: true }),
    /** How many pings failed since the last that was answered. */
    consecutiveFailures: Schema.Int,
    /** How many had to fail. */
    threshold: Schema.Int,
    /** The time from the start of one ping to the start of the next. */
    interval: Schema.Duration,
    /** When the backend answered last, or else when the watch began. Absent when it did not answer before that either. */
    lastAnswer: Schema.optionalWith(Schema.DateTimeUtc, { exact: true }),
    /** When it was given up. */
    lostAt: Schema.DateTimeUtc,
    /** What the last ping failed with, in words. */
    lastError: Schema.String
  }
) {
  override get message(): string {
    const from = this.workflow === undefined ? "" : " from Agamemnon"
    const since = this.lastAnswer === undefined
      ? ""
      : ` for ${Duration.format(DateTime.distanceDuration(this.lastAnswer, this.lostAt))}`
    const pings = this.consecutiveFailures === 1
      ? "a ping failed because"
      : `${this.consecutiveFailures} pings in a row failed, the last because`
    return `connectivity lost, no answer${from}${since}: ${pings} ${this.lastError}`
  }
}

/**
 * How a backend is watched. An interval or a timeout that is not finite and
 * greater than 0, or a threshold that is not a whole number greater than 0, is
 * a mistake of the programmer, and a defect that names the option.
 */
export interface Options<E, R> {
  /**
   * Succeeds when the backend answers; the name `ping` stands for it. Run once
   * a ping, and interrupted when that takes too long or the work is over. One
   * that dies is a bug, not an outage: its defect ends the work.
   */
  readonly probe: Effect.Effect<unknown, E, R>
  /** Time from the start of one ping to the start of the next. Defaults to 15 seconds. */
  readonly interval?: Duration.DurationInput | undefined
  /** How many pings in a row must fail. Defaults to 2. */
  readonly failureThreshold?: number | undefined
  /** How long a ping may take, which may be longer than the interval. Defaults to 5 seconds. */
  readonly timeout?: Duration.DurationInput | undefined
  /** The Ref to write, which becomes `Alive` unless it is. Defaults to one of its own. */
  readonly connectivity?: Connectivity.ConnectivityRef | undefined
  /** Names that the error carries. */
  readonly workflow?: string | undefined
  readonly run?: string | undefined
}

/** A heartbeat under way. */
export interface Heartbeat {
  /** The state of the backend, to read and to watch. */
  readonly connectivity: Connectivity.ConnectivityRef
  /** Fails when the backend is lost, never succeeds, and is interrupted when the heartbeat ends with its scope. */
  readonly lost: Effect.Effect<never, WorkflowConnectivityError>
  /** Asks for a ping now, because a request of the work failed. Changes nothing while a ping is under way or has failed. */
  readonly suspect: Effect.Effect<void>
}

const describe = (error: unknown): string =>
  error instanceof Error ? error.message || error.name : Inspectable.toStringUnknown(error, 0)

/** Runs a probe once, and fails with words. */
const ping = <E, R>(probe: Effect.Effect<unknown, E, R>, timeout: Duration.Duration): Effect.Effect<unknown, string, R> =>
  probe.pipe(
    Effect.mapError(describe),
    // A probe that cannot be interrupted must stretch neither the timeout nor the end of the work.
    Effect.disconnect,
    Effect.timeoutFail({ duration: timeout, onTimeout: () => `no answer came within ${Duration.format(timeout)}` }),
    // A probe that interrupts itself has not answered; it must not cancel the work.
    Effect.mapErrorCause((cause) => Cause.isInterruptedOnly(cause) ? Cause.fail("the ping was interrupted") : cause)
  )

/** The clock may run this much past a ping's timeout before the process itself is held to have stood still. */
const stallAllowance = (timeout: Duration.Duration): Duration.Duration =>
  Duration.clamp(timeout, { minimum: "250 millis", maximum: "1 second" })

const positive = (option: string, input: Duration.DurationInput): Effect.Effect<Duration.Duration> =>
  Duration.decodeUnknown(input).pipe(
    Option.filter((duration) => Duration.isFinite(duration) && Duration.greaterThan(duration, Duration.zero)),
    Option.match({
      onNone: () =>
        Effect.dieMessage(`Heartbeat: ${option} should be a finite time greater than 0, found ${String(input)}`),
      onSome: Effect.succeed
    })
  )

const whole = (option: string, input: number): Effect.Effect<number> =>
  Number.isSafeInteger(input) && input > 0
    ? Effect.succeed(input)
    : Effect.dieMessage(`Heartbeat: ${option} should be a whole number greater than 0, found ${input}`)

const start = Effect.fnUntraced(function*<E, R>(options: Options<E, R>, scope: Scope.Scope) {
  const interval = yield* positive("interval", options.interval ?? "15 seconds")
  const timeout = yield* positive("timeout", options.timeout ?? "5 seconds")
  const threshold = yield* whole("failureThreshold", options.failureThreshold ?? 2)
  const connectivity = options.connectivity ?? (yield* Connectivity.make(yield* DateTime.now))
  const suspicion = yield* Effect.makeLatch()
  const onePing = yield* Effect.makeSemaphore(1)
  const pingedAt = yield* Ref.make(yield* Clock.currentTimeNanos)

  // What another heartbeat left in the Ref says nothing of this one.
  if (!Connectivity.is("Alive")(yield* SubscriptionRef.get(connectivity))) {
    yield* SubscriptionRef.set(connectivity, Connectivity.Alive({ lastAnswer: yield* DateTime.now }))
  }

  const answered = Effect.gen(function*() {
    const before = yield* SubscriptionRef.get(connectivity)
    yield* SubscriptionRef.set(connectivity, Connectivity.Alive({ lastAnswer: yield* DateTime.now }))
    if (before._tag === "Suspect") {
      yield* Effect.logInfo(`connectivity restored after ${before.failures} failure${before.failures === 1 ? "" : "s"}`)
    }
  })

  const failed = Effect.fnUntraced(function*(lastError: string) {
    const before = yield* SubscriptionRef.get(connectivity)
    const failures = before._tag === "Alive" ? 1 : before.failures + 1
    const { lastAnswer } = before
    if (failures < threshold) {
      yield* Effect.logInfo(`ping failed: ${lastError}`)
      return yield* SubscriptionRef.set(connectivity, Connectivity.Suspect({ lastAnswer, failures }))
    }
    // The Ref first: whoever is ended by the failure finds the reason in it.
    yield* SubscriptionRef.set(connectivity, Connectivity.Lost({ lastAnswer, failures }))
    return yield* new WorkflowConnectivityError({
      ...(options.workflow === undefined ? {} : { workflow: options.workflow }),
      ...(options.run === undefined ? {} : { run: options.run }),
      consecutiveFailures: failures,
      threshold,
      interval,
      lastAnswer,
      lostAt: yield* DateTime.now,
      lastError
    })
  })

  // When the clock ran far past the timeout, it was this process that stood still: the ping says nothing.
  const longest = Duration.toMillis(Duration.sum(timeout, stallAllowance(timeout)))
  const stalledSince = (begin: number) => Effect.map(Clock.currentTimeMillis, (now) => now - begin > longest)

  const beat = onePing.withPermits(1)(Effect.gen(function*() {
    yield* Ref.set(pingedAt, yield* Clock.currentTimeNanos)
    const begin = yield* Clock.currentTimeMillis
    yield* Effect.matchEffect(ping(options.probe, timeout), {
      onSuccess: () => answered,
      onFailure: (error) =>
        Effect.if(stalledSince(begin), {
          onTrue: () => Effect.logWarning("this process stood still during a ping, which is not counted"),
          onFalse: () => failed(error)
        })
    })
  }))

  // From the start of a ping to the start of the next, by timers alone. `Schedule.fixed` goes by the wall clock: when
  // that is set, or the machine wakes up, the next ping comes at once, and one bad moment counts as two failures.
  const rhythm = Schedule.spaced(interval).pipe(
    Schedule.modifyDelayEffect((_, delay) =>
      Effect.zipWith(Clock.currentTimeNanos, Ref.get(pingedAt), (now, then) =>
        Duration.subtract(delay, Duration.millis(Number((now - then) / 1_000_000n)))))
  )

  // A suspicion brings one ping at once, and the rhythm goes on from there.
  const heartbeat = yield* Effect.raceFirst(Effect.schedule(beat, rhythm), suspicion.await).pipe(
    Effect.zipRight(beat),
    Effect.forever,
    Effect.annotateLogs({ module: "Heartbeat" }),
    Effect.interruptible,
    Effect.forkIn(scope)
  )

  return {
    connectivity,
    lost: Fiber.join(heartbeat),
    suspect: Effect.gen(function*() {
      const state = yield* SubscriptionRef.get(connectivity)
      if (state._tag === "Alive") yield* onePing.withPermitsIfAvailable(1)(suspicion.release)
    })
  }
})

/**
 * Starts a heartbeat in the current scope. The first ping is sent one interval
 * later: whoever starts it has just heard from the backend.
 *
 * **When to use**
 *
 * When the work reports its failed requests through `suspect`, or reads the
 * Ref; {@link guard} is enough for everything else. A failed heartbeat is
 * silent until something waits for `lost`.
 *
 * **Example** (Letting failed requests bring the next ping forward)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Heartbeat } from "telemachy"
 *
 * const program = Effect.gen(function*() {
 *   const heartbeat = yield* Heartbeat.make({ probe: ping, interval: "10 seconds" })
 *   const persistent = Effect.retry(Effect.tapError(request, () => heartbeat.suspect), { times: 5 })
 *   return yield* Effect.raceFirst(persistent, heartbeat.lost)
 * }).pipe(Effect.scoped)
 * ```
 */
export const make = <E, R>(options: Options<E, R>): Effect.Effect<Heartbeat, never, R | Scope.Scope> =>
  Effect.scopeWith((scope) => start(options, scope))

/**
 * Runs an effect for as long as its backend answers. When the heartbeat gives
 * up, the effect is interrupted at once, cleans up, and fails with
 * {@link WorkflowConnectivityError}. When the effect ends in any way, so does
 * the heartbeat, with the ping that is under way.
 *
 * **Details**
 *
 * Guards can be nested: each watches a backend of its own, and the first loss
 * ends what is within its guard. What the effect acquires in the scope around
 * it stays there.
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
    // The heartbeat has a scope of its own; the work keeps the one around it.
    Effect.scopedWith((scope) =>
      Effect.flatMap(start(options, scope), ({ lost }) => Effect.raceFirst(effect, lost)))
)
