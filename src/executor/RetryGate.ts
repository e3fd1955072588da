/**
 * A try each second, shared by all requests of a teardown: after one has failed,
 * none is sent for the rest of the second.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as MonotonicTime from "../liveness/MonotonicTime.ts"

/** The time between two tries. */
const interval = Duration.toMillis("1 second")

/** Lets requests pass, or not. */
export interface RetryGate {
  /** Waits until requests may be sent. */
  readonly wait: Effect.Effect<void>
  /** A request has failed. Answers whether it is the first to say so in its second. */
  readonly close: Effect.Effect<boolean>
  /** Lets requests pass now. */
  readonly open: () => void
}

/** Makes a gate that is open. */
export const make = (): RetryGate => {
  let openAt = 0
  const left = Effect.map(MonotonicTime.millis, (now) => openAt - now)
  return {
    wait: Effect.flatMap(left, (millis) =>
      Effect.iterate(millis, { while: (millis) => millis > 0, body: (millis) => Effect.delay(left, Duration.millis(millis)) })),
    close: Effect.map(MonotonicTime.millis, (now) => {
      if (now < openAt) return false
      openAt = now + interval
      return true
    }),
    open: () => {
      openAt = 0
    }
  }
}
