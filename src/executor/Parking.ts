/**
 * When a run has nothing to do but wait for gates: its agents cost money while a
 * person thinks, so after some time it is parked, and goes on when it is resumed.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"

/** How long a run waits with its agents, where the workflow does not say. */
export const usual = Duration.minutes(10)

/** What is going on in a run. One without gates is never parked, and costs nothing. */
export interface Parking {
  /** Does some work, or waits for it to be possible. */
  readonly working: <A, E, R>(work: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Waits for the answer to a gate. */
  readonly asking: <A, E, R>(wait: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Waits until nothing but gates has been waited for that long. Nothing, where that never ends a run. */
  readonly parked: Option.Option<Effect.Effect<void>>
}

/** That of a run that is never parked. */
const never: Parking = { working: (work) => work, asking: (wait) => wait, parked: Option.none() }

interface Counts {
  readonly working: number
  readonly asking: number
}

/** Makes the parking of a run, which is never parked without a limit. */
export const make = Effect.fnUntraced(function*(limit: Option.Option<Duration.Duration>) {
  if (Option.isNone(limit)) return never
  const counts = yield* SubscriptionRef.make<Counts>({ working: 0, asking: 0 })
  const during = (what: keyof Counts) => <A, E, R>(effect: Effect.Effect<A, E, R>) => {
    const add = (change: number) => SubscriptionRef.update(counts, (before) => ({ ...before, [what]: before[what] + change }))
    return Effect.acquireUseRelease(add(1), () => effect, () => add(-1))
  }
  const isIdle = Stream.changes(Stream.map(counts.changes, ({ asking, working }) => working === 0 && asking > 0))
  return {
    working: during("working"),
    asking: during("asking"),
    parked: Option.some(isIdle.pipe(
      Stream.flatMap((isIdle) => (isIdle ? Stream.fromEffect(Effect.sleep(limit.value)) : Stream.never), { switch: true }),
      Stream.runHead,
      Effect.asVoid
    ))
  } satisfies Parking as Parking
})
