/** A journal that is away while somebody watches a run: that is said once, and it is asked again until it is back. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { JournalError } from "../run/JournalError.ts"
import type { RunEvent } from "../run/RunEvent.ts"
import type { RunId } from "../run/RunId.ts"
import { RunStore } from "./RunStore.ts"

/** How long a journal is waited for, each time that it is away. */
const limit = Duration.seconds(60)

/** The time between two tries. */
const pause = Duration.seconds(1)

/** Tells somebody of an outage. */
export type Say = (line: string) => Effect.Effect<void>

const isAway = (error: unknown): error is JournalError => error instanceof JournalError && error.isTransient === true

const whileAway = (say: Say) =>
  Schedule.spaced(pause).pipe(
    Schedule.upTo(limit),
    Schedule.whileInput(isAway),
    Schedule.intersect(Schedule.identity<unknown>()),
    Schedule.tapOutput(([tries, error]) =>
      tries === 0 && isAway(error) ? say(`${error.message}; trying again for up to ${Duration.format(limit)}`) : Effect.void)
  )

/** Asks the journal, and again while it is away. */
export const waitOut = <A, E, R>(question: Effect.Effect<A, E, R>, say: Say): Effect.Effect<A, E, R> =>
  Effect.retry(question, whileAway(say))

/** Follows a run, also while its journal is away for a while: no event is missing after that, and none is told twice. */
export const follow = (run: RunId, say: Say): Stream.Stream<RunEvent, JournalError, RunStore> =>
  Stream.unwrap(Effect.map(RunStore, ({ follow }) =>
    follow(run).pipe(
      Stream.zipWithIndex,
      // The wait begins anew as soon as an event was read again.
      Stream.retry(whileAway(say)),
      Stream.mapAccum(0, (next, [event, index]) =>
        index < next ? [next, Option.none<RunEvent>()] as const : [index + 1, Option.some(event)] as const),
      Stream.filterMap(identity)
    )))
