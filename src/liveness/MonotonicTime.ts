/**
 * The time that waits and limits are measured by. That of the wall clock jumps
 * when somebody sets it, and is for people and records.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/**
 * Milliseconds since some moment, the same for as long as the process lives.
 *
 * @internal
 */
export const millis: Effect.Effect<number> = Effect.map(Clock.currentTimeNanos, (nanos) => Number(nanos / 1000n) / 1000)
