/** The recorded run that a command is about. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { RunId } from "../run/RunId.ts"
import * as RunState from "../run/RunState.ts"
import { RunStore } from "../store/RunStore.ts"

/** What the journal said about a run has been removed from it. */
export class RunForgottenError extends Schema.TaggedError<RunForgottenError>()("RunForgottenError", { run: Schema.String }) {
  override get message(): string {
    return `run ${this.run} has been forgotten: there was one, and nothing more is known`
  }
}

/** Finds the run that an argument names, at a glance. */
export const find = (prefix: string) => Effect.flatMap(RunStore, ({ find }) => find(prefix))

/** Reads how far a run has got, and what others have removed since of what it has kept or left. */
export const stateOf = Effect.fn("RunLookup.stateOf")(function*(run: RunId) {
  const { events, removedByOthers } = yield* RunStore
  const state = yield* Effect.flatMap(events(run), RunState.foldInTurns)
  if (state === undefined) return yield* new RunForgottenError({ run })
  return RunState.remaining(state).length === 0 ? state : RunState.withRemoved(state, yield* removedByOthers(run))
})
