/**
 * What kind of task one is: work for an agent, a gate, which waits for a person,
 * one that merges branches, or one that uses another workflow. Each has keys that the others can not have.
 */
import * as Predicate from "effect/Predicate"
import { get, itemsAt } from "./RawValue.ts"
import { describe, type Finding, type Path } from "./WorkflowProblem.ts"

/** The keys that work needs, and what is expected there. */
const ofWork = {
  description: "text",
  assign_to: "the name of a member of the team, or a list of such names"
}

/** The keys of work that mean nothing for a gate. */
const notOfGate = [
  "assign_to", "description", "type", "retry", "stalled_after", "verify", "outputs", "outputs_prompt", "matrix", "max_parallel",
  "workspace", "base"
]

/** The keys of work and of gates that mean nothing for a task that uses another workflow. */
const notOfUse = ["approve", "merge", "on_conflict", ...notOfGate, "timeout", "continue_on_error"]

/** The keys of other kinds that mean nothing for a task that merges branches. */
const notOfMerge = ["approve", ...notOfGate.filter((key) => key !== "description" && key !== "stalled_after")]

/** What is for the agent that resolves conflicts. */
const ofResolver = ["description", "timeout", "stalled_after"]

/** Finds tasks, in their encoded form, that lack a key of their kind, or have one of another. */
export const findings = (workflow: unknown): ReadonlyArray<Finding> =>
  itemsAt(workflow, "teams").flatMap((team, index) =>
    itemsAt(team, "tasks").flatMap((task, position) =>
      Predicate.isRecord(task) ? ofTask(["teams", index, "tasks", position], task) : []))

const ofTask = (path: Path, task: Readonly<Record<string, unknown>>): ReadonlyArray<Finding> => {
  if (get(task, "uses") !== undefined) return ofUse(path, task)
  const withoutUses = get(task, "with") === undefined ? [] : [{
    path: [...path, "with"],
    atKey: true,
    found: "with of a task without uses",
    expected: "uses beside it, the file of the workflow that is given this"
  }]
  if (get(task, "merge") !== undefined) return [...withoutUses, ...ofMerge(path, task)]
  const withoutMerge = get(task, "on_conflict") === undefined ? [] : [{
    path: [...path, "on_conflict"],
    atKey: true,
    found: "on_conflict of a task without merge",
    expected: "merge beside it, the tasks whose branches are merged"
  }]
  if (get(task, "approve") !== undefined) return [...withoutUses, ...withoutMerge, ...ofGate(path, task)]
  return [
    ...withoutUses,
    ...withoutMerge,
    ...Object.entries(ofWork).flatMap(([key, expected]): ReadonlyArray<Finding> =>
      get(task, key) === undefined ? [{ path: [...path, key], found: describe(undefined), expected }] : [])
  ]
}

// An empty description says nothing.
const isSaid = (task: unknown, key: string): boolean =>
  get(task, key) !== undefined && !(key === "description" && get(task, key) === "")

const ofGate = (path: Path, task: unknown): ReadonlyArray<Finding> =>
  notOfGate.filter((key) => isSaid(task, key)).map((key) => ({
    path: [...path, key],
    atKey: true,
    found: `${key} of a gate`,
    expected: `a task with approve and without ${key}: it waits for a person, and no agent does it`
  }))

const ofMerge = (path: Path, task: unknown): ReadonlyArray<Finding> => [
  ...notOfMerge.filter((key) => isSaid(task, key)).map((key) => ({
    path: [...path, key],
    atKey: true,
    found: `${key} of a task with merge`,
    expected: `a task with merge and without ${key}: it merges branches, and no agent does it`
  })),
  ...(get(task, "on_conflict") === undefined ? ofResolver : []).filter((key) => isSaid(task, key)).map((key) => ({
    path: [...path, key],
    atKey: true,
    found: `${key} of a task with merge`,
    expected: `on_conflict beside it, the agent that ${key} is for`
  }))
]

const ofUse = (path: Path, task: unknown): ReadonlyArray<Finding> => [
  ...(get(task, "id") === undefined ? [{ path: [...path, "id"], found: describe(undefined), expected: "an id, with which the names of what it uses begin" }] : []),
  ...notOfUse.filter((key) => isSaid(task, key)).map((key) => ({
    path: [...path, key],
    atKey: true,
    found: `${key} of a task with uses`,
    expected: `a task with uses and without ${key}: ${key === "matrix" || key === "max_parallel" ? "a workflow is used once by each task" : "the tasks of the workflow that it uses say that"}`
  }))
]
