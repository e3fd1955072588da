/**
 * Runs a workflow in the foreground, to its end: shows it happening, cancels it at the first signal
 * and stops waiting at the second, and ends the command as the run has ended.
 */
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import type * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { RunCancelledError } from "../executor/RunError.ts"
import * as WorkflowExecutor from "../executor/WorkflowExecutor.ts"
import * as Parallel from "../liveness/Parallel.ts"
import * as QueueLoop from "../liveness/QueueLoop.ts"
import { Notifier } from "../notify/Notifier.ts"
import { oneLine } from "../report/Format.ts"
import type { JournalError } from "../run/JournalError.ts"
import type { RunEvent } from "../run/RunEvent.ts"
import type { RunId } from "../run/RunId.ts"
import * as RunState from "../run/RunState.ts"
import * as RunStore from "../store/RunStore.ts"
import * as Telemetry from "../telemetry/Telemetry.ts"
import * as Backend from "./Backend.ts"
import * as CommandExit from "./CommandExit.ts"
import type * as Display from "./Display.ts"
import * as NextCommand from "./NextCommand.ts"
import type * as ReportFiles from "./ReportFiles.ts"
import * as RunExitCode from "./RunExitCode.ts"
import { Signals } from "./Signals.ts"
import * as TaskLogs from "../embedded/log/TaskLogs.ts"

/** How long the reports of a run may take that nobody waits for. */
const writeTimeoutOfAbandoned = "1 second"

/** Says what happens at the first signal, and ends the process at the second, having said what is left. */
const handleSignals = (
  state: Ref.Ref<RunState.RunState | undefined>,
  display: Display.Display,
  reports: ReportFiles.ReportFiles
) =>
  Effect.gen(function*() {
    const signals = yield* Signals
    // Of a run that is over, all has been said.
    const underWay = Effect.map(Ref.get(state), (reached) => reached?.endedAt === undefined ? reached : undefined)
    yield* signals.decideBy(Effect.zipWith(Ref.get(state), reports.isIncomplete, RunExitCode.decided))
    const signal = yield* signals.first
    const reached = yield* underWay
    const what = reached?.outcome === undefined ? "cancelling the run and taking down what it made" : "taking down what the run made goes on"
    if (reached !== undefined) yield* display.aboveView(Console.error(`${signal}: ${what}; once more to stop waiting`))
    yield* signals.second
    const abandoned = yield* underWay
    if (abandoned !== undefined) {
      yield* Effect.timeoutOption(reports.write(abandoned), writeTimeoutOfAbandoned)
      yield* display.abandon(abandoned)
    }
    yield* signals.exit
  })

const isEnd = ({ _tag }: RunEvent): boolean => _tag === "run.finished"

/** Waits a moment for the renderers of a run that may have been interrupted before it began. */
const awaitBriefly = (rendering: Fiber.Fiber<void>) =>
  Effect.timeoutOption(Effect.interruptible(Fiber.join(rendering)), "1 second")

/** The process of a run that was watched has ended before the run has. */
export class RunDeserted extends Schema.TaggedError<RunDeserted>()("RunDeserted", { run: Schema.String }) {
  override get message(): string {
    return `run ${this.run} is driven no longer, and not over; go on with it: ${NextCommand.resume(this)}`
  }
}

