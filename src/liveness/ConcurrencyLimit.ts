/**
 * A limit on how many effects run at once, first come, first served, of which no
 * permit is ever lost.
 *
 * `Effect.Semaphore` (effect 3.22) loses the permit of a fiber that other fibers
 * have a turn after, and interrupt, at the very step at which it has got it: from
 * then on, nobody gets in any more. It also wakes all who wait at each release,
 * so that a thousand of them cost a million wake-ups and a gigabyte of memory;
 * here a release hands its permit to the one who has waited longest.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Option from "effect/Option"

/** Lets effects run, so many at once. */
export interface ConcurrencyLimit {
  /** Runs an effect as soon as there is a permit for it. */
  readonly run: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Runs an effect if there is a permit for it now. */
  readonly runIfFree: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<Option.Option<A>, E, R>
  /**
   * Takes a permit, in a region that cannot be interrupted and releases it at its end. How it waits is for the caller to say: one that
   * can be interrupted there, or has a limit of time, takes none when that ends the wait.
   */
  readonly take: <E, R>(waiting: (turn: Effect.Effect<void>) => Effect.Effect<void, E, R>) => Effect.Effect<void, E, R>
  /** Gives back what was taken. */
  readonly release: Effect.Effect<void>
}

/** Makes a limit of so many at once. */
export const make = (limit: number): ConcurrencyLimit => {
  // A set keeps the order of insertion.
  const waiters = new Set<() => void>()
  let free = limit

  const release = Effect.sync(() => {
    const [next] = waiters
    if (next === undefined) {
      free += 1
      return
    }
    waiters.delete(next)
    next()
  })

  const take = <E, R>(waiting: (turn: Effect.Effect<void>) => Effect.Effect<void, E, R>): Effect.Effect<void, E, R> =>
    Effect.suspend(() => {
      if (free > 0) {
        free -= 1
        return Effect.void
      }
      let [isGranted, isGivenUp] = [false, false]
      let grant = () => {}
      const turn = Effect.async<void>((resume) => {
        // Another fiber waits here where time is limited, and may begin with it when that is over.
        if (isGivenUp) return
        grant = () => {
          isGranted = true
          resume(Effect.void)
        }
        waiters.add(grant)
      })
      // What was granted is given back, whether or not the news of it has got to whoever waits.
      const giveUp = Effect.suspend(() => {
        isGivenUp = true
        return !waiters.delete(grant) && isGranted ? release : Effect.void
      })
      return Effect.flatMap(Effect.exit(waiting(turn)), (exit) => (Exit.isSuccess(exit) ? Effect.void : Effect.zipRight(giveUp, exit)))
    })

  return {
    release,
    take: (waiting) => Effect.uninterruptible(take(waiting)),
    run: (effect) =>
      Effect.uninterruptibleMask((restore) => Effect.zipRight(take(restore), Effect.ensuring(restore(effect), release))),
    runIfFree: (effect) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.suspend(() => {
          if (free === 0) return Effect.succeedNone
          free -= 1
          return Effect.asSome(Effect.ensuring(restore(effect), release))
        }))
  }
}
