/**
 * The course of a run in time, made of its events: what it did when, when its
 * Agamemnon was away, how long what it made was there, and what its pings told.
 */
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import type { RunEvent } from "../run/RunEvent.ts"

/** What a run does, or what happens to it, for some time. */
export type SpanKind = "queued" | "preparing" | "working" | "teardown" | "handed over" | "interrupted" | "away" | "unrecorded"

/** Such a time. It has no end while it lasts. */
export interface Span {
  readonly kind: SpanKind
  readonly from: DateTime.Utc
  readonly to: DateTime.Utc | undefined
  readonly detail?: string | undefined
}

/** The life of an agent, a team or a workspace, from when it was there to what became of it. */
export interface Life {
  readonly kind: "agent" | "team" | "workspace"
  readonly name: string
  readonly from: DateTime.Utc
  readonly to: DateTime.Utc | undefined
  readonly end: "removed" | "kept" | "left" | undefined
}

/** What a ping has told. */
export interface Ping {
  readonly at: DateTime.Utc
  readonly result: "answered" | "missed" | "lost"
  /** How long the answer took, as far as that is on record. */
  readonly took?: Duration.Duration | undefined
}

/** The course of a run so far. */
export interface Timeline {
  readonly from: DateTime.Utc | undefined
  /** When something was last told. */
  readonly to: DateTime.Utc | undefined
  readonly isOver: boolean
  /** When the process that drives it has begun, by which the time of an event is counted that tells how long that is ago. */
  readonly begun: DateTime.Utc | undefined
  readonly spans: ReadonlyArray<Span>
  /** By kind and name. Of more than {@link maxLives}, the others are counted. */
  readonly lives: ReadonlyMap<string, Life>
  readonly omittedLives: number
  /** The latest. */
  readonly pings: ReadonlyArray<Ping>
  readonly counts: { readonly answered: number; readonly missed: number; readonly lost: number }
}

/** How many lives, spans and pings are kept at most. */
export const maxLives = 500
export const maxSpans = 500
export const maxPings = 400

/** Before anything was told. */
export const empty: Timeline = {
  from: undefined,
  to: undefined,
  isOver: false,
  begun: undefined,
  spans: [],
  lives: new Map(),
  omittedLives: 0,
  pings: [],
  counts: { answered: 0, missed: 0, lost: 0 }
}

const last = <A>(items: ReadonlyArray<A>, most: number): ReadonlyArray<A> => items.length > most ? items.slice(-most) : items

const isPhase = ({ kind }: Span): boolean => kind !== "away" && kind !== "unrecorded"

/** Ends those spans that last, and of which this holds. */
const ending = (timeline: Timeline, at: DateTime.Utc, isMeant: (span: Span) => boolean): Timeline => ({
  ...timeline,
  spans: timeline.spans.some((span) => span.to === undefined && isMeant(span))
    ? timeline.spans.map((span) => span.to === undefined && isMeant(span) ? { ...span, to: at } : span)
    : timeline.spans
})

const beginning = (timeline: Timeline, span: Omit<Span, "to">): Timeline => ({
  ...timeline,
  spans: last([...timeline.spans, { ...span, to: undefined }], maxSpans)
})

/** Goes over from what the run did to something else. */
const entering = (timeline: Timeline, kind: SpanKind, at: DateTime.Utc, detail?: string): Timeline =>
  beginning(ending(timeline, at, isPhase), { kind, from: at, detail })

const phaseOf = ({ spans }: Timeline): SpanKind | undefined => spans.findLast((span) => span.to === undefined && isPhase(span))?.kind

const pinged = (timeline: Timeline, ping: Ping): Timeline => ({
  ...timeline,
  pings: last([...timeline.pings, ping], maxPings),
  counts: { ...timeline.counts, [ping.result]: timeline.counts[ping.result] + 1 }
})

/** From when on Agamemnon is away. */
const away = (timeline: Timeline, lastAnswer: DateTime.Utc): Timeline =>
  timeline.spans.some(({ kind, to }) => kind === "away" && to === undefined)
    ? timeline
    : beginning(timeline, { kind: "away", from: lastAnswer })

