/** Directories that only their owner can read. */
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"

/** Makes a directory and those above it, one by one: Node's own way to do that never ends under `/proc`. */
export const make = (directory: string): Effect.Effect<void, PlatformError, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    const above = (yield* Path.Path).dirname(directory)
    if (yield* Effect.orElseSucceed(files.exists(directory), () => false)) return
    if (above !== directory) yield* make(above)
    yield* files.makeDirectory(directory, { mode: 0o700 }).pipe(
      // Another process may have made it.
      Effect.catchIf((error) => error._tag === "SystemError" && error.reason === "AlreadyExists", () => Effect.void)
    )
  })
