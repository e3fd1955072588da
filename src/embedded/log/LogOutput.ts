/**
 * The files of one log, as they are written: the first holds half of the limit,
 * and of the parts after it those stay that were written last.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import type { PlatformError } from "@effect/platform/Error"
import * as Path from "@effect/platform/Path"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as TimeLimit from "../../liveness/TimeLimit.ts"
import * as PrivateDirectory from "../../settings/PrivateDirectory.ts"
import * as LogEntry from "./LogEntry.ts"
import * as LogFiles from "./LogFiles.ts"

/** Files that entries are appended to. */
export interface LogOutput {
  /** Writes a chunk of a program. */
  readonly append: (at: DateTime.Utc, stream: LogEntry.LogStream, chunk: Uint8Array) => Effect.Effect<void, PlatformError>
}

/** A log has so many parts after its first file at most, together as large as that. */
const mostParts = 4

/** The most that an entry holds, in bytes: a small part of a file, so that its limit holds. */
const entrySize = (limit: number): number => Math.min(64_000, Math.floor(limit / 32))

interface OpenFile {
  readonly file: FileSystem.File
  readonly scope: Scope.CloseableScope
  /** Bytes that are in it, or about to be. */
  length: number
}

/** How long a file may take to close: a disk that hangs holds up no scope. */
const closeTimeout = "1 second"

/** Makes the first file of a log, which must not be there. Its files are open for as long as the scope. */
export const make = Effect.fn("LogOutput.make")(function*(path: string, limit: number) {
  const files = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const parts: Array<LogFiles.Part> = []
  /** Bytes of the program. */
  let written = 0
  let hasCut = false

  const open = Effect.fnUntraced(function*(at: string) {
    const scope = yield* Scope.make()
    const file = yield* Scope.extend(files.open(at, { flag: "ax", mode: 0o600 }), scope)
    return { file, scope, length: 0 } satisfies OpenFile as OpenFile
  })

  const close = ({ scope }: OpenFile) =>
    Effect.ignore(TimeLimit.within({ limit: closeTimeout, onTimeout: () => "it did not close" })(Scope.close(scope, Exit.void)))

  const noteCut = Effect.fnUntraced(function*(at: DateTime.Utc) {
    const file = yield* files.open(path, { flag: "a" })
    yield* file.writeAll(LogEntry.note(at, `the middle is cut here; the end of the log is in ${paths.basename(path)}.*`))
  }, Effect.scoped)

  /** Goes on in another file, and removes the oldest but the first when there are too many. */
  const goOn = Effect.fnUntraced(function*(at: DateTime.Utc) {
    yield* close(current)
    const oldest = parts.length < mostParts ? undefined : parts.shift()
    if (oldest !== undefined) {
      if (!hasCut) yield* noteCut(at)
      hasCut = true
      yield* files.remove(oldest.path)
    }
    const part = LogFiles.partOf(path, written)
    parts.push(part)
    current = yield* open(part.path)
  })

  const append = Effect.fnUntraced(function*(at: DateTime.Utc, stream: LogEntry.LogStream, chunk: Uint8Array) {
    let batch: Array<Uint8Array> = []
    for (const { line, size } of LogEntry.encode(at, stream, chunk, entrySize(limit))) {
      if (current.length + line.length > limit / 2 / (parts.length === 0 ? 1 : mostParts)) {
        yield* current.file.writeAll(Buffer.concat(batch))
        batch = []
        yield* goOn(at)
      }
      batch.push(line)
      current.length += line.length
      written += size
    }
    yield* current.file.writeAll(Buffer.concat(batch))
  })

  yield* PrivateDirectory.make(paths.dirname(path))
  let current = yield* open(path)
  yield* Effect.addFinalizer(() => Effect.suspend(() => close(current)))
  return { append } satisfies LogOutput
})
