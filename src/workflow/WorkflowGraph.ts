/**
 * The order of all tasks of a workflow. A task is waited for by its subject,
 * within its team, or by its id, from any team. Where both would do, it is the
 * subject in the same team, which is all that a file could say at first.
 */
import * as Option from "effect/Option"
import * as TaskGraph from "./TaskGraph.ts"

/** A task, as it is known in the whole workflow. */
export interface Place {
  readonly team: string
  readonly subject: string
}

/** What is to be known of the tasks of a team. */
export interface Team<Task> {
  readonly name: string
  readonly tasks: ReadonlyArray<Task>
}

/** What is to be known of a task. */
export interface Task {
  readonly subject: string
  readonly id: Option.Option<string>
  readonly blockedBy: ReadonlyArray<string>
  /** By which it is decided whether it runs, when all that it waits for has ended. */
  readonly condition: Option.Option<unknown>
  /** Of which it is done in instances. */
  readonly matrix?: Option.Option<unknown>
  /** What a person is asked, if it is a gate. */
  readonly approve?: Option.Option<unknown>
}

/** The name of a task in the graph. */
export const keyOf = ({ subject, team }: Place): string => JSON.stringify([team, subject])

/** The tasks of a workflow and their order. */
export interface WorkflowGraph<A extends Task> {
  readonly graph: TaskGraph.TaskGraph
  /** Whether a task can read more than inputs: a task has an id or a matrix, or a gate can send one back. */
  readonly hasContext: boolean
  /** Every task by its key, in the order of the workflow. */
  readonly tasks: ReadonlyMap<string, Place & { readonly task: A }>
  /** The tasks that a task waits for. */
  readonly blockersOf: (place: Place, task: A) => ReadonlyArray<Place>
}

/** The tasks of each wave, in the order of the waves. */
export const waves = <A extends Task>({ graph, tasks }: WorkflowGraph<A>): ReadonlyArray<ReadonlyArray<Place & { readonly task: A }>> =>
  TaskGraph.waves(graph).map((wave) => wave.flatMap((key) => tasks.get(key) ?? []))

/** The longest chain of tasks that wait for each other, from the first to the last that runs. */
export const criticalPath = <A extends Task>({ graph, tasks }: WorkflowGraph<A>): ReadonlyArray<Place> =>
  TaskGraph.criticalPath(graph).flatMap((key) => tasks.get(key) ?? [])

/** The tasks from one on that another waits for, directly or not; none when it does not wait for that one. */
export const between = <A extends Task>({ graph, tasks }: WorkflowGraph<A>, from: Place, key: string): ReadonlyArray<Place> => {
  const before = new Set(TaskGraph.ancestors(graph, key))
  const first = keyOf(from)
  if (!before.has(first)) return []
  return [first, ...TaskGraph.descendants(graph, first).filter((each) => before.has(each))].flatMap((each) => {
    const place = tasks.get(each)
    return place === undefined ? [] : [{ team: place.team, subject: place.subject }]
  })
}

/** The order of some of the tasks among themselves. */
export const part = <A extends Task>({ blockersOf, tasks }: WorkflowGraph<A>, keys: ReadonlyArray<string>): TaskGraph.TaskGraph =>
  TaskGraph.make(keys.flatMap((key) => {
    const place = tasks.get(key)
    return place === undefined ? [] : [{
      key,
      blockedBy: blockersOf(place, place.task).map(keyOf),
      isConditional: Option.isSome(place.task.condition)
    }]
  }))

/** Whether a task waits for one of another team. */
export const isAcrossTeams = <A extends Task>({ blockersOf, tasks }: WorkflowGraph<A>): boolean =>
  [...tasks.values()].some((place) => blockersOf(place, place.task).some(({ team }) => team !== place.team))

/** Makes the graph of the tasks of some teams. What is waited for and is no task is ignored. */
export const make = <A extends Task>(teams: ReadonlyArray<Team<A>>): WorkflowGraph<A> => {
  const byId = new Map<string, Place>()
  const tasks = new Map<string, Place & { readonly task: A }>()
  for (const { name: team, tasks: ofTeam } of teams) {
    for (const task of ofTeam) {
      const place = { team, subject: task.subject, task }
      const key = keyOf(place)
      if (!tasks.has(key)) tasks.set(key, place)
      Option.map(task.id, (id) => byId.has(id) ? byId : byId.set(id, place))
    }
  }
  const blockersOf = ({ team }: Place, { blockedBy }: A) =>
    blockedBy.flatMap((name): ReadonlyArray<Place> => {
      const found = tasks.get(keyOf({ team, subject: name })) ?? byId.get(name)
      return found === undefined ? [] : [found]
    })
  const graph = TaskGraph.make([...tasks].map(([key, place]) => ({
    key,
    blockedBy: blockersOf(place, place.task).map(keyOf),
    isConditional: Option.isSome(place.task.condition)
  })))
  const none = Option.none<unknown>()
  const hasMore = [...tasks.values()].some(({ task: { approve = none, matrix = none } }) => Option.isSome(matrix) || Option.isSome(approve))
  return { graph, hasContext: byId.size > 0 || hasMore, tasks, blockersOf }
}
