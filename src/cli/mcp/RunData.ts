/** How far a run has got, as a tool answers it: at most so many tasks, and of what they have written only the beginning. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as OfRun from "../../report/RunData.ts"
import * as SpentLine from "../../report/SpentLine.ts"
import { RunForgottenError } from "../../store/RunLookupError.ts"
import { RunReader } from "../../store/RunReader.ts"
import type { RunSummary } from "../../store/RunSummary.ts"

/** How many tasks are told when nobody says, and of each result so many characters. */
export const usualTasks = 100
const longestResult = 2000

const cut = (text: string): string => text.length <= longestResult ? text : `${text.slice(0, longestResult)}… (${text.length - longestResult} more characters: logs)`

/** Reads how far a run has got. */
export const of = Effect.fn("RunData.of")(function*(summary: RunSummary, mostTasks: number = usualTasks) {
  const { run, status } = summary
  if (status === "forgotten") return yield* new RunForgottenError({ run })
  const { events, stateOf } = yield* RunReader
  // One that waits for a place in the foreground of a process has not said anything.
  if (status === "queued" && (yield* events(run)).length === 0) return { ...summary }
  const state = yield* stateOf(run)
  const now = SpentLine.timeOf(state, yield* DateTime.now, status === "running")
  const { resources, tasks, ...rest } = OfRun.make(state, now)
  const shown = tasks.slice(0, mostTasks).map(({ result, ...task }) => ({ ...task, ...(result === undefined ? {} : { result: cut(result) }) }))
  return {
    ...summary,
    ...rest,
    tasks: shown,
    ...(tasks.length > shown.length ? { tasksOmitted: tasks.length - shown.length } : {}),
    resources: resources.slice(0, mostTasks),
    ...(resources.length > mostTasks ? { resourcesOmitted: resources.length - mostTasks } : {})
  }
})
