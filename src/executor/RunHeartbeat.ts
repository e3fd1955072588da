/**
 * The heartbeat of a run: it watches over the work, its requests bring the next
 * ping forward when they fail, and what it sees is published as events.
 */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as SubscriptionRef from "effect/SubscriptionRef"
import type { AgamemnonError } from "../agamemnon/AgamemnonError.ts"
import { backoff, RequestRetry } from "../agamemnon/RequestRetry.ts"
import * as Connectivity from "../liveness/Connectivity.ts"
import * as Heartbeat from "../liveness/Heartbeat.ts"
import * as MonotonicTime from "../liveness/MonotonicTime.ts"
import type * as Pinger from "../liveness/Pinger.ts"
import * as QueueLoop from "../liveness/QueueLoop.ts"
import * as Race from "../liveness/Race.ts"
import { CurrentRun, permissionOf } from "./CurrentRun.ts"
import { WorkflowConnectivityError } from "./RunError.ts"
import { RunYieldedError } from "./RunYieldedError.ts"

/** What the backend of a run is called. */
export const backend = "Agamemnon"

/**
 * Starts the heartbeat of the current run, which fails with {@link WorkflowConnectivityError}. The preflight stands as
 * its first answer.
 */
export const start = Effect.fnUntraced(function*(
  pinger: Effect.Effect<Pinger.Pinger, never, Scope.Scope>,
  connectivity: Connectivity.ConnectivityRef
) {
  const { id, settings, workflow } = yield* CurrentRun
  const alive = Connectivity.Alive({ lastAnswer: yield* DateTime.now })
  yield* SubscriptionRef.set(connectivity, alive)
  const pinging = yield* pinger
  const tell = yield* reporter(pinging)
  yield* tell(alive)
  return yield* Heartbeat.fromPingerWith(
    pinging,
    { failureThreshold: settings.healthcheckFailureThreshold, connectivity, backend, onChange: tell },
    (loss) => new WorkflowConnectivityError({ ...loss, workflow, run: id })
  )
})

/** Runs the work for as long as the heartbeat has not given up. `endsAt`: when the run reaches its limit, in milliseconds. */
export const guard = <A, E, R>(work: Effect.Effect<A, E, R>, heartbeat: Heartbeat.Heartbeat<WorkflowConnectivityError>, endsAt: number) =>
  // The work is ended first: whoever is told of the loss must not hold that up.
  withRetries(work, heartbeat, endsAt).pipe(
    Race.unless(heartbeat.lost),
    orHandOver,
    Effect.tapError((error) => (error instanceof WorkflowConnectivityError ? reportLost(error) : Effect.void))
  )

/** Hands the run over that this process has lost Agamemnon for, if another may reach it. */
export const orHandOver = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.tapError(effect, (error) => (error instanceof WorkflowConnectivityError ? handOver(error) : Effect.void))

const handOver = Effect.fnUntraced(function*({ lastError, run, workflow }: WorkflowConnectivityError) {
  const { isReachedElsewhere } = yield* CurrentRun
  if (!(yield* isReachedElsewhere)) return
  const reason = `Agamemnon does not answer its runner: ${lastError}`
  return yield* new RunYieldedError({ workflow, run, reason, unreachable: true })
})

/** A time as exact as it is on record. */
const inMillis = (time: Duration.Duration) => Duration.millis(Math.round(Duration.toMillis(time)))

/** How many states wait until they are published. One comes with each ping. */
const mostUntold = 64

/**
 * Publishes each state that it is told, in a fiber of its own, as pings must not wait for that. The last is none of these: the
 * loss ends the run, and this fiber with it.
 */
const reporter = Effect.fnUntraced(function*(pinger: Pinger.Pinger) {
  const { emit } = yield* CurrentRun
  const states = yield* Queue.sliding<Connectivity.Connectivity>(mostUntold)
  const publish = Connectivity.match({
    Alive: ({ lastAnswer }) =>
      Effect.flatMap(pinger.took, (took) =>
        emit({ _tag: "connectivity.alive", lastAnswer, ...Option.match(took, { onNone: () => ({}), onSome: (took) => ({ took: inMillis(took) }) }) })),
    Suspect: ({ failures, lastAnswer }) => emit({ _tag: "connectivity.suspect", lastAnswer, failures }),
    Lost: () => Effect.void
  })
  yield* Effect.forkScoped(Effect.interruptible(QueueLoop.forEach(states, publish)))
  return (state: Connectivity.Connectivity) => Queue.offer(states, state)
})

const reportLost = ({ consecutiveFailures, lastAnswer }: WorkflowConnectivityError) =>
  Effect.flatMap(CurrentRun, ({ emit }) =>
    emit({
      _tag: "connectivity.lost",
      failures: consecutiveFailures,
      ...(lastAnswer === undefined ? {} : { lastAnswer })
    }))

/** What there is to say of a failure. A server may ask for more time than the run has. */
const inWords = ({ message, retryAfter = Duration.zero }: AgamemnonError, left: number): string =>
  Duration.toMillis(retryAfter) > left ? `${message}; the run reaches its limit before that` : message

/** Repeats requests for as long as the work lasts, and tells the heartbeat of each that fails in transport. */
const withRetries = <A, E, R>(work: Effect.Effect<A, E, R>, heartbeat: Heartbeat.Heartbeat<WorkflowConnectivityError>, endsAt: number) =>
  Effect.flatMap(CurrentRun, (run) =>
    Effect.provideService(work, RequestRetry, {
      schedule: backoff,
      permission: permissionOf(run),
      onFailure: (error) =>
        Effect.map(MonotonicTime.millis, (now) => inWords(error, endsAt - now)).pipe(
          Effect.flatMap((words) => run.emit({ _tag: "request.failed", error: words })),
          Effect.zipRight(error.reason === "Transport" ? heartbeat.suspect : Effect.void)
        )
    }))
