/**
 * Draws the view of a run on a terminal, several times a second, for as long
 * as the run lasts. What is written meanwhile goes above it.
 */
import type { WriteStream } from "node:tty"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import type * as Stream from "effect/Stream"
import { createLogUpdate } from "log-update"
import type { RunEvent } from "../run/RunEvent.ts"
import * as RunState from "../run/RunState.ts"
import * as RunView from "./RunView.ts"

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

/** Makes a view on a terminal. */
export const make = (
  terminal: WriteStream,
  look: Pick<RunView.Options, "style" | "interruption">
): Effect.Effect<LiveView> =>
  Effect.map(Console.consoleWith(Effect.succeed), (console) => {
    const draw = createLogUpdate(terminal)
    // A terminal that is closed ends the view and nothing else.
    terminal.on("error", () => {})

    const render = Effect.fnUntraced(function*(state: RunState.RunState | undefined, frame: number) {
      if (state === undefined) return
      draw(RunView.render(state, {
        ...look,
        frame,
        now: yield* DateTime.now,
        width: terminal.columns,
        height: terminal.rows
      }))
    })

    const remove = Effect.sync(() => {
      draw.clear()
      draw.done()
    })

    const show = Effect.fn("LiveView.show")(function*(events: Stream.Stream<RunEvent>) {
      const state = yield* Ref.make<RunState.RunState | undefined>(undefined)
      const redraw = Effect.flatMap(Ref.get(state), (reached) => Effect.flatMap(frame, (number) => render(reached, number))).pipe(
        Effect.timed,
        Effect.flatMap(([took]) => Effect.sleep(pauseAfter(took))),
        Effect.forever
      )
      yield* Effect.raceFirst(RunState.follow(events, state), redraw)
    }, Effect.ensuring(remove))

    const writeAbove = (...words: ReadonlyArray<unknown>) => draw.persist(words.map(String).join(" "))
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

const frame = Effect.map(DateTime.now, (now) => Math.floor(now.epochMillis / Duration.toMillis(shortestPause)))
