/**
 * The part of the embedded Agamemnon that speaks NATS: it publishes what
 * changes, and completes the tasks that workers say are completed.
 *
 * Nothing waits for it but its own end, for a short time. What can not be published yet is kept, up to a limit.
 * What was under way when a connection broke is not published again: NATS may
 * have it, and a worker that is told twice of a task would do it twice.
 */
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as NatsConnection from "../agamemnon/nats/NatsConnection.ts"
import * as NatsTaskFeed from "../agamemnon/nats/NatsTaskFeed.ts"
import * as TaskFeed from "../agamemnon/TaskFeed.ts"
import * as TimeLimit from "../liveness/TimeLimit.ts"
import { AgamemnonState } from "./AgamemnonState.ts"
import * as NatsMessages from "./NatsMessages.ts"
import type * as StateChange from "./StateChange.ts"

/** How much is kept while nothing can be published. */
const limits = { messages: 10_000, characters: 16 * 1024 * 1024 }

/** How many messages are under way before NATS has said that it has them. */
const batchSize = 100

/** How long its end waits until NATS has what happened before. */
const endLimit = Duration.seconds(2)

/** How many words of workers wait to be taken in. */
const maxWords = 10_000

/** Where workers say that a task is completed. */
const completions = "hi.tasks.*.*.completed"

/** The publisher, between two batches. */
interface State {
  readonly agamemnon: Context.Tag.Service<AgamemnonState>
  readonly options: NatsConnection.Options
  readonly probeInterval: Duration.Duration
  /** Holds something when there is something to publish. */
  readonly wakeUp: Queue.Queue<void>
  /** What workers have said. */
  readonly words: Queue.Queue<string>
  /** Is open while NATS has all that there is, or is known not to be there. */
  readonly isIdle: Effect.Latch
  waiting: Array<NatsMessages.Message>
  /** How many characters of payload wait. */
  characters: number
  /** What was handed to NATS, which has not said that it has it. */
  underWay: ReadonlyArray<NatsMessages.Message>
  /** How many messages are or may be lost since that was last said. */
  dropped: number
  isUp: boolean
  /** Whether it was said that nothing can be published. */
  isSaid: boolean
}

/** Connects to NATS beside everything else, for as long as the scope is open. Fails only when an option can not be used. */
export const make = Effect.fnUntraced(function*(given: NatsTaskFeed.Options) {
  const agamemnon = yield* AgamemnonState
  const { probeInterval, ...options } = yield* NatsTaskFeed.check(given)
  const state: State = {
    agamemnon,
    options,
    probeInterval,
    wakeUp: yield* Queue.sliding<void>(1),
    words: yield* Queue.sliding<string>(maxWords),
    isIdle: yield* Effect.makeLatch(true),
    waiting: [],
    characters: 0,
    underWay: [],
    dropped: 0,
    isUp: false,
    isSaid: false
  }
  const changes = yield* agamemnon.changes
  const taking = yield* Effect.forkScoped(Effect.interruptible(Effect.forever(take(state, changes))))
  yield* Effect.forkScoped(Effect.interruptible(Effect.forever(hear(state))))
  yield* connectRepeatedly(state).pipe(
    Effect.annotateLogs({ module: "NatsPublisher" }),
    Effect.interruptible,
    Effect.forkScoped
  )
  // Before the fibers above end: what else is in the scope has ended by now, and nothing more will happen.
  yield* Effect.addFinalizer(() => finish(state, changes, taking))
})

/** Lets NATS have what has happened, unless it is known not to be there. */
const finish = Effect.fnUntraced(function*(
  state: State,
  changes: Queue.Dequeue<StateChange.StateChange>,
  taking: Fiber.Fiber<never>
) {
  // What was handed to that fiber a moment ago is kept before it ends.
  yield* Effect.yieldNow()
  yield* Fiber.interrupt(taking)
  for (const change of yield* Queue.takeAll(changes)) yield* keep(state, change)
  yield* TimeLimit.within({ limit: endLimit, onTimeout: () => undefined })(state.isIdle.await).pipe(Effect.ignore)
  const unpublished = state.waiting.length + state.underWay.length + state.dropped
  if (unpublished > 0) yield* Effect.logWarning(`${unpublished} events may not have been published`)
})

