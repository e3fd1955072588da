/** What the worktree of a task is made from, where that is known only when the task is due. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as DueTask from "../workflow/DueTask.ts"
import * as WorkflowGraph from "../workflow/WorkflowGraph.ts"
import type { TaskSpec } from "../workflow/WorkflowSpec.ts"
import * as WorkspaceMode from "../workflow/WorkspaceMode.ts"
import * as TaskAnswers from "./TaskAnswers.ts"
import type { TeamWork } from "./TeamWork.ts"

/** Evaluates the base of a task that is due, or says in words why that can not be one. */
export const evaluate = Effect.fnUntraced(function*({ request, run, team }: Pick<TeamWork, "request" | "run" | "team">, task: TaskSpec) {
  const place = { team: team.spec.name, subject: task.subject }
  const late = request.rest.late.get(WorkflowGraph.keyOf(place))?.base
  const state = late === undefined ? undefined : yield* run.state
  if (late === undefined || state === undefined) return Either.right(task)
  return DueTask.describe(late, { early: request.rest.contexts, tasks: TaskAnswers.of(state, place) }).pipe(
    Either.flatMap(WorkspaceMode.usableBase),
    Either.mapBoth({
      onLeft: (problem) => `its base can not be used: ${problem}`,
      onRight: (base): TaskSpec => ({ ...task, base: Option.some(base) })
    })
  )
})
