/** What commands do to recorded runs, wherever these are on record: here, or at a server. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as LocalRuns from "./LocalRuns.ts"
import type * as ServerRuns from "./ServerRuns.ts"

type Local = Effect.Effect.Success<ReturnType<typeof LocalRuns.make>>
type AtServer = Effect.Effect.Success<typeof ServerRuns.make>

/** An operation that succeeds as it does here, and fails as it does at either place. */
type Either<L extends (...given: never) => Effect.Effect<unknown, unknown, unknown>, S extends (...given: never) => Effect.Effect<unknown, unknown, unknown>> = (
  ...given: Parameters<L>
) => Effect.Effect<
  Effect.Effect.Success<ReturnType<L>> | Effect.Effect.Success<ReturnType<S>>,
  Effect.Effect.Error<ReturnType<L>> | Effect.Effect.Error<ReturnType<S>>
>

/** Does something to recorded runs. */
export class RunOperations extends Context.Tag("telemachy/cli/RunOperations")<RunOperations, {
  readonly cancel: Either<Local["cancel"], AtServer["cancel"]>
  /** Removes what a run has left, and says what it does while it does it, as far as it knows. */
  readonly cleanup: Either<Local["cleanup"], AtServer["cleanup"]>
  readonly answer: Either<Local["answer"], AtServer["answer"]>
  readonly forget: Either<Local["forget"], AtServer["forget"]>
  /** Opens what a task has written, for as long as the scope. */
  readonly taskLog: (...given: Parameters<Local["taskLog"]>) => Effect.Effect<
    Effect.Effect.Success<ReturnType<Local["taskLog"]>>,
    Effect.Effect.Error<ReturnType<Local["taskLog"]>> | Effect.Effect.Error<ReturnType<AtServer["taskLog"]>>,
    Scope.Scope
  >
}>() {}
