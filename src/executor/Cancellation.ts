/** The end of a run that is asked for by way of its journal: by a person who cancels it, or by a process that acquires it. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { CurrentRun } from "./CurrentRun.ts"
import { RunCancelledError } from "./RunError.ts"

/** Waits until somebody ends the run, and fails with what that was. Never succeeds. */
export const awaitRequest = Effect.flatMap(CurrentRun, ({ emit, id, journal, workflow }) =>
  Option.match(journal, {
    onNone: () => Effect.never,
    onSome: ({ cancelled, lost }) =>
      Effect.raceFirst(
        lost,
        Effect.flatMap(cancelled, (by) =>
          Effect.zipRight(
            emit({ _tag: "run.cancelling", by }),
            new RunCancelledError({ workflow, run: id, by })
          ))
      )
  }))
