/** What a program can read of the run that its task belongs to, as JSON: its inputs, and what the tasks before it have answered. */
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type { RunState } from "../run/RunState.ts"
import * as TaskAnswers from "./TaskAnswers.ts"
import type { TeamWork } from "./TeamWork.ts"

/** Makes the context of a task that is due; of an instance of one, with its values. */
export const make = ({ request, run, team, workflow: { hasContext } }: Pick<TeamWork, "request" | "run" | "team" | "workflow">, subject: string) => {
  const { inputs = {}, workflow = { name: run.workflow } } = request.rest.contexts
  // The state is waited for: not where nothing of it can be read.
  const state = hasContext ? Effect.map(run.state, Option.fromNullable) : Effect.succeedNone
  return Effect.map(state, (reached) =>
    JSON.stringify({
      run: { id: run.id },
      workflow,
      inputs,
      ...ownOf(Option.getOrUndefined(reached), team.spec.name, subject),
      tasks: Option.match(reached, { onNone: () => ({}), onSome: (state) => TaskAnswers.of(state, { team: team.spec.name, subject }) })
    }))
}

/** The values of an instance, and what was said when a gate has sent the task back. */
const ownOf = (state: RunState | undefined, team: string, subject: string) => {
  const task = state === undefined ? Option.none() : Option.flatMap(HashMap.get(state.tasks, team), HashMap.get(subject))
  return Option.match(task, {
    onNone: () => ({}),
    onSome: ({ matrix, sentBack }) => ({
      ...(matrix === undefined ? {} : { matrix }),
      ...(sentBack === undefined ? {} : { sentBack })
    })
  })
}
