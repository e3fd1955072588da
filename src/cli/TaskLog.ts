/** Shows what a task of a recorded run has written: to its end so far, or to its end. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import type { RunId } from "../run/RunId.ts"
import * as TaskOutput from "../server/TaskOutput.ts"
import * as TaskLogOutput from "./TaskLogOutput.ts"

/** What is shown of which attempt, and how. */
export interface Options extends TaskLogOutput.Options, Omit<TaskOutput.Options, "say"> {}

/** Shows the log of a task, or what the record has of it. */
export const show = Effect.fn("TaskLog.show")(function*(run: RunId, task: string, { attempt, follow, ...options }: Options) {
  const output = yield* TaskOutput.open(run, task, { attempt, follow, say: Console.error })
  if (output._tag === "Log") return yield* TaskLogOutput.show(output.items, options)
  yield* Console.error("there is no log of it on this machine; this is what it said at its end")
  yield* TaskLogOutput.showResult(output.result, options)
}, Effect.scoped)
