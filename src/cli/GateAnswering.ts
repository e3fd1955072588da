/** Answers a gate of a recorded run, wherever that is driven, and says what follows from it. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { oneLine } from "../report/Format.ts"
import type { GateAnswer, GateDecision } from "../run/GateAnswer.ts"
import { maxBytes } from "../workflow/WorkflowText.ts"
import * as RunStore from "../store/RunStore.ts"
import * as GateLookup from "./GateLookup.ts"
import * as NextCommand from "./NextCommand.ts"
import * as RunLookup from "./RunLookup.ts"
import * as Who from "./Who.ts"

/** What a person answers. */
export interface Answer {
  readonly run: string
  readonly task: Option.Option<string>
  readonly decision: GateDecision
  readonly comment: Option.Option<string>
  /** The task that is done again. */
  readonly redo: Option.Option<string>
  /** Whether standard output is for events. */
  readonly json: boolean
}

const words: Record<GateDecision, string> = { approved: "approved", rejected: "rejected", redo: "sent back" }

/** How long a living run is given to hear of an answer. */
const patience = "10 seconds"

/** Answers a gate. Tells whether the run has to be resumed for anything to follow from that. */
export const answer = Effect.fn("GateAnswering.answer")(function*({ comment, decision, json, redo, run: name, task }: Answer) {
  const store = yield* RunStore.RunStore
  const said = Option.getOrUndefined(comment)
  const bytes = new TextEncoder().encode(said ?? "").length
  if (bytes > maxBytes.comment) return yield* new GateLookup.GateError({ message: `--comment has ${bytes} bytes, and can have ${maxBytes.comment}` })
  const { owner, run } = yield* RunLookup.find(name)
  const state = yield* RunLookup.stateOf(run)
  const gate = yield* GateLookup.find(state, task)
  const target = Option.isNone(redo) ? undefined : yield* GateLookup.before(state, gate, redo.value)
  const { subject, team } = gate
  const question = { team, subject, asked: gate.gate?.asked ?? 1 }
  const given: GateAnswer = {
    decision,
    by: yield* Who.name,
    ...(said === undefined ? {} : { comment: said }),
    ...(target === undefined ? {} : { redo: { team: target.team, subject: target.subject } })
  }
  const counts = yield* store.answer(run, question, given)
  if (JSON.stringify(counts) !== JSON.stringify(given)) {
    return yield* new GateLookup.GateError({ message: `gate ${team}/${subject} of run ${run} was ${words[counts.decision]} by ${counts.by} before` })
  }
  const say = json ? Console.error : Console.log
  yield* say(oneLine(`${team}/${subject} of run ${run} is ${words[decision]}${target === undefined ? "" : ` to ${target.team}/${target.subject}`}`))
  const isDriven = owner !== undefined
  if (!isDriven) return { run, state, isDriven }
  const heard = yield* store.follow(run).pipe(
    Stream.filter((event) => event._tag === "gate.answered" && event.team === team && event.subject === subject && event.asked === question.asked),
    Stream.runHead,
    Effect.timeoutOption(patience)
  )
  if (Option.isNone(Option.flatten(heard))) {
    yield* Console.error(`its owner has not heard of it yet (${owner}); once that has ended: ${NextCommand.resume({ run })}`)
  }
  return { run, state, isDriven }
})
