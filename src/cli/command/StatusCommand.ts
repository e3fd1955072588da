/** `telemachy status`: shows how far a recorded run has got, or shows it happening. */
import * as Command from "@effect/cli/Command"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Parallel from "../../liveness/Parallel.ts"
import { oneLine } from "../../report/Format.ts"
import * as OutputLines from "../../report/OutputLines.ts"
import * as RunData from "../../report/RunData.ts"
import * as SpentLine from "../../report/SpentLine.ts"
import * as Summary from "../../report/Summary.ts"
import type { RunId } from "../../run/RunId.ts"
import * as RunState from "../../run/RunState.ts"
import { type ReadError, RunReader } from "../../store/RunReader.ts"
import type { RunSummary } from "../../store/RunSummary.ts"
import { CommandExit } from "../CommandExit.ts"
import * as ConfigSources from "../ConfigSources.ts"
import { config, definition } from "../definition/StatusDefinition.ts"
import * as Display from "../Display.ts"
import * as JournalOutage from "../../store/JournalOutage.ts"
import * as JsonLines from "../JsonLines.ts"
import * as NextCommand from "../NextCommand.ts"
import * as OutputErrors from "../OutputErrors.ts"
import * as RunExitCode from "../RunExitCode.ts"
import * as RunPlace from "../RunPlace.ts"
import * as Say from "../Say.ts"
import * as Streams from "../Streams.ts"

const removalOf = (state: RunState.RunState) => (state.embedded ? undefined : NextCommand.cleanup(state))

/** What there is to do about a run that did not get to its end. */
const next = ({ group, status }: RunSummary, state: RunState.RunState): ReadonlyArray<string> => {
  const remaining = RunState.remaining(state).length
  const further = NextCommand.resumption(state)
  return [
    ...(status === "running" && RunState.openGates(state).length > 0 ? [`it waits for an answer: ${NextCommand.approve(state)}`] : []),
    ...(status === "queued" && group === undefined ? ["it begins when a runner has a place for it; see telemachy runners"] : []),
    ...(status === "running" || status === "queued" || further === undefined ? [] : [NextCommand.howToGoOn(state, further)]),
    ...(status === "interrupted" && remaining > 0 && !state.embedded ? [`or remove what it made: ${NextCommand.cleanup(state)}`] : [])
  ]
}

/** Where a run is: on its Agamemnon, or still in the queue. */
const whereOf = ({ place }: RunSummary, { isQueued, run, url }: RunState.RunState): string =>
  isQueued ? `run ${run}${place === undefined ? "" : `, place ${place} in the queue`}` : `run ${run} on ${oneLine(url)}`

/** Of a run that waits for a place in its group: where, and for whom. */
const waitsFor = ({ group }: RunSummary): ReadonlyArray<string> =>
  group === undefined ? [] : [
    `it waits for a place in the group ${oneLine(group.name)}` +
      (group.holders.length === 0 ? "" : `, which ${group.holders.length === 1 ? `run ${group.holders[0]} has` : `runs ${group.holders.join(", ")} have`}`)
  ]

/** Whether a run waits in the foreground of a process and has never begun: there is nothing else to say of it. */
const hasOnlyCome = ({ run, status }: RunSummary) =>
  status === "queued"
    ? Effect.map(Effect.flatMap(RunReader, ({ events }) => events(run)), (events) => events.length === 0)
    : Effect.succeed(false)

/** Shows a run that has only come. */
const showWaiting = (summary: RunSummary) =>
  Effect.gen(function*() {
    const { style } = yield* Streams.outputOf(process.stdout)
    const { owner, place, run, status, workflow = "" } = summary
    const where = `run ${run}${place === undefined ? "" : `, place ${place}`}`
    yield* Console.log(`${style.strong(oneLine(workflow))}  ${status}  ${style.faint(where)}`)
    if (owner !== undefined) yield* Console.log(style.faint(`in the foreground of ${oneLine(owner)}`))
    yield* Effect.forEach(waitsFor(summary), (line) => Console.log(line), { discard: true })
  })

const stateOf = (run: RunId) => Effect.flatMap(RunReader, (reader) => reader.stateOf(run))

