/**
 * One run, from preflight to teardown.
 *
 * ```text
 * preflight → provision agents → create teams → dispatch tasks ⇄ monitor → outcome → teardown
 *             └──────────── the heartbeat runs over all of this ────────────┘
 * ```
 */
import type * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import * as TaskEvents from "../agamemnon/TaskFeed.ts"
import { backoff, Persistence } from "../agamemnon/RequestRetry.ts"
import * as Connectivity from "../liveness/Connectivity.ts"
import * as Heartbeat from "../liveness/Heartbeat.ts"
import type * as Pulse from "../liveness/Pinger.ts"
import type { TeardownPolicy } from "../workflow/TeardownPolicy.ts"
import { Assignment } from "./RunRequest.ts"
import { CurrentRun, finish } from "./CurrentRun.ts"
import * as Dispatch from "./Dispatch.ts"
import * as Provisioning from "./Provisioning.ts"
import { RunCancelledError, TasksFailedError, WorkflowTimeoutError } from "./RunError.ts"
import type { Happening } from "../run/RunEvent.ts"
import * as RunState from "../run/RunState.ts"
import * as Teardown from "./Teardown.ts"

/** What a run is told. */
export interface Options {
  readonly policy: TeardownPolicy
  readonly limit: Duration.Duration
  /** The pings, which other runs on the same Agamemnon count as well. */
  readonly pulse: Effect.Effect<Pulse.Pulse, never, Scope.Scope>
  /** The first event of the run. */
  readonly beginning: Happening
  /** Removes what dead runs have left on the same Agamemnon. Runs beside the work. */
  readonly sweep: Effect.Effect<void, never, AgamemnonClient | CurrentRun>
}

/** Runs the current run in the scope that it is given. */
export const run = Effect.fnUntraced(function*({ beginning, limit, policy, pulse, sweep }: Options) {
  const { id, workflow } = yield* CurrentRun
  const connectivity = yield* Connectivity.make(yield* DateTime.now)

  // The scope unwinds in reverse: the heartbeat stops, teardown reads what it left in the Ref, the run is finished.
  // Not to be interrupted in between: whoever hears that a run has started hears how it ended.
  yield* Effect.uninterruptible(Effect.zipRight(announce(beginning), Teardown.onClose(connectivity, policy)))
  yield* preflight.pipe(
    Effect.zipRight(startHeartbeat(pulse, connectivity)),
    Effect.flatMap((heartbeat) =>
      Effect.raceFirst(
        persistently(beside(sweep, work), heartbeat),
        Effect.tapError(heartbeat.lost, reportLost)
      )),
    Effect.raceFirst(intervention),
    Effect.timeoutFail({
      duration: limit,
      onTimeout: () => new WorkflowTimeoutError({ workflow, run: id, limit })
    })
  )
})

/** Says that the run has begun, and that it is finished when the scope has done everything else. */
const announce = (beginning: Happening) =>
  Effect.flatMap(CurrentRun, ({ intend }) => Effect.acquireRelease(intend(beginning), () => finish))

/** One ping before anything is made. */
const preflight = Effect.gen(function*() {
  const agamemnon = yield* AgamemnonClient
  const { emit, id, settings, workflow } = yield* CurrentRun
  const { schedule } = yield* Persistence
  yield* agamemnon.preflight.pipe(
    Effect.provideService(Persistence, {
      schedule,
      onFailure: ({ message }) => emit({ _tag: "request.failed", error: message })
    }),
    Effect.catchTag("PingError", (error) =>
      Effect.flatMap(DateTime.now, (lostAt) =>
        new Heartbeat.WorkflowConnectivityError({
          workflow,
          run: id,
          consecutiveFailures: 1,
          threshold: settings.healthcheckFailureThreshold,
          interval: settings.healthcheckInterval,
          lostAt,
          lastError: error.message
        })))
  )
})

/** Starts the heartbeat, for which the preflight stands as the first beat. */
const startHeartbeat = Effect.fnUntraced(function*(
  pulse: Options["pulse"],
  connectivity: Connectivity.ConnectivityRef
) {
  const { id, settings, workflow } = yield* CurrentRun
  yield* SubscriptionRef.set(connectivity, Connectivity.Alive({ lastAnswer: yield* DateTime.now }))
  yield* report(connectivity)
  return yield* Heartbeat.on(yield* pulse, {
    failureThreshold: settings.healthcheckFailureThreshold,
    connectivity,
    workflow,
    run: id
  })
})

/** Publishes each change of the Ref, but for the last: the loss ends the run, and this fiber with it. */
const report = Effect.fnUntraced(function*(connectivity: Connectivity.ConnectivityRef) {
  const { emit } = yield* CurrentRun
  yield* connectivity.changes.pipe(
    Stream.runForEach(Connectivity.match({
      Alive: ({ lastAnswer }) => emit({ _tag: "connectivity.alive", lastAnswer }),
      Suspect: ({ failures, lastAnswer }) => emit({ _tag: "connectivity.suspect", lastAnswer, failures }),
      Lost: () => Effect.void
    })),
    Effect.interruptible,
    Effect.forkScoped
  )
})

