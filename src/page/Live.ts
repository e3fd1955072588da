/**
 * What is shown is kept up to date: a run by the stream of its events, which is
 * taken up where it was when the connection is lost, and all else by asking
 * again and again while somebody can see it.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as RcMap from "effect/RcMap"
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { RunsClient } from "../server/RunsClient.ts"
import * as Visibility from "./Visibility.ts"

/** How long it is waited before a stream is opened again that has failed. */
const retryPause = Duration.seconds(1)

/** How often a run is looked at that nobody drives: it may go on. */
const idlePause = Duration.seconds(5)

/** What happens in between is shown together. */
const gatherTime = Duration.millis(400)

/** How long the stream of a run that nothing shows any more is kept, for what shows it next. */
const keepTime = Duration.seconds(2)

/** How a run is followed. */
export interface Change {
  /** The place behind the last event that was heard of. */
  readonly place: number
  /** Grows with each look at the run after which it may be another. */
  readonly turn: number
  /** Whether its events come as they happen; if not, it is over or nobody drives it, or the connection is lost. */
  readonly isLive: boolean
}

/** What was asked for: the latest answer, and what is wrong if the last one was none. */
export interface Shown<A> {
  readonly value: A | undefined
  readonly problem: string | undefined
}

/** Before there is an answer. */
export const nothing: Shown<never> = { value: undefined, problem: undefined }

const messageOf = (error: unknown): string => error instanceof Error && error.message !== "" ? error.message : String(error)

/** Keeps the latest answer while there is none. */
const shown = <A, E>(asked: Stream.Stream<Either.Either<A, E>>): Stream.Stream<Shown<A>> =>
  Stream.mapAccum(asked, undefined as A | undefined, (before, answer) =>
    Either.match(answer, {
      onLeft: (error): readonly [A | undefined, Shown<A>] => [before, { value: before, problem: messageOf(error) }],
      onRight: (value): readonly [A | undefined, Shown<A>] => [value, { value, problem: undefined }]
    }))

/** Asks again and again, while somebody can see what is answered. */
export const polled = <A, E, R>(ask: Effect.Effect<A, E, R>, every: Duration.DurationInput): Stream.Stream<Shown<A>, never, R | Visibility.Visibility> =>
  Stream.unwrap(Effect.map(Effect.context<R | Visibility.Visibility>(), (context) =>
    shown(
      Stream.repeatEffectWithSchedule(
        Effect.provide(Effect.zipRight(Visibility.seen, Effect.either(ask)), context),
        Schedule.spaced(every)
      )
    )))

/** Follows the events of a run from a place on, as long as anybody wants to know. */
export const follow = (client: Pick<RunsClient["Type"], "events">, run: string, from: number, ref: SubscriptionRef.SubscriptionRef<Change>) =>
  Effect.gen(function*() {
    let next = from
    const tell = (isLive: boolean) => SubscriptionRef.update(ref, ({ turn }): Change => ({ place: next, turn: turn + 1, isLive }))
    const listen = Effect.suspend(() => Stream.runForEachChunk(client.events(run, next), (chunk) => {
      for (const { seq } of chunk) next = Math.max(next, seq + 1)
      return tell(true)
    }))
    for (;;) {
      yield* Visibility.seen
      const ended = yield* Effect.either(Effect.raceFirst(Effect.as(listen, "over" as const), Effect.as(Visibility.hidden, "hidden" as const)))
      yield* tell(false)
      // What is refused for good, as a run that is not known, is asked for seldom.
      const isIdle = Either.match(ended, { onLeft: ({ isTransient }) => !isTransient, onRight: (how) => how === "over" })
      yield* Effect.sleep(isIdle ? idlePause : retryPause)
    }
  })

/** The runs that are shown, each followed once however much is shown of it. */
export class Live extends Context.Tag("telemachy/page/Live")<Live, {
  /** Tells what changes with a run, the first thing at once. */
  readonly changes: (run: string) => Stream.Stream<Change>
  /** Asks for something of a run at once, and whenever that may be another. */
  readonly of: <A, E>(run: string, ask: Effect.Effect<A, E>) => Stream.Stream<Shown<A>>
}>() {}

const make = Effect.gen(function*() {
  const client = yield* RunsClient
  const visibility = yield* Visibility.Visibility
  const followed = yield* RcMap.make({
    lookup: (run: string) =>
      Effect.gen(function*() {
        const ref = yield* SubscriptionRef.make<Change>({ place: 0, turn: 0, isLive: false })
        const start = client.views.run({ path: { run } }).pipe(
          Effect.map(({ next }) => next),
          Effect.retry({ schedule: Schedule.spaced(retryPause), while: ({ _tag }) => _tag === "RequestError" }),
          Effect.option,
          Effect.map(Option.getOrElse(() => 0))
        )
        const following = Effect.flatMap(start, (from) => follow(client, run, from, ref))
        yield* Effect.forkScoped(Effect.interruptible(Effect.provideService(following, Visibility.Visibility, visibility)))
        return ref
      }),
    idleTimeToLive: keepTime
  })
  const changes = (run: string) => Stream.unwrapScoped(Effect.map(RcMap.get(followed, run), (ref) => ref.changes))
  return Live.of({
    changes,
    of: (run, ask) =>
      shown(
        changes(run).pipe(
          Stream.buffer({ capacity: 1, strategy: "sliding" }),
          Stream.mapEffect(() => Effect.either(ask)),
          Stream.flatMap((answer) => Stream.concat(Stream.succeed(answer), Stream.drain(Stream.fromEffect(Effect.sleep(gatherTime)))))
        )
      )
  })
})

/** Layer of what is kept up to date. */
export const layer: Layer.Layer<Live, never, RunsClient | Visibility.Visibility> = Layer.scoped(Live, make)
