/** What a program can read of the run that its task belongs to, as JSON: its inputs, and what the tasks before it have answered. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as TaskAnswers from "./TaskAnswers.ts"
import type { TeamWork } from "./TeamWork.ts"

/** Makes the context of a task that is due. */
export const make = ({ request, run, team, workflow: { hasIds } }: Pick<TeamWork, "request" | "run" | "team" | "workflow">, subject: string) => {
  const { inputs = {}, workflow = { name: run.workflow } } = request.rest.contexts
  // The state is waited for: not where nothing of it can be named.
  const state = hasIds ? Effect.map(run.state, Option.fromNullable) : Effect.succeedNone
  return Effect.map(state, (reached) =>
    JSON.stringify({
      run: { id: run.id },
      workflow,
      inputs,
      tasks: Option.match(reached, { onNone: () => ({}), onSome: (state) => TaskAnswers.of(state, { team: team.spec.name, subject }) })
    }))
}
