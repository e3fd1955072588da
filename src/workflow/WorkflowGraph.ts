/**
 * The order of all tasks of a workflow. A task is waited for by its subject,
 * within its team, or by its id, from any team. Where both would do, it is the
 * subject in the same team, which is all that a file could say at first.
 *
 * A task that uses another workflow comes after the last tasks of that, whose
 * first ones come after what it waits for itself.
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
  /** The task that uses the workflow that the team is of, if one does. */
  readonly usedBy?: Place | undefined
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
  /** The tasks that a task waits for, as its file says. */
  readonly blockersOf: (place: Place, task: A) => ReadonlyArray<Place>
  /** Whether a task uses a workflow. */
  readonly isUsing: (key: string) => boolean
  /** The key of the task that uses the workflow which a task is of. */
  readonly userOf: (place: Place) => string | undefined
}

/** The tasks of the workflow that a task uses, or those of the workflow that is run. */
export const usedBy = <A extends Task>({ tasks, userOf }: WorkflowGraph<A>, user: string | undefined): ReadonlyArray<string> =>
  [...tasks].flatMap(([key, place]) => (userOf(place) === user ? [key] : []))

/** Of some tasks, those for which none of the others waits. */
export const last = <A extends Task>({ blockersOf, tasks }: WorkflowGraph<A>, keys: ReadonlyArray<string>): ReadonlyArray<string> => {
  const awaited = new Set(keys.flatMap((key) => {
    const place = tasks.get(key)
    return place === undefined ? [] : blockersOf(place, place.task).map(keyOf)
  }))
  return keys.filter((key) => !awaited.has(key))
}

/** The tasks of the workflows that these use, directly or not, each after the task that uses it. */
export const withUsed = <A extends Task>(workflow: WorkflowGraph<A>, keys: ReadonlyArray<string>): ReadonlyArray<string> =>
  keys.flatMap((key) => [key, ...(workflow.isUsing(key) ? withUsed(workflow, usedBy(workflow, key)) : [])])

/** The tasks of each wave, in the order of the waves. */
export const waves = <A extends Task>({ graph, tasks }: WorkflowGraph<A>): ReadonlyArray<ReadonlyArray<Place & { readonly task: A }>> =>
  TaskGraph.waves(graph).map((wave) => wave.flatMap((key) => tasks.get(key) ?? []))

/** The longest chain of tasks that wait for each other, from the first to the last that runs. */
export const criticalPath = <A extends Task>({ graph, tasks }: WorkflowGraph<A>): ReadonlyArray<Place> =>
  TaskGraph.criticalPath(graph).flatMap((key) => tasks.get(key) ?? [])

/**
 * The tasks from one on that another of the same file waits for, directly or not, with those of the workflows that they use;
 * none when it does not wait for that one.
 */
export const between = <A extends Task>(workflow: WorkflowGraph<A>, from: Place, key: string): ReadonlyArray<Place> => {
  const { graph, tasks, userOf } = workflow
  const before = new Set(TaskGraph.ancestors(graph, key))
  const first = keyOf(from)
  const last = tasks.get(key)
  const isOfFile = (each: string) => {
    const place = tasks.get(each)
    return place !== undefined && last !== undefined && userOf(place) === userOf(last)
  }
  if (!before.has(first) || !isOfFile(first)) return []
  const between = TaskGraph.descendants(graph, first).filter((each) => before.has(each) && isOfFile(each))
  return withUsed(workflow, [first, ...between]).flatMap((each) => {
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
export const isAcrossTeams = <A extends Task>({ blockersOf, tasks, userOf }: WorkflowGraph<A>): boolean =>
  [...tasks.values()].some((place) =>
    userOf(place) !== undefined || blockersOf(place, place.task).some(({ team }) => team !== place.team))

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
  const users = new Map(teams.flatMap(({ name, usedBy }) => (usedBy === undefined ? [] : [[name, keyOf(usedBy)] as const])))
  const userOf = ({ team }: Place) => users.get(team)
  const { conditionalOf, waitedFor } = edgesOf({ blockersOf, tasks, userOf })
  const graph = TaskGraph.make([...tasks].map(([key, place]) => ({
    key,
    blockedBy: waitedFor(key, place),
    isConditional: conditionalOf(key, place)
  })))
  const none = Option.none<unknown>()
  const hasMore = [...tasks.values()].some(({ task: { approve = none, matrix = none } }) => Option.isSome(matrix) || Option.isSome(approve))
  const using = new Set(users.values())
  return { graph, hasContext: byId.size > 0 || hasMore, tasks, blockersOf, userOf, isUsing: (key) => using.has(key) }
}

type Placed<A extends Task> = Place & { readonly task: A }

/** What tasks wait for in the whole workflow, with those that are used; and whether they decide when they are due whether they run. */
const edgesOf = <A extends Task>({ blockersOf, tasks, userOf }: Pick<WorkflowGraph<A>, "blockersOf" | "tasks" | "userOf">) => {
  const own = (place: Placed<A>) => blockersOf(place, place.task).map(keyOf)
  const lastOf = new Map<string, Set<string>>()
  for (const [key, place] of tasks) {
    const user = userOf(place)
    if (user !== undefined) lastOf.set(user, (lastOf.get(user) ?? new Set()).add(key))
  }
  for (const place of tasks.values()) {
    const last = lastOf.get(userOf(place) ?? "")
    for (const blocker of last === undefined ? [] : own(place)) last?.delete(blocker)
  }
  /** What is waited for before the first tasks of a workflow that is used. */
  const entry = (user: string | undefined): ReadonlyArray<string> => {
    const place = user === undefined ? undefined : tasks.get(user)
    if (place === undefined) return []
    const before = own(place)
    return before.length > 0 ? before : entry(userOf(place))
  }
  const isEntryConditional = (user: string | undefined): boolean => {
    const place = user === undefined ? undefined : tasks.get(user)
    if (place === undefined) return false
    return Option.isSome(place.task.condition) || (own(place).length === 0 && isEntryConditional(userOf(place)))
  }
  const waitedFor = (key: string, place: Placed<A>): ReadonlyArray<string> => {
    const before = own(place)
    return [...(before.length > 0 ? before : entry(userOf(place))), ...lastOf.get(key) ?? []]
  }
  // One that uses a workflow has ended when all tasks of that have, however; whether they begin is decided by itself.
  const conditionalOf = (key: string, place: Placed<A>): boolean =>
    lastOf.has(key) || Option.isSome(place.task.condition) || (own(place).length === 0 && isEntryConditional(userOf(place)))
  return { waitedFor, conditionalOf }
}
