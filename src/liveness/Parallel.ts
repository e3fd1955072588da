/**
 * Effects that are done beside each other, with one fiber for each.
 *
 * `Effect.forEach` with a concurrency (effect 3.22) waits for ever when it is
 * interrupted at some of its steps, of which it takes some 150 more, and another
 * fiber, however few effects there are.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { identity } from "effect/Function"
import * as Race from "./Race.ts"

type Doing<A, E> = Fiber.RuntimeFiber<Exit.Exit<A, E>>

/**
 * Does something for each of some at once, and answers in their order. Fails as the first does that fails, when the others are
 * interrupted and have ended. An interruption ends all of them, at whichever step it comes.
 *
 * @internal
 */
export const forEach = <A, B, E, R>(each: ReadonlyArray<A>, act: (one: A) => Effect.Effect<B, E, R>): Effect.Effect<Array<B>, E, R> =>
  each.length < 2 ? Effect.forEach(each, act) : Effect.uninterruptibleMask((restore) =>
    // A failure is an answer here, and not that of a fiber that nobody waits for, which would be logged.
    Effect.flatMap(Effect.forEach(each, (one) => Effect.fork(Effect.exit(restore(Effect.suspend(() => act(one)))))), (fibers) =>
      Effect.matchCauseEffect(restore(results(fibers)), {
        onFailure: (cause) => Effect.zipRight(Race.stop(fibers), Effect.failCause(cause)),
        onSuccess: Effect.succeed
      })))

/**
 * Does all of them at once: see {@link forEach}.
 *
 * @internal
 */
export const all = <A, E, R>(effects: ReadonlyArray<Effect.Effect<A, E, R>>): Effect.Effect<Array<A>, E, R> => forEach(effects, identity)

/** Waits until all have succeeded, or until one has not. */
const results = <A, E>(fibers: ReadonlyArray<Doing<A, E>>): Effect.Effect<Array<A>, E> =>
  Effect.async((resume) => {
    const answers: Array<A> = []
    let left = fibers.length
    fibers.forEach((fiber, place) =>
      fiber.addObserver((ended) => {
        const exit = Exit.flatten(ended)
        if (Exit.isFailure(exit)) return resume(Effect.failCause(exit.cause))
        answers[place] = exit.value
        left -= 1
        if (left === 0) resume(Effect.succeed(answers))
      }))
  })