/** Watches a run that another process drives to its end, and ends as it ends. */
export const join = Effect.fn("ForegroundRun.join")(function*(run: RunId, display: Display.Display, reports: ReportFiles.ReportFiles) {
  const { follow } = yield* RunStore.RunStore
  yield* Console.error(`watching run ${run}, which is at work`)
  const failed = yield* Deferred.make<never, JournalError>()
  const events = yield* Stream.broadcastDynamic(
    Stream.catchAll(follow(run), (error) => Stream.execute(Deferred.fail(failed, error))),
    { capacity: "unbounded" }
  )
  const state = yield* Ref.make<RunState.RunState | undefined>(undefined)
  const renderers = [
    (events: Stream.Stream<RunEvent>) => RunState.follow(events, state),
    (events: Stream.Stream<RunEvent>) => Stream.runForEach(events, display.tell),
    ...display.renderers
  ]
  yield* Parallel.forEach(renderers, (render) => render(events))
  if (yield* Deferred.isDone(failed)) return yield* Deferred.await(failed)
  const ended = yield* Ref.get(state)
  if (ended?.endedAt === undefined) return yield* new RunDeserted({ run })
  yield* reports.write(ended)
  yield* display.summarize(ended)
  return yield* new CommandExit.CommandExit({ code: yield* RunExitCode.of(ended, yield* reports.isIncomplete) })
}, Effect.scoped)

/** Starts a run, or resumes one, and takes it to its end. */
export const run = Effect.fn("ForegroundRun.run")(function*<E>(
  begin: (
    executor: Context.Tag.Service<WorkflowExecutor.WorkflowExecutor>
  ) => Effect.Effect<WorkflowExecutor.RunResult, E>,
  display: Display.Display,
  reports: ReportFiles.ReportFiles
) {
  const executor = yield* WorkflowExecutor.WorkflowExecutor
  if (yield* Backend.IsEmbedded) yield* TaskLogs.warnWhenUnkept
  const state = yield* Ref.make<RunState.RunState | undefined>(undefined)
  const isWaiting = yield* Ref.make(false)
  const following = QueueLoop.until(yield* executor.subscribe, isEnd, (event) =>
    Effect.zipRight(
      Ref.set(isWaiting, event._tag === "run.queued"),
      Ref.update(state, (before) => RunState.fold(before, event))
    ))
  const telling = QueueLoop.until(yield* executor.subscribe, isEnd, display.tell)
  const renderings = yield* Effect.forEach([...display.renderers, ...(yield* Telemetry.followers)], (render) =>
    Effect.map(executor.events, (events) => render(Stream.takeUntil(events, isEnd))))

  // Daemons: they render the end of the run, and handle signals to the end of the command, and so must outlive its interruption.
  const rendering = yield* Effect.forkDaemon(Effect.asVoid(Parallel.all([following, telling, ...renderings])))
  yield* Effect.forkDaemon(handleSignals(state, display, reports))
  const exit = yield* display.aboveView(begin(executor)).pipe(
    Effect.tapDefect((cause) => Effect.logDebug("a defect ended the run", cause)),
    Effect.exit,
    Effect.onInterrupt(() => Effect.flatMap(Ref.get(isWaiting), (waits) =>
      waits ? Console.error("it has only waited: nothing was begun, and nothing is left of that") : Effect.void)),
    Effect.ensuring(Effect.flatMap(Ref.get(state), (begun) => begun === undefined ? awaitBriefly(rendering) : Fiber.join(rendering))),
    // Before what is said last.
    Effect.ensuring(Effect.flatMap(Effect.serviceOption(Notifier), Option.match({ onNone: () => Effect.void, onSome: ({ conclude }) => display.aboveView(conclude) }))),
    Effect.ensuring(Effect.flatMap(Ref.get(state), (ended) =>
      ended === undefined ? Effect.void : Effect.zipRight(reports.write(ended), display.summarize(ended))))
  )
  const ended = yield* Ref.get(state)
  if (ended === undefined) {
    const failure = Option.flatMap(Exit.causeOption(exit), Cause.failureOption)
    if (Option.isSome(failure) && failure.value instanceof RunCancelledError) {
      yield* Console.error(`the run has not begun: ${oneLine(failure.value.message)}`)
      return yield* new CommandExit.CommandExit({ code: yield* Effect.flatMap(Signals, ({ exitCode }) => exitCode) })
    }
    // What kept it from beginning is all there is to say.
    yield* exit
  }
  return yield* new CommandExit.CommandExit({ code: yield* RunExitCode.of(ended, yield* reports.isIncomplete) })
})
