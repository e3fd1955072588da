/** What `approve` and `reject` do: answer, and take the run to its end where that is asked for and nobody else drives it. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as ResumeCommand from "./command/ResumeCommand.ts"
import * as GateAnswering from "./GateAnswering.ts"
import * as NextCommand from "./NextCommand.ts"

type Flags = GateAnswering.Answer & { readonly goOn: boolean } & Omit<ResumeCommand.Flags, "acceptChanges" | "retryFailed">

/** Answers, and goes on. */
export const run = Effect.fn("AnswerFlow.run")(function*(flags: Flags) {
  const { isDriven, run } = yield* GateAnswering.answer(flags)
  if (isDriven) return
  const say = flags.json ? Console.error : Console.log
  if (!flags.goOn) return yield* say(`nobody drives the run now; go on with it: ${NextCommand.resume({ run })}`)
  yield* ResumeCommand.goOn({ ...flags, run, acceptChanges: false, retryFailed: false })
})
