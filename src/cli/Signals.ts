/**
 * SIGINT, SIGTERM, and the SIGHUP of a terminal that is closed. The first
 * cancels what the command is doing, and whoever runs the command takes care of
 * that; this module remembers which it was, and hears of a second, which says
 * that nobody wants to wait any longer. Copies of a signal within a second of it
 * are the same one, which others have sent on.
 */
import { isatty } from "node:tty"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as MutableRef from "effect/MutableRef"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import * as Struct from "effect/Struct"

/** A signal that cancels. */
export type Signal = "SIGINT" | "SIGTERM" | "SIGHUP"

/** The signals that this process has been sent. */
export class Signals extends Context.Tag("telemachy/cli/Signals")<Signals, {
  /** Waits for the first signal. */
  readonly first: Effect.Effect<Signal>
  /** Waits for a second signal. */
  readonly second: Effect.Effect<Signal>
  /** The exit code of a command that was interrupted: that of what is decided, or 128 and the number of the signal. */
  readonly exitCode: Effect.Effect<number>
  /** From now on, this tells whether the exit code of the command is decided, whatever signal it is sent. */
  readonly decideBy: (decided: Effect.Effect<Option.Option<number>>) => Effect.Effect<void>
  /** Ends the process at once. What is under way in it is not waited for. */
  readonly exit: Effect.Effect<never>
}>() {}

const exitCodes: Record<Signal, number> = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }

// A terminal sends one press of Ctrl-C to every process of its group, and npm, shells and supervisors among them send it on.
const copyWindow = Duration.unsafeToNanos(Duration.seconds(1))

// A program that was started with nohup goes on when its terminal is closed. Node forgets at its start which signals it
// was started to ignore, but nohup also leaves it without a terminal, and who has none can not lose it.
const hasTerminal = Effect.sync(() => [0, 1, 2].some((descriptor) => isatty(descriptor)))

/** Layer that listens to the signals of this process. */
export const layer: Layer.Layer<Signals> = Layer.scoped(
  Signals,
  Effect.gen(function*() {
    const first = yield* Deferred.make<Signal>()
    const second = yield* Deferred.make<Signal>()
    const runSync = Runtime.runSync(yield* Effect.runtime())
    const received = new Map<Signal, bigint>()
    const listener = (signal: Signal) => {
      const now = runSync(Clock.currentTimeNanos)
      const before = received.get(signal)
      if (before !== undefined && now - before < copyWindow) return
      runSync(Deferred.succeed(received.size === 0 ? first : second, signal))
      if (before === undefined) received.set(signal, now)
    }
    const listeners = {
      SIGINT: listener,
      SIGTERM: listener,
      SIGHUP: (yield* hasTerminal) ? listener : () => {}
    } satisfies Record<Signal, (signal: Signal) => void>
    const each = Struct.entries(listeners)
    // To the end of the process: one that came after the listeners were gone would end what is decided otherwise.
    yield* Effect.sync(() => each.forEach(([signal, listen]) => process.on(signal, listen)))
    const decided = MutableRef.make<Effect.Effect<Option.Option<number>>>(Effect.succeedNone)
    const exitCode = Effect.map(
      Effect.suspend(() => MutableRef.get(decided)),
      Option.getOrElse(() => exitCodes[[...received.keys()][0] ?? "SIGINT"])
    )
    return {
      first: Deferred.await(first),
      second: Deferred.await(second),
      exitCode,
      decideBy: (code) => Effect.sync(() => MutableRef.set(decided, code)),
      exit: Effect.flatMap(exitCode, (code) => Effect.sync(() => process.exit(code)))
    }
  })
)
