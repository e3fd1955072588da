/**
 * Takes down what a run made.
 *
 * Teardown is a finalizer of the run's scope: it runs on success, failure,
 * timeout, interruption and defect alike, and nothing interrupts it. It reads
 * the connectivity Ref and the outcome, and decides by one table.
 *
 * It ends: an Agamemnon that was lost has the grace to answer again, and then
 * removal ends when nothing could be removed for as long as the grace. What has
 * not been removed by then is left, and every resource is reported once, as
 * removed, kept or left.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import { backoff, Persistence } from "../agamemnon/Persistence.ts"
import type { ConnectivityRef } from "../liveness/Connectivity.ts"
import type { TeardownPolicy } from "../workflow/WorkflowSpec.ts"
import { CurrentRun } from "./CurrentRun.ts"
import * as Leftovers from "./Leftovers.ts"
import { outcomeOf } from "./RunError.ts"
import type { Outcome } from "./RunEvent.ts"
import * as RunState from "./RunState.ts"

/** What teardown does with what the run made. */
export type Decision = "remove" | "keep"

/** The table by which teardown decides, and nothing else. */
export const decisions: Record<Outcome, Record<TeardownPolicy, Decision>> = {
  completed: { on_completion: "remove", on_failure: "keep", always: "remove", never: "keep" },
  connectivity_lost: { on_completion: "remove", on_failure: "remove", always: "remove", never: "keep" },
  state_lost: { on_completion: "remove", on_failure: "remove", always: "remove", never: "keep" },
  failed: { on_completion: "keep", on_failure: "remove", always: "remove", never: "keep" },
  timed_out: { on_completion: "keep", on_failure: "remove", always: "remove", never: "keep" },
  cancelled: { on_completion: "remove", on_failure: "remove", always: "remove", never: "keep" }
}

/** Adds teardown to the current scope. */
export const onClose = (connectivity: ConnectivityRef, policy: TeardownPolicy) =>
  Effect.flatMap(Effect.context<AgamemnonClient | CurrentRun>(), (context) =>
    Effect.addFinalizer((exit) =>
      // A fiber of its own, because this one may be interrupted: there, every wait would end at once.
      teardown(connectivity, policy, exit).pipe(
        Effect.annotateLogs({ module: "Teardown" }),
        Effect.provide(context),
        Effect.interruptible,
        Effect.forkDaemon,
        Effect.flatMap(Fiber.join)
      )
    ))

const teardown = Effect.fnUntraced(function*(
  connectivity: ConnectivityRef,
  policy: TeardownPolicy,
  exit: Exit.Exit<unknown, unknown>
) {
  const run = yield* CurrentRun
  const isLost = (yield* SubscriptionRef.get(connectivity))._tag === "Lost"
  const { outcome, reason } = outcomeOf(exit)
  yield* run.emit({ _tag: "run.decided", outcome, reason })
  const resources = yield* unreported
  if (resources.length === 0) return
  const decision = decisions[outcome][policy]
  yield* run.emit({ _tag: "teardown.started", decision })
  if (decision === "keep") return yield* Effect.forEach(resources, keep, { discard: true })
  const obstacle = yield* Effect.catchAllCause(remove(isLost), defective)
  yield* Effect.forEach(yield* unreported, leave(obstacle), { discard: true })
})

/** What the run has made and teardown has not yet said what became of it. */
const unreported = Effect.flatMap(CurrentRun, ({ state }) =>
  Effect.map(state, (reached) =>
    reached === undefined
      ? []
      : RunState.remaining(reached).filter(({ status }) => status !== "kept" && status !== "left")))

const named = ({ id, key, name }: RunState.ResourceState) => ({ name, key, ...(id === undefined ? {} : { id }) })

const keep = (resource: RunState.ResourceState) =>
  Effect.flatMap(CurrentRun, (run) => run.emit({ _tag: `${resource.kind}.kept`, ...named(resource) }))

const leave = (error: string) => (resource: RunState.ResourceState) =>
  Effect.flatMap(CurrentRun, (run) => run.emit({ _tag: `${resource.kind}.left`, ...named(resource), error }))

/** Removes what the run has made. Answers why whatever has not been reported by its end is still there. */
const remove = Effect.fnUntraced(function*(isLost: boolean) {
  const { settings } = yield* CurrentRun
  const grace = Duration.format(settings.teardownGrace)
  if (isLost && !(yield* awaitAnswer)) return `Agamemnon did not answer within ${grace}`
  return `not removed within ${grace}: ${yield* removeAll}`
})

