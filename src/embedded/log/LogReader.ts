/** Reads the log of an attempt, all of its files, while it is written too. */
import * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import type { PlatformError } from "@effect/platform/Error"
import * as Arr from "effect/Array"
import * as Chunk from "effect/Chunk"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as LogEntry from "./LogEntry.ts"
import * as LogFiles from "./LogFiles.ts"

/** What a log holds. */
export type LogItem = Data.TaggedEnum<{
  /** Something that the program has written. */
  Written: { readonly entry: LogEntry.LogEntry }
  /** So many bytes of the program are not kept. */
  Cut: { readonly bytes: number }
}>
const { Cut, Written } = Data.taggedEnum<LogItem>()
export const { $match: match } = Data.taggedEnum<LogItem>()

/** How often a log is looked at that is still written. */
const pollInterval = "200 millis"

/** How many bytes are read at once. */
const readSize = 256 * 1024

/** The longest line that is taken for an entry: no writer makes a longer one. */
const longestLine = 1024 * 1024

interface Position {
  readonly file: FileSystem.File
  readonly scope: Scope.CloseableScope
  /** Where the current file begins. Of the first file, before the program's first byte. */
  readonly start: number
  /** How many bytes of the program were read, and of those that were cut. */
  read: number
  /** The line that has not ended yet. */
  rest: Uint8Array
  /** The file after this one. Once there is one, this one is written no more. */
  next: LogFiles.Part | undefined
}

const open = Effect.fnUntraced(function*(path: string, start: number) {
  const files = yield* FileSystem.FileSystem
  const scope = yield* Scope.make()
  const file = yield* Scope.extend(files.open(path, { flag: "r" }), scope)
  return { file, scope, start, read: Math.max(0, start), rest: new Uint8Array(), next: undefined } satisfies Position as Position
})

const close = ({ scope }: Position) => Scope.close(scope, Exit.void)

const itemsOf = (position: Position, bytes: Uint8Array): ReadonlyArray<LogItem> => {
  const { lines, rest } = LogEntry.splitLines(Buffer.concat([position.rest, bytes]))
  position.rest = rest.length > longestLine ? new Uint8Array() : rest
  return lines.flatMap((line) =>
    Option.match(LogEntry.decode(line), {
      onNone: () => [],
      onSome: (entry) => {
        position.read += entry.bytes.length + (entry.isEnded ? 1 : 0)
        return [Written({ entry })]
      }
    }))
}

/** How much of the end of a log is looked at. */
const tailSize = 8 * 1024

/** Reads the last entries of a log, as they are now. */
export const tail = Effect.fn("LogReader.tail")(function*(path: string) {
  const last = Arr.last(yield* LogFiles.partsOf(path))
  const position = yield* open(Option.match(last, { onNone: () => path, onSome: (part) => part.path }), 0)
  yield* Effect.addFinalizer(() => close(position))
  const { size } = yield* position.file.stat
  const skipped = Number(size) - tailSize
  if (skipped > 0) yield* position.file.seek(skipped, "start")
  const bytes = Option.getOrElse(yield* position.file.readAlloc(2 * tailSize), () => new Uint8Array())
  const items = itemsOf(position, bytes)
  // What comes first may be the end of an entry.
  return skipped > 0 ? items.slice(1) : items
}, Effect.scoped)

/**
 * Reads a log from its beginning to its end. `isOver` says whether what writes
 * it has ended: until then, more is waited for.
 */
export const read = (
  path: string,
  isOver: Effect.Effect<boolean>
): Stream.Stream<LogItem, PlatformError, FileSystem.FileSystem | Path.Path> =>
  Stream.unwrapScoped(Effect.gen(function*() {
    let position = yield* open(path, -1)
    yield* Effect.addFinalizer(() => Effect.suspend(() => close(position)))

    /** Goes on in the next file. It may be gone already: then the one after it is next. */
    const goOn = Effect.fnUntraced(function*(next: LogFiles.Part) {
      const opened = yield* Effect.option(open(next.path, next.start))
      if (Option.isNone(opened)) {
        position.next = undefined
        return []
      }
      const bytes = next.start - position.read
      yield* close(position)
      position = opened.value
      return bytes > 0 ? [Cut({ bytes })] : []
    })

    const pull = Effect.gen(function*() {
      const wasOver = yield* isOver
      const bytes = yield* position.file.readAlloc(readSize)
      if (Option.isSome(bytes)) return Option.some(itemsOf(position, bytes.value))
      if (position.next !== undefined) return Option.some(yield* goOn(position.next))
      position.next = (yield* LogFiles.partsOf(path)).find(({ start }) => start > position.start)
      if (position.next !== undefined) return Option.some([])
      if (wasOver) return Option.none()
      yield* Effect.sleep(pollInterval)
      return Option.some([])
    })

    return Stream.repeatEffectOption(Effect.flatMap(Effect.mapError(pull, Option.some), Option.match({
      onNone: () => Effect.fail(Option.none<PlatformError>()),
      onSome: (items) => Effect.succeed(Chunk.fromIterable(items))
    }))).pipe(Stream.flattenChunks)
  }))
