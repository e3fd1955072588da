/** Tells destinations of runs, each of each in a fiber of its own for as long as there is something to tell. */
import { randomUUID } from "node:crypto"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as ConcurrencyLimit from "../liveness/ConcurrencyLimit.ts"
import * as TimeLimit from "../liveness/TimeLimit.ts"
import type { Told } from "../run/NotificationLog.ts"
import type { RunEvent } from "../run/RunEvent.ts"
import type { RunId } from "../run/RunId.ts"
import { idOf, type NotifyDestination } from "../workflow/NotifyDestination.ts"
import * as Notification from "./Notification.ts"
import * as TellingLane from "./TellingLane.ts"

/** How many messages are under way at once to one destination. */
const concurrency = 2

/** How many destinations of runs are told at once. What is more is found by a later look at the record. */
const mostLanes = 1000

/** How long it may take to give the rights to tell back when telling ends. */
const releaseTimeout = "1 second"

/** Tells destinations. */
export interface Telling {
  /** Has these destinations be told of a run. */
  readonly begin: (run: RunId, destinations: ReadonlyArray<NotifyDestination>) => Effect.Effect<void>
  /** Tells of an event of a run. */
  readonly tell: (event: RunEvent) => Effect.Effect<void>
  /** Tells a destination what was not told of a run by others. */
  readonly tellForOthers: (told: Told) => Effect.Effect<void>
  /** The runs that were heard to begin, and not to end, of which somebody is told. */
  readonly open: Effect.Effect<number>
  /** Has a run that another process goes on with told of by that. */
  readonly forget: (run: RunId) => Effect.Effect<void>
  /** Waits until there is nothing to tell. */
  readonly idle: Effect.Effect<void>
  /** What is being told. */
  readonly untold: Effect.Effect<ReadonlyArray<TellingLane.Untold>>
  /** Ends telling. */
  readonly stop: Effect.Effect<void>
}

interface State extends TellingLane.Parts {
  readonly lanes: Map<string, TellingLane.TellingLane>
  /** The destinations of runs that go on here. */
  readonly begun: Map<RunId, ReadonlyArray<string>>
  /** What cannot be told here, and is left to others. */
  readonly leftToOthers: Set<string>
}

const keyOf = ({ destination, run }: Told): string => `${run} ${destination}`

/** Makes it. */
export const make = (options: Omit<TellingLane.Parts, "holder" | "permitsOf">): Telling => {
  const permits = new Map<string, ConcurrencyLimit.ConcurrencyLimit>()
  const state: State = {
    ...options,
    holder: randomUUID(),
    permitsOf: (destination) => {
      const found = permits.get(destination) ?? ConcurrencyLimit.make(concurrency)
      if (permits.size >= mostLanes) {
        // There are no more lanes, so that some of these are of destinations that are told nothing any more.
        const told = new Set([...state.lanes.values()].map((lane) => lane.destination))
        for (const known of permits.keys()) if (!told.has(known)) permits.delete(known)
      }
      permits.set(destination, found)
      return found
    },
    lanes: new Map(),
    begun: new Map(),
    leftToOthers: new Set()
  }
  const ended = Effect.suspend(() => Effect.forEach([...state.lanes.values()], ({ ended }) => Deferred.await(ended), { discard: true }))
  return {
    begin: (run, destinations) => begin(state, run, destinations),
    tell: (event) => tell(state, event),
    tellForOthers: (told) => state.leftToOthers.has(keyOf(told)) ? Effect.void : wake(state, told, undefined),
    open: Effect.sync(() => [...state.begun.values()].filter(({ length }) => length > 0).length),
    forget: (run) => Effect.sync(() => void state.begun.delete(run)),
    idle: Effect.asVoid(Effect.repeat(ended, { until: () => state.lanes.size === 0 })),
    untold: Effect.sync(() => [...state.lanes.values()].flatMap(({ current }) => (current === undefined ? [] : [current]))),
    stop: Effect.suspend(() => stop(state))
  }
}

const begin = Effect.fnUntraced(function*(state: State, run: RunId, destinations: ReadonlyArray<NotifyDestination>) {
  const ids = [...new Set(destinations.map(idOf))]
  state.begun.set(run, ids)
  if (ids.length === 0) return
  yield* Effect.catchAll(state.log.open(run, ids), ({ message }) =>
    Effect.logWarning(`whom run ${run} is told could not be written down: ${message}`))
})

const tell = Effect.fnUntraced(function*(state: State, event: RunEvent) {
  const { run } = event
  const known = state.begun.get(run)
  if (event._tag === "run.finished") state.begun.delete(run)
  const ids = known ?? (yield* beginUnknown(state, run))
  yield* Effect.forEach(ids, (destination) => wake(state, { run, destination }, event), { discard: true })
})

/** Finds whom a run is told of which nothing was heard before its end: it was queued, and could not begin. */
const beginUnknown = (state: State, run: RunId) =>
  Effect.gen(function*() {
    const { destinations } = Notification.report(yield* state.log.history(run))
    const ids = [...new Set([...destinations, ...state.destinations].map(idOf))]
    yield* state.log.open(run, ids)
    return ids
  }).pipe(Effect.catchAll(({ message }) => Effect.as(Effect.logWarning(`whom run ${run} is told is not known: ${message}`), [])))

/** Has a destination be told of a run, by the fiber that does so already if there is one. Whoever has said that there is one also begins it. */
const wake = (state: State, told: Told, event: RunEvent | undefined) =>
  Effect.suspend(() => {
    const key = keyOf(told)
    const before = state.lanes.get(key)
    if (before !== undefined) {
      before.isStale = true
      before.latest = event ?? before.latest
      return Effect.void
    }
    if (state.lanes.size >= mostLanes) return Effect.logWarning(`of run ${told.run} nobody is told now: ${mostLanes} others are being told`)
    const lane: TellingLane.TellingLane = {
      ...told,
      fiber: undefined,
      ended: Deferred.unsafeMake(FiberId.none),
      latest: event,
      isStale: false,
      current: undefined,
      settled: 0
    }
    state.lanes.set(key, lane)
    const telling = TellingLane.run(state, lane).pipe(
      Effect.catchTag("AddressError", ({ message }) =>
        Effect.as(event === undefined ? Effect.logDebug(message) : Effect.logWarning(`of run ${told.run} a destination is not told: ${message}`), false)),
      Effect.map((hasTold) => {
        if (!hasTold && state.leftToOthers.size < mostLanes) state.leftToOthers.add(key)
      }),
      Effect.catchAllCause((cause) => Effect.logWarning(`of run ${told.run} a destination is not told`, cause)),
      Effect.interruptible,
      Effect.ensuring(Effect.sync(() => {
        state.lanes.delete(key)
        Deferred.unsafeDone(lane.ended, Exit.void)
      }))
    )
    // Neither the end of the run nor that of its subscriber is the end of it.
    return Effect.map(Effect.forkDaemon(telling), (fiber) => {
      lane.fiber = fiber
    })
  }).pipe(Effect.uninterruptible)

const stop = (state: State) => {
  const lanes = [...state.lanes.values()]
  return Effect.forEach(lanes, ({ fiber }) => fiber === undefined ? Effect.void : Fiber.interruptFork(fiber), { discard: true }).pipe(
    Effect.zipRight(Effect.forEach(lanes, (lane) => state.log.release(lane, state.holder), { discard: true, concurrency: 10 })),
    TimeLimit.within({ limit: releaseTimeout, onTimeout: () => undefined }),
    Effect.ignore
  )
}
