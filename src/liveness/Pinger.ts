/**
 * A ping on a Schedule, in a fiber of its own, and what each has told. One pinger
 * can serve many heartbeats of the same backend.
 *
 * Pings are spaced from start to start, and never overlap.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import type * as Queue from "effect/Queue"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Settings from "../settings/HealthcheckSettings.ts"
import * as ConcurrencyLimit from "./ConcurrencyLimit.ts"
import * as Race from "./Race.ts"
import * as TimeLimit from "./TimeLimit.ts"

/**
 * What a ping has told: that the backend answers, or why it does not, in words.
 *
 * @since 0.1.0
 * @category models
 */
export type PingResult = Data.TaggedEnum<{
  Answered: {}
  Failed: { readonly error: string }
}>
/**
 * Constructors and guards of {@link PingResult}.
 *
 * **Example** (Writing down each result)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Pinger } from "telemachy"
 *
 * export const log = Pinger.match({
 *   Answered: () => Effect.logDebug("answered"),
 *   Failed: ({ error }) => Effect.logInfo(error)
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const { $is: is, $match: match, Answered, Failed } = Data.taggedEnum<PingResult>()

/**
 * How a backend is pinged. An interval or a timeout that is not finite and
 * greater than 0 is a mistake of the programmer, and a defect that names the
 * option.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options<E, R> {
  /**
   * Succeeds when the backend answers; the name `ping` stands for it. Run once
   * a ping, and interrupted when that takes too long or the pinger is over. One
   * that dies is a bug, not an outage: its defect ends the pinger.
   */
  readonly probe: Effect.Effect<unknown, E, R>
  /** Time from the start of one ping to the start of the next. Defaults to 15 seconds. */
  readonly interval?: Duration.DurationInput | undefined
  /**
   * How long a ping may take, which may be longer than the interval. Time in
   * which this process stood still or was busy with other work counts only in
   * part. Defaults to 5 seconds.
   */
  readonly timeout?: Duration.DurationInput | undefined
}

/**
 * Pings under way.
 *
 * @since 0.1.0
 * @category models
 */
export interface Pinger {
  readonly interval: Duration.Duration
  /** Subscribes to what pings tell from now on. The queue is shut down when the pinger ends. */
  readonly results: Effect.Effect<Queue.Dequeue<PingResult>, never, Scope.Scope>
  /** Never succeeds: ends with the pinger, and with the defect of its probe if that has one. */
  readonly ended: Effect.Effect<never>
  /** How long the last answer took; nothing before the first. */
  readonly took: Effect.Effect<Option.Option<Duration.Duration>>
  /** Asks for a ping now. Changes nothing while a ping is under way, or after one that has failed. */
  readonly suspect: Effect.Effect<void>
}

const describe = (error: unknown): string =>
  error instanceof Error ? error.message || error.name : Inspectable.toStringUnknown(error, 0)

/** Runs a probe once, and fails with words. */
const ping = <E, R>(probe: Effect.Effect<unknown, E, R>, timeout: Duration.Duration): Effect.Effect<unknown, string, R> =>
  probe.pipe(
    Effect.mapError(describe),
    TimeLimit.withinOwnTime({ limit: timeout, onTimeout: () => `no answer came within ${Duration.format(timeout)}` }),
    // A probe that interrupts itself has not answered; it must not cancel the work.
    Effect.mapErrorCause((cause) => Cause.isInterruptedOnly(cause) ? Cause.fail("the ping was interrupted") : cause)
  )

const positive = (option: string, input: Duration.DurationInput): Effect.Effect<Duration.Duration> =>
  Duration.decodeUnknown(input).pipe(
    Option.filter((duration) => Duration.isFinite(duration) && Duration.greaterThan(duration, Duration.zero)),
    Option.match({
      onNone: () =>
        Effect.dieMessage(`Heartbeat: ${option} should be a finite time greater than 0, found ${String(input)}`),
      onSome: Effect.succeed
    })
  )

/**
 * Starts pinging, in a scope. The first ping is sent one interval later.
 *
 * @internal
 */
