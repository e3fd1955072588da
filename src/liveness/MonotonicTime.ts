/**
 * The time that waits and limits are measured by. That of the wall clock jumps
 * when somebody sets it, and is for people and records.
 */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/**
 * Milliseconds since some moment, the same for as long as the process lives, by a clock.
 *
 * @internal
 */
export const ofClock = (clock: Clock.Clock): number => Number(clock.unsafeCurrentTimeNanos() / 1000n) / 1000

/**
 * The same by the clock in force.
 *
 * @internal
 */
export const millis: Effect.Effect<number> = Effect.clockWith((clock) => Effect.succeed(ofClock(clock)))
