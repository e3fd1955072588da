/**
 * Creates that go on when nobody waits for them any more. A request that may
 * have reached Agamemnon is not cut: it has its answer, or its time is over, and
 * teardown hears of both. Otherwise what it makes would appear after teardown
 * has looked.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { AgamemnonError } from "../agamemnon/AgamemnonError.ts"
import { RequestRetry } from "../agamemnon/RequestRetry.ts"
import * as MonotonicTime from "../liveness/MonotonicTime.ts"

/** What was made, and whether a copy of it may be there because an answer was lost. */
export interface Made<A> {
  readonly made: A
  readonly isUncertain: boolean
}

/** What is known of a create that has ended. */
export interface Settled {
  /** What it has made, if that is known. */
  readonly id: string | undefined
  /** When the last request was sent whose answer was lost, by the clock of this process, in milliseconds. */
  readonly uncertainAt: number | undefined
}

/** The creates of one run. */
export interface PendingCreates {
  /** Runs a create under a key. When it is interrupted, the request that is under way goes on, and no other is sent. */
  readonly run: <A extends { readonly id: string }>(
    key: string,
    create: Effect.Effect<A, AgamemnonError>
  ) => Effect.Effect<Made<A>, AgamemnonError>
  /** The create of a key, if this process has begun one. */
  readonly find: (key: string) => PendingCreate | undefined
}

/** A create that was begun. */
export interface PendingCreate {
  /** Waits for its end. */
  readonly settled: Effect.Effect<Settled>
  /** Whether an answer was lost so far. */
  readonly isUncertain: () => boolean
}

/** A create, between two of its requests. */
interface Create {
  isAbandoned: boolean
  isUnderWay: boolean
  sentAt: number
  uncertainAt: number | undefined
}

interface Begun {
  readonly create: Create
  /** Absent once it has ended: a run has one for each of its tasks, and a fiber holds all that it has known. */
  fiber: Fiber.RuntimeFiber<{ readonly id: string }, AgamemnonError> | undefined
  /** What it has made, once it has. */
  id: string | undefined
}

/** Makes the creates of a run, of which none has begun. What is still under way when the scope closes is cut. */
export const make: Effect.Effect<PendingCreates, never, Scope.Scope> = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => new Map<string, Begun>()),
    (begun) => Effect.forEach(begun.values(), cut, { discard: true })
  ),
  (begun) => ({
    run: (key, create) => run(begun, key, create),
    find: (key) => {
      const found = begun.get(key)
      return found === undefined
        ? undefined
        : { settled: settle(found), isUncertain: () => found.create.uncertainAt !== undefined }
    }
  })
)

const run = <A extends { readonly id: string }>(
  begun: Map<string, Begun>,
  key: string,
  effect: Effect.Effect<A, AgamemnonError>
): Effect.Effect<Made<A>, AgamemnonError> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const create: Create = { isAbandoned: false, isUnderWay: false, sentAt: 0, uncertainAt: undefined }
      const each: Begun = { create, fiber: undefined, id: undefined }
      const noted = Effect.tapError(effect, (error) => Effect.sync(() => onError(create, error)))
      const fiber = yield* Effect.forkDaemon(Effect.interruptible(withNotes(create, noted)))
      each.fiber = fiber
      fiber.addObserver((exit) => {
        each.fiber = undefined
        if (Exit.isSuccess(exit)) each.id = exit.value.id
      })
      begun.set(key, each)
      const made = yield* Effect.onInterrupt(restore(Fiber.join(fiber)), () => abandon(each))
      return { made, isUncertain: create.uncertainAt !== undefined }
    }))

/** Notes of each request when it is sent, and whether its answer is lost. */
const withNotes = <A, E>(create: Create, effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.flatMap(RequestRetry, ({ onFailure, permission = Effect.void, schedule }) => {
    const orEnd = (next: Effect.Effect<void>) => Effect.suspend(() => (create.isAbandoned ? Effect.interrupt : next))
    const onSent = Effect.map(MonotonicTime.millis, (now) => {
      create.isUnderWay = true
      create.sentAt = now
    })
    return Effect.provideService(effect, RequestRetry, {
      schedule,
      permission: orEnd(Effect.zipRight(permission, orEnd(onSent))),
      onFailure: (error) =>
        Effect.suspend(() => {
          onError(create, error)
          return orEnd(onFailure(error))
        })
    })
  })

const onError = (create: Create, error: AgamemnonError) => {
  create.isUnderWay = false
  if (error.mayHaveTakenEffect) create.uncertainAt = create.sentAt
}

/** Nobody waits for a create any more: it ends with the request that is under way, or now. */
const abandon = (each: Begun) =>
  Effect.suspend(() => {
    each.create.isAbandoned = true
    return each.create.isUnderWay ? Effect.void : cut(each)
  })

const cut = ({ fiber }: Begun) => (fiber === undefined ? Effect.void : Fiber.interruptFork(fiber))

const settle = (each: Begun): Effect.Effect<Settled> =>
  Effect.suspend(() => (each.fiber === undefined ? Effect.void : Fiber.await(each.fiber))).pipe(
    Effect.map(() => ({ id: each.id, uncertainAt: each.create.uncertainAt }))
  )
