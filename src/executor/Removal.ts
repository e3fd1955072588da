/**
 * Removes from Agamemnon what a run has made, teams first, and tells of each
 * resource what became of it.
 *
 * It ends: an Agamemnon that does not answer has the grace to answer again, and
 * then removal ends when nothing could be removed for as long as the grace. What
 * has not been removed by then is left.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"
import { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import * as ManagedResource from "../agamemnon/ManagedResource.ts"
import { backoff, RequestRetry } from "../agamemnon/RequestRetry.ts"
import type { RunId } from "../run/RunId.ts"
import * as RunState from "../run/RunState.ts"
import { CurrentRun, permissionOf } from "./CurrentRun.ts"

/** What removal leaves alone. */
export interface Exceptions {
  /** The ids of resources that other living runs use, and the keys that they are about to use, each with its run. */
  readonly inUse: ReadonlyMap<string, RunId>
  /** Keys that are of no concern: nothing is done or said about what carries them. */
  readonly spared: ReadonlySet<string>
}

/** Removes what the run has made. Every resource is reported once, as removed, kept or left. */
export const remove = Effect.fn("Removal.remove")(function*(isLost: boolean, exceptions: Exceptions) {
  const obstacle = yield* Effect.catchAllCause(attempt(isLost, exceptions), defective)
  yield* Effect.forEach(yield* concerned(exceptions), leave(obstacle), { discard: true })
})

/** What the run has made and nobody has yet said what became of it. */
export const unreported = Effect.flatMap(CurrentRun, ({ state }) =>
  Effect.map(state, (reached) =>
    reached === undefined
      ? []
      : RunState.remaining(reached).filter(({ status }) => status !== "kept" && status !== "left")))

const named = ({ id, key, name }: RunState.ResourceState) => ({ name, key, ...(id === undefined ? {} : { id }) })

/** Reports a resource as kept. */
export const keep = (resource: RunState.ResourceState, usedBy?: RunId) =>
  Effect.flatMap(CurrentRun, (run) =>
    run.emit({ _tag: `${resource.kind}.kept`, ...named(resource), ...(usedBy === undefined ? {} : { usedBy }) }))

/** Reports everything as removed: it was on an Agamemnon that has ended. */
export const reportRemoved = Effect.flatMap(unreported, (resources) =>
  Effect.flatMap(CurrentRun, ({ emit }) =>
    Effect.forEach(resources, ({ key, kind, name }) => emit({ _tag: `${kind}.removed`, name, key }), { discard: true })))

const concerned = ({ spared }: Exceptions) =>
  Effect.map(unreported, (resources) => resources.filter(({ key }) => !spared.has(key)))

const leave = (error: string) => (resource: RunState.ResourceState) =>
  Effect.flatMap(CurrentRun, (run) => run.emit({ _tag: `${resource.kind}.left`, ...named(resource), error }))

/** Removes what can be removed. Answers why whatever has not been reported by its end is still there. */
const attempt = Effect.fnUntraced(function*(isLost: boolean, exceptions: Exceptions) {
  const { settings } = yield* CurrentRun
  const grace = Duration.format(settings.teardownGrace)
  if (isLost && !(yield* awaitAnswer)) return `Agamemnon did not answer within ${grace}`
  return `not removed within ${grace}: ${yield* removeAll(exceptions)}`
})

const defective = (cause: Cause.Cause<never>) =>
  Effect.as(
    Effect.logError("removal has a defect", cause),
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
const removeAll = Effect.fnUntraced(function*(exceptions: Exceptions) {
  const run = yield* CurrentRun
  const { emit, settings: { teardownGrace } } = run
  const resources = yield* concerned(exceptions)
  const lastFailure = yield* Ref.make("Agamemnon did not answer")
  const removedAt = yield* Effect.flatMap(Clock.currentTimeMillis, Ref.make)
  const onRemoved = Effect.flatMap(Clock.currentTimeMillis, (now) => Ref.set(removedAt, now))
  const removal = Effect.forEach(["team", "agent"] as const, (kind) =>
    removeKind(kind, resources.filter((each) => each.kind === kind), exceptions, onRemoved)).pipe(
      Effect.provideService(RequestRetry, {
        schedule: backoff,
        permission: permissionOf(run),
        onFailure: ({ message }) =>
          Effect.zipRight(Ref.set(lastFailure, message), emit({ _tag: "request.failed", error: message }))
      })
    )
  yield* Effect.raceFirst(removal, awaitStandstill(removedAt, teardownGrace))
  return yield* Ref.get(lastFailure)
})

/** Waits until nothing has been removed for a while. */
const awaitStandstill = Effect.fnUntraced(function*(removedAt: Ref.Ref<number>, limit: Duration.Duration) {
  const left = Effect.zipWith(Ref.get(removedAt), Clock.currentTimeMillis, (then, now) =>
    then + Duration.toMillis(limit) - now)
  yield* Effect.iterate(yield* left, { while: (millis) => millis > 0, body: (millis) => Effect.delay(left, millis) })
})

/** How long after a list was read it is read again for what may have been on its way. */
const rereadDelay = Duration.seconds(1)

/** Removes resources of a kind by their ids, and whatever else carries their keys. */
const removeKind = Effect.fnUntraced(function*(
  kind: ManagedResource.ManagedResource["kind"],
  resources: ReadonlyArray<RunState.ResourceState>,
  { inUse }: Exceptions,
  onRemoved: Effect.Effect<void>
) {
  if (resources.length === 0) return
  const { emit } = yield* CurrentRun
  const byKey = Effect.map(ManagedResource.list(kind), Arr.groupBy(({ name }) => name))
  const now = yield* Effect.cached(byKey)
  const later = yield* Effect.cached(Effect.delay(byKey, rereadDelay))

  const removeEach = (ids: ReadonlyArray<string>) =>
    Effect.forEach(ids, (id) => Effect.zipRight(ManagedResource.remove({ kind, id }), onRemoved), {
      concurrency: "unbounded",
      discard: true
    })

  const removeOne = Effect.fnUntraced(function*({ except, id, key }: RunState.ResourceState) {
    const isOthers = (carrier: string) => inUse.has(key) || inUse.has(carrier) || except.includes(carrier)
    const carriers = (listed: typeof byKey) =>
      Effect.map(listed, (found) =>
        (found[key] ?? []).map((each) => each.id).filter((each) => each !== id && !isOthers(each)))
    if (id !== undefined) {
      yield* removeEach([id])
      // The list only shows copies: a create whose answer was lost, and that was sent again.
      return yield* Effect.flatMap(Effect.orElseSucceed(carriers(now), () => []), removeEach)
    }
    const found = yield* carriers(now)
    // A create that was interrupted, or whose answer was lost, can arrive just after the list was read.
    yield* removeEach(found.length === 0 ? yield* carriers(later) : found)
  })

  yield* Effect.forEach(resources, (resource) => {
    const user = inUse.get(resource.id ?? resource.key)
    if (user !== undefined) return keep(resource, user)
    return Effect.matchEffect(removeOne(resource), {
      onSuccess: () => emit({ _tag: `${kind}.removed`, name: resource.name, key: resource.key }),
      onFailure: ({ message }) => leave(message)(resource)
    })
  }, { concurrency: "unbounded", discard: true })
})
