/** The events of a run as server-sent events (WHATWG HTML, section 9.2), which a browser goes on with after an interruption. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as RunEvent from "../run/RunEvent.ts"
import type { JournalError } from "../run/JournalError.ts"
import type { PlacedEvent } from "../store/RunStore.ts"

/** How often a stream says that it is there, so that nobody between takes it for a dead connection. */
const keepAlive = Duration.seconds(15)

/** How long a browser waits before it connects again, in milliseconds. */
const retry = 1000

const encode = Schema.encodeSync(RunEvent.Json)

const message = ({ event, seq }: PlacedEvent): string => `id: ${seq}\nevent: ${event._tag}\ndata: ${encode(event)}\n\n`

/** What is said last, so that a browser does not connect again. */
const end = (reason: string) => `event: end\ndata: ${JSON.stringify({ reason })}\n\n`

/** The place from which to go on for who has seen the event with this id. */
export const after = (lastEventId: string | undefined): Option.Option<number> =>
  lastEventId !== undefined && /^\d{1,9}$/.test(lastEventId) ? Option.some(Number(lastEventId) + 1) : Option.none()

/** Says again and again that a stream is there. */
export const alive = (said: string): Stream.Stream<string> => Stream.as(Stream.fromSchedule(Schedule.spaced(keepAlive)), said)

/** Writes events as they come, and then the end. When the journal is away, the stream ends without one: a client connects again. */
export const make = (events: Stream.Stream<PlacedEvent, JournalError>): Stream.Stream<Uint8Array> => {
  const told = Stream.map(events, message).pipe(
    Stream.concat(Stream.succeed(end("the run is over, or nobody drives it"))),
    Stream.catchAll((error) => Stream.fromEffect(Effect.as(Effect.logWarning(error.message), `: ${error.message.replaceAll(/\s+/g, " ")}\n\n`)))
  )
  return Stream.succeed(`retry: ${retry}\n\n`).pipe(
    Stream.concat(Stream.merge(told, alive(": \n\n"), { haltStrategy: "left" })),
    Stream.encodeText
  )
}