const reportLost = ({ consecutiveFailures, lastAnswer }: Heartbeat.WorkflowConnectivityError) =>
  Effect.flatMap(CurrentRun, ({ emit }) =>
    emit({
      _tag: "connectivity.lost",
      failures: consecutiveFailures,
      ...(lastAnswer === undefined ? {} : { lastAnswer })
    }))

/** Repeats requests for as long as the heartbeat has not given up, and lets it hear of each that fails. */
const persistently = <A, E, R>(effect: Effect.Effect<A, E, R>, heartbeat: Heartbeat.Heartbeat) =>
  Effect.flatMap(CurrentRun, ({ emit }) =>
    Effect.provideService(effect, Persistence, {
      schedule: backoff,
      onFailure: (error) =>
        emit({ _tag: "request.failed", error: error.message }).pipe(
          Effect.zipRight(error.reason === "Transport" ? heartbeat.suspect : Effect.void)
        )
    }))

/** What the heartbeat watches over. */
const work = Effect.gen(function*() {
  const done = doneBefore(yield* Assignment)
  if (Option.isNone(done)) {
    const teams = yield* Provisioning.provision
    yield* reportLink
    yield* Effect.forEach(teams, Dispatch.dispatch, { concurrency: "unbounded", discard: true })
  } else {
    yield* Effect.forEach(done.value, confirm, { discard: true })
  }
  yield* verdict
}).pipe(Effect.scoped)

/** Says when no events come, once until they do. */
const reportLink = Effect.gen(function*() {
  const { emit } = yield* CurrentRun
  const { links } = yield* TaskEvents.TaskEvents
  const tell = (wasLost: boolean, link: TaskEvents.Link) => {
    const isLost = TaskEvents.isLink("Down")(link)
    if (isLost && !wasLost) return Effect.as(emit({ _tag: "events.lost", reason: link.reason }), isLost)
    return wasLost && TaskEvents.isLink("Up")(link) ? Effect.as(emit({ _tag: "events.restored" }), isLost) : Effect.succeed(wasLost)
  }
  yield* links.pipe(Stream.runFoldEffect(false, tell), Effect.interruptible, Effect.forkScoped)
})

/** Every task of the workflow, if all of them were completed before the run was resumed. */
const doneBefore = ({ before, spec }: Context.Tag.Service<Assignment>): Option.Option<ReadonlyArray<RunState.TaskState>> =>
  before === undefined ? Option.none() : Option.all(
    spec.teams.flatMap(({ name, tasks }) =>
      tasks.map(({ subject }) =>
        Option.flatMap(HashMap.get(before.tasks, name), HashMap.get(subject)).pipe(
          Option.filter(({ status }) => status === "completed")
        )))
  )

/** Says of a task of a resumed run that it is completed. */
const confirm = ({ id = "", result, subject, team }: RunState.TaskState) =>
  Effect.flatMap(CurrentRun, ({ emit }) =>
    emit({
      _tag: "task.finished",
      team,
      subject,
      id,
      status: "completed",
      earlier: true,
      ...(result === undefined ? {} : { result })
    }))

/** How long a run that is done waits for what runs beside it. */
const courtesy = Duration.seconds(5)

/** Runs an effect beside another, which waits a moment for it when it succeeds, and not when it fails. */
const beside = <A, E, R, R2>(aside: Effect.Effect<void, never, R2>, effect: Effect.Effect<A, E, R>) =>
  Effect.scoped(Effect.flatMap(Effect.forkScoped(aside), (fiber) =>
    Effect.zipLeft(effect, Effect.timeoutOption(Fiber.await(fiber), courtesy))))

/** Fails unless every task of the run is completed. */
const verdict = Effect.gen(function*() {
  const run = yield* CurrentRun
  const tasks = yield* Effect.map(run.state, (state) => (state === undefined ? [] : RunState.tasks(state)))
  const failed = tasks.filter(({ status }) => status !== "completed")
  if (failed.length > 0) {
    return yield* new TasksFailedError({
      workflow: run.workflow,
      run: run.id,
      total: tasks.length,
      tasks: failed.map(({ status, subject, team }) => ({ team, subject, status }))
    })
  }
})

/** Waits for whoever ends the run by its record: a person who cancels it, or a process that takes it. */
const intervention = Effect.flatMap(CurrentRun, ({ emit, id, recording, workflow }) =>
  Option.match(recording, {
    onNone: () => Effect.never,
    onSome: ({ cancelled, taken }) =>
      Effect.raceFirst(
        taken,
        Effect.flatMap(cancelled, (by) =>
          Effect.zipRight(
            emit({ _tag: "run.cancelling", by }),
            new RunCancelledError({ workflow, run: id, by })
          ))
      )
  }))
