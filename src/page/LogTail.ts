/** The end of what a task has written: of more lines than can be shown, the latest. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { LogLine } from "../report/LogLine.ts"
import { RunsClient } from "../server/RunsClient.ts"

/** What was read of a log. */
export interface LogTail {
  readonly lines: ReadonlyArray<LogLine>
  /** How many lines before them are not shown. */
  readonly omitted: number
  readonly isOver: boolean
  /** Why there is no log, or no more of it. */
  readonly problem: string | undefined
}

/** How many lines are shown at most. */
export const maxLines = 5000

/** Before anything was read. */
export const empty: LogTail = { lines: [], omitted: 0, isOver: false, problem: undefined }

/** What is shown after more lines. */
export const after = (tail: LogTail, lines: ReadonlyArray<LogLine>): LogTail => {
  const all = [...tail.lines, ...lines]
  const cut = Math.max(0, all.length - maxLines)
  return { ...tail, lines: cut === 0 ? all : all.slice(cut), omitted: tail.omitted + cut }
}

/** Lines that come within this time are shown together. */
const gatherTime = "200 millis"

/** Reads what an attempt writes, to its end. */
export const follow = (run: string, task: string, attempt: number | undefined) =>
  Stream.unwrap(Effect.map(RunsClient, (client) =>
    client.log(run, { task, attempt, follow: true }).pipe(
      Stream.groupedWithin(maxLines, gatherTime),
      Stream.map((lines) => ({ lines: [...lines], problem: undefined })),
      Stream.catchAll(({ message }) => Stream.succeed({ lines: [], problem: message })),
      Stream.map((part): { readonly lines: ReadonlyArray<LogLine>; readonly problem: string | undefined; readonly isOver: boolean } => ({ ...part, isOver: part.problem !== undefined })),
      Stream.concat(Stream.succeed({ lines: [], problem: undefined, isOver: true })),
      Stream.scan(empty, (tail, { isOver, lines, problem }) => ({ ...after(tail, lines), isOver, problem: problem ?? tail.problem }))
    )))
