/**
 * The pause that a busy Agamemnon has asked for. It asks for it once, and means
 * everybody: all requests of the process to that Agamemnon wait.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** The pause, if there is one. */
export interface BusyPause {
  /** Begins a pause, unless there is one that ends later. */
  readonly begin: (length: Duration.Duration) => Effect.Effect<void>
  /** Waits until there is none. */
  readonly wait: Effect.Effect<void>
}

/** Makes what knows of the pause. There is none any more when the scope closes. */
export const make: Effect.Effect<BusyPause, never, Scope.Scope> = Effect.map(Effect.scope, (scope) => {
  const latch = Effect.unsafeMakeLatch(true)
  let pauses = 0
  const end = Effect.sync(() => {
    pauses -= 1
    if (pauses === 0) latch.unsafeOpen()
  })
  return {
    // Whoever has begun a pause also begins what ends it.
    begin: (length) =>
      Effect.suspend(() => {
        pauses += 1
        latch.unsafeClose()
        return Effect.asVoid(Effect.forkIn(Effect.ensuring(Effect.interruptible(Effect.sleep(length)), end), scope))
      }).pipe(Effect.uninterruptible),
    wait: latch.await
  }
})
