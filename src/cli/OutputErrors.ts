/**
 * What cannot be written. A reader that is gone, as after `| head -1`, is no error: who only shows something ends then, and
 * who drives a run goes on. Whatever else keeps a stream from taking what is written, as a disk that is full, makes the
 * command fail.
 */
import { fstatSync } from "node:fs"
import { getSystemErrorMap } from "node:util"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Runtime from "effect/Runtime"
import * as Race from "../liveness/Race.ts"

/** What has kept the streams of this process from taking what was written. */
export class OutputErrors extends Context.Tag("telemachy/cli/OutputErrors")<OutputErrors, {
  /** Waits until standard output takes no more, because nobody reads it or because a write to it has failed. */
  readonly closed: Effect.Effect<void>
  /** The first write that failed though somebody reads, in a sentence. */
  readonly failure: Effect.Effect<string | undefined>
}>() {}

// A terminal that is closed answers so as well.
const isReaderGone = (stream: NodeJS.WriteStream, { code }: NodeJS.ErrnoException): boolean =>
  code === "EPIPE" || code === "ECONNRESET" || (code === "EIO" && stream.isTTY)

// After an error, a stream may answer every further write with this.
const isEcho = ({ code }: NodeJS.ErrnoException): boolean => code === "ERR_STREAM_DESTROYED"

const reasonOf = ({ errno, message }: NodeJS.ErrnoException): string =>
  getSystemErrorMap().get(errno ?? 0)?.[1] ?? message

/** Layer that hears of each write that fails. */
export const layer: Layer.Layer<OutputErrors> = Layer.scoped(
  OutputErrors,
  Effect.gen(function*() {
    const closed = yield* Deferred.make<void>()
    const runSync = Runtime.runSync(yield* Effect.runtime())
    let failure: string | undefined
    const listen = (stream: NodeJS.WriteStream, name: string) =>
      // To the end of the process, which a stream without a listener would end.
      stream.on("error", (error: NodeJS.ErrnoException) => {
        if (!isReaderGone(stream, error) && !isEcho(error)) failure ??= `${name} could not be written: ${reasonOf(error)}`
        if (stream === process.stdout) runSync(Deferred.succeed(closed, undefined))
      })
    yield* Effect.sync(() => {
      listen(process.stdout, "standard output")
      listen(process.stderr, "standard error")
    })
    return { closed: Deferred.await(closed), failure: Effect.sync(() => failure) }
  })
)

/**
 * Waits until nobody reads a pipe that standard output is. Nothing in Node tells that before something is written, and
 * what is followed can be silent for hours. The `tail` of GNU looks at its output while it waits, and ends by SIGPIPE;
 * where there is another, or none, the next write tells. It ends with this process, however that ends.
 */
const readerGone = Effect.flatMap(Effect.promise(() => import("node:child_process")), ({ spawn }) =>
  Effect.async<void>((resume) => {
    if (!fstatSync(process.stdout.fd).isFIFO()) return
    const child = spawn("tail", ["-f", "/dev/null", `--pid=${process.pid}`], {
      stdio: ["ignore", process.stdout.fd, "ignore"],
      // What is a secret of this program is none of its business.
      env: {}
    })
    child.unref()
    child.on("error", () => {})
    child.on("exit", (_, signal) => {
      if (signal === "SIGPIPE") resume(Effect.void)
    })
    return Effect.sync(() => child.kill())
  }))

/** Lets an effect that only shows something last no longer than standard output takes what it shows. */
export const whileWritable = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A | void, E, R | OutputErrors> =>
  Effect.flatMap(OutputErrors, ({ closed }) =>
    // What is short needs no watching.
    Race.first([effect, closed, Effect.delay(readerGone, "1 second")]))
