/**
 * SIGINT and SIGTERM. The first cancels what the command is doing, and whoever
 * runs the command takes care of that; this module remembers which it was, and
 * hears of a second, which says that nobody wants to wait any longer.
 */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Runtime from "effect/Runtime"

/** A signal that cancels. */
export type Signal = "SIGINT" | "SIGTERM"

/** The signals that this process has been sent. */
export class Signals extends Context.Tag("telemachy/cli/Signals")<Signals, {
  /** Waits for the first signal. */
  readonly first: Effect.Effect<Signal>
  /** Waits for a second signal. */
  readonly second: Effect.Effect<Signal>
  /** The exit code of a command that was cancelled: 128 and the number of the signal. */
  readonly exitCode: Effect.Effect<number>
  /** Ends the process at once. What is under way in it is not waited for. */
  readonly exit: Effect.Effect<never>
}>() {}

const exitCodes: Record<Signal, number> = { SIGINT: 130, SIGTERM: 143 }

/** Layer that listens to the signals of this process. */
export const layer: Layer.Layer<Signals> = Layer.scoped(
  Signals,
  Effect.gen(function*() {
    const first = yield* Deferred.make<Signal>()
    const second = yield* Deferred.make<Signal>()
    const runSync = Runtime.runSync(yield* Effect.runtime())
    let received: ReadonlyArray<Signal> = []
    const listener = (signal: Signal) => {
      received = [...received, signal]
      runSync(Deferred.succeed(received.length === 1 ? first : second, signal))
    }
    yield* Effect.acquireRelease(
      Effect.sync(() => process.on("SIGINT", listener).on("SIGTERM", listener)),
      () => Effect.sync(() => process.off("SIGINT", listener).off("SIGTERM", listener))
    )
    const exitCode = Effect.sync(() => exitCodes[received[0] ?? "SIGINT"])
    return {
      first: Deferred.await(first),
      second: Deferred.await(second),
      exitCode,
      exit: Effect.flatMap(exitCode, (code) => Effect.sync(() => process.exit(code)))
    }
  })
)
