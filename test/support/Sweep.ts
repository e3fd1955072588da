/**
 * How much of what is walked through point by point is walked through. By
 * default some of the points, spread over all and the same each time;
 * `TELEMACHY_TEST_SWEEP=true` takes every one.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"

/** Whether nothing is left out. */
export const isFull: boolean = Effect.runSync(Config.withDefault(Config.boolean("TELEMACHY_TEST_SWEEP"), false))

/** A number that is smaller unless nothing is left out. */
export const upTo = (full: number, usual: number): number => (isFull ? full : usual)

/** Every `step`th of some points, from the `first` on. */
export const some = <A>(points: ReadonlyArray<A>, step: number, first = 0): ReadonlyArray<A> =>
  isFull ? points : points.filter((_, position) => position % step === first % step)
