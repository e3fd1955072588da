/**
 * Tells a dead backend from slow work: a ping on a Schedule, in a fiber beside
 * the work, that fails with {@link ConnectivityError}.
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
 *
 * T is time that this process itself has had: on an event loop that is busy with
 * other work a ping takes up to twice as long, as long as no turn of the loop
 * takes more than a fifth of T, and longer where turns do. What came while the
 * loop did not turn is heard.
 */
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { dual } from "effect/Function"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as Settings from "../settings/HealthcheckSettings.ts"
import * as Connectivity from "./Connectivity.ts"
import * as Pinger from "./Pinger.ts"
import * as QueueLoop from "./QueueLoop.ts"
import * as Race from "./Race.ts"

/**
 * What the error of a lost backend tells.
 *
 * @internal
 */
export const lossFields = {
  /** What the backend is called, when the heartbeat was told. */
  backend: Schema.optionalWith(Schema.String, { exact: true }),
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

interface Loss extends Schema.Struct.Type<typeof lossFields> {}

/**
 * The loss of a backend in words.
 *
 * @internal
 */
export const lossInWords = ({ backend, consecutiveFailures, lastAnswer, lastError, lostAt }: Loss): string => {
  const from = backend === undefined ? "" : ` from ${backend}`
  const since = lastAnswer === undefined ? "" : ` for ${Duration.format(DateTime.distanceDuration(lastAnswer, lostAt))}`
  const pings = consecutiveFailures === 1
    ? "a ping failed because"
    : `${consecutiveFailures} pings in a row failed, the last because`
  return `connectivity lost, no answer${from}${since}: ${pings} ${lastError}`
}

/**
 * The backend has not answered as many pings in a row as the threshold says.
 * Work that is not a run fails with it; a run fails with
 * `WorkflowConnectivityError`, which tells the same and names the run.
 *
 * **Example** (Telling an outage from a failure of the work)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Heartbeat } from "telemachy"
 *
 * export const report = <A, E2>(query: Effect.Effect<A>, ping: Effect.Effect<void, E2>) =>
 *   query.pipe(
 *     Heartbeat.guard({ probe: ping }),
 *     Effect.tapErrorTag("ConnectivityError", ({ lastError, lostAt }) =>
 *       Effect.logError("the database is gone", { lostAt, lastError }))
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class ConnectivityError extends Schema.TaggedError<ConnectivityError>()("ConnectivityError", lossFields) {
  override get message(): string {
    return lossInWords(this)
  }
}

const general = (loss: Loss) => new ConnectivityError(loss)

/**
 * When a backend counts as lost, and where that is written.
 *
 * @since 0.1.0
 * @category models
 */
export interface LossPolicy {
  /**
   * How many pings in a row must fail. Defaults to 2. One that is not a whole
   * number greater than 0 is a mistake of the programmer, and a defect.
   */
  readonly failureThreshold?: number | undefined
  /** The Ref to write, which becomes `Alive` unless it is. Defaults to one of its own. */
  readonly connectivity?: Connectivity.ConnectivityRef | undefined
  /** What the backend is called, for the error. */
  readonly backend?: string | undefined
}

/**
 * How a backend is watched.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options<E, R> extends Pinger.Options<E, R>, LossPolicy {}

/**
 * A heartbeat under way.
 *
 * @since 0.1.0
 * @category models
 */
export interface Heartbeat<E = ConnectivityError> {
  /** The state of the backend, to read and to watch. */
  readonly connectivity: Connectivity.ConnectivityRef
  /** Fails when the backend is lost, never succeeds, and is interrupted when the heartbeat ends with its scope. */
  readonly lost: Effect.Effect<never, E>
  /** Asks for a ping now, because a request of the work failed. Changes nothing while a ping is under way or has failed. */
  readonly suspect: Effect.Effect<void>
}

const whole = (option: string, input: number): Effect.Effect<number> =>
  Number.isSafeInteger(input) && input > 0
    ? Effect.succeed(input)
    : Effect.dieMessage(`Heartbeat: ${option} should be a whole number greater than 0, found ${input}`)

/** Counts the results of a pinger, in a fiber of the scope. */
const count = Effect.fnUntraced(function*<E>(
  pinger: Pinger.Pinger,
  options: LossPolicy,
  errorOf: (loss: Loss) => E,
  scope: Scope.Scope,
  { onChange = () => Effect.void, onEnd = Effect.void }: {
    readonly onChange?: (state: Connectivity.Connectivity) => Effect.Effect<unknown>
    readonly onEnd?: Effect.Effect<void>
  } = {}
) {
  const threshold = yield* whole("failureThreshold", options.failureThreshold ?? Settings.healthcheckFailureThreshold.default)
  const connectivity = options.connectivity ?? (yield* Connectivity.make(yield* DateTime.now))
  const results = yield* Scope.extend(pinger.results, scope)
  const become = (state: Connectivity.Connectivity) => Effect.zipRight(SubscriptionRef.set(connectivity, state), onChange(state))

  // What another heartbeat left in the Ref says nothing of this one.
  if (!Connectivity.is("Alive")(yield* SubscriptionRef.get(connectivity))) {
    yield* become(Connectivity.Alive({ lastAnswer: yield* DateTime.now }))
  }

  const answered = Effect.gen(function*() {
    const before = yield* SubscriptionRef.get(connectivity)
    yield* become(Connectivity.Alive({ lastAnswer: yield* DateTime.now }))
    if (before._tag === "Suspect") {
      yield* Effect.annotateLogs(
        Effect.logInfo(`connectivity restored after ${before.failures} failure${before.failures === 1 ? "" : "s"}`),
        { module: "Heartbeat" }
      )
    }
  })

  const failed = Effect.fnUntraced(function*({ error: lastError }: { readonly error: string }) {
    const before = yield* SubscriptionRef.get(connectivity)
    const failures = before._tag === "Alive" ? 1 : before.failures + 1
    const { lastAnswer } = before
    if (failures < threshold) {
      return yield* become(Connectivity.Suspect({ lastAnswer, failures }))
    }
    // The Ref first: whoever is ended by the failure finds the reason in it.
    yield* become(Connectivity.Lost({ lastAnswer, failures }))
    const loss = {
      ...(options.backend === undefined ? {} : { backend: options.backend }),
      consecutiveFailures: failures,
      threshold,
      interval: pinger.interval,
      lastAnswer,
      lostAt: yield* DateTime.now,
      lastError
    }
    return yield* Effect.fail(errorOf(loss))
  })

  const heartbeat = yield* QueueLoop.forEach(results, Pinger.match({ Answered: () => answered, Failed: failed })).pipe(
    // Whoever takes from a queue that is shut down is interrupted: the pinger has ended, and so this ends as that did.
    Effect.catchSomeCause((cause) => Option.liftPredicate(pinger.ended, () => Cause.isInterruptedOnly(cause) && !results.isActive())),
    Effect.onExit(() => onEnd),
    Effect.interruptible,
    Effect.forkIn(scope)
  )

  return {
    connectivity,
    lost: Fiber.join(heartbeat),
    suspect: Effect.flatMap(SubscriptionRef.get(connectivity), (state) =>
      state._tag === "Alive" ? pinger.suspect : Effect.void)
  } satisfies Heartbeat<E>
})

/** Starts a heartbeat with a pinger of its own, which ends with it. */
const start = Effect.fnUntraced(function*<E, R>(options: Options<E, R>, scope: Scope.Scope) {
  const own = yield* Scope.fork(scope, ExecutionStrategy.sequential)
  const pinger = yield* Pinger.start(options, own)
  return yield* count(pinger, options, general, scope, { onEnd: Scope.close(own, Exit.void) })
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
 * export const persistent = <A, E, E2>(request: Effect.Effect<A, E>, ping: Effect.Effect<void, E2>) =>
 *   Effect.gen(function*() {
 *     const heartbeat = yield* Heartbeat.make({ probe: ping, interval: "10 seconds" })
 *     const retried = Effect.retry(Effect.tapError(request, () => heartbeat.suspect), { times: 5 })
 *     return yield* Effect.raceFirst(retried, heartbeat.lost)
 *   }).pipe(Effect.scoped)
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <E, R>(options: Options<E, R>): Effect.Effect<Heartbeat, never, R | Scope.Scope> =>
  Effect.scopeWith((scope) => start(options, scope))

/**
 * Starts a heartbeat in the current scope that counts the results of a pinger,
 * which other heartbeats may count as well, each up to its own threshold.
 *
 * **Example** (One ping for many pieces of work)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Heartbeat, Pinger } from "telemachy"
 *
 * export const both = <E>(ping: Effect.Effect<void, E>, backup: Effect.Effect<void>, checkout: Effect.Effect<void>) =>
 *   Effect.gen(function*() {
 *     const pinger = yield* Pinger.make({ probe: ping, interval: "10 seconds" })
 *     const lenient = yield* Heartbeat.fromPinger(pinger, { failureThreshold: 6 })
 *     const strict = yield* Heartbeat.fromPinger(pinger, { failureThreshold: 1 })
 *     yield* Effect.all([Effect.raceFirst(backup, lenient.lost), Effect.raceFirst(checkout, strict.lost)])
 *   }).pipe(Effect.scoped)
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromPinger = (pinger: Pinger.Pinger, policy: LossPolicy = {}): Effect.Effect<Heartbeat, never, Scope.Scope> =>
  Effect.scopeWith((scope) => count(pinger, policy, general, scope))

/**
 * Does the same for a heartbeat that fails with an error of its own, and does something about each state that the backend is
 * found in, for which the heartbeat waits.
 *
 * @internal
 */
export const fromPingerWith = <E>(
  pinger: Pinger.Pinger,
  { onChange, ...policy }: LossPolicy & { readonly onChange: (state: Connectivity.Connectivity) => Effect.Effect<unknown> },
  errorOf: (loss: Loss) => E
): Effect.Effect<Heartbeat<E>, never, Scope.Scope> =>
  Effect.scopeWith((scope) => count(pinger, policy, errorOf, scope, { onChange }))

/**
 * Runs an effect for as long as its backend answers. When the heartbeat gives
 * up, the effect is interrupted at once, cleans up, and fails with
 * {@link ConnectivityError}. When the effect ends in any way, so does
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
 * export const guarded = <A, E, E2>(query: Effect.Effect<A, E>, ping: Effect.Effect<void, E2>) =>
 *   query.pipe(Heartbeat.guard({ probe: ping, interval: "10 seconds", failureThreshold: 3 }))
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const guard: {
  /**
   * Runs an effect for as long as its backend answers. When the heartbeat gives
   * up, the effect is interrupted at once, cleans up, and fails with
   * {@link ConnectivityError}. When the effect ends in any way, so does
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
   * export const guarded = <A, E, E2>(query: Effect.Effect<A, E>, ping: Effect.Effect<void, E2>) =>
   *   query.pipe(Heartbeat.guard({ probe: ping, interval: "10 seconds", failureThreshold: 3 }))
   * ```
   */
  <E2, R2>(
    options: Options<E2, R2>
  ): <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | ConnectivityError, R | R2>
  /**
   * Runs an effect for as long as its backend answers. When the heartbeat gives
   * up, the effect is interrupted at once, cleans up, and fails with
   * {@link ConnectivityError}. When the effect ends in any way, so does the
   * heartbeat, with the ping that is under way.
   *
   * **Example** (Guarding a long query)
   *
   * ```ts
   * import { Effect } from "effect"
   * import { Heartbeat } from "telemachy"
   *
   * export const guarded = <A, E, E2>(query: Effect.Effect<A, E>, ping: Effect.Effect<void, E2>) =>
   *   Heartbeat.guard(query, { probe: ping, interval: "10 seconds", failureThreshold: 3 })
   * ```
   */
  <A, E, R, E2, R2>(
    effect: Effect.Effect<A, E, R>,
    options: Options<E2, R2>
  ): Effect.Effect<A, E | ConnectivityError, R | R2>
} = dual(
  2,
  <A, E, R, E2, R2>(
    effect: Effect.Effect<A, E, R>,
    options: Options<E2, R2>
  ): Effect.Effect<A, E | ConnectivityError, R | R2> =>
    // The heartbeat has a scope of its own; the work keeps the one around it.
    Effect.scopedWith((scope) =>
      Effect.flatMap(start(options, scope), ({ lost }) => Race.unless(lost)(effect)))
)
