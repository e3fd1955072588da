/** The trace that this process was started in, by its environment: W3C Trace Context, level 1 (https://www.w3.org/TR/trace-context/). */
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"

// A later version may have more behind the flags, which a reader of this one leaves alone.
const format = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

const isNothing = (id: string): boolean => /^0+$/.test(id)

/** Reads a `traceparent`. None, when it is malformed. */
export const parse = (text: string): Option.Option<Tracer.ExternalSpan> => {
  const [, version = "ff", traceId = "", spanId = "", flags = "", rest] = format.exec(text.trim()) ?? []
  if (version === "ff" || (version === "00" && rest !== undefined) || isNothing(traceId) || isNothing(spanId)) return Option.none()
  return Option.some(Tracer.externalSpan({ traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 }))
}
