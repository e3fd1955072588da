/** Which tasks of a workflow, in its encoded form, come before another, directly or not. */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import { get, itemsAt } from "./RawValue.ts"
import * as TaskGraph from "./TaskGraph.ts"
import * as WorkflowGraph from "./WorkflowGraph.ts"
import type { Path } from "./WorkflowProblem.ts"

/** The order of the tasks, as far as it can be read. */
export interface TaskPrecedence {
  /** Of the tasks that an expression at a path reads by their ids, those that do not come before the task of that path. */
  readonly unawaited: (path: Path, reads: ReadonlyArray<ReadonlyArray<string>>) => ReadonlyArray<string>
}

/** Finds the order of tasks, when it is first asked for. */
export const make = (workflow: unknown): TaskPrecedence => {
  let order: ReturnType<typeof orderOf> | undefined
  return {
    unawaited: (path, reads) => {
      const ids = new Set(reads.flatMap(([context, id]) => (context === "tasks" && id !== undefined ? [id] : [])))
      if (ids.size === 0) return []
      order ??= orderOf(workflow)
      const before = order.before(path)
      return [...ids].filter((id) => !before.has(id))
    }
  }
}

interface Named extends WorkflowGraph.Task {
  readonly position: number
}

const orderOf = (workflow: unknown) => {
  const teams = itemsAt(workflow, "teams").map((team, index) => ({
    name: String(index),
    tasks: itemsAt(team, "tasks").flatMap((task, position): ReadonlyArray<Named> => {
      const subject = get(task, "subject")
      return typeof subject !== "string" ? [] : [{
        subject,
        position,
        id: Option.liftPredicate(Predicate.isString)(get(task, "id")),
        blockedBy: itemsAt(task, "blocked_by").filter(Predicate.isString),
        condition: Option.none()
      }]
    })
  }))
  const { graph, tasks } = WorkflowGraph.make(teams)
  const places = new Map([...tasks].map(([key, { task, team }]) => [`${team} ${task.position}`, key]))
  return {
    /** The ids, in small letters, of what comes before the task that a path leads into. */
    before: ([, team, , position]: Path): ReadonlySet<string> => {
      const key = places.get(`${String(team)} ${String(position)}`)
      const ancestors = key === undefined ? [] : TaskGraph.ancestors(graph, key)
      return new Set(ancestors.flatMap((each) =>
        Option.toArray(Option.map(Option.flatMap(Option.fromNullable(tasks.get(each)), ({ task }) => task.id), (id) => id.toLowerCase()))))
    }
  }
}
