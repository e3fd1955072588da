/** The limits of an attempt: how long it may take, and how long it may show no sign of life. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as MonotonicTime from "../liveness/MonotonicTime.ts"
import * as Race from "../liveness/Race.ts"
import type { AttemptEnd, Watch } from "./WatchedTask.ts"

/** Why an attempt can not be read. */
type LookError = Effect.Effect.Error<Watch["look"]>

/** What is limited. */
export interface Options {
  readonly watch: Watch
  readonly timeout: Option.Option<Duration.Duration>
  readonly stalledAfter: Option.Option<Duration.Duration>
  /**
   * Whether an attempt that runs is always seen to: then one that waits for its agent has not begun. Otherwise an attempt
   * counts from its submission until it is seen running.
   */
  readonly isRunningSeen: boolean
  /** How long ago the work on it last left a trace that Agamemnon does not tell by itself, where it can be asked. */
  readonly quietFor?: Effect.Effect<Option.Option<Duration.Duration>> | undefined
}

/** Waits for the end of an attempt, and gives it up when it exceeds a limit. It is over when Agamemnon says so in any case. */
export const awaitEnd = (options: Options) => {
  const { stalledAfter, timeout, watch } = options
  return Race.first<AttemptEnd, LookError, never>([
    watch.ended,
    ...Option.toArray(Option.map(timeout, (limit) => enforceTimeout(options, limit))),
    ...Option.toArray(Option.map(stalledAfter, (limit) => enforceSigns(options, limit)))
  ])
}

/** Gives an attempt up that takes longer than the limit. Never succeeds. */
const enforceTimeout = Effect.fnUntraced(function*({ isRunningSeen, watch }: Options, limit: Duration.Duration): Effect.fn.Return<never> {
  yield* untilExceeded(limit, () => watch.startedAt() ?? (isRunningSeen ? undefined : watch.since))
  yield* watch.giveUp("timeout", `it took longer than ${Duration.format(limit)}`)
  return yield* Effect.never
})

/** Gives an attempt up of which nothing new is known for as long as the limit. Never succeeds. */
const enforceSigns = Effect.fnUntraced(function*(
  { isRunningSeen, quietFor = Effect.succeedNone, watch }: Options,
  limit: Duration.Duration
): Effect.fn.Return<never, LookError> {
  let traceAt = Number.NEGATIVE_INFINITY
  const lastSign = () => !isRunningSeen || watch.startedAt() !== undefined ? Math.max(watch.signAt(), traceAt) : undefined
  while (true) {
    yield* untilExceeded(limit, lastSign)
    const before = watch.signAt()
    // It is looked for when nothing else is known, as that costs more.
    const quiet = yield* quietFor
    if (Option.isSome(quiet)) traceAt = Math.max(traceAt, (yield* MonotonicTime.millis) - Duration.toMillis(quiet.value))
    // It may not have been read for long.
    yield* watch.look
    if (watch.signAt() === before && traceAt + Duration.toMillis(limit) <= (yield* MonotonicTime.millis)) break
  }
  yield* watch.giveUp("stalled", `it showed no sign of life for ${Duration.format(limit)}`)
  return yield* Effect.never
})

/** Waits until a time has passed since something, which can come later than it was thought, or not have come yet. */
const untilExceeded = Effect.fnUntraced(function*(limit: Duration.Duration, since: () => number | undefined) {
  const millis = Duration.toMillis(limit)
  while (true) {
    const now = yield* MonotonicTime.millis
    const left = (since() ?? now) + millis - now
    if (left <= 0) return
    yield* Effect.sleep(left)
  }
})
