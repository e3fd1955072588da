/** What a task of a recorded run has written: its log on this machine or, without one, what the record has of it. */
import * as Arr from "effect/Array"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as LogReader from "../embedded/log/LogReader.ts"
import * as TaskLogs from "../embedded/log/TaskLogs.ts"
import type { JournalError } from "../run/JournalError.ts"
import type { RunEvent } from "../run/RunEvent.ts"
import type { RunId } from "../run/RunId.ts"
import * as TaskLookup from "../run/TaskLookup.ts"
import * as JournalOutage from "../store/JournalOutage.ts"
import * as RunLookup from "../store/RunLookup.ts"
import { RunStore } from "../store/RunStore.ts"

/** Of which attempt, and until when. */
export interface Options {
  /** The number of the attempt, from 1; the latest when it is left out. */
  readonly attempt: number | undefined
  /** Whether to go on until the attempt is over. */
  readonly follow: boolean
  /** Is told that the journal is away for a while. */
  readonly say: JournalOutage.Say
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

/** Learns of the attempts at a task; where they are followed, until the run is over or the scope closes. */
const learn = Effect.fnUntraced(function*(run: RunId, task: Parameters<typeof TaskLookup.attemptsAfter>[1], { follow, say }: Options) {
  const store = yield* RunStore
  const after = (attempts: ReadonlyArray<TaskLookup.Attempt>, event: RunEvent) => TaskLookup.attemptsAfter(attempts, task, event)
  const known = yield* SubscriptionRef.make<Known>({ attempts: (yield* store.events(run)).reduce(after, []), isOver: !follow })
  const failed = yield* Deferred.make<never, JournalError>()
  if (follow) {
    const learning = Stream.runForEach(JournalOutage.follow(store, run, say), (event) =>
      SubscriptionRef.update(known, ({ attempts, isOver }) => ({ attempts: after(attempts, event), isOver })))
    // The end of the run is the end of all that could follow.
    const toItsEnd = Effect.catchAll(learning, (error) => Deferred.fail(failed, error)).pipe(
      Effect.zipRight(SubscriptionRef.update(known, ({ attempts }) => ({ attempts, isOver: true })))
    )
    yield* Effect.forkScoped(toItsEnd)
  }
  return { known, check: Effect.whenEffect(Deferred.await(failed), Deferred.isDone(failed)) }
})

/**
 * Opens what an attempt at a task has written, once it has begun: its log as it is written, or `result`, what the record says
 * that it said at its end.
 */
export const open = Effect.fn("TaskOutput.open")(function*(run: RunId, name: string, options: Options) {
  const { attempt: wanted } = options
  const task = yield* TaskLookup.find(yield* RunLookup.stateOf(run), name)
  const fail = (problem: string) => new LogUnknownError({ task: `${task.team}/${task.subject} of run ${run}`, problem })
  const { check, known } = yield* learn(run, task, options)

  const chosen = ({ attempts }: Known) => Option.getOrUndefined(wanted === undefined ? Arr.last(attempts) : Arr.get(attempts, wanted - 1))
  const until = (isEnough: (state: Known) => boolean) =>
    Stream.runHead(Stream.filter(known.changes, (state) => state.isOver || isEnough(state))).pipe(
      Effect.map(Option.flatMap((state) => Option.fromNullable(chosen(state)))),
      Effect.tap(check)
    )

  const begun = yield* until((state) => chosen(state) !== undefined)
  if (Option.isNone(begun)) {
    return yield* fail(wanted === undefined ? "it has not begun" : `there was no attempt ${wanted} at it`)
  }
  const { id, log } = begun.value
  const isOver = Effect.map(SubscriptionRef.get(known), (state) => state.isOver || state.attempts.some((each) => each.id === id && each.isOver))
  const isOurs = log !== undefined && (yield* TaskLogs.isHere(log))
  if (isOurs && (yield* TaskLogs.awaitFile(log, isOver))) {
    const items = Stream.concat(LogReader.read(log, isOver), Stream.drain(Stream.fromEffect(check)))
    return { _tag: "Log", items } as const
  }
  const ended = yield* until((state) => state.attempts.some((each) => each.id === id && each.isOver))
  const result = Option.getOrUndefined(ended)?.result
  if (result !== undefined) return { _tag: "Result", result } as const
  return yield* fail(
    isOurs
      ? `its program has not been started, or its log is there no longer: ${log}`
      : "there is no log of it on this machine, and what it said at its end is not known"
  )
})
