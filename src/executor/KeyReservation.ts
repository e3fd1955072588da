/**
 * Holds the keys of a run's agents and teams, so that no two runs of the journal
 * make, use or remove the same at one time.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import { WorkflowRunningError } from "../run/KeyHolder.ts"
import * as RunId from "../run/RunId.ts"
import * as RunJournal from "../run/RunJournal.ts"

/** How long a run waits for one that is taking down what carries its keys. */
const removalWait = Duration.seconds(30)

const lookInterval = Duration.millis(500)

const refuseIfHeld = ({ former, holders }: RunJournal.Reserved): Effect.Effect<ReadonlyArray<RunId.RunId>, WorkflowRunningError> => {
  const holder = holders.find(({ purpose }) => purpose === "use") ?? holders[0]
  return holder === undefined ? Effect.succeed(former) : new WorkflowRunningError(holder, { disableValidation: true })
}

/**
 * Takes all keys of a run until the scope of its journal closes. Waits while
 * another run only removes what carries them, and fails when one is at work.
 * Answers which runs have held them to the end of their processes.
 */
export const acquire = Effect.fn("KeyReservation.acquire")(function*(
  { reserve }: Pick<RunJournal.Handle, "reserve">,
  keys: ReadonlyArray<string>
) {
  const attempt = Effect.flatMap(reserve(keys, { all: true, purpose: "use" }), refuseIfHeld)
  return yield* Effect.retry(attempt, {
    times: Math.ceil(Duration.toMillis(removalWait) / Duration.toMillis(lookInterval)),
    while: (error) =>
      error._tag === "WorkflowRunningError" && error.purpose === "remove" ? Effect.as(Effect.sleep(lookInterval), true) : Effect.succeed(false)
  })
})

/**
 * Takes keys of a workflow for whoever drives no run, and removes what carries
 * them, until the scope closes. Fails when a run works with them. Answers as
 * which run they are held.
 */
export const acquireForRemoval = Effect.fn("KeyReservation.acquireForRemoval")(function*(
  workflow: string,
  keys: ReadonlyArray<string>
) {
  const { url } = yield* AgamemnonClient
  const { begin } = yield* RunJournal.RunJournal
  const run = yield* RunId.random
  const { reserve } = yield* begin({ run, workflow, url })
  yield* Effect.flatMap(reserve(keys, { all: true, purpose: "remove" }), refuseIfHeld)
  return run
})
