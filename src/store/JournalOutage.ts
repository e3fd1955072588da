/** A journal that is away while somebody watches a run, or the server that tells of it: that is waited for, so long and no longer. */
import type * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { RunEvent } from "../run/RunEvent.ts"
import type { RunId } from "../run/RunId.ts"
import * as Outage from "./Outage.ts"
import type { PlacedEvent } from "./RunStore.ts"

/** Tells somebody of an outage. */
export type Say = Outage.Say

/** Where the events of a run are read. */
export interface Source<E> {
  readonly followFrom: (run: RunId, from: number) => Stream.Stream<PlacedEvent, E>
}

/** Asks the journal, and again while it is away. */
export const waitOut = <A, E extends { readonly message: string }, R>(question: Effect.Effect<A, E, R>, say: Say): Effect.Effect<A, E, R> =>
  Outage.waitOut(question, { isAway: Outage.isTransient, onOutage: Outage.saying(say) })

/** Follows a run from a place on, also while its journal is away for a while: no event is missing after that, and none is told twice. */
export const follow = <E extends { readonly message: string }>(
  { followFrom }: Source<E>,
  run: RunId,
  say: Say,
  from = 0
): Stream.Stream<RunEvent, E> =>
  Stream.suspend(() => {
    let next = from
    const rest = Stream.suspend(() => followFrom(run, next)).pipe(
      Stream.map(({ event, seq }) => {
        next = seq + 1
        return event
      })
    )
    return Outage.reopen(rest, { isAway: Outage.isTransient, onOutage: Outage.saying(say) })
  })
