/**
 * A tracer that hands the parts of a run on to another, and keeps all other spans from it: those of functions and of statements.
 * Such a span is looked through, so that what is within it is a part of what it is in. Nor is anything handed on of a trace that
 * whoever began it does not record.
 */
import * as Context from "effect/Context"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import { IsStep } from "../run/RunSpan.ts"

type SpanArguments = Parameters<Tracer.Tracer["span"]>

/** Makes a span that is not recorded, and is looked through. */
const unrecorded = (...[name, parent, context, links, startTime, kind]: SpanArguments): Tracer.Span => {
  const { spanId, traceId } = Option.getOrElse(parent, () => none)
  let status: Tracer.SpanStatus = { _tag: "Started", startTime }
  return {
    _tag: "Span",
    name,
    parent,
    context: Context.add(context, Tracer.DisablePropagation, true),
    links,
    kind,
    spanId,
    traceId,
    sampled: false,
    attributes: new Map(),
    get status() {
      return status
    },
    end: (endTime, exit) => {
      status = { _tag: "Ended", startTime, endTime, exit }
    },
    attribute: () => {},
    event: () => {},
    addLinks: () => {}
  }
}

const none = { spanId: "0".repeat(16), traceId: "0".repeat(32) }

const isRecorded = (...[, parent, context]: SpanArguments): boolean =>
  Context.get(context, IsStep) && Option.match(parent, { onNone: () => true, onSome: ({ sampled }) => sampled })

/** What a part of a run has of the part that it is in: which run, team, task and attempt it is of. How those end is their own. */
const inherited = [
  "telemachy.run.id",
  "telemachy.workflow.name",
  "telemachy.agent.name",
  "telemachy.team.name",
  "telemachy.task.subject",
  "telemachy.task.attempt"
]

/** Makes one that hands on to another. */
export const make = (tracer: Tracer.Tracer): Tracer.Tracer =>
  Tracer.make({
    span: (...given) => {
      if (!isRecorded(...given)) return unrecorded(...given)
      const span = tracer.span(...given)
      const [, parent] = given
      if (Option.isSome(parent) && parent.value._tag === "Span") {
        for (const name of inherited) {
          const value = parent.value.attributes.get(name)
          if (value !== undefined) span.attribute(name, value)
        }
      }
      return span
    },
    context: (execution, fiber) => tracer.context(execution, fiber)
  })
