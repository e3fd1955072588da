/** The exit code of a run. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as RunState from "../run/RunState.ts"
import * as ExitCode from "./ExitCode.ts"
import { Signals } from "./Signals.ts"

/** The exit code of a run whose outcome is decided, unless it was cancelled: then a signal decides it. */
export const decided = (state: RunState.RunState | undefined, isReportMissing = false): Option.Option<number> => {
  if (state?.outcome === undefined || state.outcome === "cancelled") return Option.none()
  if (state.outcome !== "completed") return Option.some(ExitCode.outcomes[state.outcome])
  const isOver = state.endedAt !== undefined
  const left = isOver ? RunState.left(state) : RunState.remaining(state).filter(({ status }) => status !== "kept")
  if (left.length > 0) return Option.some(ExitCode.leftBehind)
  if (!state.recorded) return Option.some(ExitCode.unrecorded)
  return Option.some(isReportMissing ? ExitCode.unreported : ExitCode.outcomes.completed)
}

/** The exit code of a run that is over, as the command that ran it ended, or would have. */
export const of = Effect.fn("RunExitCode.of")(function*(state: RunState.RunState | undefined, isReportMissing = false) {
  const { exitCode } = yield* Signals
  if (state?.outcome === "cancelled") return yield* exitCode
  return Option.getOrElse(decided(state, isReportMissing), () => ExitCode.outcomes.failed)
})
