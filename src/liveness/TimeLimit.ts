/**
 * A limit of time that holds everywhere. `Effect.timeout` ends nothing in a
 * region that cannot be interrupted, which every finalizer is: there, the limit
 * passes and the wait goes on.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

/**
 * Fails when an effect takes longer than the limit, in a finalizer as well. What
 * the effect does to end when it is interrupted is not waited for.
 *
 * @internal
 */
export const within: {
  <E2>(options: {
    readonly limit: Duration.DurationInput
    readonly onTimeout: () => E2
  }): <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | E2, R>
} = ({ limit: duration, onTimeout }) => (effect) =>
  Effect.uninterruptibleMask((restore) =>
    // A fiber of its own can be interrupted whatever holds for this one.
    Effect.flatMap(
      effect.pipe(Effect.interruptible, Effect.disconnect, Effect.timeoutFail({ duration, onTimeout }), Effect.interruptible, Effect.forkDaemon),
      (fiber) => Effect.onInterrupt(restore(Fiber.join(fiber)), () => Fiber.interruptFork(fiber))
    )
  )
