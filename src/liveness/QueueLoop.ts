/**
 * Loops over a queue. For each of what comes one by one, `Effect.forever` takes a quarter more steps of a fiber, because it lets
 * others have their turn each time, and a stream more than twice as many, beside 400 to set it up and take it down. What computes
 * for long still lets others have their turn, like all fibers.
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"

/**
 * Does something about each that comes, one after the other, until one is the last.
 *
 * @internal
 */
export const until = <A, E, R>(queue: Queue.Dequeue<A>, isLast: (each: A) => boolean, act: (each: A) => Effect.Effect<unknown, E, R>) =>
  Effect.gen(function*() {
    while (true) {
      const each = yield* Queue.take(queue)
      yield* act(each)
      if (isLast(each)) return
    }
  })

/**
 * Does something about each that comes, one after the other, for ever.
 *
 * @internal
 */
export const forEach = <A, E, R>(queue: Queue.Dequeue<A>, act: (each: A) => Effect.Effect<unknown, E, R>): Effect.Effect<never, E, R> =>
  Effect.gen(function*() {
    while (true) yield* act(yield* Queue.take(queue))
  })
