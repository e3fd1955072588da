/** Answers a gate of a recorded run as a person says, and says what follows from it. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { oneLine } from "../report/Format.ts"
import * as GateAnswering from "../store/GateAnswering.ts"
import { RunReader } from "../store/RunReader.ts"
import * as NextCommand from "./NextCommand.ts"
import { RunOperations } from "./RunOperations.ts"

/** What a person answers. */
export interface Answer extends Omit<GateAnswering.Answer, "by"> {
  readonly run: string
  /** Whether standard output is for events. */
  readonly json: boolean
}

/** Answers a gate. Tells whether the run has to be resumed for anything to follow from that. */
export const answer = Effect.fn("GateAnswering.tell")(function*({ json, run: name, ...given }: Answer) {
  const reader = yield* RunReader
  const operations = yield* RunOperations
  const { owner, run } = yield* reader.find(name)
  const answered = yield* operations.answer(run, given)
  const say = json ? Console.error : Console.log
  yield* say(oneLine(GateAnswering.inWords(answered, given.decision)))
  if (owner !== undefined && !(yield* GateAnswering.isHeard(reader, answered))) {
    yield* Console.error(`its owner has not heard of it yet (${owner}); once that has ended: ${NextCommand.resume({ run })}`)
  }
  return { run, isDriven: owner !== undefined }
})
