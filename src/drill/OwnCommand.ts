/** The command that this process runs, to be started once more as a process that can be killed. */
import * as Command from "@effect/platform/Command"
import type { CommandExecutor, ExitCode } from "@effect/platform/CommandExecutor"
import type { PlatformError } from "@effect/platform/Error"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as RunEvent from "../run/RunEvent.ts"
import * as Sightings from "./Sightings.ts"

/** How the command is started. */
export class OwnCommand extends Context.Tag("telemachy/drill/OwnCommand")<OwnCommand, {
  readonly file: string
  /** What comes before the arguments of the command. */
  readonly args: ReadonlyArray<string>
}>() {}

/** Layer of the command as this process was started. */
export const layer: Layer.Layer<OwnCommand> = Layer.sync(OwnCommand, () => ({
  file: process.execPath,
  args: [...process.execArgv, ...process.argv.slice(1, 2)]
}))

/** How a process ended. */
export interface Ended {
  /** Its exit code; nothing when a signal ended it. */
  readonly code: number | undefined
  /** The end of what it wrote to standard error. */
  readonly stderr: string
}

/** The command as a process of its own. */
export interface OwnProcess {
  /** The events that it writes to standard output. */
  readonly sightings: Sightings.Sightings
  /** Ends it as `kill -9` does, and waits until it is gone. */
  readonly kill: Effect.Effect<void, PlatformError>
  /** Waits for its end. */
  readonly ended: Effect.Effect<Ended>
}

const decodeLine = Schema.decodeUnknownEither(RunEvent.Json)

/** How much of standard error is kept, in characters. */
const longestTail = 2000

/** How long a process that is asked to end may take, before it is killed: longer than its own grace. */
const grace = Duration.seconds(20)

/** Starts the command with these arguments and variables, until the scope closes. */
export const start = Effect.fn("OwnCommand.start")(function*(
  args: ReadonlyArray<string>,
  { directory, env }: { readonly directory: string; readonly env: Readonly<Record<string, string>> }
): Effect.fn.Return<OwnProcess, PlatformError, OwnCommand | CommandExecutor | Scope.Scope> {
  const own = yield* OwnCommand
  const sightings = yield* Sightings.make
  const tail = yield* Ref.make("")
  const ended = yield* Deferred.make<Ended>()
  const command = Command.make(own.file, ...own.args, ...args).pipe(
    Command.env(env),
    Command.workingDirectory(directory)
  )
  const child = yield* Command.start(command)
  const isRunning = Effect.orElseSucceed(child.isRunning, () => false)
  // Asked before it is forced: it takes down what it has made.
  yield* Effect.addFinalizer(() =>
    Effect.whenEffect(
      Effect.ignore(child.kill("SIGTERM")).pipe(
        Effect.interruptible,
        Effect.timeoutOption(grace),
        Effect.flatMap((done) => Option.isSome(done) ? Effect.void : Effect.ignore(child.kill("SIGKILL")))
      ),
      isRunning
    ))
  const reading = child.stdout.pipe(
    Stream.decodeText(),
    Stream.splitLines,
    Stream.runForEach((line) => Either.match(decodeLine(line), { onLeft: () => Effect.void, onRight: sightings.see }))
  )
  const complaining = child.stderr.pipe(
    Stream.decodeText(),
    Stream.runForEach((text) => Ref.update(tail, (before) => (before + text).slice(-longestTail)))
  )
  const codeOf = Effect.match(child.exitCode, {
    onFailure: () => undefined,
    onSuccess: (code: ExitCode): number | undefined => code
  })
  yield* Effect.forkScoped(
    Effect.all([Effect.ignore(reading), Effect.ignore(complaining)], { concurrency: "unbounded", discard: true }).pipe(
      Effect.zipRight(codeOf),
      Effect.zipWith(Ref.get(tail), (code, stderr) => ({ code, stderr: stderr.trim() })),
      Effect.tap(() => sightings.end),
      Effect.flatMap((how) => Deferred.succeed(ended, how))
    )
  )
  return { sightings, kill: child.kill("SIGKILL"), ended: Deferred.await(ended) }
})
