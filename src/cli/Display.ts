/**
 * How a run is shown, as flags and streams say: a live picture on a terminal,
 * one plain line per event elsewhere, or JSON for programs.
 */
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as EventLine from "../report/EventLine.ts"
import * as LivePicture from "../report/LivePicture.ts"
import * as Style from "../report/Style.ts"
import * as Summary from "../report/Summary.ts"
import { lastLines } from "../report/Wording.ts"
import * as RunEvent from "../run/RunEvent.ts"
import * as RunState from "../run/RunState.ts"

/** What a person asked to be shown. */
export interface Options {
  readonly json: boolean
  readonly quiet: boolean
  readonly verbose: boolean
  readonly noColor: boolean
  /** The command that removes what a run leaves; without one, that ends with the command. */
  readonly removal: string | undefined
}

type Events = Stream.Stream<RunEvent.RunEvent>

/** Shows a run. */
export interface Display {
  /** Each tells of the events of a run in its own way, to its end. */
  readonly tellers: ReadonlyArray<(events: Events) => Effect.Effect<void>>
  /** Lets an effect write to the terminal without disturbing what is shown there. */
  readonly beside: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Says how a run ended, and what is left of it. */
  readonly summarize: (state: RunState.RunState) => Effect.Effect<void>
  /** Says what is left of a run that nobody waits for. */
  readonly abandon: (state: RunState.RunState) => Effect.Effect<void>
}

/** One of the two streams that a person reads. */
export interface Output {
  readonly isTerminal: boolean
  readonly style: Style.Style
  /** Columns; without end where no terminal breaks a line. */
  readonly width: number
}

const wantsColor = (noColor: boolean) =>
  Effect.map(
    Effect.orElseSucceed(Config.option(Config.string("NO_COLOR")), () => Option.none()),
    (variable) => !noColor && Option.getOrElse(variable, () => "") === ""
  )

const outputOf = (stream: NodeJS.WriteStream, noColor: boolean): Effect.Effect<Output> =>
  Effect.map(wantsColor(noColor), (color) => ({
    isTerminal: stream.isTTY,
    style: stream.isTTY && color ? Style.colored : Style.plain,
    width: stream.isTTY ? stream.columns : Number.POSITIVE_INFINITY
  }))

/** Standard output. */
export const standardOutput = (noColor: boolean): Effect.Effect<Output> => outputOf(process.stdout, noColor)

type Write = (line: string) => Effect.Effect<void>

/** One JSON object per event. */
const json = Stream.runForEach((event: RunEvent.RunEvent) =>
  Effect.flatMap(Effect.orDie(Schema.encode(RunEvent.Json)(event)), Console.log))

/** One line per event; the last event is told by the summary. */
const lines = ({ quiet, verbose }: Options, { style }: Output, write: Write) =>
  Effect.fnUntraced(function*(events: Events) {
    const began = yield* Ref.make<DateTime.Utc | undefined>(undefined)
    yield* Stream.runForEach(events, (event) =>
      Effect.gen(function*() {
        const start = yield* Ref.updateAndGet(began, (before) => before ?? event.at)
        if (event._tag === "run.finished" || (quiet && EventLine.describe(event).weight === "ordinary")) return
        yield* write(EventLine.render(event, DateTime.distanceDuration(start ?? event.at, event.at), style))
        if (!verbose || event._tag !== "task.finished" || event.result === undefined) return
        yield* Effect.forEach(lastLines(event.result, Number.POSITIVE_INFINITY), (line) => write(`          | ${line}`))
      }))
  })

/** Makes the display that the options ask for. */
export const make = Effect.fn("Display.make")(function*(options: Options) {
  // In the service of a program, people's text goes to standard error.
  const stream = options.json ? process.stderr : process.stdout
  const output = yield* outputOf(stream, options.noColor)
  const write: Write = options.json ? Console.error : Console.log
  const picture = output.isTerminal && !options.quiet ? yield* LivePicture.make(stream, output.style) : undefined
  const beside = picture?.above ?? identity
  const summary = { style: output.style, width: output.width, removal: options.removal }
  const hasLines = options.verbose || !(options.json || picture !== undefined)

  return {
    tellers: [
      ...(options.json ? [json] : []),
      ...(picture === undefined ? [] : [picture.show]),
      ...(hasLines ? [(events: Events) => beside(lines(options, output, write)(events))] : [])
    ],
    beside,
    summarize: Effect.fnUntraced(function*(state) {
      const isWell = state.outcome === "completed" && RunState.left(state).length === 0
      const body = [
        ...(options.quiet ? [] : Summary.tasks(state, summary)),
        ...Summary.quotes(state, summary),
        ...(options.quiet && isWell ? [] : Summary.resources(state, summary))
      ]
      yield* Effect.forEach(body, (line) => write(line), { discard: true })
      yield* (isWell ? write : Console.error)(Summary.lastLine(state, output.style))
    }),
    abandon: (state) => Effect.forEach(Summary.abandoned(state, summary), (line) => Console.error(line), { discard: true })
  } satisfies Display
})
