/**
 * A limit of time that an interruption never waits for.
 *
 * `Effect.timeoutFail` waits where it cannot be interrupted: it relies on the
 * interruption reaching the effect as a child of its fiber. Under a concurrent
 * `Effect.forEach` that effect is the child of another fiber (effect 3.22), so
 * that the failure of one request would be told only when the time of its
 * slowest sibling is over. Here the wait itself can be interrupted.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

/** Fails an effect that takes longer, and interrupts it. */
export const within = <E2>(duration: Duration.DurationInput, onTimeout: () => E2) =>
<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | E2, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(
      Effect.forkDaemon(restore(Effect.timeoutFail(effect, { duration, onTimeout }))),
      (fiber) => Effect.onInterrupt(restore(Fiber.join(fiber)), () => Fiber.interrupt(fiber))
    )
  )
