/**
 * How many tasks may be under way at once, in a workflow, a team or a matrix.
 * What an earlier process has begun is under way already: nothing else is begun
 * in its place, and it never waits.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

/** The slots of some tasks. */
export interface Slots {
  /** Does the work of a task when there is a slot for it, or at once, when it is under way already. */
  readonly within: (task: Claim) => <A, E, R>(work: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/** A task that asks for a slot. */
export interface Claim {
  readonly key: string
  readonly isUnderWay: boolean
}

/** Slots without a limit. */
export const unlimited: Slots = { within: () => (work) => work }

/** Makes slots, some of which are kept for tasks that are under way from the start, though these be more than there are. */
export const make = (limit: Option.Option<number>, kept: ReadonlyArray<string> = []): Slots => {
  if (Option.isNone(limit)) return unlimited
  const most = limit.value
  const keptFor = new Set(kept)
  const waiting = new Set<() => void>()
  let taken = keptFor.size

  const leave = Effect.sync(() => {
    taken -= 1
    for (const begin of waiting) {
      if (taken >= most) return
      waiting.delete(begin)
      taken += 1
      begin()
    }
  })

  const take = ({ isUnderWay, key }: Claim): Effect.Effect<void> =>
    Effect.suspend(() => {
      let isTaken = keptFor.delete(key)
      if (!isTaken && (isUnderWay || taken < most)) {
        taken += 1
        isTaken = true
      }
      if (isTaken) return Effect.void
      return Effect.async<void>((resume) => {
        const begin = () => {
          isTaken = true
          resume(Effect.void)
        }
        waiting.add(begin)
        return Effect.sync(() => waiting.delete(begin))
      }).pipe(Effect.onInterrupt(() => (isTaken ? leave : Effect.void)))
    })

  return {
    within: (claim) => (work) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.zipRight(restore(take(claim)), Effect.ensuring(restore(work), leave)))
  }
}

/** Does the work of a task when there is a slot for it in each of these. Whoever asks for several asks in the same order. */
export const withinAll = (all: ReadonlyArray<Slots>, claim: Claim) => <A, E, R>(work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  all.reduceRight((inner, { within }) => within(claim)(inner), work)
