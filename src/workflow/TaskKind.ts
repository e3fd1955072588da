/**
 * What kind of task one is: work for an agent, or a gate, which waits for a
 * person. Each has keys that the other can not have.
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
  "assign_to", "description", "type", "retry", "stalled_after", "outputs", "outputs_prompt", "matrix", "max_parallel"
]

/** Finds tasks, in their encoded form, that lack a key of their kind, or have one of the other. */
export const findings = (workflow: unknown): ReadonlyArray<Finding> =>
  itemsAt(workflow, "teams").flatMap((team, index) =>
    itemsAt(team, "tasks").flatMap((task, position) =>
      Predicate.isRecord(task) ? ofTask(["teams", index, "tasks", position], task) : []))

const ofTask = (path: Path, task: Readonly<Record<string, unknown>>): ReadonlyArray<Finding> =>
  get(task, "approve") === undefined
    ? Object.entries(ofWork).flatMap(([key, expected]): ReadonlyArray<Finding> =>
      get(task, key) === undefined ? [{ path: [...path, key], found: describe(undefined), expected }] : [])
    : notOfGate.flatMap((key): ReadonlyArray<Finding> =>
      get(task, key) === undefined || (key === "description" && get(task, key) === "") ? [] : [{
        path: [...path, key],
        atKey: true,
        found: `${key} of a gate`,
        expected: `a task with approve and without ${key}: it waits for a person, and no agent does it`
      }])
