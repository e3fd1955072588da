/** How soon the heartbeat notices that a backend is gone, against the bound of the specification. */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import { AgamemnonClient, EmbeddedAgamemnon, Faults, Heartbeat } from "telemachy"
import * as Figure from "./Figure.ts"

const interval = Duration.millis(200)
const timeout = Duration.millis(100)
const failureThreshold = 3
const rounds = 20

const bound = Duration.toMillis(interval) +
  (failureThreshold - 1) * Duration.toMillis(Duration.max(interval, timeout)) + Duration.toMillis(timeout)

/** The time from the last answer to the failure; the fault begins at a different moment of the interval each time. */
const detection = (fault: Faults.Fault, round: number) =>
  Effect.gen(function*() {
    const server = yield* EmbeddedAgamemnon.make()
    const client = yield* AgamemnonClient.make({ ...server, pingTimeout: timeout })
    let lastAnswer = yield* Clock.currentTimeMillis
    const probe = Effect.tap(client.ping, () => Effect.map(Clock.currentTimeMillis, (now) => (lastAnswer = now)))
    yield* probe
    const fail = Effect.delay(server.setFaults([fault]), Duration.times(interval, 1 + round / rounds))
    yield* Effect.fork(fail)
    yield* Effect.flip(Heartbeat.guard(Effect.never, { probe, interval, timeout, failureThreshold }))
    return (yield* Clock.currentTimeMillis) - lastAnswer
  }).pipe(Effect.scoped)

const worst = (fault: Faults.Fault) =>
  Effect.map(
    Effect.forEach(Array.from({ length: rounds }, (_, round) => round), (round) => detection(fault, round)),
    (times) => Math.max(...times)
  )

const figures = Effect.gen(function*() {
  const refused = yield* worst(Faults.Refuse())
  const hung = yield* worst(Faults.Hang({}))
  const limit = `I + (N-1)*max(I,T) + T with I ${Duration.format(interval)}, T ${Duration.format(timeout)}, N ${failureThreshold}`
  yield* Figure.report("detect", [
    { name: `a refusing backend is noticed, slowest of ${rounds}`, value: refused, unit: "ms", against: bound, limit },
    { name: `a hung backend is noticed, slowest of ${rounds}`, value: hung, unit: "ms", against: bound, limit }
  ])
})

figures.pipe(
  Effect.provide([NodeContext.layer, NodeHttpClient.layer, Logger.minimumLogLevel(LogLevel.Warning)]),
  NodeRuntime.runMain
)
