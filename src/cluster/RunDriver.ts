/**
 * Drives the runs that a runner is given, each in one of its places.
 *
 * A runner loses a run in three ways: it is told to stop, the run is another
 * runner's now, or its lease ends. In none of them is anything taken down. The
 * lease of the run, and nothing else, keeps two runners from driving it: whoever
 * finds it taken waits until it is free.
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import type * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import * as Cleanup from "../executor/Cleanup.ts"
import { WorkflowExecutor } from "../executor/WorkflowExecutor.ts"
import type { RunId } from "../run/RunId.ts"
import { RunJournal } from "../run/RunJournal.ts"
import { type OpenRun, RunQueue } from "../run/RunQueue.ts"
import type { RunnerLoad } from "../run/RunnerRegistry.ts"
import * as Places from "./Places.ts"

/** How long it is waited until something is tried again: what another process has, what is only there later, and what keeps failing. */
const shortPause = "250 millis"
const pause = "1 second"
const longPause = "5 seconds"

/** How many runs may ask each second whether there is a place in their group, of those that a runner has. */
const mostAsking = 25

/** How many runs that are over are remembered until somebody asks for them. */
const mostOver = 10_000

/** How often a run is driven that dies of a defect. */
const attempts = 3

/** How a runner comes to its end: `handed over` when it does not drive the run any more, and `over` when nobody has to. */
export type Ended = "handed over" | "over"

/** Drives runs. */
export interface RunDriver {
  /** Drives a run until it is over. When that is interrupted, the run is handed over beside. */
  readonly drive: (run: RunId) => Effect.Effect<Ended>
  /** What there is to do. */
  readonly load: Effect.Effect<RunnerLoad>
  /** Hands all runs over, for this reason, and waits until that is done. */
  readonly stop: (reason: string) => Effect.Effect<void>
  /** From now on, no run is begun or taken over, and those that are driven are driven to their end. */
  readonly drain: Effect.Effect<void>
  /** Waits until no run is driven. */
  readonly idle: Effect.Effect<void>
  /** The runs that it has, also those that wait for a place. */
  readonly driven: Effect.Effect<ReadonlySet<string>>
  /** The runs that have turned out to be over since it was asked before. */
  readonly takeOver: Effect.Effect<ReadonlyArray<string>>
}

/** The driver of a runner. */
interface State {
  readonly executor: Context.Tag.Service<WorkflowExecutor>
  readonly queue: Context.Tag.Service<RunQueue>
  readonly agamemnon: Context.Tag.Service<AgamemnonClient>
  readonly journal: Context.Tag.Service<RunJournal>
  readonly places: Places.Places
  /** What is logged here, whatever is in the cluster. */
  readonly logLevel: LogLevel.LogLevel
  /** Done when all runs are to be handed over. */
  readonly stopping: Deferred.Deferred<string>
  /** Done when those that have no place yet are to be left to others. */
  readonly draining: Deferred.Deferred<string>
  /** What is going on. */
  readonly driven: Map<Fiber.RuntimeFiber<Ended>, RunId>
  /** The runs that were over, at most as many as are asked for at once. */
  readonly over: Array<string>
}

/** Makes a driver that has so many places. */
export const make = Effect.fnUntraced(function*(maxRuns: number) {
  const state: State = {
    executor: yield* WorkflowExecutor,
    queue: yield* RunQueue,
    agamemnon: yield* AgamemnonClient,
    journal: yield* RunJournal,
    places: Places.make(maxRuns),
    logLevel: yield* FiberRef.get(FiberRef.currentMinimumLogLevel),
    stopping: yield* Deferred.make<string>(),
    draining: yield* Deferred.make<string>(),
    driven: new Map(),
    over: []
  }
  const idle = Effect.suspend(() => Effect.forEach([...state.driven.keys()], Fiber.await, { discard: true }))
  const driver: RunDriver = {
    drive: (run) => drive(state, run),
    load: Effect.zipWith(state.places.load, Deferred.isDone(state.draining), ({ taken, waiting }, draining) => ({ running: taken, waiting, draining })),
    stop: (reason) => Effect.all([Deferred.succeed(state.draining, reason), Deferred.succeed(state.stopping, reason), idle], { discard: true }),
    driven: Effect.sync(() => new Set(state.driven.values())),
    takeOver: Effect.sync(() => state.over.splice(0)),
    drain: Effect.zipRight(state.places.close, Effect.asVoid(Deferred.succeed(state.draining, "its runner takes no more runs"))),
    idle
  }
  return driver
})

const drive = (state: State, run: RunId) =>
  Effect.gen(function*() {
    const moved = yield* Deferred.make<string>()
    // A daemon: what interrupts who waits for it must not cancel the run.
    const fiber = yield* Effect.forkDaemon(Effect.interruptible(
      Effect.locally(driveToEnd(state, run, moved), FiberRef.currentMinimumLogLevel, state.logLevel)
    ))
    state.driven.set(fiber, run)
    fiber.addObserver((exit) => {
      state.driven.delete(fiber)
      if (Exit.isSuccess(exit) && exit.value === "over" && state.over.length < mostOver) state.over.push(run)
    })
    return yield* Effect.onInterrupt(Effect.interruptible(Fiber.join(fiber)), () =>
      Effect.flatMap(Deferred.isDone(state.draining), (isDraining) =>
        isDraining ? Effect.void : Deferred.succeed(moved, "the cluster has moved it")))
  }).pipe(Effect.uninterruptible)

