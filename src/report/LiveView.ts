/**
 * Draws the view of a run on a terminal, several times a second, for as long
 * as the run lasts. What is written meanwhile goes above it.
 */
import type { WriteStream } from "node:tty"
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import type * as Stream from "effect/Stream"
import * as MonotonicTime from "../liveness/MonotonicTime.ts"
import * as Race from "../liveness/Race.ts"
import type { RunEvent } from "../run/RunEvent.ts"
import * as RunState from "../run/RunState.ts"
import * as LastLines from "./LastLines.ts"
import * as RunView from "./RunView.ts"
import * as ScreenFrame from "./ScreenFrame.ts"

/** A terminal that a view is drawn on. */
export interface LiveView {
  /** Draws the view of a run until its last event, and takes it away again. */
  readonly show: (events: Stream.Stream<RunEvent>) => Effect.Effect<void>
  /** Takes the view away before its run has ended, for what is written instead. */
  readonly remove: Effect.Effect<void>
  /** Lets an effect write above the view. */
  readonly above: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/** The time between two views of a small run, of which the spinner turns at each. */
const shortestPause = Duration.millis(100)

/** A large run takes longer to draw, and is drawn less often: to draw takes at most a twentieth of the time. */
const pauseFactor = 19

const longestPause = Duration.seconds(1)

/** How long to wait after a view that took so long to draw. */
export const pauseAfter = (took: Duration.Duration): Duration.Duration =>
  Duration.clamp(Duration.times(took, pauseFactor), { minimum: shortestPause, maximum: longestPause })

/** How a view looks, and which logs of tasks it can read. */
export interface Options extends Pick<RunView.Options, "style" | "interruption"> {
  readonly isLogHere: (path: string) => Effect.Effect<boolean, never, Path.Path>
}

/** Makes a view on a terminal. */
export const make = (
  terminal: WriteStream,
  { isLogHere, ...look }: Options
): Effect.Effect<LiveView, never, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function*() {
    const console = yield* Console.consoleWith(Effect.succeed)
    const files = yield* Effect.context<FileSystem.FileSystem | Path.Path>()
    const frame = ScreenFrame.make(terminal)
    // A terminal that is closed ends the view and nothing else.
    terminal.on("error", () => {})

    const began = yield* DateTime.now
    const beganAt = yield* MonotonicTime.millis
    // The clock may be set while the view is drawn.
    const now = Effect.map(MonotonicTime.millis, (millis) => DateTime.add(began, { millis: millis - beganAt }))

    const render = Effect.fnUntraced(function*(state: RunState.RunState | undefined, lastLines: LastLines.LastLines, number: number) {
      if (state === undefined) return
      frame.draw(RunView.render(state, {
        ...look,
        lastLines,
        frame: number,
        now: yield* now,
        width: terminal.columns,
        height: terminal.rows
      }))
    })

    const remove = Effect.sync(frame.remove)

    const show = Effect.fn("LiveView.show")(function*(events: Stream.Stream<RunEvent>) {
      const state = yield* Ref.make<RunState.RunState | undefined>(undefined)
      const lastLines = yield* Ref.make<LastLines.LastLines>(new Map())
      yield* givingWay(frame)
      const redraw = Effect.all([Ref.get(state), Ref.get(lastLines), frameNumber]).pipe(
        Effect.flatMap(([reached, lines, number]) => render(reached, lines, number)),
        Effect.timed,
        Effect.flatMap(([took]) => Effect.sleep(pauseAfter(took))),
        Effect.forever
      )
      const logs = Effect.provide(LastLines.follow(state, lastLines, isLogHere), files)
      yield* Race.first([RunState.follow(events, state), redraw, logs])
    }, Effect.scoped, Effect.ensuring(remove))

    const writeAbove = (...words: ReadonlyArray<unknown>) => frame.writeAbove(words.map(String).join(" "))
    // What was sent elsewhere, as with `2> errors`, still goes there.
    const log = process.stdout.isTTY ? writeAbove : console.unsafe.log
    const error = process.stderr.isTTY ? writeAbove : console.unsafe.error
    const aboveIt: Console.Console = {
      ...console,
      log: (...words) => Effect.sync(() => log(...words)),
      error: (...words) => Effect.sync(() => error(...words)),
      unsafe: { ...console.unsafe, log, error }
    }
    return { show, remove, above: Effect.withConsole(aboveIt) }
  })

/**
 * Gives the terminal back while this process is stopped, as by Ctrl-Z, and draws anew when it goes on. A process that no
 * shell could let go on again is not stopped by the system.
 */
const givingWay = (frame: ScreenFrame.ScreenFrame) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const onStop = () => {
        frame.remove()
        process.off("SIGTSTP", onStop)
        process.kill(process.pid, "SIGTSTP")
        process.on("SIGTSTP", onStop)
      }
      process.on("SIGTSTP", onStop)
      process.on("SIGCONT", frame.forget)
      return onStop
    }),
    (onStop) =>
      Effect.sync(() => {
        process.off("SIGTSTP", onStop)
        process.off("SIGCONT", frame.forget)
      })
  )

const frameNumber = Effect.map(MonotonicTime.millis, (now) => Math.floor(now / Duration.toMillis(shortestPause)))
