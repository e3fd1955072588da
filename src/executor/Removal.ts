/**
 * Removes from Agamemnon what a run has made, and tells of each resource what
 * became of it when that was checked.
 *
 * It removes by id what the run has made or was given, and by key only where an
 * answer to its own create was lost. It ends: an Agamemnon that does not answer
 * has the grace to answer again, and then removal ends when nothing could be
 * removed for as long as the grace. What has not been removed by then is left.
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import type { AgamemnonError } from "../agamemnon/AgamemnonError.ts"
import * as ManagedResource from "../agamemnon/ManagedResource.ts"
import { RequestRetry } from "../agamemnon/RequestRetry.ts"
import * as MonotonicTime from "../liveness/MonotonicTime.ts"
import * as Parallel from "../liveness/Parallel.ts"
import * as Race from "../liveness/Race.ts"
import type { JournalError } from "../run/JournalError.ts"
import type { RunId } from "../run/RunId.ts"
import * as RunState from "../run/RunState.ts"
import { CurrentRun, permissionOf } from "./CurrentRun.ts"
import * as RetryGate from "./RetryGate.ts"
import type { PendingCreate } from "./PendingCreates.ts"
import type { RunAgamemnon } from "./RunAgamemnon.ts"

/** What removal goes by. */
export interface Options {
  /** Whether Agamemnon was given up: it is waited for first. */
  readonly isLost: boolean
  /** Keys that other living runs hold: what carries them is kept for those. Defaults to none. */
  readonly heldBy?: ReadonlyMap<string, RunId> | undefined
  /** Keys that are of no concern: nothing is done or said about what carries them. Defaults to none. */
  readonly spared?: ReadonlySet<string> | undefined
  /** The creates of this process. Defaults to none. */
  readonly findCreate?: Context.Tag.Service<RunAgamemnon>["findCreate"] | undefined
  /** When the run was last heard of, if another process has driven it. */
  readonly lastSeen?: DateTime.Utc | undefined
}

/** Removes what the run has made. Every resource is reported once, as removed, kept or left. */
export const remove = Effect.fn("Removal.remove")(function*(options: Options) {
  const { heldBy = new Map<string, RunId>(), spared = new Set<string>() } = options
  const resources = (yield* unreported).filter(RunState.isOnAgamemnon).filter(({ key }) => !spared.has(key))
  yield* Effect.forEach(resources, (resource) => {
    const user = heldBy.get(resource.key)
    return user === undefined ? Effect.void : keep(resource, user)
  }, { discard: true })
  const targets = resources.filter(({ key }) => !heldBy.has(key)).map(targetOf)
  const obstacle = yield* Effect.catchAllCause(attempt(targets, options), defective)
  yield* Effect.forEach(targets, (target) => report(target, obstacle), { discard: true })
})

/** What the run has made, workspaces too, and nobody has yet said what became of it. */
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
    Effect.forEach(resources.filter(RunState.isOnAgamemnon), ({ key, kind, name }) => emit({ _tag: `${kind}.removed`, name, key }), { discard: true })))

/** An agent or a team. */
type OnAgamemnon = RunState.ResourceState & ManagedKind

interface ManagedKind {
  readonly kind: ManagedResource.ManagedResource["kind"]
}

/** A resource that is to be removed, between two attempts. */
interface Target {
  readonly resource: OnAgamemnon
  /** What is this run's of what carries its key. */
  readonly ids: Set<string>
  /** Those that are gone, as Agamemnon has said. */
  readonly gone: Set<string>
  /** Whether it is known what there is of it: false while something may still appear. */
  isKnown: boolean
  /** Whether a list that was read afterwards shows nothing of it. */
  isConfirmed: boolean
  /** Why it is still there, once there is no use in trying again. */
  refusal: string | undefined
}

const targetOf = (resource: OnAgamemnon): Target => ({
  resource,
  ids: new Set(resource.id === undefined ? [] : [resource.id]),
  gone: new Set(),
  isKnown: resource.uncertainSince === undefined && resource.id !== undefined,
  isConfirmed: false,
  refusal: undefined
})