/** Drives a run until it is over, or is not this runner's any more. */
const driveToEnd = Effect.fnUntraced(function*(state: State, run: RunId, moved: Deferred.Deferred<string>) {
  const yieldOn = Effect.raceFirst(Deferred.await(moved), Deferred.await(state.stopping))
  const leaving = Effect.raceFirst(yieldOn, Deferred.await(state.draining))
  let defects = 0
  const attempt = (open: OpenRun): Effect.Effect<Next> =>
    Effect.flatMap(Effect.exit(state.executor.resume(open.run, { yieldOn, waitForGroup: false })), (exit): Effect.Effect<Next> => {
      if (Exit.isSuccess(exit)) return Effect.succeed(again(shortPause))
      const failure = Cause.failureOption(exit.cause)
      if (Option.isSome(failure)) return afterFailure(state, open, failure.value)
      defects += 1
      return afterDefect(state, open, exit.cause, defects)
    })
  for (;;) {
    const found = yield* Effect.either(state.queue.find(run))
    if (found._tag === "Right" && Option.isNone(found.right)) return "over"
    const next = yield* Effect.raceFirst(
      found._tag === "Left"
        ? Effect.as(told(run, found.left.message), again(pause))
        // It is waited for to its end, though somebody says meanwhile that the run is to be left: that ends it as well.
        : Option.match(found.right, {
          onNone: () => Effect.succeed(again(shortPause)),
          // It takes no place from others meanwhile.
          onSome: (open) => open.heldBackBy !== undefined ? Effect.as(makeRoom(state, open), again(pauseOfMany(state))) :
            state.places.within(open)(
              Effect.uninterruptible(Effect.flatMap(Effect.forkDaemon(Effect.interruptible(Effect.zipRight(noteTurn(state, open), attempt(open)))), Fiber.join))
            )
        }),
      Effect.as(leaving, left)
    )
    if (next._tag === "left") return "handed over"
    const isLeft = yield* Effect.raceFirst(Effect.as(Effect.sleep(next.after), false), Effect.as(leaving, true))
    if (isLeft) return "handed over"
  }
})

/** What a runner does next about a run. */
type Next = { readonly _tag: "again"; readonly after: Duration.DurationInput } | { readonly _tag: "left" }

const again = (after: Duration.DurationInput): Next => ({ _tag: "again", after })

/** The time between two questions of a run, when many ask. */
const pauseOfMany = ({ driven }: State) => Duration.seconds(Math.max(1, driven.size / mostAsking))

/** Ends those that are in the way of a run which is to end them. What does not succeed now is tried again soon. */
const makeRoom = ({ queue }: State, open: OpenRun) => open.isToMakeRoom ? Effect.ignore(queue.makeRoom(open)) : Effect.void

/** Writes down that a run is given its turn. That it could not be, only makes the order another one. */
const noteTurn = ({ queue }: State, { isQueued, run }: OpenRun) => isQueued ? Effect.ignore(queue.noteTurn(run)) : Effect.void

const left: Next = { _tag: "left" }

const told = (run: RunId, message: string) => Effect.logWarning(`run ${run}: ${message}`)

type Failure = Effect.Effect.Error<ReturnType<Context.Tag.Service<WorkflowExecutor>["resume"]>>

const afterFailure = (state: State, { run }: OpenRun, error: Failure): Effect.Effect<Next> => {
  switch (error._tag) {
    case "RunYieldedError":
      return Effect.succeed(left)
    // Another has it, or had it a moment ago: its lease ends soon.
    case "RunOwnedError":
    case "LeaseExpiredError":
      return Effect.succeed(again(shortPause))
    case "NothingToResumeError":
      // It died in its teardown, or waits for an answer that somebody may give.
      return error.why === "waiting" ? Effect.succeed(again(pause)) : Effect.as(complete(state, run, undefined), again(pause))
    case "GroupFullError":
      return Effect.succeed(again(pause))
    case "JournalError":
    case "RunElsewhereError":
    case "SecretsInvalidError":
    case "SecretsUnsupportedError":
    case "InputsInvalidError":
    case "WorkflowInvalid":
      // Where that has ended the run, it is found to be over. Where it has not, another runner may be able to go on.
      return Effect.as(told(run, error.message), again(longPause))
    default:
      return Effect.succeed(again(shortPause))
  }
}

const afterDefect = (state: State, { run }: OpenRun, cause: Cause.Cause<unknown>, defects: number): Effect.Effect<Next> => {
  const what = `a defect in the program: ${String(Cause.squash(cause))}`
  return defects < attempts
    ? Effect.as(told(run, `${what}; trying again`), again(pause))
    : Effect.as(complete(state, run, what), again(pause))
}

/** Takes a run to its end of which only that is left. */
const complete = (state: State, run: RunId, failure: string | undefined) =>
  Cleanup.complete(run, failure, {}).pipe(
    Effect.provideService(AgamemnonClient, state.agamemnon),
    Effect.provideService(RunJournal, state.journal),
    Effect.catchAllCause((cause) => told(run, `it could not be taken to its end: ${String(Cause.squash(cause))}`))
  )
