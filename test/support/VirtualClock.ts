/**
 * A clock whose time passes when a test says so, and that knows when nothing is
 * left to do. `TestClock` waits for that in real time at every step, which a
 * test of many thousand steps cannot afford.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

interface Timer {
  readonly at: number
  readonly fire: () => void
}

/** A clock, and what lets its time pass. */
export interface VirtualClock {
  readonly clock: Clock.Clock
  readonly now: () => number
  /** Lets time pass, timer after timer, and whatever is to be done after each. */
  readonly pass: (millis: number) => Effect.Effect<void>
}

/** Makes a clock that stands at 0. */
export const make = (): VirtualClock => {
  let now = 0
  let timers: ReadonlyArray<Timer> = []
  const turns = new Set<NodeJS.Immediate>()
  // Waits until whatever can go on has done so: fibers go on in microtasks, and so does a database in memory. What has
  // given others their turn comes before any time passes, however often it does.
  const settled = Effect.async<void>((resume) => {
    const look = () => setImmediate(() => setImmediate(() => turns.size > 0 ? look() : resume(Effect.void)))
    look()
  })
  const schedule = (duration: Duration.Duration, fire: () => void) => {
    const millis = Math.ceil(Duration.toMillis(duration))
    const timer: Timer = { at: now + millis, fire }
    timers = [...timers, timer]
    return () => {
      const isThere = timers.includes(timer)
      timers = timers.filter((each) => each !== timer)
      return isThere
    }
  }
  const clock: Clock.Clock = {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    unsafeCurrentTimeMillis: () => now,
    unsafeCurrentTimeNanos: () => BigInt(now) * 1_000_000n,
    currentTimeMillis: Effect.sync(() => now),
    currentTimeNanos: Effect.sync(() => BigInt(now) * 1_000_000n),
    sleep: (duration) =>
      Effect.async<void>((resume) => {
        if (!Duration.isFinite(duration)) return
        // No time has to pass for that: others have their turn.
        if (Duration.toMillis(duration) === 0) {
          const turn = setImmediate(() => {
            turns.delete(turn)
            resume(Effect.void)
          })
          turns.add(turn)
          return Effect.sync(() => {
            clearImmediate(turn)
            turns.delete(turn)
          })
        }
        const cancel = schedule(duration, () => resume(Effect.void))
        return Effect.sync(cancel)
      })
  }
  const next = (until: number) =>
    timers.reduce<number | undefined>((first, { at }) => (at <= until && (first === undefined || at < first) ? at : first), undefined)
  return {
    clock,
    now: () => now,
    pass: Effect.fnUntraced(function*(millis: number) {
      const until = now + millis
      yield* settled
      for (let at = next(until); at !== undefined; at = next(until)) {
        now = Math.max(now, at)
        const due = timers.filter((each) => each.at <= now)
        timers = timers.filter((each) => each.at > now)
        for (const { fire } of due) fire()
        yield* settled
      }
      now = until
    })
  }
}
