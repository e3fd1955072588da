/**
 * Holds the keys of a run's agents and teams, so that no two runs of the journal
 * make, use or remove the same at one time.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { WorkflowRunningError } from "../run/KeyHolder.ts"
import type * as RunJournal from "../run/RunJournal.ts"

/** How long a run waits for one that is taking down what carries its keys. */
const removalWait = Duration.seconds(30)

const lookInterval = Duration.millis(500)

/**
 * Takes all keys of a run until the scope of its journal closes. Waits while
 * another run only removes what carries them, and fails when one is at work.
 */
export const acquire = Effect.fn("KeyReservation.acquire")(function*(
  { reserve }: Pick<RunJournal.Handle, "reserve">,
  keys: ReadonlyArray<string>
) {
  const attempt = Effect.flatMap(reserve(keys, { all: true, purpose: "use" }), (holders) => {
    const holder = holders.find(({ purpose }) => purpose === "use") ?? holders[0]
    return holder === undefined ? Effect.void : new WorkflowRunningError(holder)
  })
  yield* Effect.retry(attempt, {
    times: Math.ceil(Duration.toMillis(removalWait) / Duration.toMillis(lookInterval)),
    while: (error) =>
      error._tag === "WorkflowRunningError" && error.purpose === "remove" ? Effect.as(Effect.sleep(lookInterval), true) : Effect.succeed(false)
  })
})
