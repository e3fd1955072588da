/** The signs of life of a program, which are that it writes something. */
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"

/**
 * Makes what is called at each sign. The first in each second of the clock runs
 * an effect, which must not wait; the others cost no more than a look at the time.
 */
export const make = Effect.fnUntraced(function*(onAlive: Effect.Effect<void>) {
  const clock = yield* Effect.clock
  const run = Runtime.runSync(yield* Effect.runtime<never>())
  let latest: number | undefined
  return () => {
    const second = Math.floor(clock.unsafeCurrentTimeMillis() / 1000)
    if (second === latest) return
    latest = second
    run(onAlive)
  }
})
