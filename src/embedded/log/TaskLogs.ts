/** The logs of tasks on this machine: everything that programs write, below the home directory. */
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as LogFiles from "./LogFiles.ts"
import type * as RunEvent from "../../run/RunEvent.ts"
import type { RunId } from "../../run/RunId.ts"
import * as HomeDirectory from "../../settings/HomeDirectory.ts"
import * as PrivateDirectory from "../../settings/PrivateDirectory.ts"
import * as Settings from "../../settings/Settings.ts"

/** The directory of all logs: below the home directory, unless nothing is to be stored. */
export class Directory extends Context.Reference<Directory>()("telemachy/embedded/log/TaskLogs/Directory", {
  defaultValue: (): Effect.Effect<string, HomeDirectory.HomeUnknownError | PlatformError> => HomeDirectory.expand("~/.telemachy/logs")
}) {}

const directory = Effect.flatten(Directory)

const made = Effect.tap(directory, PrivateDirectory.make)

const isMemory = Effect.map(Settings.databaseUrl.config, Option.exists((url) => Redacted.value(url) === "memory:"))

/** Layer of a directory that is gone with the command, where the settings say that nothing is stored. */
export const layer = Layer.scopedContext(Effect.gen(function*() {
  if (!(yield* isMemory)) return Context.empty()
  const files = yield* FileSystem.FileSystem
  return Context.make(Directory, yield* Effect.exit(files.makeTempDirectoryScoped({ prefix: "telemachy-logs-" })))
}))

/** Says where an embedded Agamemnon keeps logs: nowhere when they are not wanted, or when that place cannot be made. */
export const options = Effect.gen(function*() {
  const limit = yield* Settings.taskLogLimit.config
  const retention = yield* Settings.logRetention.config
  if (limit === 0) return undefined
  return Option.getOrUndefined(Option.map(yield* Effect.option(made), (path) => ({ directory: path, limit, retention }) satisfies LogFiles.Options))
})

/** Says that logs are wanted and that their place cannot be made, to who runs programs. */
export const warnWhenUnkept = Effect.gen(function*() {
  if ((yield* Settings.taskLogLimit.config) === 0) return
  yield* Effect.catchAll(made, ({ message }) => Effect.logWarning(`what programs write is not kept in full: ${message}`))
})

/** Whether the log of a task is one of this machine. What a record names besides is not read. */
export const isHere = (path: string): Effect.Effect<boolean, never, Path.Path> =>
  Effect.flatMap(Effect.option(directory), Option.match({
    onNone: () => Effect.succeed(false),
    onSome: (root) => LogFiles.isWithin(root, path)
  }))

/** How often a file is looked for. */
const pollInterval = "200 millis"

/** Waits until a log is there, or whatever writes it is over; tells whether it is there. */
export const awaitFile = Effect.fn("TaskLogs.awaitFile")(function*(path: string, isOver: Effect.Effect<boolean>) {
  const files = yield* FileSystem.FileSystem
  const isThere = Effect.orElseSucceed(files.exists(path), () => false)
  const isReady = Effect.zipWith(isThere, isOver, (there, over) => there || over)
  yield* Effect.repeat(isReady, { until: (ready) => ready, schedule: Schedule.spaced(pollInterval) })
  return yield* isThere
})

/** Removes the logs of a run. */
export const remove = (run: RunId, events: ReadonlyArray<RunEvent.RunEvent>) =>
  Effect.flatMap(Effect.option(directory), Option.match({
    // Where there is no home, there are no logs.
    onNone: () => Effect.void,
    onSome: (root) =>
      LogFiles.remove(root, run, events.flatMap((event) => "log" in event && event.log !== undefined ? [event.log] : []))
  }))
