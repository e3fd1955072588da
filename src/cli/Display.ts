/**
 * How a run is shown, as flags and streams say: a live view on a terminal,
 * one plain line per event elsewhere, or JSON for programs.
 */
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import type * as Stream from "effect/Stream"
import * as EventLine from "../report/EventLine.ts"
import * as Summary from "../report/Summary.ts"
import type * as RunEvent from "../run/RunEvent.ts"
import * as RunState from "../run/RunState.ts"
import * as JsonLines from "./JsonLines.ts"
import * as LogRenderer from "./LogRenderer.ts"
import * as Streams from "./Streams.ts"
import * as TaskLogs from "../embedded/log/TaskLogs.ts"

/** What a person asked to be shown. */
export interface Options {
  readonly json: boolean
  readonly quiet: boolean
  readonly verbose: boolean
  /** Whether what tasks write is shown, which leaves no place for a view. Defaults to not. */
  readonly logs?: boolean | undefined
  /** The command that removes what a run leaves; without one, that ends with the command. */
  readonly removal: (state: RunState.RunState) => string | undefined
  /** What is said of a run that is over before its last line: its id, and what to type next. */
  readonly next: (state: RunState.RunState) => ReadonlyArray<string>
  /** What Ctrl-C does. Defaults to cancelling the run. */
  readonly interruption?: string | undefined
}

type Events = Stream.Stream<RunEvent.RunEvent>

/** Shows a run. */
export interface Display {
  /** Tells of the events of a run, one after the other. */
  readonly tell: (event: RunEvent.RunEvent) => Effect.Effect<void>
  /** Each shows the events of a run in its own way, to its end. */
  readonly renderers: ReadonlyArray<(events: Events) => Effect.Effect<void>>
  /** Lets an effect write to the terminal without disturbing what is shown there. */
  readonly aboveView: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Says how a run ended, and what is left of it. */
  readonly summarize: (state: RunState.RunState) => Effect.Effect<void>
  /** Says what is left of a run that nobody waits for. */
  readonly abandon: (state: RunState.RunState) => Effect.Effect<void>
}

type Write = (line: string) => Effect.Effect<void>

/** How much is told of what happens. The last event is told by the summary. */
const detailOf = ({ quiet, verbose }: Options): EventLine.Detail =>
  verbose ? "every step" : quiet ? "what the end does not say" : "each thing"

const lines = (options: Options, { style }: Streams.Output, write: Write) => {
  const render = EventLine.renderer({ style, detail: detailOf(options) })
  return (event: RunEvent.RunEvent) => event._tag === "run.finished" ? Effect.void : Effect.forEach(render(event), (line) => write(line), { discard: true })
}

/** Says for whom a run waits that has not begun, where no other line does: there is nothing else to show of it. */
const waits = (style: Streams.Output["style"]) => {
  const render = EventLine.renderer({ style, detail: "each thing" })
  return (event: RunEvent.RunEvent) =>
    event._tag === "run.queued" ? Effect.forEach(render(event), (line) => Console.error(line), { discard: true }) : Effect.void
}

/** Makes the display that the options ask for. */
export const make = Effect.fn("Display.make")(function*(options: Options) {
  // In the service of a program, people's text goes to standard error.
  const stream = options.json ? process.stderr : process.stdout
  const output = yield* Streams.outputOf(stream)
  const write: Write = options.json ? Console.error : Console.log
  // Events would run through a view on the same terminal.
  const isScreen = output.isScreen && !(options.json && process.stdout.isTTY)
  const { interruption } = options
  const view = isScreen && !options.quiet && options.logs !== true
    ? yield* Effect.flatMap(Effect.promise(() => import("../report/LiveView.ts")), ({ make }) =>
      make(stream, { style: output.style, interruption, isLogHere: TaskLogs.isHere }))
    : undefined
  const aboveView = view?.above ?? identity
  const summaryOf = (state: RunState.RunState) =>
    ({ style: output.style, width: output.width, removal: options.removal(state) }) satisfies Summary.Options
  const hasLines = options.verbose || !(options.json || view !== undefined)
  const files = yield* Effect.context<FileSystem.FileSystem | Path.Path>()
  const sayLine = hasLines ? lines(options, output, write) : waits(output.style)

  return {
    tell: (event) => options.json ? Effect.zipRight(JsonLines.event(event), aboveView(sayLine(event))) : aboveView(sayLine(event)),
    renderers: [
      ...(view === undefined ? [] : [view.show]),
      ...(options.logs === true
        ? [(events: Events) => Effect.provide(LogRenderer.render(output.style, write)(events), files)]
        : [])
    ],
    aboveView,
    summarize: Effect.fnUntraced(function*(state) {
      const summary = summaryOf(state)
      const isWell = state.outcome === "completed" && RunState.left(state).length === 0 && state.recorded
      const body = [
        ...(options.quiet ? [] : Summary.tasks(state, summary)),
        ...Summary.quotes(state, summary),
        ...(options.quiet ? [] : Summary.results(state, summary)),
        ...(options.quiet && isWell ? [] : [...Summary.resources(state, summary), ...options.next(state)]),
        ...(options.quiet && isWell ? [] : Summary.spent(state, summary))
      ]
      yield* Effect.forEach(body, (line) => write(line), { discard: true })
      yield* (isWell ? write : Console.error)(Summary.lastLine(state, output.style))
    }),
    abandon: (state) =>
      Effect.zipRight(
        view?.remove ?? Effect.void,
        Effect.forEach(Summary.abandoned(state, summaryOf(state)), (line) => Console.error(line), { discard: true })
      )
  } satisfies Display
})
