/** What takes the output of a program: its end is the result of a task, and all of it goes to the log. */
import * as Effect from "effect/Effect"
import type { LogWriter } from "./log/LogWriter.ts"
import type { OutputTail } from "./OutputTail.ts"

/** Takes what a program writes, as a {@link LogWriter} does. */
export type ProgramOutput = LogWriter

/** Keeps the end of what a program writes, gives all of it to a log, and tells that there was something. */
export const make = (tail: OutputTail, log: LogWriter, onWrite: () => void): ProgramOutput => {
  const writers = { stdout: tail.writer(), stderr: tail.writer() }
  return {
    ...log,
    write: (stream, chunk) => {
      onWrite()
      writers[stream](chunk)
      return log.write(stream, chunk)
    },
    end: Effect.zipRight(Effect.sync(() => tail.end()), log.end)
  }
}