const isGone = ({ gone, ids, isKnown }: Target): boolean => isKnown && gone.size === ids.size

const isOpen = (target: Target): boolean => target.refusal === undefined && !isGone(target)

const report = (target: Target, obstacle: string) =>
  Effect.flatMap(CurrentRun, (run) => {
    const { ids, isConfirmed, isKnown, refusal, resource } = target
    const { key, kind, name } = resource
    if (refusal === undefined && isGone(target)) {
      const made = ids.size > 0 ? {} : { made: false }
      return run.emit({ _tag: `${kind}.removed`, name, key, ...made, ...(isConfirmed ? { confirmed: true } : {}) })
    }
    const [id] = [...ids]
    const identified = id === undefined ? { name, key } : { name, key, id }
    const error = refusal ?? (isKnown || id !== undefined ? obstacle : `it may still appear: its create was not answered; ${obstacle}`)
    return run.emit({ _tag: `${kind}.left`, ...identified, error })
  })

const defective = (cause: Cause.Cause<never>) =>
  Effect.as(
    Effect.logError("removal has a defect", cause),
    `a defect in the program: ${String(Cause.squash(cause))}`
  )

/** The removal of the resources of a run, between two requests. */
interface State extends Options {
  readonly targets: ReadonlyArray<Target>
  readonly gate: RetryGate.RetryGate
  /** What went wrong last. */
  lastFailure: string | undefined
  /** When something was removed last, in milliseconds. */
  removedAt: number
}

/** Removes what can be removed. Answers why whatever is still there by its end is there. */
const attempt = Effect.fnUntraced(function*(targets: ReadonlyArray<Target>, options: Options) {
  const run = yield* CurrentRun
  const grace = Duration.format(run.settings.teardownGrace)
  const state: State = {
    ...options,
    targets,
    gate: RetryGate.make(),
    lastFailure: undefined,
    removedAt: yield* MonotonicTime.millis
  }
  if (options.isLost) {
    yield* run.emit({ _tag: "teardown.waiting", grace: run.settings.teardownGrace })
    const isBack = yield* awaitAnswer
    if (isBack) state.removedAt = yield* MonotonicTime.millis
    const before = state.removedAt
    if (!isBack) yield* lastTry(state)
    if (!isBack && state.removedAt === before) return `Agamemnon did not answer within ${grace}`
  }
  yield* Race.first([removeAll(state), awaitStandstill(state)]).pipe(
    Effect.zipLeft(lastTry(state)),
    // What the last try has removed shows that Agamemnon is back.
    Effect.repeat({ while: () => Effect.map(standstillAt(state), (left) => left > 0 && targets.some(isOpen)) }),
    Race.unless(tellWaiting(state))
  )
  // A request that is under way when the grace is over has not failed.
  return state.lastFailure === undefined ? `not removed within ${grace}` : `not removed within ${grace}: ${state.lastFailure}`
})

/** Waits until Agamemnon answers a ping again, for as long as the grace lasts. */
const awaitAnswer = Effect.gen(function*() {
  const agamemnon = yield* AgamemnonClient
  const { settings } = yield* CurrentRun
  return yield* Effect.retry(agamemnon.ping, Schedule.spaced("1 second")).pipe(
    Effect.option,
    Effect.timeoutTo({ duration: settings.teardownGrace, onSuccess: Option.isSome, onTimeout: () => false })
  )
})

/** How long there is before removal ends, if nothing more can be removed. */
const standstillAt = (state: State) =>
  Effect.flatMap(CurrentRun, ({ settings: { teardownGrace } }) =>
    Effect.map(MonotonicTime.millis, (now) => state.removedAt + Duration.toMillis(teardownGrace) - now))

/** Waits until nothing has been removed for as long as the grace. */
const awaitStandstill = (state: State) =>
  Effect.flatMap(standstillAt(state), (left) =>
    Effect.iterate(left, { while: (millis) => millis > 0, body: (millis) => Effect.delay(standstillAt(state), millis) }))

