/** Shows what the program of a task has written, from its log or, where there is none, from the record of its run. */
import type { PlatformError } from "@effect/platform/Error"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as LogEntry from "../embedded/log/LogEntry.ts"
import * as LogReader from "../embedded/log/LogReader.ts"
import { duration } from "../report/Format.ts"
import * as LogLines from "../report/LogLines.ts"
import type { Style } from "../report/Style.ts"
import type { JournalError } from "../run/JournalError.ts"
import type { ServerError } from "../store/ServerError.ts"
import * as Streams from "./Streams.ts"

/** What there is to show: a log of this machine, the lines of one elsewhere, or what the record has of it. */
export type Output =
  | { readonly _tag: "Log"; readonly items: Stream.Stream<LogReader.LogItem, PlatformError | JournalError> }
  | { readonly _tag: "Lines"; readonly lines: Stream.Stream<LogLines.LogLine, ServerError> }
  | { readonly _tag: "Result"; readonly result: string }

/** How a log is shown. */
export interface Options {
  /** As bytes, each on the stream that the program has written it to. */
  readonly raw: boolean
  readonly json: boolean
  readonly style: Style
  /** Since when times are counted. */
  readonly since: DateTime.Utc
}

const toJson = Schema.encodeSync(LogLines.Json)

const time = (elapsed: Duration.Duration | undefined): string => (elapsed === undefined ? "" : duration(elapsed)).padStart(8)

/** A line after its time; `!` marks what was written to standard error. */
export const rendered = ({ at, stream, text }: LogLines.LogLine, { since, style }: Pick<Options, "style" | "since">): string => {
  const elapsed = at === undefined ? undefined : DateTime.distanceDuration(since, at)
  const mark = stream === "stderr" ? style.doubtful("!") : style.faint("|")
  return `${style.faint(time(elapsed))}  ${mark} ${stream === undefined ? style.doubtful(text) : text}`
}

const writeExactly = LogReader.match({
  Written: ({ entry }) => Streams.write(process[entry.stream], LogEntry.exactBytes(entry)),
  // Bytes of another would be none of the program's.
  Cut: ({ bytes }) => Console.error(`${bytes} bytes of it were not kept`)
})

/** Shows a log, to its end. */
export const show = <E, R>(items: Stream.Stream<LogReader.LogItem, E, R>, options: Options): Effect.Effect<void, E, R> =>
  options.raw
    ? Stream.runForEach(items, writeExactly)
    : showLines(LogLines.from(items), options)

/** Shows the lines of a log, to its end. */
export const showLines = <E, R>(lines: Stream.Stream<LogLines.LogLine, E, R>, options: Options): Effect.Effect<void, E, R> =>
  Stream.runForEach(lines, (line) => Console.log(options.json ? toJson(line) : rendered(line, options)))

/** Shows what the record has of a task: what it said at its end, as one piece. */
export const showResult = (result: string, { json, raw, style }: Options) => {
  if (raw) return Streams.write(process.stdout, new TextEncoder().encode(result))
  return Effect.forEach(LogLines.ofResult(result), (line) => Console.log(json ? toJson(line) : `  ${style.faint("|")} ${line.text}`), { discard: true })
}
