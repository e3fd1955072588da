/** The program: runs the command line as the process that it is, signals and exit code included. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as MutableRef from "effect/MutableRef"
import manifest from "../package.json" with { type: "json" }
import * as OutputErrors from "./cli/OutputErrors.ts"
import * as Signals from "./cli/Signals.ts"
import * as Streams from "./cli/Streams.ts"
import * as Race from "./liveness/Race.ts"

const exitCode = MutableRef.make(1)
const unwritten = MutableRef.make<Effect.Effect<string | undefined>>(Effect.succeed(undefined))

const codeOf = (exit: Exit.Exit<number>) => {
  if (Exit.isSuccess(exit)) return Effect.succeed(exit.value)
  return Exit.isInterrupted(exit) ? Effect.flatMap(Signals.Signals, (signals) => signals.exitCode) : Effect.succeed(1)
}

const keepExitCode = (exit: Exit.Exit<number>) => Effect.map(codeOf(exit), (code) => MutableRef.set(exitCode, code))

/** Does what the arguments say. Most of the program is loaded only when it is needed. */
const main = (argv: ReadonlyArray<string>) =>
  argv.length === 1 && argv[0] === "--version"
    ? Effect.as(Console.log(manifest.version), 0)
    : Effect.flatMap(Effect.promise(() => import("./cli/Cli.ts")), (cli) => cli.main(argv))

const cancelled = Effect.flatMap(Signals.Signals, ({ first }) => Effect.zipRight(first, Effect.interrupt))

// At the first signal runMain interrupts as well, and then waits for nothing: the end of the command is waited for here,
// where a second signal is still heard.
const command = Effect.uninterruptible(
  Race.first([Effect.interruptible(main(process.argv.slice(2))), Effect.interruptible(cancelled)])
)

// Whatever the code, as a process that winds down by itself stops listening to signals before it has ended. A reader has
// its time, until a signal says that there is none.
const end = (code: number) => {
  const exit = () => process.exit(code)
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, exit)
  Streams.whenWritten(() => {
    const failure = Effect.runSync(MutableRef.get(unwritten))
    if (failure === undefined) exit()
    else process.stderr.write(`${failure}\n`, () => process.exit(code === 0 ? 1 : code))
  })
}

// Whether all could be written is known when the last of it was.
const keepUnwritten = Effect.map(OutputErrors.OutputErrors, ({ failure }) => MutableRef.set(unwritten, failure))

Effect.zipRight(Effect.zipRight(keepUnwritten, Streams.withoutWarnings), command).pipe(
  Effect.onExit(keepExitCode),
  Effect.provide([Signals.layer, OutputErrors.layer]),
  NodeRuntime.runMain({
    disableErrorReporting: true,
    disablePrettyLogger: true,
    teardown: () => end(MutableRef.get(exitCode))
  })
)
