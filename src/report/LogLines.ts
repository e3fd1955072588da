/**
 * What programs write, line by line, as a person reads it: without what a
 * carriage return has overwritten, and unable to do anything to a terminal.
 */
import { stripVTControlCharacters } from "node:util"
import type * as DateTime from "effect/DateTime"
import * as Stream from "effect/Stream"
import type { LogEntry, LogStream } from "../embedded/log/LogEntry.ts"
import * as LogReader from "../embedded/log/LogReader.ts"
import { controls, count } from "./Format.ts"
import type { LogLine } from "./LogLine.ts"

export { Json, type LogLine } from "./LogLine.ts"

/** How many bytes of a line are shown before it is broken: some programs never end one. */
const longest = 16 * 1024

/** A line that has not ended yet. */
interface Open {
  readonly at: DateTime.Utc
  readonly pieces: Array<Uint8Array>
  readonly decoder: InstanceType<typeof TextDecoder>
  size: number
}

/** What is left to see of a line when all of it is written: what follows the last carriage return. */
const visible = (line: string): string => line.replace(/\r+$/, "").split("\r").at(-1) ?? ""

/** A line as it can be shown. Tabs and leading spaces are kept. */
export const printable = (line: string): string =>
  stripVTControlCharacters(visible(line)).replaceAll(controls, (found) => found === "\t" ? found : " ").trimEnd()

/** Puts the pieces of both streams together. */
const make = () => {
  const open = new Map<LogStream, Open>()

  const end = (stream: LogStream, { at, decoder, pieces }: Open, isWhole: boolean): LogLine => {
    const text = decoder.decode(Buffer.concat(pieces), { stream: !isWhole })
    return { at, stream, text: printable(text) }
  }

  const take = ({ at, bytes, isEnded, stream }: LogEntry): ReadonlyArray<LogLine> => {
    const line = open.get(stream) ?? { at, pieces: [], decoder: new TextDecoder(), size: 0 }
    line.pieces.push(bytes)
    line.size += bytes.length
    if (isEnded) {
      open.delete(stream)
      return [end(stream, line, true)]
    }
    if (line.size < longest) {
      open.set(stream, line)
      return []
    }
    // The decoder keeps the beginning of a character for the next line.
    open.set(stream, { at, pieces: [], decoder: line.decoder, size: 0 })
    return [end(stream, line, false)]
  }

  const rest = (): ReadonlyArray<LogLine> =>
    [...open].map(([stream, line]) => end(stream, line, true)).filter(({ text }) => text !== "")

  return { take, rest }
}

const cut = (bytes: number): LogLine => ({ at: undefined, stream: undefined, text: `[${count(bytes, "byte")} of it were not kept]` })

/** The lines of a log. One that has not ended is last. */
export const from = <E, R>(items: Stream.Stream<LogReader.LogItem, E, R>): Stream.Stream<LogLine, E, R> =>
  Stream.suspend(() => {
    const lines = make()
    const taken = Stream.mapConcat(items, LogReader.match({
      Written: ({ entry }) => lines.take(entry),
      Cut: ({ bytes }) => [cut(bytes)]
    }))
    return Stream.concat(taken, Stream.suspend(() => Stream.fromIterable(lines.rest())))
  })

/** The lines of what a task said at its end, of which it is not known when that was. */
export const ofResult = (result: string): ReadonlyArray<LogLine> =>
  result.replace(/\n$/, "").split("\n").map((text) => ({ at: undefined, stream: "stdout", text: printable(text) }))
