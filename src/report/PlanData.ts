/** The plan of a workflow for programs: what would be made, reused and done, and in which order. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import type { ManagedResource } from "../agamemnon/ManagedResource.ts"
import * as TaskGraph from "../workflow/TaskGraph.ts"
import type { TeamSpec, WorkflowSpec } from "../workflow/WorkflowSpec.ts"
import type { PlannedReuse } from "./Plan.ts"

/** Makes the plan of a workflow. */
export const make = (spec: WorkflowSpec, { resources, tasks }: PlannedReuse) => {
  const ids = new Map(resources.map(({ id, kind, name }) => [`${kind} ${name}`, id]))
  const reuses = (kind: ManagedResource["kind"], name: string) => {
    const id = ids.get(`${kind} ${name}`)
    return id === undefined ? {} : { reuses: id }
  }
  return {
    workflow: spec.metadata.name,
    teardown: spec.teardown,
    timeoutSeconds: Option.getOrNull(Option.map(spec.timeout, Duration.toSeconds)),
    agents: spec.agents.map(({ model, name, program, runtime, workingDir }) => ({
      name,
      program,
      model: Option.getOrNull(model),
      runtime,
      workingDir,
      ...reuses("agent", name)
    })),
    teams: spec.teams.map((team) => ({ ...teamData(team, tasks), ...reuses("team", team.name) }))
  }
}

const teamData = ({ agents, name, tasks }: TeamSpec, existing: PlannedReuse["tasks"]) => {
  const graph = TaskGraph.make(tasks)
  const earlier = new Map(existing.flatMap(({ id, subject, team, treatment }) =>
    team === name ? [[subject, { id, treatment }] as const] : []))
  return {
    name,
    agents,
    waves: TaskGraph.waves(graph),
    criticalPath: TaskGraph.criticalPath(graph),
    tasks: tasks.map(({ assignTo, blockedBy, subject }) => {
      const found = earlier.get(subject)
      return { subject, assignTo, blockedBy, ...(found === undefined ? {} : { earlier: found }) }
    })
  }
}
