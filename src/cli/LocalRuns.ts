/** What is done to runs that are on record in the database of the settings, by this process. */
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TaskLogs from "../embedded/log/TaskLogs.ts"
import type { RunId } from "../run/RunId.ts"
import type { RunJournal } from "../run/RunJournal.ts"
import type { RunQueue } from "../run/RunQueue.ts"
import * as RunCancellation from "../server/RunCancellation.ts"
import * as TaskOutput from "../server/TaskOutput.ts"
import * as GateAnswering from "../store/GateAnswering.ts"
import * as RunLookup from "../store/RunLookup.ts"
import { RunStore } from "../store/RunStore.ts"
import type { RunSummary } from "../store/RunSummary.ts"
import * as Backend from "./Backend.ts"
import * as CleanupOutput from "./CleanupOutput.ts"
import type * as TaskLogOutput from "./TaskLogOutput.ts"
import * as Who from "./Who.ts"

/** What flags say of the Agamemnon of a run. */
export interface Flags {
  /** The address that it has now. */
  readonly url: Option.Option<string>
}

/** What it takes. */
export type Services = RunStore | RunJournal | RunQueue | FileSystem.FileSystem | Path.Path

/** Makes the operations, which say what they do while they do it. */
export const make = Effect.fnUntraced(function*({ url }: Flags) {
  const context = yield* Effect.context<Services>()
  const provided = Effect.provide(context)
  return {
    cancel: (summary: RunSummary) => provided(Effect.flatMap(Who.name, (by) => RunCancellation.cancel(summary, by))),
    cleanup: (run: RunId, options: CleanupOutput.Options) =>
      provided(Effect.flatMap(RunLookup.stateOf(run), (state) => Effect.provide(CleanupOutput.clean(run, options), Backend.layerOf(state, url)))),
    answer: (run: RunId, answer: Omit<GateAnswering.Answer, "by">) =>
      provided(Effect.flatMap(Who.name, (by) => GateAnswering.answer(run, { ...answer, by }))),
    forget: (run: RunId) =>
      provided(Effect.gen(function*() {
        const { events, forget } = yield* RunStore
        const recorded = yield* events(run)
        yield* forget(run)
        yield* TaskLogs.remove(run, recorded)
      })),
    taskLog: (run: RunId, task: string, options: TaskOutput.Options) =>
      provided(Effect.map(TaskOutput.open(run, task, options), (output): TaskLogOutput.Output =>
        output._tag === "Log" ? { _tag: "Log", items: Stream.provideContext(output.items, context) } : output))
  }
})
