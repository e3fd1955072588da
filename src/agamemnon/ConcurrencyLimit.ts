/**
 * A limit on how many requests are under way at once, first come, first served.
 *
 * `Effect.makeSemaphore` wakes all who wait at each release, so that a thousand
 * waiting requests cost a million wake-ups and a gigabyte of memory; here a
 * release hands its permit to the one who has waited longest.
 */
import * as Effect from "effect/Effect"

/** Lets effects run, so many at once. */
export interface ConcurrencyLimit {
  /** Runs an effect as soon as there is a free connection for it. */
  readonly run: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/** Makes a limit of so many at once. */
export const make = (limit: number): ConcurrencyLimit => {
  // A set keeps the order of insertion.
  const waiting = new Set<() => void>()
  let free = limit

  const release = Effect.sync(() => {
    const [next] = waiting
    if (next === undefined) {
      free += 1
      return
    }
    waiting.delete(next)
    next()
  })

  const acquire = Effect.async<void>((resume) => {
    const granted = () => resume(Effect.void)
    if (free > 0) {
      free -= 1
      granted()
    } else {
      waiting.add(granted)
    }
    // Interrupted: whoever does not wait any more was granted a permit, and gives it back.
    return Effect.suspend(() => (waiting.delete(granted) ? Effect.void : release))
  })

  return {
    run: (effect) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.zipRight(restore(acquire), Effect.ensuring(restore(effect), release))
      )
  }
}
