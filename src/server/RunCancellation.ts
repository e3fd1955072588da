/** Asks for the end of a run, wherever it is driven. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Submission from "../executor/Submission.ts"
import type { RunEvent } from "../run/RunEvent.ts"
import * as RunState from "../run/RunState.ts"
import * as RunLookup from "../store/RunLookup.ts"
import * as RunStore from "../store/RunStore.ts"
import type { RunSummary } from "../store/RunSummary.ts"

/** How long the owner of a run is given to hear of it. */
const hearingTimeout = "10 seconds"

const isHeard = ({ _tag }: RunEvent): boolean => _tag === "run.cancelling" || _tag === "run.finished"

/**
 * Asks for the end of a run. Tells what became of that: it was queued and is cancelled (`withdrawn`); its owner has heard of it
 * (`cancelling`), or not yet (`unheard`); it is over and has left nothing (`over`); or nobody drives it, and it may have left
 * something (`abandoned`).
 */
export const cancel = Effect.fn("RunCancellation.cancel")(function*({ run, status }: Pick<RunSummary, "run" | "status">, by: string) {
  const { cancel, follow } = yield* RunStore.RunStore
  // Somebody may be beginning it.
  const withdrawn = status === "queued" && (yield* Effect.catchTag(Submission.withdraw(run, by), "RunOwnedError", () => Effect.succeed(false)))
  if (withdrawn) return { run, status: "withdrawn" } as const
  const begun = (yield* RunLookup.stateOf(run)).startedAt
  if (yield* cancel(run, by)) {
    const heard = yield* follow(run).pipe(
      Stream.filter((event) => event.at.epochMillis >= begun.epochMillis && isHeard(event)),
      Stream.runHead,
      Effect.timeoutOption(hearingTimeout)
    )
    return { run, status: Option.isSome(Option.flatten(heard)) ? "cancelling" : "unheard" } as const
  }
  const state = yield* RunLookup.stateOf(run)
  const isDone = state.endedAt !== undefined && RunState.remaining(state).length === 0
  return { run, status: isDone ? "over" : "abandoned", outcome: state.outcome } as const
})
