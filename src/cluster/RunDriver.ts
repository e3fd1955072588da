/**
 * Drives the runs that a runner claims from the queue, which all runners share:
 * whenever it has a place free, it takes the next.
 *
 * The lease of the run, and nothing else, keeps two runners from driving it. A
 * runner loses a run when it is told to stop, when its lease ends, or when
 * Agamemnon does not answer it while another runner may reach it. In none of
 * these is anything taken down.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import * as Cleanup from "../executor/Cleanup.ts"
import { type ResumeOptions, WorkflowExecutor } from "../executor/WorkflowExecutor.ts"
import * as TimeLimit from "../liveness/TimeLimit.ts"
import type { RunId } from "../run/RunId.ts"
import { RunJournal } from "../run/RunJournal.ts"
import { RunQueue } from "../run/RunQueue.ts"
import { type Runner, type RunnerLoad, RunnerRegistry } from "../run/RunnerRegistry.ts"

/** How long a runner leaves a run to others: one that another has, one that keeps failing here, and one that it has handed over. */
const shortPause = Duration.seconds(1)
const longPause = Duration.seconds(5)

/** The time between two looks at the queue: how soon a run of a dead runner is taken over, of which there is no message. */
const queueInterval = Duration.millis(500)

/** The time between two looks at the groups that hold runs back, of a runner that has nothing to do. */
const idlePause = Duration.seconds(5)

/** How long Agamemnon may take to answer, and the registry. */
const pingTimeout = Duration.seconds(5)
const askTimeout = Duration.seconds(2)

/** How long handing all runs over may take at the end of the scope. */
const stopTimeout = Duration.seconds(5)

/** How often a run is driven that dies of a defect. */
const attempts = 3

/** Of how many runs it is known what was said of them. */
const mostComplaints = 1000

/** What a driver is made with. */
export interface Options {
  /** The runner. */
  readonly id: string
  /** How many runs it drives at most. */
  readonly maxRuns: number
  /** How many messages of the cluster are overdue. */
  readonly overdueMessages?: Effect.Effect<number>
  /** Finds what keeps the agents of a workflow from working here, before a run of it begins. Defaults to nothing. */
  readonly check?: ResumeOptions["check"]
}

/** Drives runs. */
export interface RunDriver extends Pick<Options, "id" | "maxRuns"> {
  /** Begins to claim runs, for as long as the scope; then they are handed over. */
  readonly begin: Effect.Effect<void, never, Scope.Scope>
  /** Has it look at the queue now. */
  readonly wake: Effect.Effect<void>
  /** What there is to do. */
  readonly load: Effect.Effect<RunnerLoad>
  /** Hands all runs over, for this reason, and waits until that is done. */
  readonly stop: (reason: string) => Effect.Effect<void>
  /** From now on, no run is begun or taken over, and those that are driven are driven to their end. */
  readonly drain: Effect.Effect<void>
  /** Waits until no run is driven. */
  readonly idle: Effect.Effect<void>
}

/** The driver of a runner. */
interface State extends Options {
  readonly executor: Context.Tag.Service<WorkflowExecutor>
  readonly queue: Context.Tag.Service<RunQueue>
  readonly registry: Context.Tag.Service<RunnerRegistry>
  readonly agamemnon: Context.Tag.Service<AgamemnonClient>
  readonly journal: Context.Tag.Service<RunJournal>
  /** Holds something when there may be something to do. */
  readonly news: Queue.Queue<void>
  /** Done when all runs are to be handed over. */
  readonly stopping: Deferred.Deferred<string>
  /** The runs that it drives, each with what is done when it does not any more. */
  readonly driven: Map<RunId, Deferred.Deferred<void>>
  /** The runs that are left to others, and until when, by the monotonic clock. */
  readonly avoided: Map<RunId, bigint>
  /** The runs that it has handed over because Agamemnon did not answer it, until it does. */
  readonly yielded: Set<RunId>
  /** What was said last of runs that it cannot drive, which it tries again and again. */
  readonly complaints: Map<RunId, string>
  isDraining: boolean
  isReachable: boolean
  /** When room was looked for in groups, by the monotonic clock. */
  roomLookedFor: bigint
}

/** Makes a driver. */
export const make = Effect.fnUntraced(function*(options: Options) {
  const state: State = {
    ...options,
    executor: yield* WorkflowExecutor,
    queue: yield* RunQueue,
    registry: yield* RunnerRegistry,
    agamemnon: yield* AgamemnonClient,
    journal: yield* RunJournal,
    news: yield* Queue.sliding<void>(1),
    stopping: yield* Deferred.make<string>(),
    driven: new Map(),
    avoided: new Map(),
    yielded: new Set(),
    complaints: new Map(),
    isDraining: false,
    isReachable: true,
    roomLookedFor: 0n
  }
  const drain = Effect.sync(() => {
    state.isDraining = true
  })
  const idle = Effect.suspend(() => Effect.forEach([...state.driven.values()], Deferred.await, { discard: true })).pipe(
    Effect.repeat({ until: () => state.driven.size === 0 }),
    Effect.asVoid
  )
  const stop = (reason: string) => Effect.all([drain, Deferred.succeed(state.stopping, reason), idle], { discard: true })
  const driver: RunDriver = {
    id: options.id,
    maxRuns: options.maxRuns,
    begin: Effect.zipRight(
      Effect.forkScoped(Effect.interruptible(claimRepeatedly(state))),
      Effect.addFinalizer(() => TimeLimit.within({ limit: stopTimeout, onTimeout: () => undefined })(stop("its runner is stopping")).pipe(Effect.ignore))
    ),
    wake: Effect.asVoid(Queue.offer(state.news, undefined)),
    load: Effect.map(options.overdueMessages ?? Effect.succeed(0), (overdueMessages) => ({
      running: state.driven.size,
      draining: state.isDraining,
      reachable: state.isReachable,
      overdueMessages
    })),
    stop,
    drain,
    idle
  }
  return driver
})

