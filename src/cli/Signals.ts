/**
 * SIGINT, SIGTERM, and the SIGHUP of a terminal that is closed. The first
 * cancels what the command is doing, and whoever runs the command takes care of
 * that; this module remembers which it was, and hears of a second, which says
 * that nobody wants to wait any longer.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Runtime from "effect/Runtime"

/** A signal that cancels. */
export type Signal = "SIGINT" | "SIGTERM" | "SIGHUP"

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

const exitCodes: Record<Signal, number> = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }

// A program that was started with nohup goes on when its terminal is closed, and listening would take that back.
// Only Linux tells: the lowest bit of its mask of ignored signals is SIGHUP.
const isHangUpIgnored = Effect.gen(function*() {
  const files = yield* FileSystem.FileSystem
  const status = yield* Effect.orElseSucceed(files.readFileString("/proc/self/status"), () => "")
  const lowest = /^SigIgn:\s*[0-9a-f]*([0-9a-f])$/m.exec(status)?.[1] ?? "0"
  return Number.parseInt(lowest, 16) % 2 === 1
})

/** Layer that listens to the signals of this process. */
export const layer: Layer.Layer<Signals, never, FileSystem.FileSystem> = Layer.scoped(
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
    const heard: ReadonlyArray<Signal> = (yield* isHangUpIgnored) ? ["SIGINT", "SIGTERM"] : ["SIGINT", "SIGTERM", "SIGHUP"]
    yield* Effect.acquireRelease(
      Effect.sync(() => heard.forEach((signal) => process.on(signal, listener))),
      () => Effect.sync(() => heard.forEach((signal) => process.off(signal, listener)))
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
