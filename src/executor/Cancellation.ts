/** The end of a run, or of its life in this process, that is asked for from outside of it. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { CurrentRun } from "./CurrentRun.ts"
import { RunCancelledError } from "./RunError.ts"

/** Waits until somebody ends the run, and fails with what that was. Never succeeds. */
export const awaitRequest = Effect.flatMap(CurrentRun, ({ emit, givenUp, id, journal, workflow }) =>
  Effect.raceFirst(
    givenUp,
    Option.match(journal, {
      onNone: () => Effect.never,
      onSome: ({ cancelled }) =>
        Effect.flatMap(cancelled, (by) =>
          Effect.zipRight(
            emit({ _tag: "run.cancelling", by }),
            new RunCancelledError({ workflow, run: id, by })
          ))
    })
  ))
