/** The recorded run that a command is about. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type { RunId } from "../run/RunId.ts"
import * as RunState from "../run/RunState.ts"
import { RunForgottenError, RunNameError } from "./RunLookupError.ts"
import { RunStore } from "./RunStore.ts"

/** Stands for the newest run of all. */
const latest = "latest"

/**
 * Finds the run that an argument names, at a glance: by its id or the beginning
 * of that, by the name of its workflow, of which it is the newest, or as the
 * newest of all. A name that is as good an id is refused: what is done to a run
 * must not be done to another.
 */
export const find = Effect.fn("RunLookup.find")(function*(name: string) {
  const store = yield* RunStore
  const byId = yield* Effect.either(store.find(name))
  if (Either.isRight(byId) && byId.right.run === name) return byId.right
  if (Either.isLeft(byId) && byId.left._tag === "JournalError") return yield* byId.left
  const byName = yield* name === latest ? store.newest() : store.newest(name)
  if (Option.isNone(byName)) return yield* byId
  if (Either.isLeft(byId) || byId.right.run === byName.value.run) return byName.value
  return yield* new RunNameError({ name, byId: byId.right.run, byName: byName.value.run })
})

/** Reads how far a run has got, and what others have removed since of what it has kept or left. */
export const stateOf = Effect.fn("RunLookup.stateOf")(function*(run: RunId) {
  const { events, removedByOthers } = yield* RunStore
  const state = yield* Effect.flatMap(events(run), RunState.foldInTurns)
  if (state === undefined) return yield* new RunForgottenError({ run })
  return RunState.remaining(state).length === 0 ? state : RunState.withRemoved(state, yield* removedByOthers(run))
})
