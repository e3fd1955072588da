/** What a run that has reached its end is known by. */
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type { RunId } from "../run/RunId.ts"
import * as RunState from "../run/RunState.ts"

/** What a task has answered, by name. */
type Answer = Readonly<Record<string, unknown>>

/** A run that has completed: each of its tasks has, but for those whose failure is tolerated or whose condition does not hold. */
export interface RunResult {
  readonly run: RunId
  readonly workflow: string
  readonly startedAt: DateTime.Utc
  readonly endedAt: DateTime.Utc
  readonly tasks: ReadonlyArray<RunState.TaskState>
  /**
   * What tasks have answered by name, by the ids of those that declare it and have completed. Of a task with a matrix that is a
   * list: what each of its instances that have completed has answered, in the order of the matrix.
   */
  readonly outputs: Readonly<Record<string, Answer | ReadonlyArray<Answer>>>
  /** Agents and teams, and what became of them. */
  readonly resources: ReadonlyArray<RunState.ResourceState>
  /** What it has used, as far as that is known. */
  readonly usage: RunState.Spent
}

/** Reads the result of a run from its state. */
export const fromState = (state: RunState.RunState | undefined): Effect.Effect<RunResult> =>
  state?.endedAt === undefined
    ? Effect.dieMessage("a run that has ended must have a state")
    : Effect.succeed({
      run: state.run,
      workflow: state.workflow,
      startedAt: state.startedAt,
      endedAt: state.endedAt,
      tasks: RunState.tasks(state),
      outputs: outputsOf(RunState.tasks(state)),
      resources: RunState.resources(state),
      usage: RunState.spent(state, state.endedAt)
    })

const outputsOf = (tasks: ReadonlyArray<RunState.TaskState>): RunResult["outputs"] => {
  const found = new Map<string, Answer | ReadonlyArray<Answer>>()
  const instances = new Map<string, Array<Answer>>()
  for (const { hasMatrix, instanceOf, outputNames, outputs, ref, status } of tasks) {
    const answer = status === "completed" ? outputs : undefined
    if (ref === undefined) continue
    if (instanceOf !== undefined && outputNames.length > 0) {
      const before = instances.get(ref) ?? []
      if (answer !== undefined) before.push(answer)
      instances.set(ref, before)
      found.set(ref, before)
    } else if (hasMatrix && outputNames.length > 0 && status === "completed") {
      found.set(ref, [])
    } else if (answer !== undefined) {
      found.set(ref, answer)
    }
  }
  return Object.fromEntries(found)
}
