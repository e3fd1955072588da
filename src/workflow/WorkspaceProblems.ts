/** Checks what a workflow says of where work is done. */
import * as Predicate from "effect/Predicate"
import { get, itemsAt } from "./RawValue.ts"
import { describe, type Finding, type Path } from "./WorkflowProblem.ts"
import * as WorkspaceMode from "./WorkspaceMode.ts"

/** Finds every problem with the workspaces of a workflow, in its encoded form. */
export const findings = (workflow: unknown): ReadonlyArray<Finding> => {
  const hasBranch = WorkspaceMode.branching(workflow)
  const tasks = itemsAt(workflow, "teams").flatMap((team, index) =>
    itemsAt(team, "tasks").map((task, position) => ({ team, task, path: ["teams", index, "tasks", position] as const })))
  const agents = itemsAt(workflow, "agents")
  const isBaseOfTask = (agent: unknown) =>
    tasks.some(({ task }) => get(task, "workspace") === "worktree" && assignees(task).includes(get(agent, "name")))
  return [
    ...agents.flatMap((agent, index) => isBaseOfTask(agent) ? [] : baseWithoutWorktree(["agents", index], agent)),
    ...tasks.flatMap(({ path, task, team }) => [
      ...(get(task, "merge") === undefined && get(task, "workspace") === undefined && hasBranch(team, task) ? [] : baseWithoutWorktree(path, task)),
      ...(hasBranch(team, task) ? reserved(path, task) : [])
    ])
  ]
}

const assignees = (task: unknown): ReadonlyArray<unknown> => {
  const named = get(task, "assign_to")
  return Array.isArray(named) ? named : [named]
}

const baseWithoutWorktree = (path: Path, place: unknown): ReadonlyArray<Finding> =>
  get(place, "base") === undefined || get(place, "workspace") === "worktree" ? [] : [{
    path: [...path, "base"],
    atKey: true,
    found: "base without a worktree that is made from it",
    expected: "workspace: worktree beside it"
  }]

/** What is known of a task in a worktree has the names that a task can give to what it answers. */
const reserved = (path: Path, task: unknown): ReadonlyArray<Finding> => {
  const outputs = get(task, "outputs")
  return Predicate.isRecord(outputs)
    ? WorkspaceMode.outputs.filter((name) => Object.hasOwn(outputs, name)).map((name) => ({
      path: [...path, "outputs", name],
      atKey: true,
      found: `${describe(name)}, which is an output of every task in a worktree`,
      expected: "another name, or no declaration of it"
    }))
    : []
}
