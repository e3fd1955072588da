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

  return {
    run: (effect) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.suspend(() => {
          if (free > 0) {
            free -= 1
            return Effect.ensuring(restore(effect), release)
          }
          let isGranted = false
          let grant = () => {}
          const acquire = Effect.async<void>((resume) => {
            grant = () => {
              isGranted = true
              resume(Effect.void)
            }
            waiting.add(grant)
          })
          // What was granted is given back, whether or not the news of it has got to whoever waits.
          const leave = Effect.suspend(() => (!waiting.delete(grant) && isGranted ? release : Effect.void))
          return Effect.ensuring(restore(Effect.zipRight(acquire, effect)), leave)
        })
      )
  }
}
