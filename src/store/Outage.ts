/** Somebody who is away for a while: that is said once, and it is asked again until there is an answer, for a limited time. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"

/** How long somebody is waited for, each time that it is away. */
export const limit = Duration.seconds(60)

/** The time between two tries. */
const pause = Duration.seconds(1)

/** Tells somebody of an outage. */
export type Say = (line: string) => Effect.Effect<void>

/** Whether an error says that what was asked may answer again without anybody's doing. */
export const isTransient = (error: unknown): boolean => Predicate.hasProperty(error, "isTransient") && error.isTransient === true

/** How an outage is recognized, and what is said of it when it begins. */
export interface Options<E> {
  readonly isAway: (error: E) => boolean
  readonly onOutage: (error: E) => Effect.Effect<void>
}

/** Says in words that something is away, and is asked again. */
export const saying = (say: Say) => (error: { readonly message: string }) =>
  say(`${error.message}; trying again for up to ${Duration.format(limit)}`)

/** What is known of an outage. */
const make = <E>({ isAway, onOutage }: Options<E>) => {
  const most = Duration.toMillis(limit) * 1e6
  let since: bigint | undefined
  let last = 0n
  /** Whether it is to be tried again. A try that has lasted longer than the limit was none that waited: that is another outage. */
  const afterFailure = (error: E) =>
    Effect.flatMap(Clock.currentTimeNanos, (now) => {
      if (!isAway(error)) return Effect.succeed(false)
      const isNew = since === undefined || Number(now - last) > most
      const begun = isNew ? now : since ?? now
      since = begun
      last = now
      return isNew ? Effect.as(onOutage(error), true) : Effect.succeed(Number(now - begun) <= most)
    })
  const onAnswer = () => {
    since = undefined
  }
  return { onAnswer, schedule: Schedule.whileInputEffect(Schedule.spaced(pause), afterFailure) }
}

/** Asks, and again while what is asked is away. */
export const waitOut = <A, E, R>(question: Effect.Effect<A, E, R>, options: Options<E>): Effect.Effect<A, E, R> =>
  Effect.suspend(() => Effect.retry(question, make(options).schedule))

/** Opens a stream, and again while what it comes from is away. The wait begins anew as soon as something comes again. */
export const reopen = <A, E, R>(stream: Stream.Stream<A, E, R>, options: Options<E>): Stream.Stream<A, E, R> =>
  Stream.suspend(() => {
    const { onAnswer, schedule } = make(options)
    return stream.pipe(
      Stream.mapChunks((chunk) => {
        onAnswer()
        return chunk
      }),
      Stream.retry(schedule)
    )
  })