const back = (timeline: Timeline, at: DateTime.Utc): Timeline => ending(timeline, at, ({ kind }) => kind === "away")

/** The part of a tag after its kind. */
const resourceEvent = /^(agent|team|workspace)\.(created|reused|removed|kept|left)$/

type Resource = Extract<RunEvent, { readonly _tag: `${"agent" | "team" | "workspace"}.${"created" | "reused" | "removed" | "kept" | "left"}` }>

const isResource = (event: RunEvent): event is Resource => resourceEvent.test(event._tag)

const lived = (timeline: Timeline, event: Resource, at: DateTime.Utc): Timeline => {
  const kind = event._tag.startsWith("agent.") ? "agent" : event._tag.startsWith("team.") ? "team" : "workspace"
  const key = `${kind}/${event.name}`
  const before = timeline.lives.get(key)
  if (before === undefined && timeline.lives.size >= maxLives) {
    return /created|reused/.test(event._tag) ? { ...timeline, omittedLives: timeline.omittedLives + 1 } : timeline
  }
  const known: Life = before ?? { kind, name: event.name, from: at, to: undefined, end: undefined }
  const end = /\.(removed|kept|left)$/.exec(event._tag)?.[1]
  const after: Life = end === undefined
    ? { ...known, to: undefined, end: undefined }
    : { ...known, to: at, end: end === "removed" ? "removed" : end === "kept" ? "kept" : "left" }
  return { ...timeline, lives: new Map(timeline.lives).set(key, after) }
}

/** A run begins, or goes on: between what was last told and that, nobody drove it, unless it had said why. */
const begun = (timeline: Timeline, at: DateTime.Utc, isResumed: boolean): Timeline => {
  const phase = phaseOf(timeline)
  const gap = isResumed && timeline.to !== undefined && phase !== "handed over" && phase !== "queued" && !timeline.isOver
    ? entering(timeline, "interrupted", timeline.to)
    : timeline
  return { ...entering(back(gap, at), "preparing", at), begun: at, isOver: false }
}

const step = (timeline: Timeline, event: RunEvent, at: DateTime.Utc): Timeline => {
  if (isResource(event)) return lived(timeline, event, at)
  switch (event._tag) {
    case "run.submitted":
      return { ...entering(timeline, "queued", at), isOver: false }
    case "run.started":
      return begun(timeline, at, false)
    case "run.resumed":
      return begun(timeline, at, true)
    case "task.submitting":
    case "task.watched":
    case "gate.asked":
      return phaseOf(timeline) === "preparing" ? entering(timeline, "working", at) : timeline
    case "run.yielded":
      return entering(back(timeline, at), "handed over", at, event.reason)
    case "run.decided":
      return entering(timeline, "teardown", at)
    case "run.finished":
      return { ...ending(timeline, at, () => true), isOver: true }
    case "connectivity.alive":
      return pinged(back(timeline, at), { at, result: "answered", took: event.took })
    case "connectivity.suspect":
      return pinged(away(timeline, event.lastAnswer), { at, result: "missed" })
    case "connectivity.lost":
      return pinged(away(timeline, event.lastAnswer ?? at), { at, result: "lost" })
    case "record.failed":
      return beginning(ending(timeline, at, ({ kind }) => kind === "unrecorded"), { kind: "unrecorded", from: at, detail: event.error })
    case "record.restored":
      return ending(timeline, at, ({ kind }) => kind === "unrecorded")
    default:
      return timeline
  }
}

/** The course of a run after an event. */
export const fold = (timeline: Timeline, event: RunEvent): Timeline => {
  const isStart = event._tag === "run.started" || event._tag === "run.resumed"
  // The clock may have been set while the process ran: how long that has run is right nonetheless.
  const at = isStart || event.elapsed === undefined || timeline.begun === undefined
    ? event.at
    : DateTime.addDuration(timeline.begun, event.elapsed)
  const after = step(timeline, event, at)
  return { ...after, from: timeline.from ?? at, to: at }
}
