/**
 * How the events of a run come out: first into the journal, if there is one,
 * then to whoever listens. One fiber writes them, and what happens while it does
 * is written together after that. Nobody waits for that but who tells an intent:
 * all other events are written with the next intent, or after a moment.
 *
 * Three rules hold when the journal fails. An intent waits until it is written,
 * however long that takes: what it announces must not be done before. All other
 * events are told at once and written as soon as that is possible. And once the
 * work is over, nothing waits for the journal: removal must not be held up.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as TimeLimit from "../liveness/TimeLimit.ts"
import { isLeaseLostError, JournalError, type LeaseLostError } from "../run/JournalError.ts"
import type { RunEvent } from "../run/RunEvent.ts"
import type * as RunJournal from "../run/RunJournal.ts"

/** How long an event that is no intent waits for others to be written with. */
const gatherTime = Duration.millis(5)

/** How many events wait to be written before whoever publishes another has to wait, too. */
const queueLimit = 10_000

/** How long one write may take. */
const writeTimeout = Duration.seconds(10)

/** How long a journal that has failed is left alone. */
const retryPause = Duration.seconds(5)

/** How long the end of a run that was cancelled waits for its events to be written. Who has cancelled it may kill it soon. */
const lastWriteTimeout = Duration.seconds(1)

/** Publishes the events of one run. */
export interface EventPublisher {
  /** Publishes an event, and does not wait until it is written and told, unless too many wait for that. */
  readonly publish: (event: RunEvent) => Effect.Effect<void>
  /** Waits until everything has been told that was published so far, but for intents. */
  readonly settled: Effect.Effect<void>
  /**
   * Publishes an event that tells what is about to be done, and waits until it
   * is written. Fails when the run has made nothing and the journal fails, and
   * when another process may drive the run.
   */
  readonly publishBefore: (event: RunEvent) => Effect.Effect<void, JournalError | LeaseLostError>
  /** From now on an event is told at once, and written beside. */
  readonly writeBeside: Effect.Effect<void>
  /** Publishes the last event, when all are written or the time for that is over, and says before if they are not. */
  readonly publishLast: (event: RunEvent, isUrgent: boolean) => Effect.Effect<void>
}

/** Takes an event into the state of the run, and offers it to whoever listens. */
export type Deliver = (event: RunEvent) => void

/** Publishes without a journal: at once. */
export const direct = (deliver: Deliver): EventPublisher => {
  const publish = (event: RunEvent) => Effect.sync(() => deliver(event))
  return { publish, publishBefore: publish, publishLast: publish, settled: Effect.void, writeBeside: Effect.void }
}

/** What publishing by way of a journal takes. */
export interface Options {
  readonly journal: Pick<RunJournal.Handle, "append" | "where">
  readonly deliver: Deliver
  /** Whether there may be something on Agamemnon that the run has made. */
  readonly hasResources: () => boolean
}

/** Publishes what is in the journal. */
export const journaled = (options: Options): EventPublisher => {
  const state: State = {
    ...options,
    queue: [],
    withheld: [],
    retry: Effect.unsafeMakeLatch(false),
    batch: [],
    hasBegun: false,
    isBeside: false,
    isLast: false,
    isOver: false,
    isGathering: false,
    isWriting: false,
    writer: undefined,
    failure: undefined,
    lost: undefined
  }
  return {
    publish: (event) => publish(state, event),
    settled: Effect.suspend(() => settled(state)),
    publishBefore: (event) => publishBefore(state, event),
    publishLast: (event, isUrgent) => publishLast(state, event, isUrgent ? lastWriteTimeout : writeTimeout),
    writeBeside: Effect.sync(() => {
      state.isBeside = true
      tellAll(state)
    })
  }
}

/** An event on its way, and what became of it. */
interface Entry {
  readonly event: RunEvent
  readonly isIntent: boolean
  /** Succeeds when it has been told. Absent while nobody waits for that: few events are waited for. */
  done: Deferred.Deferred<void, JournalError | LeaseLostError> | undefined
  isTold: boolean
}

/** The publisher of one run, between two writes. */
interface State extends Options {
  /** What is to be written, in this order. */
  readonly queue: Array<Entry>
  /** Intents that wait for a journal that has failed. */
  readonly withheld: Array<Entry>
  /** Opened when a journal that has failed is to be tried again now. */
  readonly retry: Effect.Latch
  /** What is being written. */
  batch: ReadonlyArray<Entry>
  /** Whether anything has been told. */
  hasBegun: boolean
  /** Whether events are told before they are written. */
  isBeside: boolean
  /** Whether the last event is in the queue. */
  isLast: boolean
  /** Whether the run has ended with something unwritten: the journal is left alone from then on. */
  isOver: boolean
  /** Whether events wait for others to be written with. */
  isGathering: boolean
  /** Whether a fiber writes, or is about to begin. */
  isWriting: boolean
  /** The last fiber that has begun to write. */
  writer: Fiber.RuntimeFiber<void> | undefined
  failure: JournalError | undefined
  /** This process drives the run no longer. */
  lost: LeaseLostError | undefined
}