/** Shows how far a run has got. */
const show = Effect.fn("StatusCommand.show")(function*(summary: RunSummary) {
  if (yield* hasOnlyCome(summary)) return yield* showWaiting(summary)
  const state = yield* stateOf(summary.run)
  const { style, width } = yield* Streams.outputOf(process.stdout)
  const now = yield* DateTime.now
  const isOver = summary.status !== "running" && summary.status !== "queued"
  const options = { style, width, removal: removalOf(state) }
  const lines = [
    `${style.strong(oneLine(state.workflow))}  ${summary.status}  ${style.faint(whereOf(summary, state))}`,
    ...(summary.owner === undefined ? [] : [style.faint(`driven by ${oneLine(summary.owner)}`)]),
    ...(summary.schedule === undefined ? [] : [style.faint(`of schedule ${summary.schedule.id}, for ${summary.schedule.at.replace(":00.000Z", "Z")}`)]),
    ...Summary.tasks(isOver ? state : { ...state, endedAt: now }, { ...options, isOver }),
    ...OutputLines.render(state, options),
    ...Summary.quotes(state, options),
    ...Summary.resources(state, options),
    ...SpentLine.lines(state, SpentLine.timeOf(state, now, !isOver), style),
    ...(state.endedAt === undefined ? [] : [Summary.lastLine(state, style)]),
    ...waitsFor(summary),
    ...next(summary, state)
  ]
  yield* Effect.forEach(lines, (line) => Console.log(line), { discard: true })
})

/** Shows a run as one JSON object. */
const showJson = Effect.fn("StatusCommand.showJson")(function*(summary: RunSummary) {
  if (yield* hasOnlyCome(summary)) return yield* JsonLines.write(JSON.stringify(summary))
  const state = yield* stateOf(summary.run)
  const now = SpentLine.timeOf(state, yield* DateTime.now, summary.status === "running")
  yield* JsonLines.write(JSON.stringify({ ...summary, ...RunData.make(state, now) }))
})

/** Ends as a run has ended. One that nobody drives any more has not completed. */
const endAs = (state: RunState.RunState) =>
  Effect.flatMap(RunExitCode.of(state), (code) => new CommandExit({ code }))

/** How a run is shown that happens elsewhere. */
export interface WatchOptions {
  readonly json: boolean
  readonly quiet?: boolean | undefined
  readonly verbose?: boolean | undefined
  /** From which place of its events on. Defaults to the first. */
  readonly from?: number | undefined
}

/** Shows a run happening, until it is over or nobody drives it. */
export const watch = Effect.fn("StatusCommand.watch")(function*(run: RunId, { from, json, quiet = false, verbose = false }: WatchOptions) {
  const reader = yield* RunReader
  if (json) {
    yield* JsonLines.events(JournalOutage.follow(reader, run, Say.line, from))
    return yield* endAs(yield* JournalOutage.waitOut(reader.stateOf(run), Say.line))
  }
  const display = yield* Display.make({
    json,
    quiet,
    verbose,
    removal: removalOf,
    next: NextCommand.afterRun,
    interruption: "Ctrl-C stops watching, and not the run"
  })
  const failed = yield* Deferred.make<never, ReadError>()
  const say = (line: string) => display.aboveView(Console.error(oneLine(line)))
  const events = JournalOutage.follow(reader, run, say, from).pipe(
    Stream.catchAll((error) => Stream.execute(Deferred.fail(failed, error)))
  )
  const telling = (all: typeof events) => Stream.runForEach(all, display.tell)
  yield* Parallel.forEach([telling, ...display.renderers], (render) => render(events))
  if (yield* Deferred.isDone(failed)) return yield* Deferred.await(failed)
  const state = yield* JournalOutage.waitOut(reader.stateOf(run), say)
  if (state.endedAt === undefined) yield* JournalOutage.waitOut(Effect.flatMap(reader.find(run), show), say)
  else yield* display.summarize(state)
  yield* endAs(state)
})

export const command = Command.make("status", config, ({ json, run, watch: isWatched, ...flags }) =>
  Effect.gen(function*() {
    const summary = yield* Effect.flatMap(RunReader, ({ find }) => find(run))
    if (isWatched) return yield* watch(summary.run, { json })
    yield* json ? showJson(summary) : show(summary)
  }).pipe(
    OutputErrors.whileWritable,
    Effect.provide(RunPlace.layerReader),
    Effect.provide(ConfigSources.layer(flags))
  )).pipe(Command.withDescription(definition.sentence))
