/** The events of a run, and when each was seen. */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as Race from "../liveness/Race.ts"
import type { RunEvent, Tag } from "../run/RunEvent.ts"
import * as RunState from "../run/RunState.ts"

/** An event that was seen. */
export interface Sighting {
  /** When, on the monotonic clock, in nanoseconds. */
  readonly at: bigint
  readonly event: RunEvent
}

/** A run ended without what was waited for. */
export class NotSeenError extends Schema.TaggedError<NotSeenError>()("NotSeenError", { what: Schema.String }) {
  override get message(): string {
    return `the run ended without ${this.what}`
  }
}

/** What is seen of a run. */
export interface Sightings {
  /** Adds an event. */
  readonly see: (event: RunEvent) => Effect.Effect<void>
  /** Says that no more will come. */
  readonly end: Effect.Effect<void>
  /** All of them so far. */
  readonly all: Effect.Effect<ReadonlyArray<Sighting>>
  /** The state that they lead to. Nothing while there are none. */
  readonly state: Effect.Effect<RunState.RunState | undefined>
  /** Waits for the first event of one of these tags; the options narrow that. */
  readonly first: (tags: ReadonlyArray<Tag>, options?: {
    /** Seen at this moment or later, on the monotonic clock, in nanoseconds. */
    readonly after?: bigint
    /** About this task. */
    readonly subject?: string | undefined
  }) => Effect.Effect<Sighting, NotSeenError>
}

/** Begins to watch a run. */
export const make: Effect.Effect<Sightings> = Effect.gen(function*() {
  const seen = yield* SubscriptionRef.make<ReadonlyArray<Sighting>>([])
  const ended = yield* Deferred.make<void>()
  const all = SubscriptionRef.get(seen)

  return {
    see: (event) =>
      Effect.flatMap(Clock.currentTimeNanos, (at) => SubscriptionRef.update(seen, (before) => [...before, { at, event }])),
    end: Effect.asVoid(Deferred.succeed(ended, undefined)),
    all,
    state: Effect.map(all, (sightings) => RunState.foldAll(sightings.map(({ event }) => event))),
    first: (tags, { after = 0n, subject } = {}) => {
      const isIt = ({ at, event }: Sighting): boolean =>
        at >= after && tags.includes(event._tag) && (subject === undefined || ("subject" in event && event.subject === subject))
      const look = (sightings: ReadonlyArray<Sighting>) => Option.fromNullable(sightings.find(isIt))
      const coming = seen.changes.pipe(Stream.filterMap(look), Stream.runHead)
      // What was seen last may not have been looked at yet.
      return Race.first([coming, Effect.zipRight(Deferred.await(ended), Effect.map(all, look))]).pipe(
        Effect.flatMap(Option.match({
          onNone: () => new NotSeenError({ what: tags.join(" or ") }),
          onSome: Effect.succeed
        }))
      )
    }
  }
})
