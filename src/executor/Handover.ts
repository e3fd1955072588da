/**
 * What a run does last in a process that hands it over to another: nothing is
 * taken down, and what requests under way have made is written down, so that
 * whoever goes on does not have to wait until nothing can appear any more.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Parallel from "../liveness/Parallel.ts"
import * as RunState from "../run/RunState.ts"
import { CurrentRun } from "./CurrentRun.ts"
import type { PendingCreate, Settled } from "./PendingCreates.ts"
import { RunAgamemnon } from "./RunAgamemnon.ts"
import type { RunYieldedError } from "./RunYieldedError.ts"

/** How long requests that are under way are waited for: whoever hands a run over has to end soon. */
const settleTime = Duration.seconds(1)

/** Hands the current run over. */
export const yieldRun = (error: RunYieldedError) =>
  Effect.flatMap(CurrentRun, ({ markYielded }) => Effect.zipRight(tellSettled, markYielded(error)))

/** Tells what creates have made whose answers nobody else has told. */
const tellSettled = Effect.gen(function*() {
  const { emit, state } = yield* CurrentRun
  const { findCreate } = yield* RunAgamemnon
  const reached = yield* state
  if (reached === undefined) return
  const settled = (create: PendingCreate | undefined) =>
    create === undefined ? Effect.succeedNone : Effect.timeoutOption(create.settled, settleTime)
  const resources = RunState.remaining(reached).filter(({ id }) => id === undefined)
  const tasks = [...HashMap.values(reached.tasks)].flatMap(HashMap.toValues).filter(({ status }) => status === "submitting")
  const told = (settle: Option.Option<Settled>, tell: (id: string, isUncertain: boolean) => Effect.Effect<void>) => {
    const id = Option.getOrUndefined(settle)?.id
    return id === undefined ? Effect.void : tell(id, Option.exists(settle, ({ uncertainAt }) => uncertainAt !== undefined))
  }
  const ofResources = Parallel.forEach(resources, ({ key, kind, name }) =>
    Effect.flatMap(settled(findCreate(key)), (settle) =>
      told(settle, (id, isUncertain) => emit({ _tag: `${kind}.created`, name, key, id, ...(isUncertain ? { uncertain: true } : {}) }))))
  const ofTasks = Parallel.forEach(tasks, ({ subject, team }) => {
    const { id: teamId } = Option.getOrElse(HashMap.get(reached.teams, team), () => ({ id: undefined }))
    return Effect.flatMap(settled(teamId === undefined ? undefined : findCreate(`${teamId} ${subject}`)), (settle) =>
      told(settle, (id) => emit({ _tag: "task.submitted", team, subject, id })))
  })
  yield* Parallel.all<unknown, never, never>([ofResources, ofTasks])
})
