/** The places that a runner has for runs. Who waits for one gets it by priority, and then by age. */
import * as Effect from "effect/Effect"
import * as Order from "effect/Order"

/** What decides who is first. */
export interface Rank {
  readonly priority: number
  readonly at: string
  readonly run: string
}

/** The places of a runner. */
export interface Places {
  /** Does something when there is a place for it. */
  readonly within: (rank: Rank) => <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** How many are taken, and how many wait for one. */
  readonly load: Effect.Effect<{ readonly taken: number; readonly waiting: number }>
  /** From now on, nobody is given a place. */
  readonly close: Effect.Effect<void>
}

const order: Order.Order<Rank> = Order.combineAll([
  Order.mapInput(Order.reverse(Order.number), ({ priority }: Rank) => priority),
  Order.mapInput(Order.string, ({ at }: Rank) => at),
  Order.mapInput(Order.string, ({ run }: Rank) => run)
])

interface Waiting {
  readonly rank: Rank
  readonly begin: () => void
}

/** Makes places, of which there are so many. */
export const make = (most: number): Places => {
  const waiting = new Set<Waiting>()
  let taken = 0
  let isClosed = false

  const findFirst = () => {
    let first: Waiting | undefined
    for (const each of waiting) if (first === undefined || order(each.rank, first.rank) < 0) first = each
    return first
  }

  const giveOut = () => {
    if (isClosed) return
    while (taken < most) {
      const first = findFirst()
      if (first === undefined) return
      waiting.delete(first)
      taken += 1
      first.begin()
    }
  }

  const leave = Effect.sync(() => {
    taken -= 1
    giveOut()
  })

  const take = (rank: Rank, restore: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>) =>
    Effect.suspend(() => {
      let entry: Waiting | undefined
      const turn = Effect.async<void>((resume) => {
        entry = { rank, begin: () => resume(Effect.void) }
        waiting.add(entry)
        giveOut()
      })
      // It may have been given a place in the moment in which it was interrupted.
      return Effect.onInterrupt(restore(turn), () =>
        Effect.suspend(() => (entry === undefined || waiting.delete(entry) ? Effect.void : leave)))
    })

  return {
    within: (rank) => (effect) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.zipRight(take(rank, restore), Effect.ensuring(restore(effect), leave))),
    load: Effect.sync(() => ({ taken, waiting: waiting.size })),
    close: Effect.sync(() => {
      isClosed = true
    })
  }
}