/** Fills the places that are free, again and again. */
const claimRepeatedly = (state: State) =>
  Effect.catchAllCause(fillPlaces(state), (cause) => Effect.logWarning(`the queue of runs cannot be read: ${String(Cause.squash(cause))}`)).pipe(
    Effect.zipRight(Effect.timeoutOption(Queue.take(state.news), queueInterval)),
    Effect.forever
  )

const fillPlaces = Effect.fnUntraced(function*(state: State) {
  yield* makeRoom(state)
  const most = state.maxRuns - state.driven.size
  if (most <= 0 || state.isDraining) return
  if (!state.isReachable && !(yield* isReached(state))) return yield* takeBack(state)
  const claimed = yield* state.queue.claim({ most, except: yield* exceptions(state) })
  // No run is begun only to be lost: it stays where it is, and another runner may begin it.
  if (claimed.length === 0 || !(yield* isReached(state))) return
  yield* Effect.forEach(claimed, ({ run }) => begin(state, run), { discard: true })
})

/** Makes room in groups that hold runs back, at each look while it drives runs, and less often while it has nothing to do. */
const makeRoom = Effect.fnUntraced(function*(state: State) {
  const now = yield* Clock.currentTimeNanos
  if (state.driven.size === 0 && now < state.roomLookedFor + Duration.unsafeToNanos(idlePause)) return
  state.roomLookedFor = now
  yield* state.queue.makeRoom
})

/** The runs that it must not be given now. */
const exceptions = (state: State) =>
  Effect.map(Clock.currentTimeNanos, (now) => {
    for (const [run, until] of state.avoided) if (until <= now) state.avoided.delete(run)
    return new Set([...state.driven.keys(), ...state.avoided.keys()])
  })

/** Leaves a run to others for a while. */
const avoid = (state: State, run: RunId, pause: Duration.Duration) =>
  Effect.map(Clock.currentTimeNanos, (now) => void state.avoided.set(run, now + Duration.unsafeToNanos(pause)))

/** Leaves a run to others for a while, which can have it at once. */
const leaveToOthers = (state: State, run: RunId, pause: Duration.Duration) =>
  Effect.zipRight(avoid(state, run, pause), Effect.catchAll(state.queue.giveBack(run), ({ message }) => told(run, message)))

/** Drives a run in a fiber of its own: what ends the claiming must not cancel it. Whoever has said that it is driven also begins that. */
const begin = (state: State, run: RunId) =>
  Effect.suspend(() => {
    if (state.isDraining) return Effect.void
    const ended = Deferred.unsafeMake<void>(FiberId.none)
    state.driven.set(run, ended)
    const driving = Effect.ensuring(
      Effect.interruptible(drive(state, run)),
      Effect.sync(() => {
        state.driven.delete(run)
        Deferred.unsafeDone(ended, Exit.void)
        state.news.unsafeOffer(undefined)
      })
    )
    return Effect.asVoid(Effect.forkDaemon(driving))
  }).pipe(Effect.uninterruptible)

/** Drives a run until it is over, or is not this runner's any more. */
const drive = Effect.fnUntraced(function*(state: State, run: RunId) {
  const exit = yield* Effect.exit(state.executor.resume(run, {
    yieldOn: Deferred.await(state.stopping),
    // It is given back to the queue, and takes no place of this runner meanwhile.
    waitForGroup: false,
    check: state.check,
    ...(state.agamemnon.embedded === true ? {} : { yieldOnLoss: isReachedElsewhere(state) })
  }))
  if (Exit.isSuccess(exit)) return
  const failure = Cause.failureOption(exit.cause)
  yield* Option.isSome(failure) ? afterFailure(state, run, failure.value) : afterDefect(state, run, exit.cause)
})

type Failure = Effect.Effect.Error<ReturnType<Context.Tag.Service<WorkflowExecutor>["resume"]>>

const told = (run: RunId, message: string) => Effect.logWarning(`run ${run}: ${message}`)

/** Says what is wrong with a run, but not again what was the last that was said of one. */
const tellOnce = (state: State, run: RunId, message: string) =>
  Effect.suspend(() => {
    if (state.complaints.get(run) === message) return Effect.void
    if (state.complaints.size >= mostComplaints) state.complaints.clear()
    state.complaints.set(run, message)
    return told(run, message)
  })

