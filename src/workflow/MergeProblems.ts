/** Checks the tasks of a workflow that merge the branches of others. */
import * as Predicate from "effect/Predicate"
import * as Interpreters from "./Interpreters.ts"
import { get, itemsAt, listAt } from "./RawValue.ts"
import { nearest } from "./Suggestion.ts"
import * as TaskPrecedence from "./TaskPrecedence.ts"
import { type Finding, type Path, quote } from "./WorkflowProblem.ts"
import * as WorkspaceMode from "./WorkspaceMode.ts"

// Suggestions compare with every name: enough of them for a person.
const suggestions = 100

/** Finds every problem with what tasks merge, in the encoded form of a workflow. */
export const findings = (workflow: unknown): ReadonlyArray<Finding> => {
  const placed = itemsAt(workflow, "teams").flatMap((team, index) =>
    itemsAt(team, "tasks").map((task, position) => ({ team, task, path: ["teams", index, "tasks", position] as const })))
  const merging = placed.filter(({ task }) => listAt(task, "merge") !== undefined)
  if (merging.length === 0) return []
  const hasBranch = WorkspaceMode.branching(workflow)
  const byId = new Map(placed.map((each) => [get(each.task, "id"), each]))
  const ids = [...byId.keys()].filter(Predicate.isString)
  const precede = TaskPrecedence.make(workflow)
  let left = suggestions
  const ofItem = (path: Path, task: unknown, merged: ReadonlyArray<unknown>, position: number): ReadonlyArray<Finding> => {
    const id = merged[position]
    if (typeof id !== "string") return []
    const at = [...path, "merge", position]
    const problem = (found: string, expected: string, suggestion?: string): ReadonlyArray<Finding> => [{ path: at, found, expected, suggestion }]
    const target = byId.get(id)
    if (target === undefined) return problem(quote(id), "the id of a task in a worktree", left-- > 0 ? nearest(id, ids) : undefined)
    if (target.task === task) return problem(`${quote(id)}, the task itself`, "the id of another task")
    if (merged.indexOf(id) < position) return problem(`${quote(id)} a second time`, "each task once")
    if (!hasBranch(target.team, target.task)) {
      return problem(`${quote(id)}, a task without a branch`, "the id of a task in a worktree: workspace: worktree on it, or on whoever does it")
    }
    return precede.unawaited(path, [["tasks", id.toLowerCase()]]).length === 0
      ? []
      : problem(`${quote(id)}, for which this task does not wait`, `a task before this one: add blocked_by: [${id}]`)
  }
  const ofResolver = (path: Path, team: unknown, task: unknown): ReadonlyArray<Finding> => {
    const name = get(task, "on_conflict")
    const members = itemsAt(team, "agents").filter(Predicate.isString)
    if (typeof name !== "string" || members.length === 0) return []
    if (!members.includes(name)) {
      return [{ path: [...path, "on_conflict"], found: quote(name), expected: "the name of a member of the team", suggestion: left-- > 0 ? nearest(name, members) : undefined }]
    }
    const program = get(itemsAt(workflow, "agents").find((agent) => get(agent, "name") === name), "program")
    return typeof program === "string" && Interpreters.isInterpreter(program) && get(task, "description") === undefined
      ? [{
        path: [...path, "on_conflict"],
        found: `${quote(name)}, whose program ${program} runs what it is told as a script`,
        expected: "a description beside it, the script that resolves conflicts, or another agent"
      }]
      : []
  }
  return merging.flatMap(({ path, task, team }) => {
    const merged = listAt(task, "merge") ?? []
    return [...merged.flatMap((_, position) => ofItem(path, task, merged, position)), ...ofResolver(path, team, task)]
  })
}