const entryOf = (event: RunEvent, isIntent = false): Entry => ({
  event,
  isIntent,
  done: isIntent ? Deferred.unsafeMake(FiberId.none) : undefined,
  isTold: false
})

/** Waits until an event has been told, or an intent refused. */
const told = (entry: Entry): Effect.Effect<void, JournalError | LeaseLostError> =>
  Effect.suspend(() => (entry.isTold ? Effect.void : Deferred.await(entry.done ??= Deferred.unsafeMake(FiberId.none))))

const commonOf = ({ at, run, workflow }: RunEvent) => ({ at, run, workflow })

const tell = (state: State, entry: Entry) => {
  if (!entry.isTold) state.deliver(entry.event)
  entry.isTold = true
  state.hasBegun = true
  if (entry.done !== undefined) Deferred.unsafeDone(entry.done, Exit.void)
}

const refuse = ({ done }: Entry, error: JournalError | LeaseLostError) => {
  if (done !== undefined) Deferred.unsafeDone(done, Exit.fail(error))
}

/** Tells everything that does not have to be written before. */
const tellAll = (state: State) => {
  for (const entry of state.queue) if (!entry.isIntent) tell(state, entry)
}

const publish = (state: State, event: RunEvent): Effect.Effect<void> =>
  Effect.suspend(() => {
    const entry = entryOf(event)
    if (state.lost !== undefined || state.isOver) {
      tell(state, entry)
      return Effect.void
    }
    state.queue.push(entry)
    if (state.isBeside || state.failure !== undefined) tell(state, entry)
    if (state.queue.length > queueLimit) return settled(state)
    return state.failure === undefined ? gather(state) : startWriter(state)
  })

/** Lets what is in the queue be written after a moment, unless that is done before. */
const gather = (state: State): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (state.isGathering || state.isWriting) return Effect.void
    state.isGathering = true
    const end = Effect.suspend(() => {
      state.isGathering = false
      return state.queue.length === 0 ? Effect.void : startWriter(state)
    })
    return Effect.asVoid(Effect.forkDaemon(Effect.interruptible(Effect.zipRight(Effect.sleep(gatherTime), end))))
  }).pipe(Effect.uninterruptible)

const settled = (state: State): Effect.Effect<void> => {
  const last = state.queue.findLast(({ isIntent, isTold }) => !isIntent && !isTold)
  return last === undefined ? Effect.void : Effect.zipRight(startWriter(state), Effect.ignore(told(last)))
}

const publishBefore = (state: State, event: RunEvent) =>
  Effect.suspend((): Effect.Effect<void, JournalError | LeaseLostError> => {
    const { failure, hasResources, lost, queue, withheld } = state
    if (lost !== undefined) return lost
    if (failure !== undefined && (state.isOver || !hasResources())) return failure
    const entry = entryOf(event, true)
    const waiting = failure === undefined ? queue : withheld
    waiting.push(entry)
    return Effect.onInterrupt(Effect.zipRight(startWriter(state), told(entry)), () => withdraw(state, entry))
  })

/** Nobody is going to do what an intent announces. One that is being written is told, because it may be in the journal. */
const withdraw = (state: State, entry: Entry) =>
  Effect.sync(() => {
    if (state.batch.includes(entry)) return tell(state, entry)
    for (const waiting of [state.queue, state.withheld]) {
      const place = waiting.indexOf(entry)
      if (place !== -1) waiting.splice(place, 1)
    }
  })

const publishLast = (state: State, event: RunEvent, limit: Duration.Duration) =>
  Effect.gen(function*() {
    state.isLast = true
    const entry = entryOf(event)
    if (state.lost === undefined) {
      tellAll(state)
      state.queue.push(entry)
      yield* state.retry.open
      yield* startWriter(state)
      yield* Effect.ignore(TimeLimit.within({ limit, onTimeout: () => undefined })(told(entry)))
    }
    if (!entry.isTold && state.lost === undefined && state.failure === undefined) {
      state.failure = unanswered(state, limit)
      state.deliver(failed(event, state.failure))
    }
    state.isOver = state.failure !== undefined
    if (!entry.isTold) tell(state, entry)
    if (state.isOver && state.writer !== undefined) yield* Fiber.interruptFork(state.writer)
  }).pipe(Effect.uninterruptible)

