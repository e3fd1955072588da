/** Gives an answer to a gate of a recorded run, wherever that is driven. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { GateAnswer, GateDecision } from "../run/GateAnswer.ts"
import * as GateLookup from "../run/GateLookup.ts"
import type { RunId } from "../run/RunId.ts"
import { maxBytes } from "../workflow/WorkflowText.ts"
import * as RunLookup from "./RunLookup.ts"
import * as RunStore from "./RunStore.ts"

/** What somebody answers. */
export interface Answer {
  /** The gate; the only one that asks when it is left out. */
  readonly task: Option.Option<string>
  readonly decision: GateDecision
  /** Who answers. */
  readonly by: string
  readonly comment: Option.Option<string>
  /** The task that is done again. */
  readonly redo: Option.Option<string>
}

const words: Record<GateDecision, string> = { approved: "approved", rejected: "rejected", redo: "sent back" }

/** How long a living run is given to hear of an answer. */
const hearingTimeout = "10 seconds"

/**
 * Answers a gate. Tells which one that was, which task it has sent back, and whether the owner of the run, if it has a living
 * one, has heard of it.
 */
export const answer = Effect.fn("GateAnswering.answer")(function*(run: RunId, { by, comment, decision, redo, task }: Answer) {
  const store = yield* RunStore.RunStore
  const said = Option.getOrUndefined(comment)
  const bytes = new TextEncoder().encode(said ?? "").length
  if (bytes > maxBytes.comment) {
    return yield* new GateLookup.GateError({ message: `the comment has ${bytes} bytes, and can have ${maxBytes.comment}` })
  }
  const state = yield* RunLookup.stateOf(run)
  const gate = yield* GateLookup.find(state, task)
  const target = Option.isNone(redo) ? undefined : yield* GateLookup.before(state, gate, redo.value)
  const { subject, team } = gate
  const question = { team, subject, asked: gate.gate?.asked ?? 1 }
  const given: GateAnswer = {
    decision,
    by,
    ...(said === undefined ? {} : { comment: said }),
    ...(target === undefined ? {} : { redo: { team: target.team, subject: target.subject } })
  }
  const counts = yield* store.answer(run, question, given)
  if (JSON.stringify(counts) !== JSON.stringify(given)) {
    return yield* new GateLookup.GateError({ message: `gate ${team}/${subject} of run ${run} was ${words[counts.decision]} by ${counts.by} before` })
  }
  return { run, gate: question, redo: given.redo }
})

/** A gate that was answered. */
export type Answered = Effect.Effect.Success<ReturnType<typeof answer>>

/** Waits a while until whoever drives a run has heard of an answer. Tells whether that was so. */
export const isHeard = <E>(
  { followFrom }: { readonly followFrom: (run: RunId, from: number) => Stream.Stream<RunStore.PlacedEvent, E> },
  { gate: { asked, subject, team }, run }: Answered
) =>
  followFrom(run, 0).pipe(
    Stream.filter(({ event }) => event._tag === "gate.answered" && event.team === team && event.subject === subject && event.asked === asked),
    Stream.runHead,
    Effect.timeoutOption(hearingTimeout),
    Effect.map((found) => Option.isSome(Option.flatten(found)))
  )

/** An answer in words. */
export const inWords = ({ gate, redo, run }: Answered, decision: GateDecision): string =>
  `${gate.team}/${gate.subject} of run ${run} is ${words[decision]}${redo === undefined ? "" : ` to ${redo.team}/${redo.subject}`}`
