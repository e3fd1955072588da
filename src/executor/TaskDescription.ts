/** What an agent is told to do: the description of a task, with what its expressions have become, and what asks for its outputs. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as DueTask from "../workflow/DueTask.ts"
import * as Interpreters from "../workflow/Interpreters.ts"
import * as Outputs from "../workflow/Outputs.ts"
import * as WorkflowGraph from "../workflow/WorkflowGraph.ts"
import type { TaskSpec } from "../workflow/WorkflowSpec.ts"
import * as TaskAnswers from "./TaskAnswers.ts"
import type { TeamWork } from "./TeamWork.ts"

/** What a task that is due is sent with. */
export interface TaskDescription {
  /** What is sent when this agent does it. */
  readonly of: (agent: string) => string
}

/** Makes the description of a task that is due, or says in words why it can not be sent. */
export const make = Effect.fnUntraced(function*({ request, run, team }: Pick<TeamWork, "request" | "run" | "team">, task: TaskSpec) {
  const place = { team: team.spec.name, subject: task.subject }
  const late = request.rest.late.get(WorkflowGraph.keyOf(place))?.description
  const state = late === undefined ? undefined : yield* run.state
  const described = late === undefined || state === undefined
    ? Either.right(task.description)
    : DueTask.describe(late, { early: request.rest.contexts, tasks: TaskAnswers.of(state, place) })
  return Either.flatMap(described, (description): Either.Either<TaskDescription, string> => {
    const of = (agent: string) => `${description}${isAsked(request.spec.agents, task, agent) ? asking(task) : ""}`
    // The longest that can be sent, whoever does it.
    return Either.map(DueTask.sendable(task.assignTo.map(of).reduce((longest, each) => (each.length > longest.length ? each : longest), "")), () => ({ of }))
  })
})

const asking = ({ outputs }: TaskSpec): string => Option.match(outputs, { onNone: () => "", onSome: Outputs.request })

/** Whether whoever does a task is asked for its outputs: an interpreter would run the words. */
const isAsked = (
  agents: TeamWork["request"]["spec"]["agents"],
  { outputs, outputsPrompt }: TaskSpec,
  agent: string
): boolean =>
  Option.isSome(outputs) &&
  Option.getOrElse(outputsPrompt, () => !agents.some(({ name, program }) => name === agent && Interpreters.isInterpreter(program)))