export const start = Effect.fnUntraced(function*<E, R>(options: Options<E, R>, scope: Scope.Scope) {
  const interval = yield* positive("interval", options.interval ?? Settings.healthcheckInterval.default)
  const timeout = yield* positive("timeout", options.timeout ?? Settings.healthcheckTimeout.default)
  const results = yield* PubSub.unbounded<PingResult>()
  const suspicion = yield* Effect.makeLatch()
  const oneAtATime = ConcurrencyLimit.make(1)
  const pingedAt = yield* Ref.make(yield* Clock.currentTimeNanos)
  const last = yield* Ref.make<PingResult>(Answered())
  const excused = yield* Ref.make(false)
  const took = yield* Ref.make(Option.none<Duration.Duration>())

  const publish = (result: PingResult) => Effect.zipRight(Ref.set(last, result), PubSub.publish(results, result))

  // The limit of a ping grows to twice its length on a busy loop. What ran far beyond that, by the clock of the machine,
  // was asleep: its connection may have ended meanwhile, which says nothing of now. The next ping does, in any case.
  const longest = 3 * Duration.toMillis(timeout)
  const sleptSince = (begin: number) =>
    Effect.zipWith(Clock.currentTimeMillis, Ref.get(excused), (now, last) => now - begin > longest && !last)

  const pingOnce = oneAtATime.run(Effect.gen(function*() {
    const beganAt = yield* Clock.currentTimeNanos
    yield* Ref.set(pingedAt, beganAt)
    const begin = yield* Clock.currentTimeMillis
    const answer = yield* Effect.either(ping(options.probe, timeout))
    const isExcused = Either.isLeft(answer) && (yield* sleptSince(begin))
    yield* Ref.set(excused, isExcused)
    if (Either.isRight(answer)) {
      yield* Ref.set(took, Option.some(Duration.nanos((yield* Clock.currentTimeNanos) - beganAt)))
      return yield* publish(Answered())
    }
    if (isExcused) return yield* Effect.logWarning("this process stood still during a ping, which is not counted")
    yield* Effect.logInfo(`ping failed: ${answer.left}`)
    yield* publish(Failed({ error: answer.left }))
  }))

  // From the start of a ping to the start of the next, by timers alone. `Schedule.fixed` goes by the wall clock: when
  // that is set, or the machine wakes up, the next ping comes at once, and one bad moment counts as two failures.
  const schedule = Schedule.spaced(interval).pipe(
    Schedule.modifyDelayEffect((_, delay) =>
      Effect.zipWith(Clock.currentTimeNanos, Ref.get(pingedAt), (now, then) =>
        Duration.subtract(delay, Duration.millis(Number((now - then) / 1_000_000n)))))
  )

  // A suspicion brings one ping at once, and the rhythm goes on from there.
  const pinging = yield* Race.first([Effect.schedule(pingOnce, schedule), suspicion.await]).pipe(
    Effect.zipRight(pingOnce),
    Effect.forever,
    Effect.ensuring(PubSub.shutdown(results)),
    Effect.annotateLogs({ module: "Heartbeat" }),
    Effect.interruptible,
    Effect.forkIn(scope)
  )

  return {
    interval,
    results: PubSub.subscribe(results),
    ended: Fiber.join(pinging),
    took: Ref.get(took),
    suspect: Effect.gen(function*() {
      if (is("Answered")(yield* Ref.get(last))) yield* oneAtATime.runIfFree(suspicion.release)
    })
  } satisfies Pinger
})

/**
 * Starts pinging in the current scope.
 *
 * **Example** (Two heartbeats of one backend)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Heartbeat, Pinger } from "telemachy"
 *
 * export const watch = <E>(ping: Effect.Effect<void, E>) =>
 *   Effect.gen(function*() {
 *     const pinger = yield* Pinger.make({ probe: ping, interval: "5 seconds", timeout: "1 second" })
 *     return yield* Effect.all([Heartbeat.fromPinger(pinger), Heartbeat.fromPinger(pinger, { failureThreshold: 5 })])
 *   })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <E, R>(options: Options<E, R>): Effect.Effect<Pinger, never, R | Scope.Scope> =>
  Effect.scopeWith((scope) => start(options, scope))
