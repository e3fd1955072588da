/**
 * Limits of time that hold everywhere, and that nobody has to wait for longer.
 *
 * `Effect.timeoutFail` ends nothing in a region that cannot be interrupted,
 * which every finalizer is: there, the limit passes and the wait goes on. And
 * under a concurrent `Effect.forEach` the failure of one effect is told only
 * when the time of its slowest sibling is over (effect 3.22): its interruption
 * relies on reaching the effect as a child of its own fiber, and there that is
 * the child of another.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as OwnTime from "./OwnTime.ts"
import * as Race from "./Race.ts"

/** How long an effect may take, and what it fails with when it takes longer. */
export interface Options<E> {
  readonly limit: Duration.DurationInput
  readonly onTimeout: () => E
}

const before = <E2>(end: Effect.Effect<void>, onTimeout: () => E2) =>
<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | E2, R> =>
  Effect.uninterruptibleMask((restore) =>
    // Fibers of their own can be interrupted whatever holds for this one. A failure is an answer, which is not to be logged.
    Effect.flatMap(Effect.forkDaemon(Effect.exit(Effect.interruptible(effect))), (work) =>
      Effect.flatMap(Effect.forkDaemon(Effect.interruptible(end)), (limit) =>
        restore(Race.firstOf<Fiber.RuntimeFiber<unknown, unknown>>([work, limit])).pipe(
          Effect.flatMap((first): Effect.Effect<A, E | E2, R> =>
            first === work ? Effect.flatten(Fiber.join(work)) : Effect.failSync(onTimeout)),
          Effect.ensuring(stop([work, limit]))
        ))))

const stop = (fibers: ReadonlyArray<Fiber.RuntimeFiber<unknown, unknown>>) =>
  Effect.withFiberRuntime<void>((self) => {
    for (const fiber of fibers) {
      if (fiber.unsafePoll() === null) fiber.unsafeInterruptAsFork(self.id())
    }
    return Effect.void
  })

/**
 * Waits until a latch is open, and opens it itself when the limit is over.
 *
 * @internal
 */
export const awaitOpen = (latch: Effect.Latch, limit: Duration.DurationInput): Effect.Effect<void> =>
  Effect.flatMap(Effect.fork(Effect.delay(latch.open, limit)), (alarm) => Effect.ensuring(latch.await, stop([alarm])))

/**
 * Fails when an effect takes longer than the limit, in a finalizer as well. What
 * the effect does to end when it is interrupted is not waited for.
 *
 * @internal
 */
export const within = <E2>({ limit, onTimeout }: Options<E2>) => before(Effect.sleep(limit), onTimeout)

/**
 * The same, with a limit of which only the time counts that this process has
 * itself had: for a judgement on somebody else, whose answer may wait unread.
 *
 * @internal
 */
export const withinOwnTime = <E2>({ limit, onTimeout }: Options<E2>) => before(OwnTime.sleep(limit), onTimeout)
