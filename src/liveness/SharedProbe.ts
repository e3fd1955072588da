/**
 * One probe for all who ask at the same time.
 *
 * A thousand runs that begin at once would send a thousand pings, each of which
 * waits behind the others, until a healthy backend is out of time for most of
 * them. An answer says the same to everybody who asked before it came.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as SynchronizedRef from "effect/SynchronizedRef"

interface UnderWay<A, E> {
  readonly fiber: Fiber.Fiber<A, E>
  readonly waiting: number
}

/**
 * Makes a probe that is run once for all who ask while it is under way, and is
 * interrupted when nobody waits for it any more. A failure is told only to
 * those who had asked when that probe was sent: its limit began before the
 * others asked, so they ask once more.
 *
 * @internal
 */
export const make = <A, E>(probe: Effect.Effect<A, E>): Effect.Effect<Effect.Effect<A, E>> =>
  Effect.map(SynchronizedRef.make(Option.none<UnderWay<A, E>>()), (underWay) => askedOf(probe, underWay))

/** The probe that is waited for, and what is under way from now on. Who is not its first was late. */
const joined = <A, E>(fiber: Fiber.Fiber<A, E>, waiting: number) =>
  [{ fiber, isLate: waiting > 1 }, Option.some({ fiber, waiting })] as const

const askedOf = <A, E>(probe: Effect.Effect<A, E>, underWay: SynchronizedRef.SynchronizedRef<Option.Option<UnderWay<A, E>>>) => {
  const join = SynchronizedRef.modifyEffect(underWay, Effect.fnUntraced(function*(current) {
    if (Option.isSome(current) && Option.isNone(yield* Fiber.poll(current.value.fiber))) {
      const { fiber, waiting } = current.value
      return joined(fiber, waiting + 1)
    }
    return joined(yield* Effect.forkDaemon(Effect.interruptible(probe)), 1)
  }))

  const leave = (fiber: Fiber.Fiber<A, E>) =>
    SynchronizedRef.updateEffect(underWay, (current) =>
      Effect.gen(function*() {
        if (Option.isNone(current) || current.value.fiber !== fiber) return current
        if (current.value.waiting > 1) return Option.some({ fiber, waiting: current.value.waiting - 1 })
        yield* Fiber.interruptFork(fiber)
        return Option.none()
      }))

  const ask = Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(join, ({ fiber, isLate }) =>
      restore(Fiber.join(fiber)).pipe(
        Effect.ensuring(leave(fiber)),
        Effect.either,
        Effect.map((answer) => ({ answer, isLate }))
      )))

  return Effect.flatMap(ask, ({ answer, isLate }) =>
    isLate && answer._tag === "Left" ? Effect.flatMap(ask, ({ answer }) => answer) : answer)
}