/** Takes the next change. One that is taken is kept, also when the fiber ends. */
const take = (state: State, changes: Queue.Dequeue<StateChange.StateChange>) =>
  Effect.uninterruptibleMask((restore) => Effect.flatMap(restore(Queue.take(changes)), (change) => keep(state, change)))

/** Keeps what there is to say of a change. What is oldest is dropped where there is too much. */
const keep = Effect.fnUntraced(function*(state: State, change: StateChange.StateChange) {
  const messages = NatsMessages.of(change, yield* Clock.currentTimeMillis)
  for (const message of messages) {
    state.waiting.push(message)
    state.characters += message.payload.length
  }
  let excess = 0
  while (state.waiting.length - excess > limits.messages || state.characters > limits.characters) {
    state.characters -= state.waiting[excess]?.payload.length ?? 0
    excess += 1
  }
  state.waiting.splice(0, excess)
  state.dropped += excess
  // Where it is known that NATS is not there, nobody waits for it.
  if (state.waiting.length > 0 && !state.isSaid) yield* state.isIdle.close
  yield* Queue.offer(state.wakeUp, undefined)
})

/** Takes in the next words of a worker. As on Agamemnon only the payload counts, and of it only the task. */
const hear = ({ agamemnon, words }: State) =>
  Effect.flatMap(Queue.take(words), (payload) =>
    Option.match(TaskFeed.taskOf(payload), { onNone: () => Effect.void, onSome: agamemnon.completeTask }))

/** One connection after the other. */
const connectRepeatedly = Effect.fnUntraced(function*(state: State) {
  let pause = NatsConnection.firstPause
  while (true) {
    const { reason } = yield* Effect.flip(NatsConnection.session(state.options, (connected) => publish(state, connected)))
    pause = NatsConnection.nextPause(pause, state.isUp)
    state.isUp = false
    yield* state.isSaid ? Effect.logDebug(reason) : Effect.logWarning(`events can not be published: ${reason}`)
    state.isSaid = true
    yield* state.isIdle.open
    yield* Effect.sleep(pause)
  }
})

/** Publishes on one connection, to its end. */
const publish = Effect.fnUntraced(function*(state: State, connected: NatsConnection.NatsConnection) {
  const unsubscribe = connected.subscribe(completions, ({ payload }) => {
    state.words.unsafeOffer(payload)
  })
  yield* Effect.addFinalizer(() => Effect.sync(unsubscribe))
  yield* Effect.forkScoped(Effect.forever(Effect.flatMap(connected.problem, (words) => Effect.logWarning(words))))
  state.dropped += state.underWay.length
  while (true) {
    yield* nextBatch(state, connected)
    for (const { payload, subject } of state.underWay) connected.publish(subject, payload)
    yield* connected.settle
    state.underWay = []
    yield* sayUp(state)
    if (state.waiting.length === 0) yield* state.isIdle.open
    // Where there is nothing to publish, it is asked from time to time whether it is still there.
    if (state.waiting.length === 0) yield* Effect.timeoutOption(Queue.take(state.wakeUp), state.probeInterval)
  }
})

/** Takes the next messages that NATS can take. */
const nextBatch = Effect.fnUntraced(function*(state: State, { maxPayload }: NatsConnection.NatsConnection) {
  const next = state.waiting.splice(0, batchSize)
  state.characters -= next.reduce((sum, { payload }) => sum + payload.length, 0)
  const [impossible, possible] = [
    next.filter((message) => !NatsMessages.isPossible(message, maxPayload)),
    next.filter((message) => NatsMessages.isPossible(message, maxPayload))
  ]
  state.underWay = possible
  for (const { subject } of impossible) {
    yield* Effect.logDebug(`NATS does not take a message to ${JSON.stringify(subject)}, which is dropped`)
  }
})

/** Says that events are published again, if it was said that they can not be. */
const sayUp = Effect.fnUntraced(function*(state: State) {
  state.isUp = true
  const { dropped, isSaid } = state
  if (!isSaid && dropped === 0) return
  state.isSaid = false
  state.dropped = 0
  yield* Effect.logWarning(`events are published${isSaid ? " again" : ""}${dropped === 0 ? "" : `; ${dropped} were too many to keep, or under way when the connection broke, and may be lost`}`)
})
