/**
 * How the events of a run come out: first into the journal, if there is one,
 * then to whoever listens. Events that happen while others are being written
 * are written together after them.
 *
 * A journal that fails does not stop a run that has made something: its events
 * are delivered all the same, kept, and written as soon as that is possible.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { JournalError, type LeaseLostError } from "../run/JournalError.ts"
import type { RunEvent } from "../run/RunEvent.ts"
import type * as RunJournal from "../run/RunJournal.ts"

/** How long one write may take. */
const writeTimeout = Duration.seconds(10)

/** How long a journal that has failed is left alone. */
const retryPause = Duration.seconds(5)

/** Publishes the events of one run. */
export interface EventPublisher {
  /** Publishes an event, whether or not it can be written. */
  readonly publish: (event: RunEvent) => Effect.Effect<void>
  /**
   * Publishes an event that tells what is about to be made. When it cannot be
   * written, only a run that has made something goes on; one that another
   * process has acquired does not.
   */
  readonly publishBefore: (event: RunEvent) => Effect.Effect<void, JournalError | LeaseLostError>
}

/** Takes an event into the state of the run, and offers it to whoever listens. */
export type Deliver = (event: RunEvent) => void

/** Publishes without a journal: at once. */
export const direct = (deliver: Deliver): EventPublisher => {
  const publish = (event: RunEvent) => Effect.sync(() => deliver(event))
  return { publish, publishBefore: publish }
}

/** What publishing by way of a journal takes. */
export interface Options {
  readonly journal: RunJournal.Handle
  readonly deliver: Deliver
  /** Whether there may be something on Agamemnon that the run has made. */
  readonly hasResources: () => boolean
}

/** Publishes what is in the journal. */
export const journaled = (options: Options): EventPublisher => {
  const state: State = {
    ...options,
    turn: Effect.unsafeMakeSemaphore(1),
    queue: [],
    gap: [],
    failure: undefined,
    lost: undefined
  }
  return {
    publish: (event) => Effect.ignore(enqueue(state, event, false)),
    publishBefore: (event) => enqueue(state, event, true)
  }
}

/** An event on its way, and what became of it. */
interface Entry {
  readonly event: RunEvent
  readonly isIntent: boolean
  result: Exit.Exit<void, JournalError | LeaseLostError> | undefined
}

/** The publisher of one run, between two writes. */
interface State extends Options {
  /** Writing is done by one at a time. */
  readonly turn: Effect.Semaphore
  /** What is to be written next. */
  readonly queue: Array<Entry>
  /** What was delivered and, as far as is known, is not in the journal. */
  readonly gap: Array<RunEvent>
  failure: { readonly error: JournalError; readonly at: number } | undefined
  /** This process drives the run no longer. */
  lost: LeaseLostError | undefined
}

const entryOf = (event: RunEvent, isIntent = false): Entry => ({ event, isIntent, result: undefined })

const commonOf = ({ at, run, workflow }: RunEvent) => ({ at, run, workflow })

const isBeginning = ({ _tag }: RunEvent): boolean => _tag === "run.started" || _tag === "run.resumed"

/** Puts an event into the queue, and waits until it is written. */
const enqueue = (state: State, event: RunEvent, isIntent: boolean) =>
  Effect.suspend(() => {
    const entry = entryOf(event, isIntent)
    state.queue.push(entry)
    // Whoever else has something to say at this moment says it first, so that it is written together.
    const write = Effect.suspend(() =>
      entry.result === undefined ? Effect.zipRight(Effect.yieldNow(), flush(state)) : Effect.void)
    return Effect.zipRight(state.turn.withPermits(1)(write), Effect.suspend(() => entry.result ?? Effect.void))
  }).pipe(Effect.uninterruptible)

/** Writes what is in the queue, and delivers it. */
const flush = Effect.fnUntraced(function*(state: State) {
  const next = state.queue.at(-1)?.event
  if (next === undefined) return
  yield* recover(state, next)
  const batch = state.queue.splice(0)
  const hadFailed = state.failure !== undefined
  const hasNothing = !state.hasResources()
  const written = yield* Effect.exit(write(state, batch.map(({ event }) => event)))
  for (const entry of batch) settle(state, entry, written, hasNothing)
  if (state.failure !== undefined && !hadFailed && state.gap.length > 0) {
    deliverUnwritten(state, { ...commonOf(next), _tag: "record.failed", error: state.failure.error.detail })
  }
})

/** Decides what an attempt to write means for an event. */
const settle = (state: State, entry: Entry, written: Exit.Exit<void, JournalError>, hasNothing: boolean) => {
  entry.result = entry.isIntent ? permission(state, written, hasNothing) : Exit.void
  // A run that has not begun is none, and one that another process has acquired does nothing more.
  if (Exit.isFailure(entry.result) && (state.lost !== undefined || isBeginning(entry.event))) return
  if (Exit.isSuccess(written)) state.deliver(entry.event)
  else deliverUnwritten(state, entry.event)
}

const permission = ({ lost }: State, written: Exit.Exit<void, JournalError>, hasNothing: boolean) => {
  if (lost !== undefined) return Exit.fail(lost)
  return hasNothing ? written : Exit.void
}

const deliverUnwritten = ({ deliver, gap }: State, event: RunEvent) => {
  gap.push(event)
  deliver(event)
}

/** Writes what is missing, when it is time to try again, and says so before anything else is said. */
const recover = Effect.fnUntraced(function*(state: State, next: RunEvent) {
  const { failure, gap, lost, queue } = state
  if (failure === undefined || lost !== undefined) return
  const now = yield* Clock.currentTimeMillis
  if (now < failure.at + Duration.toMillis(retryPause) && next._tag !== "run.finished") return
  // It may have been written, though the attempt has failed: so this one begins with what that one held.
  yield* append(state, gap)
  state.failure = undefined
  if (gap.splice(0).length > 0) queue.unshift(entryOf({ ...commonOf(next), _tag: "record.restored" }))
}, Effect.ignore)

/** Writes what is new. The journal of a run that another process has acquired is not this one's to write. */
const write = (state: State, events: ReadonlyArray<RunEvent>): Effect.Effect<void, JournalError> =>
  Effect.suspend(() => {
    if (state.lost !== undefined) return Effect.void
    return state.failure === undefined ? append(state, events) : state.failure.error
  })

/** Appends to the journal, within its time, and remembers what went wrong. */
const append = (state: State, events: ReadonlyArray<RunEvent>): Effect.Effect<void, JournalError> =>
  state.journal.append(events).pipe(
    Effect.timeoutFail({
      duration: writeTimeout,
      onTimeout: () => unwritten(state, `no answer within ${Duration.format(writeTimeout)}`)
    }),
    Effect.catchAllDefect((defect) => unwritten(state, String(defect))),
    Effect.catchTags({
      RunOwnedError: (error) => lose(state, error),
      LeaseExpiredError: (error) => lose(state, error)
    }),
    // A fiber of its own, because the publishing one may be interrupted: there, the limit would not hold.
    Effect.interruptible,
    Effect.forkDaemon,
    Effect.flatMap(Fiber.join),
    Effect.tapError((error) =>
      Effect.map(Clock.currentTimeMillis, (at) => {
        state.failure = { error, at }
      }))
  )

const lose = (state: State, error: LeaseLostError) =>
  Effect.sync(() => {
    state.lost = error
  })

const unwritten = ({ journal }: State, detail: string) => new JournalError({ action: "write", where: journal.where, detail })