const defective = (cause: Cause.Cause<never>) =>
  Effect.as(
    Effect.logError("teardown has a defect", cause),
    `a defect in the program: ${String(Cause.squash(cause))}`
  )

/** Waits until Agamemnon answers a ping again, for as long as the grace lasts. */
const awaitAnswer = Effect.gen(function*() {
  const agamemnon = yield* AgamemnonClient
  const { emit, settings } = yield* CurrentRun
  yield* emit({ _tag: "teardown.waiting", grace: settings.teardownGrace })
  return yield* Effect.retry(agamemnon.ping, Schedule.spaced("1 second")).pipe(
    Effect.option,
    Effect.timeoutTo({ duration: settings.teardownGrace, onSuccess: Option.isSome, onTimeout: () => false })
  )
})

/**
 * Removes teams, then agents, for as long as that gets on: when nothing was
 * removed for the length of the grace, whatever is under way is cut. Until then
 * a request that fails in transport is repeated. Answers what went wrong last.
 */
const removeAll = Effect.gen(function*() {
  const { emit, settings: { teardownGrace } } = yield* CurrentRun
  const resources = yield* unreported
  const lastFailure = yield* Ref.make("Agamemnon did not answer")
  const removedAt = yield* Effect.flatMap(Clock.currentTimeMillis, Ref.make)
  const onRemoved = Effect.flatMap(Clock.currentTimeMillis, (now) => Ref.set(removedAt, now))
  const removal = Effect.forEach(["team", "agent"] as const, (kind) =>
    removeKind(kind, resources.filter((each) => each.kind === kind), onRemoved)).pipe(
      Effect.provideService(Persistence, {
        schedule: backoff,
        onFailure: ({ message }) =>
          Effect.zipRight(Ref.set(lastFailure, message), emit({ _tag: "request.failed", error: message }))
      })
    )
  yield* Effect.raceFirst(removal, standstill(removedAt, teardownGrace))
  return yield* Ref.get(lastFailure)
})

/** Waits until nothing has been removed for a while. */
const standstill = Effect.fnUntraced(function*(removedAt: Ref.Ref<number>, patience: Duration.Duration) {
  const left = Effect.zipWith(Ref.get(removedAt), Clock.currentTimeMillis, (then, now) =>
    then + Duration.toMillis(patience) - now)
  yield* Effect.iterate(yield* left, { while: (millis) => millis > 0, body: (millis) => Effect.delay(left, millis) })
})

/** How long after a list was read it is read again for what may have been on its way. */
const lateness = Duration.seconds(1)

/** Removes resources of a kind by their ids, and whatever else carries their keys. */
const removeKind = Effect.fnUntraced(function*(
  kind: Leftovers.Leftover["kind"],
  resources: ReadonlyArray<RunState.ResourceState>,
  onRemoved: Effect.Effect<void>
) {
  if (resources.length === 0) return
  const { emit } = yield* CurrentRun
  const byKey = Effect.map(Leftovers.list(kind), Arr.groupBy(({ name }) => name))
  const now = yield* Effect.cached(byKey)
  const later = yield* Effect.cached(Effect.delay(byKey, lateness))

  const removeEach = (ids: ReadonlyArray<string>) =>
    Effect.forEach(ids, (id) => Effect.zipRight(Leftovers.remove({ kind, id }), onRemoved), {
      concurrency: "unbounded",
      discard: true
    })

  const removeOne = Effect.fnUntraced(function*({ except, id, key }: RunState.ResourceState) {
    const carriers = (listed: typeof byKey) =>
      Effect.map(listed, (found) =>
        (found[key] ?? []).map((each) => each.id).filter((each) => each !== id && !except.includes(each)))
    if (id !== undefined) {
      yield* removeEach([id])
      // The list only shows copies: a create whose answer was lost, and that was sent again.
      return yield* Effect.flatMap(Effect.orElseSucceed(carriers(now), () => []), removeEach)
    }
    const found = yield* carriers(now)
    // A create that was interrupted, or whose answer was lost, can arrive just after the list was read.
    yield* removeEach(found.length === 0 ? yield* carriers(later) : found)
  })

  yield* Effect.forEach(resources, (resource) =>
    Effect.matchEffect(removeOne(resource), {
      onSuccess: () => emit({ _tag: `${kind}.removed`, name: resource.name, key: resource.key }),
      onFailure: ({ message }) => leave(message)(resource)
    }), { concurrency: "unbounded", discard: true })
})