/** How long what is tried at the very end may take. */
const lastTryTimeout = Duration.seconds(1)

/** Tries once more at the very end what could not be removed so far. */
const lastTry = (state: State) =>
  Effect.suspend(() => {
    if (!state.targets.some(isOpen)) return Effect.void
    state.gate.open()
    return Effect.asVoid(Effect.timeoutOption(removeAll(state), lastTryTimeout))
  })

/** Says each second what is waited for. Never succeeds. */
const tellWaiting = (state: State) =>
  Effect.flatMap(CurrentRun, ({ emit, settings: { teardownGrace: grace } }) =>
    Effect.suspend(() => {
      const pending = state.targets.filter((target) => isOpen(target)).map(({ resource: { kind, name } }) => `${kind} ${name}`)
      return pending.length === 0
        ? Effect.void
        : emit({
          _tag: "teardown.waiting",
          grace,
          pending: pending.slice(0, mostPending),
          ...(state.lastFailure === undefined ? {} : { reason: state.lastFailure })
        })
    }).pipe(Effect.delay("1 second"), Effect.forever))

/** How many of those that are waited for are named. */
const mostPending = 20

/** Removes teams, then agents; then what has appeared late; and then looks whether all of it is gone. */
const removeAll = Effect.fnUntraced(function*(state: State) {
  const run = yield* CurrentRun
  const ofKind = (kind: ManagedResource.ManagedResource["kind"]) => state.targets.filter(({ resource }) => resource.kind === kind)
  const removal = Effect.gen(function*() {
    for (const kind of ["team", "agent"] as const) {
      yield* Parallel.forEach(ofKind(kind), (target) => removeKnown(state, target))
    }
    yield* Parallel.forEach(state.targets.filter(({ isKnown, refusal }) => !isKnown && refusal === undefined), (target) =>
      findLate(state, target))
    for (const kind of ["team", "agent"] as const) yield* check(state, ofKind(kind))
  })
  yield* Effect.provideService(removal, RequestRetry, {
    schedule: Schedule.forever,
    permission: Effect.zipRight(permissionOf(run), state.gate.wait),
    onFailure: ({ message }) =>
      Effect.flatMap(state.gate.close, (isFirst) => {
        state.lastFailure = message
        return isFirst ? run.emit({ _tag: "request.failed", error: message }) : Effect.void
      })
  })
})

/** Removes by their ids what is known of a resource and not yet gone. */
const removeKnown = (state: State, target: Target): Effect.Effect<void, never, AgamemnonClient> =>
  Effect.forEach([...target.ids].filter((id) => !target.gone.has(id)), (id) =>
    Effect.zipRight(
      ManagedResource.remove({ kind: target.resource.kind, id }),
      Effect.map(MonotonicTime.millis, (now) => {
        target.gone.add(id)
        target.isConfirmed = false
        state.removedAt = now
      })
    ), { discard: true }).pipe(refused(target))

/** Takes in that Agamemnon has refused something: it is not tried again. */
const refused = (target: Target) =>
<A, R>(request: Effect.Effect<A, AgamemnonError | JournalError, R>): Effect.Effect<A | void, never, R> =>
  Effect.catchAll(request, ({ message }) =>
    Effect.sync(() => {
      target.refusal = message
    }))

/** Finds what a create has made that was not answered, or of which an answer was lost, and removes it. */
const findLate = Effect.fnUntraced(function*(state: State, target: Target) {
  const { resource: { id, key, uncertainSince } } = target
  const create = state.findCreate?.(key)
  if (create !== undefined) {
    // With an answer, it is known what to look for; without one, the list may show it all the same.
    const settled = id === undefined ? yield* awaitCreate(state, target, create) : yield* create.settled
    if (settled?.uncertainAt !== undefined) yield* awaitLate(state, target, settled.uncertainAt - (yield* MonotonicTime.millis))
  } else if (state.lastSeen !== undefined && uncertainSince !== undefined) {
    yield* awaitLate(state, target, DateTime.distance(yield* DateTime.now, state.lastSeen))
  }
  if (target.refusal === undefined) target.isKnown = true
})

