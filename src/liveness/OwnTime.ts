/**
 * Time that this process has really had.
 *
 * A process that is suspended, or whose event loop is busy with other work,
 * can't hear an answer that has come. A timer can't tell: when the loop turns
 * again it has expired, and the answer that waits in the socket is read after
 * it. So time is counted here in turns of the event loop. Each turn counts for
 * as long as it was meant to take and a little more, however long it took.
 *
 * Nor are timers turns: several of them can fire one after the other, each
 * after work of other fibers, before the loop looks at its sockets. So a timer
 * that was late is followed by a look at them.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/** A wait is made of so many turns of the event loop, when each is on time. */
const turns = 10

/** And of so many at least, when each is late: enough to connect, to agree on encryption, to send, and to read an answer. */
const fewestTurns = 8

const elapsedSince = (then: bigint) => Effect.map(Clock.currentTimeNanos, (now) => Number(now - then) / 1_000_000)

/** Waits until the event loop has looked at its sockets: what is called here comes after that. */
const nextImmediate = Effect.async<void>((resume) => {
  const immediate = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(immediate))
})

/** The same where there is no Node, whose timers are turns of their own. */
const look = Effect.suspend(() => (typeof setImmediate === "function" ? nextImmediate : Effect.sleep(0)))

/**
 * Waits until this process has itself had so much time. On a loop that turns in
 * time that is the duration. As long as no turn takes more than a fifth of it,
 * it takes less than twice the duration; a longer standstill counts for an
 * eighth of it, and after the last turn there is one more, in which
 * what has been received meanwhile is read.
 *
 * @internal
 */
export const sleep = Effect.fnUntraced(function*(duration: Duration.DurationInput) {
  const total = Duration.toMillis(duration)
  const turn = Math.max(1, Math.floor(total / turns))
  const most = Math.max(turn, total / fewestTurns)
  let had = 0
  while (had < total) {
    const then = yield* Clock.currentTimeNanos
    const wait = Math.min(turn, total - had)
    yield* Effect.sleep(wait)
    const isLate = (yield* elapsedSince(then)) > wait
    if (isLate) yield* look
    had += Math.min(yield* elapsedSince(then), most)
  }
  yield* Effect.sleep(0)
})
