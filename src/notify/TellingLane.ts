/**
 * Tells one destination of one run: one notification after the other, each until it is taken, is refused for good, or is a day old.
 */
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import type * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type { ConcurrencyLimit } from "../liveness/ConcurrencyLimit.ts"
import type { NotificationLog, Told } from "../run/NotificationLog.ts"
import type { RunEvent } from "../run/RunEvent.ts"
import type { RunId } from "../run/RunId.ts"
import * as NotifyView from "../report/NotifyView.ts"
import { idOf, type NotifyDestination, type Occasion } from "../workflow/NotifyDestination.ts"
import * as AddressLookup from "./AddressLookup.ts"
import * as Delivery from "./Delivery.ts"
import * as Notification from "./Notification.ts"
import * as NotifyMessage from "./NotifyMessage.ts"

/** How long the right to tell is held, in seconds: longer than one attempt takes, with what is written after it. */
const claimSeconds = 20

/** How long who has no right to tell waits for it, and how often. */
const claimPause = Duration.seconds(2)
const claims = 60

/** How long the first wait is between two attempts, and the longest. */
const firstPause = Duration.seconds(1)
const longestPause = Duration.minutes(5)

/** How long the record is left alone when it cannot be read or written. */
const recordPause = Duration.seconds(5)

/** How old a notification is that is given up. */
const longestAge = Duration.days(1)

/** How often, and when, an event is looked for on record that was told before it was written. */
const lookPause = Duration.millis(500)
const looks = 30

/**
 * Something that was not told yet.
 *
 * @since 0.1.0
 * @category models
 */
export interface Untold {
  readonly run: RunId
  readonly event: Occasion
  /** The destination, in words and without what is secret about it. */
  readonly destination: string
  /** Why it did not take it, as far as that is known. */
  readonly problem: string | undefined
}

/** What telling takes. */
export interface Parts {
  readonly log: NotificationLog["Type"]
  readonly client: HttpClient.HttpClient
  /** Who is told of all runs. */
  readonly destinations: ReadonlyArray<NotifyDestination>
  /** This process, where rights to tell are written down. */
  readonly holder: string
  /** Limits how many messages are under way at once to a destination. */
  readonly permitsOf: (destination: string) => ConcurrencyLimit
}

/** One destination that is being told of one run. */
export interface TellingLane extends Told {
  fiber: Fiber.RuntimeFiber<void> | undefined
  /** Done when it is over. */
  readonly ended: Deferred.Deferred<void>
  /** The last event that it is told of, which may not be on record yet. */
  latest: RunEvent | undefined
  /** Whether something has happened since it has looked. */
  isStale: boolean
  /** What it is telling. */
  current: Untold | undefined
  /** Of how many notifications nothing is left to do, as far as this process knows. */
  settled: number
}

/** Tells all there is to tell. Answers whether it could: without its address, a destination is told nothing here. */
export const run = Effect.fn("TellingLane.run")(function*(parts: Parts, lane: TellingLane) {
  const { holder, log } = parts
  let pause = firstPause
  let waited = 0
  while (true) {
    lane.isStale = false
    const report = yield* read(parts, lane)
    const [destination, ...same] = [...report.destinations, ...parts.destinations].filter((each) => idOf(each) === lane.destination)
    if (destination === undefined) return yield* abandon(parts, lane, report)
    const claimed = yield* recorded(log.claim(lane, holder, claimSeconds))
    if (Option.isNone(claimed)) {
      if (++waited >= claims) return false
      yield* Effect.sleep(claimPause)
      continue
    }
    waited = 0
    lane.settled = Math.max(lane.settled, claimed.value.settled)
    // The workflow and the setting may name the same one, each for something else.
    const wanted = new Set([destination, ...same].flatMap(({ on }) => on))
    const next = report.notifications.find(({ event, number }) => number > lane.settled && wanted.has(event))
    if (next === undefined) {
      lane.current = undefined
      yield* recorded(log.settle(lane, holder, { settled: report.notifications.length, seen: report.seen, isOver: report.isOver }))
      yield* recorded(log.release(lane, holder))
      if (lane.isStale) continue
      return true
    }
    const name = NotifyView.nameOf(destination)
    lane.current = { run: next.run, event: next.event, destination: name, problem: lane.current?.event === next.event ? lane.current.problem : undefined }
    const address = yield* Effect.tapError(AddressLookup.find(destination), () => recorded(log.release(lane, holder)))
    const message = NotifyMessage.make(next, address, yield* Clock.currentTimeMillis)
    const outcome = yield* Effect.either(parts.permitsOf(lane.destination).run(Delivery.post(parts.client, message)))
    if (Either.isLeft(outcome) && outcome.left.isTransient && !(yield* isTooOld(next))) {
      lane.current = { ...lane.current, problem: outcome.left.reason }
      yield* Effect.logInfo(`${name} does not take a notification of run ${next.run} yet: ${outcome.left.reason}`)
      yield* Effect.sleep(Duration.max(pause, outcome.left.retryAfter ?? Duration.zero))
      pause = Duration.min(Duration.times(pause, 2), longestPause)
      continue
    }
    if (Either.isLeft(outcome)) {
      yield* Effect.logWarning(`${name} does not take a notification of run ${next.run}, which is given up: ${outcome.left.reason}`)
    }
    pause = firstPause
    lane.settled = next.number
    lane.current = undefined
    yield* recorded(log.settle(lane, holder, { settled: next.number, seen: claimed.value.seen, isOver: false }))
  }
})

/** Asks the record until it answers: what it holds is all that there is to tell. */
const recorded = <A>(asking: Effect.Effect<A, { readonly message: string }>): Effect.Effect<A> =>
  Effect.catchAll(asking, ({ message }) =>
    Effect.logDebug(`what was told of runs is not known: ${message}`).pipe(
      Effect.zipRight(Effect.sleep(recordPause)),
      Effect.zipRight(Effect.suspend(() => recorded(asking)))
    ))

const isSame = (one: RunEvent, other: RunEvent): boolean => one._tag === other._tag && DateTime.toEpochMillis(one.at) === DateTime.toEpochMillis(other.at)

/** Reads what there is to tell of a run. One that tells something it has not written down yet is given time for that. */
const read = Effect.fnUntraced(function*({ log }: Parts, lane: TellingLane) {
  for (let look = 0;; look++) {
    const events = yield* recorded(log.history(lane.run))
    const { latest } = lane
    if (latest === undefined || look >= looks || events.some((event) => isSame(event, latest))) return Notification.report(events)
    yield* Effect.sleep(lookPause)
  }
})

const isTooOld = ({ at }: Notification.Notification) =>
  Effect.map(DateTime.now, (now) => DateTime.distance(at, now) > Duration.toMillis(longestAge))

/** Who is told here does not include the destination. When nobody has told it for a day, nobody does any more. */
const abandon = Effect.fnUntraced(function*({ holder, log }: Parts, lane: TellingLane, report: Notification.Report) {
  const last = report.notifications.at(-1)
  if (last !== undefined && !(yield* isTooOld(last))) return false
  if (Option.isSome(yield* recorded(log.claim(lane, holder, claimSeconds)))) {
    yield* recorded(log.settle(lane, holder, { settled: report.notifications.length, seen: report.seen, isOver: report.isOver }))
    yield* recorded(log.release(lane, holder))
  }
  return false
})
