/** Finds the log of a task of a recorded run, and shows it: to its end so far, or to its end. */
import * as Arr from "effect/Array"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as LogReader from "../embedded/log/LogReader.ts"
import type { RunEvent } from "../run/RunEvent.ts"
import type { RunId } from "../run/RunId.ts"
import { RunStore } from "../store/RunStore.ts"
import * as JournalOutage from "./JournalOutage.ts"
import * as RunLookup from "../store/RunLookup.ts"
import * as TaskLogOutput from "./TaskLogOutput.ts"
import * as TaskLogs from "./TaskLogs.ts"
import * as TaskLookup from "../run/TaskLookup.ts"

/** What is shown of which attempt, and how. */
export interface Options extends TaskLogOutput.Options {
  /** Whether to go on until the attempt is over. */
  readonly follow: boolean
  /** The number of the attempt, from 1; the latest when it is left out. */
  readonly attempt: number | undefined
}

/** Nothing is known of what a task has written. */
export class LogUnknownError extends Schema.TaggedError<LogUnknownError>()("LogUnknownError", {
  task: Schema.String,
  problem: Schema.String
}) {
  override get message(): string {
    return `task ${this.task}: ${this.problem}`
  }
}

/** What the record has of a task so far. */
interface Known {
  readonly attempts: ReadonlyArray<TaskLookup.Attempt>
  /** Whether nothing is going to follow. */
  readonly isOver: boolean
}

/** Shows the log of a task, or what the record has of it. */
export const show = Effect.fn("TaskLog.show")(function*(run: RunId, name: string, { attempt: wanted, follow, ...options }: Options) {
  const { events } = yield* RunStore
  const task = yield* TaskLookup.find(yield* RunLookup.stateOf(run), name)
  const fail = (problem: string) => new LogUnknownError({ task: `${task.team}/${task.subject} of run ${run}`, problem })
  const learn = (attempts: ReadonlyArray<TaskLookup.Attempt>, event: RunEvent) => TaskLookup.attemptsAfter(attempts, task, event)
  const known = yield* SubscriptionRef.make<Known>({ attempts: (yield* events(run)).reduce(learn, []), isOver: !follow })
  const learning = Stream.runForEach(JournalOutage.follow(run, Console.error), (event) =>
    SubscriptionRef.update(known, ({ attempts, isOver }) => ({ attempts: learn(attempts, event), isOver })))

  const chosen = ({ attempts }: Known) => Option.getOrUndefined(wanted === undefined ? Arr.last(attempts) : Arr.get(attempts, wanted - 1))
  const until = (isEnough: (state: Known) => boolean) =>
    Effect.map(Stream.runHead(Stream.filter(known.changes, (state) => state.isOver || isEnough(state))), Option.flatMap((state) => Option.fromNullable(chosen(state))))

  const showing = Effect.gen(function*() {
    const begun = yield* until((state) => chosen(state) !== undefined)
    if (Option.isNone(begun)) {
      return yield* fail(wanted === undefined ? "it has not begun" : `there was no attempt ${wanted} at it`)
    }
    const { id, log } = begun.value
    const isOver = Effect.map(SubscriptionRef.get(known), (state) => state.isOver || state.attempts.some((each) => each.id === id && each.isOver))
    const isOurs = log !== undefined && (yield* TaskLogs.isHere(log))
    if (isOurs && (yield* TaskLogs.awaitFile(log, isOver))) return yield* TaskLogOutput.show(LogReader.read(log, isOver), options)
    const ended = yield* until((state) => state.attempts.some((each) => each.id === id && each.isOver))
    const result = Option.getOrUndefined(ended)?.result
    if (result === undefined) {
      return yield* fail(
        isOurs
          ? `its program has not been started, or its log is there no longer: ${log}`
          : "there is no log of it on this machine, and what it said at its end is not known"
      )
    }
    yield* Console.error("there is no log of it on this machine; this is what it said at its end")
    yield* TaskLogOutput.showResult(result, options)
  })

  if (!follow) return yield* showing
  // The end of the run is the end of all that could follow.
  const toItsEnd = Effect.zipRight(learning, SubscriptionRef.update(known, ({ attempts }) => ({ attempts, isOver: true })))
  yield* Effect.raceFirst(showing, Effect.zipRight(toItsEnd, Effect.never))
})