const failed = (event: RunEvent, { detail: error }: JournalError): RunEvent => ({ ...commonOf(event), _tag: "record.failed", error })

/** Lets the queue be written, unless that is going on. Whoever has said that it is also begins that. */
const startWriter = (state: State): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (state.isWriting || state.isOver) return Effect.void
    state.isWriting = true
    const writing = Effect.ensuring(
      Effect.interruptible(writeAll(state)),
      Effect.suspend(() => {
        state.isWriting = false
        return state.lost === undefined && state.queue.length > 0 ? gather(state) : Effect.void
      })
    )
    return Effect.map(Effect.forkDaemon(writing), (fiber) => {
      state.writer = fiber
    })
  }).pipe(Effect.uninterruptible)

/** Writes until there is nothing left that somebody waits for. */
const writeAll = Effect.fnUntraced(function*(state: State) {
  // Whoever else has something to say at this moment says it first, so that it is written together.
  yield* Effect.yieldNow()
  while (state.queue.length + state.withheld.length > 0 && state.lost === undefined) {
    // It may have been written, though an attempt has failed: so the next one begins with what that one held.
    state.batch = state.failure === undefined ? [...state.queue] : state.queue.filter(({ isTold }) => isTold)
    const exit = yield* Effect.either(append(state, state.batch.map(({ event }) => event)))
    const batch = state.batch
    state.batch = []
    if (Either.isRight(exit)) written(state, batch)
    else if (isLeaseLostError(exit.left)) lose(state, exit.left)
    else unwritten(state, exit.left)
    if (state.failure === undefined) {
      if (state.isLast || state.queue.some(({ isIntent }) => isIntent)) continue
      return
    }
    if (state.isLast) return tellAll(state)
    yield* Effect.timeoutOption(state.retry.await, retryPause)
  }
})

/** Appends to the journal, within its time. */
const append = (state: State, events: ReadonlyArray<RunEvent>): Effect.Effect<void, JournalError | LeaseLostError> =>
  state.journal.append(events).pipe(
    Effect.timeoutFail({ duration: writeTimeout, onTimeout: () => unanswered(state, writeTimeout) }),
    Effect.catchAllDefect((defect) => new JournalError({ action: "write", where: state.journal.where, detail: String(defect) }))
  )

const unanswered = ({ journal: { where } }: State, limit: Duration.Duration) =>
  new JournalError({ action: "write", where, detail: `no answer within ${Duration.format(limit)}` })

/** Tells what is in the journal. After a failure, that is said first, and what was withheld comes after all else. */
const written = (state: State, batch: ReadonlyArray<Entry>) => {
  const { failure, queue, withheld } = state
  const done = new Set(batch)
  const rest = queue.filter((entry) => !done.has(entry))
  const last = batch.at(-1)
  queue.splice(0, queue.length, ...rest)
  if (failure !== undefined) {
    state.failure = undefined
    state.retry.unsafeClose()
    if (last !== undefined) insert(state, entryOf({ ...commonOf(last.event), _tag: "record.restored" }))
    queue.push(...withheld.splice(0))
  }
  for (const entry of batch) tell(state, entry)
}

/** Tells what could not be written, but for intents: those wait, or fail when the run has made nothing. */
const unwritten = (state: State, error: JournalError) => {
  const { hasResources, queue, withheld } = state
  const isFirst = state.failure === undefined
  state.failure = error
  const [entries, mustStop] = [queue.splice(0), !hasResources()]
  for (const entry of entries) {
    if (!entry.isIntent) {
      queue.push(entry)
      if (!state.isLast) tell(state, entry)
    } else if (entry.isTold) queue.push(entry)
    else if (mustStop) refuse(entry, error)
    else withheld.push(entry)
  }
  const last = entries.at(-1)
  // A run that has not begun has nothing to say.
  if (isFirst && state.hasBegun && last !== undefined) {
    const entry = entryOf(failed(last.event, error))
    insert(state, entry)
    tell(state, entry)
  }
}

/** Puts an event behind all that have been told. */
const insert = ({ queue }: State, entry: Entry) => {
  const place = queue.findIndex(({ isTold }) => !isTold)
  queue.splice(place === -1 ? queue.length : place, 0, entry)
}

/** Another process may drive the run: what happens in this one is told, and not written. */
const lose = (state: State, error: LeaseLostError) => {
  state.lost = error
  for (const entry of [...state.queue.splice(0), ...state.withheld.splice(0)]) {
    if (entry.isIntent && !entry.isTold) refuse(entry, error)
    else tell(state, entry)
  }
}
