/** How fast a drill goes: everything in fractions of a second, and yet longer than an Agamemnon that is well takes. */
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import type { RunSettings } from "../executor/RunSettings.ts"
import { defaults } from "../executor/RunSettings.ts"
import * as Settings from "../settings/Settings.ts"

/** The settings of the runs of a drill. */
export interface Pace extends RunSettings {
  readonly requestTimeout: Duration.Duration
}

/** How many pings are timed. */
const samples = 3

const shortest = Duration.seconds(1)
const longest = Duration.seconds(5)

/** Teardown waits as long as a request may take for what may still appear, and then removes it. */
const graceFor = (requestTimeout: Duration.Duration): Duration.Duration => Duration.sum(requestTimeout, longest)

/** The pace for an Agamemnon that takes so long to answer a ping. */
export const of = (answerTime: Duration.Duration): Pace => {
  const healthcheckTimeout = Duration.clamp(Duration.times(answerTime, 10), { minimum: shortest, maximum: longest })
  const requestTimeout = Duration.times(healthcheckTimeout, 3)
  return {
    ...defaults,
    healthcheckInterval: Duration.millis(250),
    healthcheckFailureThreshold: 3,
    healthcheckTimeout,
    monitorPoll: Duration.millis(150),
    workflowTimeout: Duration.seconds(30),
    teardownGrace: graceFor(requestTimeout),
    hostId: undefined,
    // Longer than the pings need to lose an Agamemnon: it is they that notice.
    requestTimeout
  }
}

/**
 * The pace of a process of its own, in whose cases no time-out has a part: one that has hardly begun on a machine with
 * much else to do is not to take Agamemnon for dead.
 */
export const patient = (pace: Pace): Pace => ({
  ...pace,
  healthcheckTimeout: longest,
  requestTimeout: longest,
  teardownGrace: graceFor(longest)
})

/** Times pings, and answers the pace for the middle one. */
export const measure = <E, R>(ping: Effect.Effect<void, E, R>): Effect.Effect<Pace, E, R> => {
  const timed = Effect.gen(function*() {
    const begun = yield* Clock.currentTimeNanos
    yield* ping
    return Duration.nanos((yield* Clock.currentTimeNanos) - begun)
  })
  return Effect.map(Effect.replicateEffect(timed, samples), (times) =>
    of(Option.getOrElse(Arr.get(Arr.sort(times, Order.mapInput(Order.number, Duration.toMillis)), 1), () => shortest)))
}

/** When an Agamemnon that is gone has been noticed at the latest, after its last answer. */
export const lossBound = ({ healthcheckFailureThreshold, healthcheckInterval, healthcheckTimeout }: Pace): Duration.Duration =>
  Duration.sum(
    Duration.sum(healthcheckInterval, healthcheckTimeout),
    Duration.times(Duration.max(healthcheckInterval, healthcheckTimeout), healthcheckFailureThreshold - 1)
  )

const seconds = (duration: Duration.Duration): string => String(Duration.toSeconds(duration))

/** A pace as the variables that the command reads, without the settings that would change what a run does. */
export const variables = (pace: Pace): Readonly<Record<string, string>> => ({
  [Settings.healthcheckInterval.name]: seconds(pace.healthcheckInterval),
  [Settings.healthcheckFailureThreshold.name]: String(pace.healthcheckFailureThreshold),
  [Settings.healthcheckTimeout.name]: seconds(pace.healthcheckTimeout),
  [Settings.monitorPoll.name]: seconds(pace.monitorPoll),
  [Settings.requestTimeout.name]: seconds(pace.requestTimeout),
  [Settings.workflowTimeout.name]: seconds(pace.workflowTimeout),
  [Settings.teardownGrace.name]: seconds(pace.teardownGrace),
  [Settings.natsUrl.name]: "",
  [Settings.hostId.name]: ""
})
