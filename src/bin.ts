#!/usr/bin/env node
/** The script entrypoint: the command line, with what Node provides. */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as MutableRef from "effect/MutableRef"
import * as Cli from "./cli/Cli.ts"
import * as Signals from "./cli/Signals.ts"
import * as Streams from "./cli/Streams.ts"

const exitCode = MutableRef.make(1)

const keepExitCode = (exit: Exit.Exit<number>) =>
  Effect.map(
    Exit.isSuccess(exit) ? Effect.succeed(exit.value) : Effect.flatMap(Signals.Signals, (signals) => signals.exitCode),
    (code) => MutableRef.set(exitCode, code)
  )

const cancelled = Effect.flatMap(Signals.Signals, ({ first }) => Effect.zipRight(first, Effect.interrupt))

// At the first signal runMain interrupts as well, and then waits for nothing: the end of the command is waited for here,
// where a second signal is still heard.
const command = Effect.uninterruptible(
  Effect.raceFirst(Effect.interruptible(Cli.main(process.argv.slice(2))), Effect.interruptible(cancelled))
)

Effect.zipRight(Streams.outliveReaders, command).pipe(
  Effect.onExit(keepExitCode),
  Effect.provide(Layer.merge(Signals.layer, NodeContext.layer)),
  NodeRuntime.runMain({
    disableErrorReporting: true,
    disablePrettyLogger: true,
    teardown: (_exit, onExit) => onExit(MutableRef.get(exitCode))
  })
)
