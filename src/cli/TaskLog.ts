/** Shows what a task of a recorded run has written: to its end so far, or to its end. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import type { LogLine } from "../report/LogLines.ts"
import type { RunId } from "../run/RunId.ts"
import type * as TaskOutput from "../server/TaskOutput.ts"
import type { ServerError } from "../store/ServerError.ts"
import { RunOperations } from "./RunOperations.ts"
import * as Say from "./Say.ts"
import * as TaskLogOutput from "./TaskLogOutput.ts"

/** What is shown of which attempt, and how. */
export interface Options extends TaskLogOutput.Options, Omit<TaskOutput.Options, "say"> {}

const sayNoLog = (machine: string) => Console.error(`there is no log of it on ${machine}; this is what it said at its end`)

/** Says that lines are of no log, which have no time. */
const sayingNoLog = Effect.fnUntraced(function*(lines: Stream.Stream<LogLine, ServerError>) {
  const isFirst = yield* Ref.make(true)
  return Stream.tap(lines, ({ at, stream }) =>
    Effect.flatMap(Ref.getAndSet(isFirst, false), (isFirst) =>
      isFirst && at === undefined && stream !== undefined ? sayNoLog("the machine of the server") : Effect.void))
})

/** Shows the log of a task, or what the record has of it. */
export const show = Effect.fn("TaskLog.show")(function*(run: RunId, task: string, { attempt, follow, ...options }: Options) {
  const { taskLog } = yield* RunOperations
  const output = yield* taskLog(run, task, { attempt, follow, say: Say.line })
  switch (output._tag) {
    case "Log":
      return yield* TaskLogOutput.show(output.items, options)
    case "Lines":
      return yield* TaskLogOutput.showLines(yield* sayingNoLog(output.lines), options)
    case "Result":
      yield* sayNoLog("this machine")
      return yield* TaskLogOutput.showResult(output.result, options)
  }
}, Effect.scoped)
