/**
 * The places that a runner has for runs. A run that is under way is given one before those that nobody has begun. Of these,
 * the priority decides; then workflows take turns, and the runs of each by their age.
 */
import * as Effect from "effect/Effect"
import * as Order from "effect/Order"

/** What decides who is first. */
export interface Rank {
  readonly priority: number
  readonly at: string
  readonly run: string
  readonly workflow: string
  /** Whether nobody has begun it. */
  readonly isQueued: boolean
  /** When a run of its workflow was given its turn last, as far as that is on record. */
  readonly lastTurn: number
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

/** Who is first, where it is known when a run of a workflow was given its turn last. */
const orderBy = (lastTurnOf: (rank: Rank) => number): Order.Order<Rank> => Order.combineAll([
  Order.mapInput(Order.boolean, ({ isQueued }: Rank) => isQueued),
  Order.mapInput(Order.reverse(Order.number), ({ priority }: Rank) => priority),
  Order.mapInput(Order.number, lastTurnOf),
  Order.mapInput(Order.string, ({ at }: Rank) => at),
  Order.mapInput(Order.string, ({ run }: Rank) => run)
])

/** A time that is later than any that is on record, in seconds. */
const afterAllOnRecord = 1e12

/** Of how many workflows it is known when they were given their turn. */
const mostTurns = 10_000

interface Waiting {
  readonly rank: Rank
  readonly begin: () => void
}

/** Makes places, of which there are so many. */
export const make = (most: number): Places => {
  const waiting = new Set<Waiting>()
  /** When a run of each workflow was given its turn last: as it was on record when it came first, or here, which is later than all of those. */
  const turns = new Map<string, number>()
  let latest = afterAllOnRecord
  let taken = 0
  let isClosed = false
  const order = orderBy(({ isQueued, workflow }) => isQueued ? turns.get(workflow) ?? 0 : 0)

  const come = ({ isQueued, lastTurn, workflow }: Rank) => {
    if (!isQueued || turns.has(workflow)) return
    if (turns.size >= mostTurns) turns.clear()
    turns.set(workflow, lastTurn)
  }

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
      if (first.rank.isQueued) {
        latest += 1
        turns.set(first.rank.workflow, latest)
      }
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
        come(rank)
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
