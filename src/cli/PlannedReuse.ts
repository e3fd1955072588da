/** What a run of a workflow would find of earlier runs, and what it would do about each of their tasks. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { AgamemnonError } from "../agamemnon/AgamemnonError.ts"
import { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import { AgentId, type Task, TeamId } from "../agamemnon/AgamemnonModel.ts"
import * as ManagedResource from "../agamemnon/ManagedResource.ts"
import * as EarlierTasks from "../executor/EarlierTasks.ts"
import * as TaskDigest from "../executor/TaskDigest.ts"
import * as Parallel from "../liveness/Parallel.ts"
import type * as Plan from "../report/Plan.ts"
import * as TaskStatus from "../run/TaskStatus.ts"
import * as DueTask from "../workflow/DueTask.ts"
import type * as Evaluation from "../workflow/Evaluation.ts"
import * as WorkflowGraph from "../workflow/WorkflowGraph.ts"
import type { TaskSpec, TeamSpec } from "../workflow/WorkflowSpec.ts"

/** Of a workflow of which nothing is there. */
export const nothing: Plan.PlannedReuse = { resources: [], tasks: [] }

const treatmentOf = (task: Task, declared: TaskSpec, members: ReadonlyMap<string, AgentId>): Plan.Treatment => {
  const isSentAsIs = Option.isNone(declared.outputs) && Option.isNone(declared.matrix) && !DueTask.isLate(declared.description)
  const { assignTo, description } = declared
  if (TaskDigest.differs(task, { assignTo, descriptions: isSentAsIs ? [description] : undefined }, members)) return "changed"
  if (task.status === "completed") return "done"
  return TaskStatus.isFailure(task.status) ? "retry" : "watch"
}

const tasksOf = (team: TeamSpec, instances: Evaluation.Evaluated["instances"], existing: ReadonlyArray<Task>, members: ReadonlyMap<string, AgentId>) => {
  const earlier = EarlierTasks.bySubject(existing)
  return team.tasks.flatMap((declared): ReadonlyArray<Plan.PlannedTask> => {
    const known = instances.get(WorkflowGraph.keyOf({ team: team.name, subject: declared.subject })) ?? []
    const subjects = Option.isSome(declared.matrix) ? known.map(({ subject }) => subject) : [declared.subject]
    return subjects.flatMap((subject) => {
      const found = earlier.get(subject)?.newest
      return found === undefined ? [] : [{ team: team.name, subject, id: found.id, treatment: treatmentOf(found, declared, members) }]
    })
  })
}

/** Reads what Agamemnon has of a workflow, and makes nothing. */
export const find: (evaluated: Pick<Evaluation.Evaluated, "spec" | "instances">) => Effect.Effect<Plan.PlannedReuse, AgamemnonError, AgamemnonClient> = Effect.fn(
  "PlannedReuse.find"
)(function*({ instances, spec }) {
  const { listTasks } = yield* AgamemnonClient
  const resources = yield* ManagedResource.find(spec)
  const ids = (kind: ManagedResource.ManagedResource["kind"]) =>
    new Map(resources.flatMap((each) => (each.kind === kind ? [[each.name, each.id] as const] : [])))
  const members = new Map([...ids("agent")].map(([name, id]) => [name, AgentId.make(id)]))
  const teams = ids("team")
  const tasks = yield* Parallel.forEach(spec.teams, (team) => {
    const id = teams.get(team.name)
    return id === undefined
      ? Effect.succeed([])
      : Effect.map(listTasks(TeamId.make(id)), (existing) => tasksOf(team, instances, existing, members))
  })
  return { resources, tasks: tasks.flat() }
})
