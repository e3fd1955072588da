/** What the journal says of all runs, whichever process drives them: read when it is asked for, and not at each event. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as MetricFamily from "../run/MetricFamily.ts"
import { RunnerRegistry } from "../run/RunnerRegistry.ts"
import { RunQueue } from "../run/RunQueue.ts"
import * as RunStore from "../store/RunStore.ts"

/** Without it, what is said of the journal is not a number. */
export const isUp = MetricFamily.gauge("telemachy_journal_up", "1 when the journal has answered what the metrics of it were made from, 0 when it has not")

export const queued = MetricFamily.gauge("telemachy_queue_runs", "Runs that wait for a runner or for a place in their group, at most 1000")

export const oldest = MetricFamily.gauge("telemachy_queue_oldest_seconds", "How long ago the run was submitted that has waited longest; 0 when none waits")

export const runners = MetricFamily.gauge("telemachy_runners", "Runners of the database that live")

/** `state` is left, of what could not be removed, or kept, of what is there on purpose. */
export const leftovers = MetricFamily.gauge("telemachy_leftover_resources", "Agents and teams that runs which nobody drives have left or kept", "state")

export const interrupted = MetricFamily.gauge("telemachy_interrupted_runs", "Runs that are not over and that nobody drives, which may have something on Agamemnon")

export const messages = MetricFamily.gauge("telemachy_messages_unprocessed", "Messages of the cluster that nobody has answered for more than 30 s")

/** How long the journal may take to answer. */
const timeout = "5 seconds"

/** For how long what was read holds. */
const validFor = "2 seconds"

const sum = (numbers: ReadonlyArray<number | undefined>): number => numbers.reduce<number>((total, each = 0) => total + each, 0)

const read = Effect.gen(function*() {
  const { open } = yield* RunQueue
  const { living } = yield* RunnerRegistry
  const { unsettled } = yield* RunStore.RunStore
  const waiting = (yield* open).filter(({ isQueued }) => isQueued)
  const alive = yield* living
  const undriven = (yield* unsettled()).filter(({ owner }) => owner === undefined)
  const now = yield* Clock.currentTimeMillis
  const submitted = waiting.map(({ at }) => Date.parse(at)).filter(Number.isFinite)
  return {
    queued: waiting.length,
    // The clocks of two hosts need not agree.
    oldest: submitted.length === 0 ? 0 : Math.max(0, now - Math.min(...submitted)) / 1000,
    runners: alive.length,
    left: sum(undriven.map(({ left }) => left)),
    kept: sum(undriven.map(({ kept }) => kept)),
    interrupted: undriven.filter(({ status }) => status === "interrupted").length,
    messages: Math.max(0, ...alive.map(({ overdueMessages }) => overdueMessages)),
    isUp: 1
  }
})

const unknown = {
  queued: Number.NaN,
  oldest: Number.NaN,
  runners: Number.NaN,
  left: Number.NaN,
  kept: Number.NaN,
  interrupted: Number.NaN,
  messages: Number.NaN,
  isUp: 0
}

const set = (known: typeof unknown) =>
  Effect.all([
    isUp.update(known.isUp, {}),
    queued.update(known.queued, {}),
    oldest.update(known.oldest, {}),
    runners.update(known.runners, {}),
    leftovers.update(known.left, { state: "left" }),
    leftovers.update(known.kept, { state: "kept" }),
    interrupted.update(known.interrupted, {}),
    messages.update(known.messages, {})
  ], { discard: true })

/** Makes what reads the journal into the metrics, at most every other second however often it is asked. It never fails. */
export const make = Effect.gen(function*() {
  const refresh = read.pipe(
    Effect.timeout(timeout),
    Effect.catchAll((error) => Effect.as(Effect.logDebug(`the journal is not measured: ${error.message}`), unknown)),
    Effect.flatMap(set)
  )
  return yield* Effect.cachedWithTTL(refresh, validFor)
})

/** How often the journal is read where nobody asks, but metrics are sent. */
const interval = "10 seconds"

/** Reads the journal into the metrics again and again, until the scope closes. */
export const keep = Effect.flatMap(make, (refresh) => Effect.forkScoped(Effect.interruptible(Effect.repeat(refresh, Schedule.spaced(interval)))))
