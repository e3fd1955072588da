/**
 * Retrying that costs nothing before something has failed. `Effect.retry` makes ready for a failure that hardly ever comes: its
 * schedule is begun, and told to each attempt, which takes longer than a request that is answered at once.
 */
import * as Effect from "effect/Effect"
import type * as Predicate from "effect/Predicate"
import type * as Schedule from "effect/Schedule"

/** Which failures may be gone after a while, and when it is tried again. */
export interface Options<E> {
  readonly while: Predicate.Predicate<E>
  readonly schedule: Schedule.Schedule<unknown, E>
}

/** An effect of which one attempt was made already, that has failed with this. */
export const afterFailure = <A, E, R>(effect: Effect.Effect<A, E, R>, failure: E): Effect.Effect<A, E, R> => {
  let isMade = false
  return Effect.suspend(() => {
    if (isMade) return effect
    isMade = true
    return Effect.fail(failure)
  })
}

/** Tries again as `Effect.retry` does. */
export const retry = <E>(options: Options<E>) => <A, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.catchIf(effect, options.while, (failure) => Effect.retry(afterFailure(effect, failure), options))
