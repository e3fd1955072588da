/** What a workflow declares, as the first event of a run tells it. */
import * as Option from "effect/Option"
import * as Inlining from "../workflow/Inlining.ts"
import * as TaskPolicy from "../workflow/TaskPolicy.ts"
import * as WorkflowGraph from "../workflow/WorkflowGraph.ts"
import type { WorkflowSpec } from "../workflow/WorkflowSpec.ts"

/** Tells of the agents and teams of a workflow, and of those that it uses. */
export const of = ({ agents, teams }: WorkflowSpec, used: Inlining.UsedWorkflows) => ({
  agents: agents.map(({ name }) => name),
  models: Object.fromEntries(agents.flatMap(({ model, name }) => Option.toArray(Option.map(model, (each) => [name, each] as const)))),
  teams: Inlining.usedTeams(teams, used).map(({ name, tasks, usedBy }) => ({
    name,
    ...(usedBy === undefined ? {} : { usedBy }),
    tasks: tasks.map((task) => ({
      subject: task.subject,
      ...Option.match(task.id, { onNone: () => ({}), onSome: (ref) => ({ ref }) }),
      assignTo: task.assignTo[0] ?? "",
      ...(task.assignTo.length <= 1 ? {} : { assignees: task.assignTo }),
      blockedBy: task.blockedBy,
      ...(Option.isSome(task.condition) ? { conditional: true } : {}),
      ...Option.match(task.outputs, { onNone: () => ({}), onSome: (outputs) => ({ outputs: Object.keys(outputs) }) }),
      ...Option.match(task.uses, { onNone: () => ({}), onSome: (uses) => ({ uses, outputs: Object.keys(used.get(WorkflowGraph.keyOf({ team: name, subject: task.subject }))?.outputs ?? {}) }) }),
      ...(Option.isSome(task.approve) ? { gate: true } : {}),
      ...(Option.isSome(task.matrix) ? { matrix: true } : {}),
      ...(TaskPolicy.isTolerated(task) ? { continueOnError: true } : {})
    }))
  }))
})
