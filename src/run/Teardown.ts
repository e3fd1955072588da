/**
 * Takes down what a run made.
 *
 * Teardown is a finalizer of the run's scope: it runs on success, failure,
 * timeout, interruption and defect alike, and nothing interrupts it. It reads
 * the connectivity Ref and the outcome, and decides by one table.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import type { AgamemnonError } from "../agamemnon/AgamemnonError.ts"
import { AgentId, TeamId } from "../agamemnon/AgamemnonModel.ts"
import { backoff, Persistence } from "../agamemnon/Persistence.ts"
import type { ConnectivityRef } from "../liveness/Connectivity.ts"
import type { TeardownPolicy } from "../workflow/WorkflowSpec.ts"
import { CurrentRun } from "./CurrentRun.ts"
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
  const resources = yield* remaining
  if (resources.length === 0) return
  const decision = decisions[outcome][policy]
  yield* run.emit({ _tag: "teardown.started", decision })
  if (decision === "keep") return yield* Effect.forEach(resources, keep, { discard: true })
  if (isLost && !(yield* awaitAnswer)) {
    return yield* Effect.forEach(resources, leave("Agamemnon did not answer"), { discard: true })
  }
  yield* removeAll
})

const remaining = Effect.flatMap(CurrentRun, (run) =>
  Effect.map(run.state, (state) => (state === undefined ? [] : RunState.remaining(state))))

const named = ({ id, key, name }: RunState.ResourceState) => ({ name, key, ...(id === undefined ? {} : { id }) })

const keep = (resource: RunState.ResourceState) =>
  Effect.flatMap(CurrentRun, (run) => run.emit({ _tag: `${resource.kind}.kept`, ...named(resource) }))

const leave = (error: string) => (resource: RunState.ResourceState) =>
  Effect.flatMap(CurrentRun, (run) => run.emit({ _tag: `${resource.kind}.left`, ...named(resource), error }))

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
 * Removes teams, then agents. A request that fails in transport is repeated
 * until the grace is over; after the first that fails then, no other is begun.
 */
const removeAll = Effect.gen(function*() {
  const agamemnon = yield* AgamemnonClient
  const { settings } = yield* CurrentRun
  const deadline = (yield* Clock.currentTimeMillis) + Duration.toMillis(settings.teardownGrace)
  const isOver = Effect.map(Clock.currentTimeMillis, (now) => now >= deadline)
  const givenUp = yield* Ref.make<AgamemnonError | undefined>(undefined)

  const bounded = <A>(request: Effect.Effect<A, AgamemnonError>) =>
    Effect.flatMap(Ref.get(givenUp), (earlier) => earlier === undefined ? request : Effect.fail(earlier)).pipe(
      Effect.tapError((error) => Effect.when(Ref.set(givenUp, error), () => error.reason === "Transport")),
      Effect.provideService(Persistence, {
        schedule: Schedule.whileOutputEffect(backoff, () => Effect.negate(isOver)),
        onFailure: (error) => Effect.logDebug("a request of the teardown failed", error.message)
      })
    )

  const removal: Record<RunState.ResourceState["kind"], Removal> = {
    team: {
      list: bounded(agamemnon.listTeams),
      remove: (id) => bounded(agamemnon.deleteTeam(TeamId.make(id)))
    },
    agent: {
      list: bounded(agamemnon.listAgents),
      remove: (id) => bounded(agamemnon.deleteAgent(AgentId.make(id)))
    }
  }
  const resources = yield* remaining
  yield* removeKind(resources.filter(({ kind }) => kind === "team"), removal.team)
  yield* removeKind(resources.filter(({ kind }) => kind === "agent"), removal.agent)
})

interface Removal {
  readonly list: Effect.Effect<ReadonlyArray<{ readonly id: string; readonly name: string }>, AgamemnonError>
  readonly remove: (id: string) => Effect.Effect<void, AgamemnonError>
}

/**
 * Removes resources by their ids, and then whatever else carries their keys: an
 * agent whose create was never answered, or one that was created twice.
 */
const removeKind = Effect.fnUntraced(function*(resources: ReadonlyArray<RunState.ResourceState>, removal: Removal) {
  if (resources.length === 0) return
  const { emit } = yield* CurrentRun
  const unanswered = resources.filter(({ id }) => id === undefined)
  const removed = ({ key, kind, name }: RunState.ResourceState) => emit({ _tag: `${kind}.removed`, name, key })
  const remove = (id: string, resource: RunState.ResourceState) =>
    Effect.matchEffect(removal.remove(id), {
      onSuccess: () => removed(resource),
      onFailure: (error) => leave(error.message)(resource)
    })

  yield* Effect.forEach(resources, (resource) => resource.id === undefined ? Effect.void : remove(resource.id, resource), {
    concurrency: "unbounded",
    discard: true
  })
  const listed = yield* Effect.either(removal.list)
  if (Either.isLeft(listed)) {
    return yield* Effect.forEach(unanswered, leave(listed.left.message), { discard: true })
  }
  yield* Effect.forEach(unanswered, removed, { discard: true })
  const owners = new Map(resources.map((resource) => [resource.key, resource]))
  yield* Effect.forEach(listed.right, ({ id, name }) => {
    const owner = owners.get(name)
    return owner === undefined || owner.except.includes(id) || id === owner.id ? Effect.void : remove(id, owner)
  }, { concurrency: "unbounded", discard: true })
})
