/** What a program reads on standard output: one JSON object per line. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as RunEvent from "../run/RunEvent.ts"

// JSON may hold these characters as they are; a terminal would act on them.
const escaped = (text: string): string =>
  text.replaceAll(/[\u007f-\u009f\u2028\u2029]/g, (character) =>
    `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`)

/** Writes a line of JSON for a program. */
export const write = (json: string): Effect.Effect<void> => Console.log(escaped(json))

const encode = Schema.encode(RunEvent.Json)

/** Writes an event as a JSON object. */
export const event = (event: RunEvent.RunEvent): Effect.Effect<void> => Effect.flatMap(Effect.orDie(encode(event)), write)

/** Writes one JSON object per event. */
export const events = <E, R>(stream: Stream.Stream<RunEvent.RunEvent, E, R>): Effect.Effect<void, E, R> => Stream.runForEach(stream, event)
