/** Reads server-sent events (WHATWG HTML, section 9.2), as {@link EventStream} writes them. */
import { identity } from "effect/Function"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"

/** A message of a stream of events. */
export interface Message {
  readonly id: string | undefined
  readonly event: string | undefined
  readonly data: string
}

/** The longest message that is put together, in characters: no event has as many. */
const maxLength = 64 * 1024 * 1024

/** Puts the lines of a stream together to messages; a line that is empty ends one. */
export const fromLines = <E, R>(lines: Stream.Stream<string, E, R>): Stream.Stream<Message, E, R> =>
  lines.pipe(
    Stream.mapAccum<Message, string, Option.Option<Message>>({ id: undefined, event: undefined, data: "" }, (open, line) => {
      const none: Message = { id: undefined, event: undefined, data: "" }
      if (line === "") return [none, open.data === "" ? Option.none() : Option.some(open)]
      const [, field = "", value = ""] = /^([^:]*):? ?(.*)$/s.exec(line) ?? []
      switch (field) {
        case "id":
          return [{ ...open, id: value }, Option.none()]
        case "event":
          return [{ ...open, event: value }, Option.none()]
        case "data":
          return [{ ...open, data: open.data.length + value.length > maxLength ? open.data : open.data + value }, Option.none()]
        default:
          return [open, Option.none()]
      }
    }),
    Stream.filterMap(identity)
  )
