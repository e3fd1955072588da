/**
 * What goes on beside each other in the tasks of a run, which is over with the
 * first failure of that. A failure is put where the end is waited for, so that no
 * fiber has to wait for it.
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberSet from "effect/FiberSet"
import type * as Scope from "effect/Scope"

/** What goes on beside each other, until the scope closes. */
export interface Background<E> {
  /** Does something beside everything else. It can be interrupted, wherever it is begun. */
  readonly run: <A, E2 extends E, R>(effect: Effect.Effect<A, E2, R>) => Effect.Effect<Fiber.RuntimeFiber<A, E2>, never, R>
  /** Succeeds once somebody says that all is done, and fails as soon as something here does. */
  readonly over: Deferred.Deferred<void, E>
}

/** Nothing yet. */
export const make = <E>(): Effect.Effect<Background<E>, never, Scope.Scope> =>
  Effect.zipWith(FiberSet.make<unknown, E>(), Deferred.make<void, E>(), (fibers, over): Background<E> => ({
    over,
    // Whoever has begun something hears of its failure, and is not interrupted in between.
    run: (effect) =>
      Effect.uninterruptible(Effect.map(FiberSet.run(fibers, Effect.interruptible(effect)), (fiber) => {
        fiber.addObserver((exit) => {
          if (Exit.isFailure(exit) && !Cause.isInterruptedOnly(exit.cause)) Deferred.unsafeDone(over, exit)
        })
        return fiber
      }))
  }))
