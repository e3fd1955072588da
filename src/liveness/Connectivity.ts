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
 * The state of a backend as its heartbeat sees it.
 *
 * - `Alive`: the last ping was answered
 * - `Suspect`: the last `failures` pings were not, fewer than the threshold
 * - `Lost`: the threshold was reached, and the heartbeat has given up
 */
export type Connectivity = Data.TaggedEnum<{
  Alive: { readonly lastAnswer: DateTime.Utc }
  Suspect: { readonly lastAnswer: DateTime.Utc; readonly failures: number }
  Lost: { readonly lastAnswer: DateTime.Utc; readonly failures: number }
}>

/** Constructors and guards of {@link Connectivity}. */
export const { $is: is, $match: match, Alive, Lost, Suspect } = Data.taggedEnum<Connectivity>()

/** The Ref that a heartbeat writes. */
export type ConnectivityRef = SubscriptionRef.SubscriptionRef<Connectivity>

/** Makes the Ref of a backend that has just answered. */
export const make = (lastAnswer: DateTime.Utc): Effect.Effect<ConnectivityRef> =>
  SubscriptionRef.make<Connectivity>(Alive({ lastAnswer }))

/** Waits until the backend is lost. */
export const awaitLost = (ref: ConnectivityRef): Effect.Effect<void> =>
  ref.changes.pipe(Stream.filter(is("Lost")), Stream.take(1), Stream.runDrain)
