/**
 * What is read of recorded runs, wherever they are recorded: in a database of
 * this process, or in that of a server which is asked for them.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Stream from "effect/Stream"
import type { JournalError, RunUnknownError } from "../run/JournalError.ts"
import type { RunEvent } from "../run/RunEvent.ts"
import type { RunId } from "../run/RunId.ts"
import type { RunState } from "../run/RunState.ts"
import * as RunLookup from "./RunLookup.ts"
import type * as RunLookupError from "./RunLookupError.ts"
import { type PlacedEvent, RunStore, type Selection } from "./RunStore.ts"
import type { RunAmbiguousError, RunSummary } from "./RunSummary.ts"
import type { ServerError } from "./ServerError.ts"

/** Why nothing can be read: who is asked, or what was asked for, is not there. */
export type ReadError =
  | JournalError
  | ServerError
  | RunUnknownError
  | RunAmbiguousError
  | RunLookupError.RunForgottenError
  | RunLookupError.RunNameError

/** Reads recorded runs. */
export class RunReader extends Context.Tag("telemachy/store/RunReader")<RunReader, {
  /** Finds the run that an argument names: by its id or the beginning of that, by its workflow, or as the newest of all. */
  readonly find: (name: string) => Effect.Effect<RunSummary, ReadError>
  /** Reads how far a run has got. */
  readonly stateOf: (run: RunId) => Effect.Effect<RunState, ReadError>
  /** Some of the runs, the newest first, as they are read. */
  readonly some: (selection: Selection) => Stream.Stream<RunSummary, ReadError>
  /** The newest runs, and all others that are not over or have left something; and how many runs there are. */
  readonly notable: (newest: number) => Effect.Effect<{ readonly runs: ReadonlyArray<RunSummary>; readonly total: number }, ReadError>
  /** Whether no run is recorded. */
  readonly isEmpty: Effect.Effect<boolean, ReadError>
  /** What has happened in a run so far. Nothing of a run that was forgotten. */
  readonly events: (run: RunId) => Effect.Effect<ReadonlyArray<RunEvent>, ReadError>
  /** What has happened in a run from a place on, and what happens in it, until it is over or nobody drives it. */
  readonly followFrom: (run: RunId, from: number) => Stream.Stream<PlacedEvent, ReadError>
}>() {}

/** Layer that reads from the store of the context. */
export const layer: Layer.Layer<RunReader, never, RunStore> = Layer.effect(
  RunReader,
  Effect.map(RunStore, (store) => {
    const provided = Effect.provideService(RunStore, store)
    return RunReader.of({
      find: (name) => provided(RunLookup.find(name)),
      stateOf: (run) => provided(RunLookup.stateOf(run)),
      some: store.some,
      notable: store.notable,
      isEmpty: Effect.map(store.newest(), Option.isNone),
      events: store.events,
      followFrom: store.followFrom
    })
  })
)
