/**
 * A permit that is waited for no longer than a limit. Whoever gives up at the very moment at which the permit is granted gives it
 * back: a time limit around `Effect.Semaphore.take` alone drops what was taken then, and the permit is nobody's for good.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as TimeLimit from "./TimeLimit.ts"

/** How long is waited, and what is done about an interruption meanwhile. */
export interface Options<E> extends TimeLimit.Options<E> {
  /** Lets whoever waits be interrupted, as `Effect.uninterruptibleMask` gives it. */
  readonly restore: <A, E2, R>(effect: Effect.Effect<A, E2, R>) => Effect.Effect<A, E2, R>
}

/** Takes one permit, in a region that cannot be interrupted, and whose end gives it back. */
export const take = <E>(permits: Effect.Semaphore, { restore, ...limit }: Options<E>): Effect.Effect<void, E> =>
  Effect.suspend(() => {
    let isTaken = false
    let isGivenUp = false
    const granted = Effect.suspend(() => {
      if (isGivenUp) return permits.release(1)
      isTaken = true
      return Effect.void
    })
    const wait = Effect.uninterruptibleMask((interruptibly) => Effect.zipRight(interruptibly(permits.take(1)), granted))
    return Effect.flatMap(Effect.exit(restore(TimeLimit.within(limit)(wait))), (exit) => {
      if (Exit.isSuccess(exit)) return Effect.void
      isGivenUp = true
      return Effect.zipRight(isTaken ? permits.release(1) : Effect.void, exit)
    })
  }).pipe(Effect.uninterruptible, Effect.asVoid)
