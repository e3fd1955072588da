/**
 * Takes what a program writes and writes it to its log, without holding up the
 * program's end: a disk that is full or hangs ends the log, and nothing else.
 */
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import * as Chunk from "effect/Chunk"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as TimeLimit from "../../liveness/TimeLimit.ts"
import type { LogStream } from "./LogEntry.ts"
import * as LogOutput from "./LogOutput.ts"

/** Takes what a program writes. */
export interface LogWriter {
  /** Takes a chunk, and answers whether the next can come at once. */
  readonly write: (stream: LogStream, chunk: Uint8Array) => boolean
  /** Says what is to happen when the next can come, after one could not. */
  readonly onReady: (ready: () => void) => void
  /** Waits until all is written, for a few seconds at most. Nothing is taken afterwards. */
  readonly end: Effect.Effect<void>
}

/** Takes everything, and keeps nothing. */
export const none: LogWriter = { write: () => true, onReady: () => {}, end: Effect.void }

/** How many bytes may wait to be written. */
const mostWaiting = 1_000_000

const writeTimeout = "5 seconds"

class WriteTimeout extends Schema.TaggedError<WriteTimeout>()("WriteTimeout", {}) {
  override get message(): string {
    return `nothing could be written within ${writeTimeout}`
  }
}

const limited = TimeLimit.within({ limit: writeTimeout, onTimeout: () => new WriteTimeout() })

interface Write {
  readonly at: DateTime.Utc
  readonly stream: LogStream
  readonly chunk: Uint8Array
}

/** Makes the writer of a log with this limit in bytes, whose first file has this path. */
export const make = Effect.fn("LogWriter.make")(function*(
  path: string,
  limit: number
): Effect.fn.Return<LogWriter, never, FileSystem.FileSystem | Path.Path | Scope.Scope> {
  const clock = yield* Effect.clock
  const queue = yield* Queue.unbounded<Write | "end">()
  let ready = () => {}
  let waiting = 0
  let isTaking = true

  const offer = (each: Write | "end") => queue.unsafeOffer(each)

  const settle = ({ chunk }: Write) =>
    Effect.sync(() => {
      const wasFull = waiting > mostWaiting
      waiting -= chunk.length
      if (wasFull && waiting <= mostWaiting) ready()
    })

  const writing = Effect.gen(function*() {
    const output = yield* limited(LogOutput.make(path, limit))
    while (true) {
      for (const each of Chunk.toReadonlyArray(yield* Queue.takeBetween(queue, 1, 100))) {
        if (each === "end") return
        yield* limited(output.append(each.at, each.stream, each.chunk))
        yield* settle(each)
      }
    }
  }).pipe(Effect.scoped)

  const giveUp = ({ message }: Error) =>
    Effect.zipRight(
      Effect.sync(() => {
        isTaking = false
        ready()
      }),
      Effect.logWarning(`the log ${path} goes no further: ${message}`)
    )

  const fiber = yield* Effect.forkScoped(Effect.interruptible(Effect.catchAll(writing, giveUp)))

  return {
    write: (stream, chunk) => {
      if (!isTaking) return true
      waiting += chunk.length
      offer({ at: DateTime.unsafeMake(clock.unsafeCurrentTimeMillis()), stream, chunk })
      return waiting <= mostWaiting
    },
    onReady: (listener) => {
      ready = listener
    },
    end: Effect.suspend(() => {
      isTaking = false
      offer("end")
      return Effect.catchAll(limited(Fiber.join(fiber)), giveUp)
    })
  }
})
