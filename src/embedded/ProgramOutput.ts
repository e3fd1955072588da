/** What takes the output of a program: its end is the result of a task, and all of it goes to the log. */
import * as Effect from "effect/Effect"
import * as Struct from "effect/Struct"
import type { LogStream } from "./log/LogEntry.ts"
import type { LogWriter } from "./log/LogWriter.ts"
import type { Masker } from "./Masker.ts"
import type { OutputTail } from "./OutputTail.ts"

/** Takes what a program writes, as a {@link LogWriter} does. */
export type ProgramOutput = LogWriter

/** What reads what a program writes, beside the tail of both streams. */
export type Readers = Partial<Readonly<Record<LogStream, (chunk: Uint8Array) => void>>>

/**
 * Keeps the end of what a program writes, gives all of it to a log, and tells that there was something. What is secret is
 * masked before anything is kept.
 */
export const make = (tail: OutputTail, log: LogWriter, onWrite: () => void, masker: Masker, readers: Readers = {}): ProgramOutput => {
  const streamOf = (read: (chunk: Uint8Array) => void = () => {}) => {
    const write = tail.writer()
    return {
      masked: masker.stream(),
      write: (chunk: Uint8Array) => {
        write(chunk)
        read(chunk)
      }
    }
  }
  const streams = { stdout: streamOf(readers.stdout), stderr: streamOf(readers.stderr) }
  const keep = (stream: LogStream, chunk: Uint8Array): boolean => {
    if (chunk.length === 0) return true
    streams[stream].write(chunk)
    return log.write(stream, chunk)
  }
  const keepRest = Effect.sync(() => {
    for (const [stream, { masked }] of Struct.entries(streams)) keep(stream, masked.end())
    tail.end()
  })
  return {
    ...log,
    write: (stream, chunk) => {
      onWrite()
      return keep(stream, streams[stream].masked.write(chunk))
    },
    end: Effect.zipRight(keepRest, log.end)
  }
}
