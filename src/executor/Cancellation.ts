/** The end of a run, or of its life in this process, that is asked for from outside of it. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { LeaseLostError } from "../run/JournalError.ts"
import { CurrentRun } from "./CurrentRun.ts"
import { RunCancelledError } from "./RunError.ts"
import type { RunYieldedError } from "./RunYieldedError.ts"

type Request = Effect.Effect<never, RunCancelledError | LeaseLostError | RunYieldedError>

/** What waits until somebody ends the current run, and fails with what that was. None of them ever succeeds. */
export const requests = Effect.map(CurrentRun, ({ emit, givenUp, id, journal, workflow }): ReadonlyArray<Request> => {
  const cancelled = Option.map(journal, ({ cancelled }) =>
    Effect.flatMap(cancelled, (by) =>
      Effect.zipRight(
        emit({ _tag: "run.cancelling", by }),
        new RunCancelledError({ workflow, run: id, by })
      )))
  return [...Option.toArray(cancelled), ...givenUp]
})
