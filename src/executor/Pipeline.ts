/**
 * One run, from preflight to teardown.
 *
 * ```text
 * preflight → provision agents → create teams → dispatch tasks ⇄ monitor → outcome → teardown
 *             └──────────── the heartbeat runs over all of this ────────────┘
 * ```
 */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import * as Connectivity from "../liveness/Connectivity.ts"
import * as MonotonicTime from "../liveness/MonotonicTime.ts"
import type * as Pinger from "../liveness/Pinger.ts"
import * as Race from "../liveness/Race.ts"
import type { EventBody } from "../run/RunEvent.ts"
import * as RunSpan from "../run/RunSpan.ts"
import * as RunState from "../run/RunState.ts"
import type { TeamSpec } from "../workflow/WorkflowSpec.ts"
import type { TeardownPolicy } from "../workflow/TeardownPolicy.ts"
import { BudgetGuard } from "./BudgetGuard.ts"
import * as Cancellation from "./Cancellation.ts"
import { CurrentRun, finish } from "./CurrentRun.ts"
import * as Dispatch from "./Dispatch.ts"
import * as FeedReport from "./FeedReport.ts"
import * as Preflight from "./Preflight.ts"
import * as Provisioning from "./Provisioning.ts"
import * as Resume from "./Resume.ts"
import { TasksFailedError, WorkflowTimeoutError } from "./RunError.ts"
import * as RunHeartbeat from "./RunHeartbeat.ts"
import { RunRequest } from "./RunRequest.ts"
import * as Teardown from "./Teardown.ts"

/** What a run is told. */
export interface Options {
  readonly policy: TeardownPolicy
  readonly limit: Duration.Duration
  /** The pinger, which the heartbeats of other runs on the same Agamemnon use as well. */
  readonly pinger: Effect.Effect<Pinger.Pinger, never, Scope.Scope>
  /** The first event of the run. */
  readonly beginning: EventBody
  /** Removes what dead runs have left on the same Agamemnon, if there can be any. Runs beside the work. */
  readonly sweep: Effect.Effect<void, never, AgamemnonClient | CurrentRun | RunRequest> | undefined
}

/** Runs the current run in the scope that it is given. */
export const run = Effect.fnUntraced(function*({ beginning, limit, pinger, policy, sweep }: Options) {
  const { id, workflow } = yield* CurrentRun
  const connectivity = yield* Connectivity.make(yield* DateTime.now)
  const endsAt = (yield* MonotonicTime.millis) + Duration.toMillis(limit)

  // The scope unwinds in reverse: the heartbeat stops, teardown reads what it left in the Ref, the run is finished.
  // Not to be interrupted in between: whoever hears that a run has started hears how it ended.
  yield* Effect.uninterruptible(Effect.zipRight(announce(beginning), Teardown.onClose(connectivity, policy)))
  const overtime = Effect.flatMap(Effect.sleep(limit), () => new WorkflowTimeoutError({ workflow, run: id, limit }))
  yield* RunSpan.preflight(Preflight.preflight).pipe(
    Effect.zipRight(RunHeartbeat.start(pinger, connectivity)),
    Effect.flatMap((heartbeat) => RunHeartbeat.guard(withBackground(sweep, work), heartbeat, endsAt)),
    Race.unless(overtime, ...(yield* Cancellation.requests))
  )
})

/** Says that the run has begun, and that it is finished when the scope has done everything else. */
const announce = (beginning: EventBody) =>
  Effect.flatMap(CurrentRun, ({ emitBefore }) => Effect.acquireRelease(emitBefore(beginning), () => finish))

/** What the heartbeat watches over. */
const work = Effect.gen(function*() {
  const request = yield* RunRequest
  const done = Resume.doneBefore(request)
  yield* Effect.forEach(done, (team) => Resume.confirm(request, team), { discard: true })
  const left = request.spec.teams.filter((team) => !done.includes(team))
  if (left.length > 0) {
    const { begin, exceeded } = yield* BudgetGuard
    yield* begin
    yield* Race.unless(...exceeded)(tasksOf(left))
  }
  yield* verdict
})

/** Makes agents and teams, and has the tasks done. */
const tasksOf = Effect.fnUntraced(function*(needed: ReadonlyArray<TeamSpec>) {
  const teams = yield* Provisioning.provision(needed)
  yield* FeedReport.start
  yield* Dispatch.dispatch(teams)
}, Effect.scoped)

/** How long a run that is done waits for the sweep beside it. */
const sweepGrace = Duration.seconds(5)

/** Runs a sweep beside the work, which waits a moment for it when it succeeds, and not when it fails. It ends with the run. */
const withBackground = <A, E, R, R2>(sweep: Effect.Effect<void, never, R2> | undefined, effect: Effect.Effect<A, E, R>) =>
  sweep === undefined ? effect : Effect.flatMap(Effect.forkScoped(Effect.interruptible(sweep)), (fiber) =>
    Effect.zipLeft(effect, Effect.timeoutOption(Fiber.await(fiber), sweepGrace)))

/** Fails unless every task of the run is completed. */
const verdict = Effect.gen(function*() {
  const run = yield* CurrentRun
  const tasks = yield* Effect.map(run.state, (state) => (state === undefined ? [] : RunState.tasks(state)))
  const failed = tasks.filter((task) => task.status !== "completed" && !task.byCondition && !RunState.isTolerated(task))
  if (failed.length > 0) {
    return yield* new TasksFailedError({
      workflow: run.workflow,
      run: run.id,
      total: tasks.length,
      tasks: failed.map(({ gate, log, result, status, subject, team }) => ({
        team,
        subject,
        status: gate?.answer?.decision === "rejected" ? `rejected by ${gate.answer.by}` : status,
        ...(result === undefined ? {} : { result }),
        ...(log === undefined ? {} : { log })
      }))
    })
  }
})
