/**
 * What a program writes, as a line of a log file: when, on which of its two
 * streams, whether the line ends with it, and the bytes themselves.
 *
 * This is the format of the Container Runtime Interface of Kubernetes
 * (`<time> <stdout|stderr> <F|P> <bytes>`), which tools that read container logs
 * understand. `F` ends a line of the program, after `P` it goes on: so the bytes
 * can be had back exactly as they were written, whatever they are.
 */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"

/** The stream that a program has written to. */
export type LogStream = "stdout" | "stderr"

/** Some bytes of a program, at most one line of them. */
export interface LogEntry {
  readonly at: DateTime.Utc
  readonly stream: LogStream
  /** Without the line feed that ends it. */
  readonly bytes: Uint8Array
  /** Whether the program has ended the line with it. */
  readonly isEnded: boolean
}

const lineFeed = 0x0a

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** An entry as a line of a file, or of a note that is no program's: its stream is then `telemachy`. */
const line = (at: DateTime.Utc, stream: LogStream | "telemachy", tag: "F" | "P", bytes: Uint8Array): Uint8Array => {
  const head = encoder.encode(`${DateTime.formatIso(at)} ${stream} ${tag} `)
  const whole = new Uint8Array(head.length + bytes.length + 1)
  whole.set(head)
  whole.set(bytes, head.length)
  whole[whole.length - 1] = lineFeed
  return whole
}

/** A note of Telemachy about the log itself, for who reads the file. */
export const note = (at: DateTime.Utc, text: string): Uint8Array => line(at, "telemachy", "F", encoder.encode(text))

/** One line of a log file, and how many bytes of the program it holds. */
export interface Encoded {
  readonly line: Uint8Array
  readonly size: number
}

/** Writes a chunk as lines, none of them for more than so many bytes. */
export const encode = (at: DateTime.Utc, stream: LogStream, chunk: Uint8Array, most: number): ReadonlyArray<Encoded> => {
  const lines: Array<Encoded> = []
  for (let start = 0; start < chunk.length;) {
    const feed = chunk.subarray(start, start + most).indexOf(lineFeed)
    const bytes = chunk.subarray(start, feed === -1 ? start + most : start + feed)
    const size = bytes.length + (feed === -1 ? 0 : 1)
    lines.push({ line: line(at, stream, feed === -1 ? "P" : "F", bytes), size })
    start += size
  }
  return lines
}

const head = /^(\S+) (stdout|stderr) ([FP]) /

/** Reads a line of a log file, without its line feed; what is no entry is none. */
export const decode = (bytes: Uint8Array): Option.Option<LogEntry> => {
  const [prefix = "", time = "", stream, tag] = head.exec(decoder.decode(bytes.subarray(0, 64))) ?? []
  if (stream !== "stdout" && stream !== "stderr") return Option.none()
  return Option.map(DateTime.make(time), (at) => ({
    at: DateTime.toUtc(at),
    stream,
    bytes: bytes.subarray(prefix.length),
    isEnded: tag === "F"
  }))
}

/** The bytes of an entry as the program has written them. */
export const exactBytes = ({ bytes, isEnded }: LogEntry): Uint8Array => {
  if (!isEnded) return bytes
  const whole = new Uint8Array(bytes.length + 1)
  whole.set(bytes)
  whole[bytes.length] = lineFeed
  return whole
}

/** Splits bytes of a file into lines, of which the last may not have ended yet. */
export const splitLines = (bytes: Uint8Array): { readonly lines: ReadonlyArray<Uint8Array>; readonly rest: Uint8Array } => {
  const lines: Array<Uint8Array> = []
  let start = 0
  for (let feed = bytes.indexOf(lineFeed); feed !== -1; feed = bytes.indexOf(lineFeed, start)) {
    lines.push(bytes.subarray(start, feed))
    start = feed + 1
  }
  return { lines, rest: bytes.subarray(start) }
}
