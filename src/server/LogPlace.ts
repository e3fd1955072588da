/**
 * How far the log of a task was read, so that who reads it again from its
 * beginning goes on behind that. A place in it can not be counted: its middle is
 * cut when it is too large. So it is found by the times of the lines, which grow
 * in each of the streams that a program writes to.
 */
import * as DateTime from "effect/DateTime"
import type { LogLine } from "../report/LogLine.ts"

type Stream = NonNullable<LogLine["stream"]>

/** The time of the last line of a stream, and how many lines of it had that time. */
interface Last {
  readonly at: number
  readonly count: number
}

/** What has been read. */
export type LogPlace = ReadonlyMap<Stream, Last>

/** Where nothing has been read. */
export const beginning: LogPlace = new Map()

const timeOf = ({ at }: LogLine): number => at === undefined ? 0 : DateTime.toEpochMillis(at)

/** The place behind a line. One of no stream says that something was cut: it has no place. */
export const after = (place: LogPlace, line: LogLine): LogPlace => {
  if (line.stream === undefined) return place
  const at = timeOf(line)
  const before = place.get(line.stream)
  return new Map(place).set(line.stream, { at, count: before?.at === at ? before.count + 1 : 1 })
}

/** Tells which of the lines of a log that is read again were not there before a place, in the order in which they come. */
export const unread = (place: LogPlace): (line: LogLine) => ReadonlyArray<LogLine> => {
  let seen = beginning
  let cut: LogLine | undefined
  return (line) => {
    if (line.stream === undefined) {
      cut = line
      return []
    }
    seen = after(seen, line)
    const at = timeOf(line)
    const last = place.get(line.stream)
    const isRead = last !== undefined && (at < last.at || (at === last.at && (seen.get(line.stream)?.count ?? 0) <= last.count))
    const lines = isRead ? [] : cut === undefined ? [line] : [cut, line]
    // Of what was cut between lines that were read, nothing is to be said again.
    cut = undefined
    return lines
  }
}
