/** The plan of a workflow for programs: what would be made, reused and done, and in which order. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import type { ManagedResource } from "../agamemnon/ManagedResource.ts"
import type * as Evaluation from "../workflow/Evaluation.ts"
import * as Budget from "../workflow/Budget.ts"
import * as Inlining from "../workflow/Inlining.ts"
import type { InputValues } from "../workflow/Inputs.ts"
import * as TaskPolicy from "../workflow/TaskPolicy.ts"
import * as WorkflowGraph from "../workflow/WorkflowGraph.ts"
import type { TeamSpec, WorkflowSpec } from "../workflow/WorkflowSpec.ts"
import * as BudgetData from "./BudgetData.ts"
import type { PlannedReuse } from "./Plan.ts"
import * as PlannedBudget from "./PlannedBudget.ts"
import type { PlannedConditions } from "./PlannedConditions.ts"

/** Makes the plan of a workflow that was evaluated with these inputs. */
export const make = (
  spec: WorkflowSpec,
  { resources, tasks }: PlannedReuse,
  { conditions = new Map(), inputs = {}, instances = new Map(), used = new Map() }: {
    readonly conditions?: PlannedConditions
    readonly inputs?: InputValues
    readonly instances?: Evaluation.Evaluated["instances"]
    readonly used?: Evaluation.Evaluated["used"]
  } = {}
) => {
  const ids = new Map(resources.map(({ id, kind, name }) => [`${kind} ${name}`, id]))
  const reuses = (kind: ManagedResource["kind"], name: string) => {
    const id = ids.get(`${kind} ${name}`)
    return id === undefined ? {} : { reuses: id }
  }
  const graph = WorkflowGraph.make(Inlining.usedTeams(spec.teams, used))
  const waves = WorkflowGraph.waves(graph).map((wave) => wave.map(placeOf))
  return {
    workflow: spec.metadata.name,
    ...(Object.keys(inputs).length === 0 ? {} : { inputs }),
    teardown: spec.teardown,
    timeoutSeconds: Option.getOrNull(Option.map(TaskPolicy.ofRun(spec), Duration.toSeconds)),
    ...budgetOf(spec, instances),
    agents: spec.agents.map(({ base, limits, model, name, program, runtime, workingDir, workspace }) => ({
      name,
      program,
      model: Option.getOrNull(model),
      runtime,
      workingDir,
      ...known({ workspace, base, limits: Option.fromNullable(limits) }),
      ...reuses("agent", name)
    })),
    teams: spec.teams.map((team) => ({ ...teamData(team, waves, tasks, { conditions, instances }), ...reuses("team", team.name) })),
    waves,
    criticalPath: WorkflowGraph.criticalPath(graph).map(placeOf)
  }
}

const budgetOf = (spec: WorkflowSpec, instances: Evaluation.Evaluated["instances"]) => {
  if (spec.budget === undefined) return {}
  const { agentTime, tasks } = PlannedBudget.mostOf(spec, instances)
  return {
    budget: BudgetData.limits(Budget.limitsOf(spec.budget)),
    most: { tasks, ...(agentTime === undefined ? {} : { agentTimeSeconds: Duration.toSeconds(agentTime) }) }
  }
}

const placeOf = ({ subject, team }: WorkflowGraph.Place) => ({ team, subject })

/** What is said, of what can be left out. */
const known = (fields: Readonly<Record<string, Option.Option<unknown>>>) =>
  Object.fromEntries(Object.entries(fields).flatMap(([name, value]) => (Option.isSome(value) ? [[name, value.value]] : [])))

const teamData = (
  { agents, name, tasks }: TeamSpec,
  waves: ReadonlyArray<ReadonlyArray<WorkflowGraph.Place>>,
  existing: PlannedReuse["tasks"],
  { conditions, instances }: { readonly conditions: PlannedConditions; readonly instances: Evaluation.Evaluated["instances"] }
) => {
  const earlier = new Map(existing.flatMap(({ id, subject, team, treatment }) =>
    team === name ? [[subject, { id, treatment }] as const] : []))
  const earlierOf = (subject: string) => {
    const found = earlier.get(subject)
    return found === undefined ? {} : { earlier: found }
  }
  // Those that are known only when the task is due are null.
  const instancesOf = (subject: string) =>
    instances.get(WorkflowGraph.keyOf({ team: name, subject }))
      ?.map(({ subject, values }) => ({ subject, matrix: values, ...earlierOf(subject) })) ?? null
  return {
    name,
    agents,
    // Of the waves of the workflow, those that the team has tasks in.
    waves: waves.map((wave) => wave.flatMap(({ subject, team }) => (team === name ? [subject] : []))).filter((wave) => wave.length > 0),
    criticalPath: WorkflowGraph.criticalPath(WorkflowGraph.make([{ name, tasks }])).map(({ subject }) => subject),
    tasks: tasks.map(({ assignTo, base, blockedBy, condition, id, matrix, maxParallel, merge, onConflict, outputs, subject, uses, workspace }) => {
      const assignee = assignTo.length === 1 ? assignTo[0] : assignTo
      return {
        subject,
        ...(Option.isNone(id) ? {} : { id: id.value }),
        assignTo: assignee,
        blockedBy,
        ...known({ if: condition, holds: Option.fromNullable(conditions.get(WorkflowGraph.keyOf({ team: name, subject }))), uses, outputs, maxParallel, merge, onConflict, workspace, base }),
        ...(Option.isNone(matrix) ? {} : { instances: instancesOf(subject) }),
        ...earlierOf(subject)
      }
    })
  }
}
