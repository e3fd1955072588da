/** Standard output and standard error, and who reads them. */
import { isatty } from "node:tty"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Style from "../report/Style.ts"

/** One of the two streams that a person reads. */
export interface Output {
  /** Whether it is a terminal that a view can be drawn on. One without a window says that its size is 0. */
  readonly isScreen: boolean
  readonly isColored: boolean
  readonly style: Style.Style
  /** Columns; without end where no terminal breaks a line. */
  readonly width: number
}

const variable = (name: string) => Effect.orElseSucceed(Config.string(name), () => "")

/** Terminals that only write what they are sent, and that nobody knows. */
const plainTerminals: ReadonlySet<string> = new Set(["dumb", "unknown"])

/** Whether a terminal can do more than write lines; what a build server shows of one cannot. */
const canDraw = Effect.zipWith(variable("TERM"), variable("CI"), (term, ci) =>
  !plainTerminals.has(term) && (ci === "" || ci === "false" || ci === "0"))

const areColorsWanted = Effect.zipWith(variable("NO_COLOR"), canDraw, (off, isAble) => off === "" && isAble)

/**
 * Describes a stream, as the variables `TERM`, `CI` and `NO_COLOR` and the flag `--no-color`, which sets the last of
 * them, say.
 */
export const outputOf = (stream: NodeJS.WriteStream & { readonly fd: number }): Effect.Effect<Output> =>
  Effect.zipWith(areColorsWanted, canDraw, (colors, isAble) => {
    // A stream that is none has no `isTTY` at all.
    const isTerminal = isatty(stream.fd)
    const isColored = isTerminal && colors
    const hasSize = isTerminal && stream.columns > 0 && stream.rows > 0
    return {
      isScreen: hasSize && isAble,
      isColored,
      style: isColored ? Style.colored : Style.plain,
      width: hasSize ? stream.columns : Number.POSITIVE_INFINITY
    }
  })

/** Keeps to itself what Node and libraries have to say to programmers, as about `sslmode`: standard error is for people. */
export const withoutWarnings = Effect.sync(() => process.removeAllListeners("warning"))

/** Writes bytes as they are, and waits until they are taken. That they could not be written is told elsewhere. */
export const write = (stream: NodeJS.WriteStream, bytes: Uint8Array): Effect.Effect<void> =>
  Effect.async<void>((resume) => {
    stream.write(bytes, () => resume(Effect.void))
  })

/** Calls back once whoever reads has taken all that was written, or reads no longer. */
export const whenWritten = (done: () => void): void => {
  const streams = [process.stdout, process.stderr]
  let left = streams.length
  const written = () => {
    left -= 1
    // That a write has failed is told a moment after it was taken.
    if (left === 0) setImmediate(done)
  }
  // What is written is taken in its order, and a stream that nobody reads any longer calls back as well.
  streams.forEach((stream) => stream.write("", written))
}

/** Whether there is a person to ask, who sees the question and can type an answer. A build server with a terminal has none. */
export const canAsk = Effect.map(Effect.suspend(() => outputOf(process.stdout)), ({ isScreen }) => isScreen && isatty(process.stdin.fd))
