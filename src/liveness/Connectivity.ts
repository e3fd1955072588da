/**
 * What the heartbeat knows of its backend: a Ref that anyone can read and watch,
 * and that only the heartbeat writes.
 */
import * as Data from "effect/Data"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"

/**
 * The state of a backend as its heartbeat sees it. `lastAnswer` is when the
 * backend answered last, or when the watch began.
 *
 * - `Alive`: the last ping was answered
 * - `Suspect`: the last `failures` pings were not, fewer than the threshold
 * - `Lost`: the threshold was reached, and the heartbeat has given up
 *
 * @since 0.1.0
 * @category models
 */
export type Connectivity = Data.TaggedEnum<{
  Alive: { readonly lastAnswer: DateTime.Utc }
  Suspect: { readonly lastAnswer: DateTime.Utc; readonly failures: number }
  Lost: { readonly lastAnswer: DateTime.Utc; readonly failures: number }
}>

/**
 * Constructors and guards of {@link Connectivity}.
 *
 * **Example** (Saying it in words)
 *
 * ```ts
 * import { Connectivity } from "telemachy"
 *
 * export const inWords = Connectivity.match({
 *   Alive: () => "answers",
 *   Suspect: ({ failures }) => `${failures} pings not answered`,
 *   Lost: ({ lastAnswer }) => `gone since ${lastAnswer}`
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const { $is: is, $match: match, Alive, Lost, Suspect } = Data.taggedEnum<Connectivity>()

/**
 * The Ref that a heartbeat writes. Its `changes` are a Stream of the state of
 * now and every one after it.
 *
 * **Example** (Watching from outside)
 *
 * ```ts
 * import { Effect, Stream } from "effect"
 * import { Heartbeat } from "telemachy"
 *
 * export const watched = <E>(ping: Effect.Effect<void, E>) =>
 *   Effect.gen(function*() {
 *     const { connectivity } = yield* Heartbeat.make({ probe: ping })
 *     yield* Stream.runForEach(connectivity.changes, ({ _tag }) => Effect.log(_tag))
 *   })
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export type ConnectivityRef = SubscriptionRef.SubscriptionRef<Connectivity>

/**
 * Makes the Ref of a backend that answered at this time.
 *
 * **Example** (A Ref that outlives its heartbeat)
 *
 * ```ts
 * import { DateTime, Effect } from "effect"
 * import { Connectivity, Heartbeat } from "telemachy"
 *
 * export const guarded = <A, E, E2>(work: Effect.Effect<A, E>, ping: Effect.Effect<void, E2>) =>
 *   Effect.gen(function*() {
 *     const connectivity = yield* Connectivity.make(yield* DateTime.now)
 *     return yield* Heartbeat.guard(work, { probe: ping, connectivity })
 *   })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (lastAnswer: DateTime.Utc): Effect.Effect<ConnectivityRef> =>
  SubscriptionRef.make<Connectivity>(Alive({ lastAnswer }))

/**
 * Waits until the backend is lost; returns at once when it is.
 *
 * **Example** (Dropping a cache with the backend that it stands for)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Connectivity } from "telemachy"
 *
 * export const dropWithBackend = (connectivity: Connectivity.ConnectivityRef, invalidate: Effect.Effect<void>) =>
 *   Connectivity.awaitLost(connectivity).pipe(Effect.zipRight(invalidate), Effect.forkScoped)
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const awaitLost = (ref: ConnectivityRef): Effect.Effect<void> =>
  ref.changes.pipe(Stream.filter(is("Lost")), Stream.take(1), Stream.runDrain)