/** What a runner does about a run that it does not drive any more. */
const afterFailure = (state: State, run: RunId, error: Failure): Effect.Effect<void> => {
  switch (error._tag) {
    case "RunYieldedError":
      if (error.unreachable === true) state.yielded.add(run)
      return leaveToOthers(state, run, error.unreachable === true ? longPause : shortPause)
    case "WorkflowConnectivityError":
      return notReached(state)
    // Another has it, or had it a moment ago: its lease ends soon. One that had begun here says that it was handed over.
    case "RunOwnedError":
    case "LeaseExpiredError":
    // Somebody else has just taken the place in its group.
    case "GroupFullError":
      return avoid(state, run, shortPause)
    case "NothingToResumeError":
      // It died in its teardown, or waits for an answer that somebody may give.
      return error.why === "waiting" ? avoid(state, run, shortPause) : complete(state, run, undefined)
    case "JournalError":
    case "RunElsewhereError":
    case "SecretsInvalidError":
    case "SecretsUnsupportedError":
    case "InputsInvalidError":
    case "WorkflowInvalid":
    case "WorkspacesUnavailableError":
      // Where that has ended the run, it is over. Where it has not, another runner may be able to go on: one of a newer version.
      return Effect.zipRight(tellOnce(state, run, error.message), leaveToOthers(state, run, longPause))
    default:
      return Effect.void
  }
}

/** Counts the defects of a run, over all runners: what kills each of them is no reason to go on with it. */
const afterDefect = (state: State, run: RunId, cause: Cause.Cause<unknown>) =>
  Effect.gen(function*() {
    const what = `a defect in the program: ${String(Cause.squash(cause))}`
    const defects = yield* Effect.catchAll(state.queue.noteDefect(run), ({ message }) => Effect.as(told(run, message), 0))
    if (defects >= attempts) return yield* complete(state, run, what)
    yield* told(run, `${what}; trying again`)
    yield* avoid(state, run, shortPause)
  })

/** Takes a run to its end of which only that is left. */
const complete = (state: State, run: RunId, failure: string | undefined) =>
  Cleanup.complete(run, failure, {}).pipe(
    Effect.provideService(AgamemnonClient, state.agamemnon),
    Effect.provideService(RunJournal, state.journal),
    Effect.catchAllCause((cause) =>
      Effect.zipRight(told(run, `it could not be taken to its end: ${String(Cause.squash(cause))}`), avoid(state, run, shortPause)))
  )

/** Finds out whether Agamemnon answers this runner. */
const isReached = (state: State) =>
  Effect.matchEffect(
    Effect.asVoid(state.agamemnon.ping).pipe(
      Effect.mapError(({ message }) => message),
      TimeLimit.within({ limit: pingTimeout, onTimeout: () => `no answer came within ${Duration.format(pingTimeout)}` })
    ),
    {
      onFailure: (reason) => Effect.as(notReached(state, reason), false),
      onSuccess: () => Effect.as(reached(state), true)
    }
  )

/** From now on, this runner takes no runs until Agamemnon answers it. */
const notReached = (state: State, reason?: string) =>
  Effect.suspend(() => {
    if (!state.isReachable) return Effect.void
    state.isReachable = false
    return Effect.logWarning(`Agamemnon does not answer this runner, which takes no runs until it does${reason === undefined ? "" : `: ${reason}`}`)
  })

const reached = (state: State) =>
  Effect.suspend(() => {
    if (state.isReachable) return Effect.void
    state.isReachable = true
    state.yielded.clear()
    return Effect.logInfo("Agamemnon answers this runner again, which takes runs")
  })

/** The other runners that may reach Agamemnon. */
const othersReaching = ({ agamemnon, id, registry }: State): Effect.Effect<ReadonlyArray<Runner>> =>
  registry.living.pipe(
    Effect.map((runners) =>
      runners.filter((other) => other.id !== id && other.agamemnon === agamemnon.url && other.reachable && !other.draining)),
    TimeLimit.within({ limit: askTimeout, onTimeout: () => undefined }),
    Effect.orElseSucceed(() => [])
  )

/**
 * Whether there is another runner that may reach Agamemnon, which this one does not. Where all of them are full, the run waits
 * before all that have not begun; so does this one, for when it is answered again.
 */
const isReachedElsewhere = (state: State) =>
  Effect.zipRight(notReached(state), Effect.map(othersReaching(state), (others) => others.length > 0))

/** Goes on with the runs that it has handed over, when nobody is left that may do better: so that they come to an end. */
const takeBack = Effect.fnUntraced(function*(state: State) {
  if (state.yielded.size === 0 || (yield* othersReaching(state)).length > 0) return
  const except = yield* exceptions(state)
  for (const run of state.yielded) {
    if (except.has(run)) continue
    if (state.driven.size >= state.maxRuns) return
    if (Option.isSome(yield* state.queue.find(run))) yield* begin(state, run)
    else state.yielded.delete(run)
  }
})
