/**
 * Effects of which the first end counts, with one fiber for each, however many there are: where `Effect.raceFirst` is put around
 * `Effect.raceFirst`, each adds two, one of which only waits.
 *
 * An interruption ends all of them, at whichever step it comes. `Effect.raceFirst` (effect 3.22) waits for ever when it comes
 * between the step in which it makes its fibers and that in which it starts them.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

/**
 * Waits until one of several fibers has ended, and answers it. The others go on.
 *
 * @internal
 */
export const firstOf = <F extends Fiber.RuntimeFiber<unknown, unknown>>(fibers: ReadonlyArray<F>): Effect.Effect<F> =>
  Effect.async((resume) => {
    for (const fiber of fibers) fiber.addObserver(() => resume(Effect.succeed(fiber)))
  })

/**
 * Does all of them at once, and ends as the first that ends does, when the others are interrupted and have ended. Those that never
 * end may be `Effect.never`.
 *
 * @internal
 */
export const first = <A, E, R>(effects: ReadonlyArray<Effect.Effect<A, E, R>>): Effect.Effect<A, E, R> => {
  const [only = Effect.never, ...others] = effects.filter((effect) => effect !== Effect.never)
  if (others.length === 0) return only
  return Effect.uninterruptibleMask((restore) =>
    // A failure is an answer here, and not that of a fiber that nobody waits for, which would be logged.
    Effect.flatMap(Effect.forEach([only, ...others], (effect) => Effect.fork(Effect.exit(restore(effect)))), (fibers) =>
      Effect.matchCauseEffect(restore(firstOf(fibers)), {
        onFailure: (cause) => Effect.zipRight(stop(fibers), Effect.failCause(cause)),
        onSuccess: (ended) => Effect.zipRight(stop(fibers), Effect.flatten(Fiber.join(ended)))
      })))
}

/**
 * Interrupts those that have not ended, and waits until they have.
 *
 * @internal
 */
export const stop = (fibers: ReadonlyArray<Fiber.RuntimeFiber<unknown, unknown>>) =>
  Effect.suspend(() => Fiber.interruptAll(fibers.filter((fiber) => fiber.unsafePoll() === null)))

/**
 * Does something until it ends, or until one of some others fails, whose failure is its own then.
 *
 * @internal
 */
export const unless = <E2 = never, R2 = never, E3 = never, R3 = never>(
  end: Effect.Effect<never, E2, R2> = Effect.never,
  ...others: ReadonlyArray<Effect.Effect<never, E3, R3>>
) =>
<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | E2 | E3, R | R2 | R3> =>
  first<A, E | E2 | E3, R | R2 | R3>([effect, end, ...others])
