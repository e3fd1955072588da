/** What an agent is told to do: the description of a task, with what its expressions have become, and what asks for its outputs. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type { TaskState } from "../run/RunState.ts"
import * as DueTask from "../workflow/DueTask.ts"
import * as Interpreters from "../workflow/Interpreters.ts"
import * as Outputs from "../workflow/Outputs.ts"
import * as WorkflowGraph from "../workflow/WorkflowGraph.ts"
import type { TaskSpec } from "../workflow/WorkflowSpec.ts"
import * as EarlierTasks from "./EarlierTasks.ts"
import * as FailedCheck from "./FailedCheck.ts"
import * as TaskAnswers from "./TaskAnswers.ts"
import type { TeamWork } from "./TeamWork.ts"

/** What a task that is due is sent with. */
export interface TaskDescription {
  /** What is sent when this agent does it, after an attempt that failed its check with these words. */
  readonly of: (agent: string, failure?: string) => string
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
    const said = sentBack(EarlierTasks.recorded(request, team.spec.name, task.subject))
    const of = (agent: string, failure?: string) => {
      const reads = !interprets(request.spec.agents, agent)
      const told = `${reads ? systemOf(request.spec.agents, agent) : ""}${description}${reads ? said : ""}${isAsked(task, reads) ? asking(task) : ""}`
      return reads && failure !== undefined ? FailedCheck.below(told, failure) : told
    }
    // The longest that can be sent, whoever does it.
    return Either.map(DueTask.sendable(task.assignTo.map((agent) => of(agent)).reduce((longest, each) => (each.length > longest.length ? each : longest), "")), () => ({ of }))
  })
})

/** What a person has said who has sent the task back: for agents that read, because an interpreter would run the words. */
const sentBack = (record: TaskState | undefined): string =>
  record?.sentBack?.comment === undefined ? "" : `\n\nThis was done before, and ${record.sentBack.by} has sent it back:\n${record.sentBack.comment}`

const asking = ({ outputs }: TaskSpec): string => Option.match(outputs, { onNone: () => "", onSome: Outputs.request })

/** The instructions of an agent, before what a task says. */
const systemOf = (agents: TeamWork["request"]["spec"]["agents"], agent: string): string =>
  Option.match(Option.flatMap(Option.fromNullable(agents.find(({ name }) => name === agent)), ({ system }) => system), {
    onNone: () => "",
    onSome: (system) => `${system.trimEnd()}\n\n`
  })

/** Whether an agent runs what it is told as a script. */
const interprets = (agents: TeamWork["request"]["spec"]["agents"], agent: string): boolean =>
  agents.some(({ name, program }) => name === agent && Interpreters.isInterpreter(program))

/** Whether whoever does a task is asked for its outputs. */
const isAsked = ({ outputs, outputsPrompt }: TaskSpec, reads: boolean): boolean =>
  Option.isSome(outputs) && Option.getOrElse(outputsPrompt, () => reads)