/** Finds the copies of a resource that are there, and removes them. */
const removeCarriers = (state: State, target: Target) =>
  Effect.zipRight(refused(target)(findCarriers(target)), removeKnown(state, target))

/** Looks for copies now, and when the last request has had its time that may have made one. `sentAt`: when that was sent, from now on. */
const awaitLate = Effect.fnUntraced(function*(state: State, target: Target, sentAt: number) {
  const { settings } = yield* CurrentRun
  const [took] = yield* Effect.timed(removeCarriers(state, target))
  const left = sentAt + Duration.toMillis(settings.requestTimeout) - Duration.toMillis(took)
  if (left <= 0 || target.refusal !== undefined) return
  yield* Effect.zipRight(Effect.sleep(Duration.millis(left)), removeCarriers(state, target))
})

/** Waits for the answer to a create, and looks meanwhile whether it has taken effect. */
const awaitCreate = Effect.fnUntraced(function*(state: State, target: Target, create: PendingCreate) {
  const { emit } = yield* CurrentRun
  const { key, kind, name } = target.resource
  for (let pause = Duration.seconds(1);; pause = Duration.times(pause, 2)) {
    yield* removeCarriers(state, target)
    if (target.refusal !== undefined || (target.ids.size > 0 && !create.isUncertain())) return undefined
    const settled = yield* Effect.timeoutOption(create.settled, pause)
    if (Option.isNone(settled)) continue
    const { id, uncertainAt } = settled.value
    if (id !== undefined && !target.ids.has(id)) {
      target.ids.add(id)
      yield* emit({ _tag: `${kind}.created`, name, key, id, ...(uncertainAt === undefined ? {} : { uncertain: true }) })
      yield* removeKnown(state, target)
    }
    return settled.value
  }
})

const noIds: ReadonlySet<string> = new Set()

/** Looks for copies of a resource: what carries its key, and is not known to be another's. */
const findCarriers = Effect.fnUntraced(function*({ ids, resource: { except, key, kind } }: Target) {
  const { journal } = yield* CurrentRun
  const carriers = (yield* ManagedResource.list(kind)).filter(({ id, name }) => name === key && !except.includes(id) && !ids.has(id))
  if (carriers.length === 0) return
  const others = yield* Option.match(journal, {
    onNone: () => Effect.succeed(noIds),
    onSome: ({ idsOfOthers }) => idsOfOthers(carriers.map(({ id }) => id))
  })
  for (const { id } of carriers) if (!others.has(id)) ids.add(id)
})

/** Reads a list once, and removes again what it still shows. */
const check = Effect.fnUntraced(function*(state: State, targets: ReadonlyArray<Target>) {
  const gone = targets.filter((target) => isGone(target) && !target.isConfirmed && target.refusal === undefined)
  const [first] = gone
  if (first === undefined) return
  const look = Effect.map(ManagedResource.list(first.resource.kind), (listed) => new Set(listed.map(({ id }) => id)))
  yield* look.pipe(
    Effect.flatMap((listed) => {
      const still = gone.filter(({ ids }) => [...ids].some((id) => listed.has(id)))
      for (const target of gone) target.isConfirmed = !still.includes(target)
      if (still.length === 0) return Effect.void
      for (const { gone, ids } of still) for (const id of ids) if (listed.has(id)) gone.delete(id)
      return Effect.zipRight(
        Parallel.forEach(still, (target) => removeKnown(state, target)),
        Effect.map(look, (after) => {
          for (const target of still) {
            target.isConfirmed = ![...target.ids].some((id) => after.has(id))
            if (!target.isConfirmed) target.refusal ??= "Agamemnon still lists it after it was removed"
          }
        })
      )
    }),
    // It is gone by Agamemnon's own word, and that is all there is to know.
    Effect.catchAll(({ message }) => Effect.logDebug(`what was removed is not checked: ${message}`))
  )
})
