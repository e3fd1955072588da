/**
 * The graph of the tasks of a run as it can be looked at: a node for each task
 * or, where those are too many, for the tasks of a team that are about equally
 * far from the beginning.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as RunState from "../run/RunState.ts"
import { isFailure } from "../run/TaskStatus.ts"

type TaskState = RunState.TaskState

/** How many nodes are laid out one by one. */
export const maxNodes = 200

/** How many edges are told. */
const maxEdges = 2000

/** A task or a group of tasks. */
export interface Node {
  readonly id: string
  readonly team: string
  readonly label: string
  readonly kind: "task" | "gate" | "uses" | "merge" | "matrix" | "group"
  readonly status?: TaskState["status"] | undefined
  readonly assignTo?: string | undefined
  readonly attempt?: number | undefined
  readonly mostAttempts?: number | undefined
  readonly total: number
  readonly counts: Readonly<Record<string, number>>
}

/** The graph. */
export interface View {
  readonly nodes: ReadonlyArray<Node>
  readonly edges: ReadonlyArray<readonly [from: number, to: number]>
  readonly isGrouped: boolean
  readonly tasks: number
  readonly omitted: number
}

/** What does not change while a run goes on: which task waits for which, and in which group it is. */
export interface Structure {
  readonly declared: RunState.RunState["declared"]
  readonly keys: ReadonlyArray<readonly [team: string, subject: string]>
  /** By the places of tasks in `keys`. */
  readonly edges: ReadonlyArray<readonly [from: number, to: number]>
  readonly isGrouped: boolean
  /** The groups, and for each task which one it is in; each task has its own where they are not grouped. */
  readonly groups: ReadonlyArray<{ readonly id: string; readonly team: string; readonly label: string }>
  readonly groupOf: ReadonlyArray<number>
  readonly placeOf: ReadonlyMap<string, number>
}

const keyOf = (team: string, subject: string): string => JSON.stringify([team, subject])

/** How many tasks are in a row before each at most. In a graph with a circle, which no workflow has, it stays at what was found. */
const depthsOf = (count: number, edges: Structure["edges"]): ReadonlyArray<number> => {
  const depths = Array.from({ length: count }, () => 0)
  const open = Array.from({ length: count }, () => 0)
  const next = Array.from({ length: count }, (): Array<number> => [])
  for (const [from, to] of edges) {
    next[from]?.push(to)
    open[to] = (open[to] ?? 0) + 1
  }
  const ready = depths.flatMap((_, task) => (open[task] === 0 ? [task] : []))
  for (const task of ready) {
    for (const after of next[task] ?? []) {
      depths[after] = Math.max(depths[after] ?? 0, (depths[task] ?? 0) + 1)
      open[after] = (open[after] ?? 0) - 1
      if (open[after] === 0) ready.push(after)
    }
  }
  return depths
}

/** How many layers make a group, so that there are not too many groups. */
const layersPerGroup = (teams: ReadonlyMap<string, number>): number => {
  const layers = [...teams.values()].reduce((sum, deepest) => sum + deepest + 1, 0)
  return Math.max(1, Math.ceil(layers / (maxNodes / 2)))
}

const rangeLabel = (first: number, last: number): string => first === last ? `step ${first + 1}` : `steps ${first + 1} to ${last + 1}`

const grouped = (keys: Structure["keys"], depths: ReadonlyArray<number>) => {
  const deepest = new Map<string, number>()
  keys.forEach(([team], task) => deepest.set(team, Math.max(deepest.get(team) ?? 0, depths[task] ?? 0)))
  const size = layersPerGroup(deepest)
  const groups = new Map<string, { readonly place: number; readonly id: string; readonly team: string; readonly label: string }>()
  const groupOf = keys.map(([team], task) => {
    const first = Math.floor((depths[task] ?? 0) / size) * size
    const id = JSON.stringify([team, first])
    const known = groups.get(id)
    if (known !== undefined) return known.place
    const end = Math.min(first + size - 1, deepest.get(team) ?? 0)
    groups.set(id, { place: groups.size, id, team, label: rangeLabel(first, end) })
    return groups.size - 1
  })
  return { groups: [...groups.values()], groupOf }
}

/** What a run declares, as a graph. */
export const structure = (state: RunState.RunState): Structure => {
  const keys = state.declared.teams.flatMap(({ name, tasks }) => tasks.map(({ subject }) => [name, subject] as const))
  const placeOf = new Map(keys.map(([team, subject], place) => [keyOf(team, subject), place]))
  const blockers = RunState.blockers(state)
  const edges = keys.flatMap(([team, subject], to) => {
    const task = taskOf(state, team, subject)
    return task === undefined ? [] : blockers(task).flatMap((blocker) => {
      const from = placeOf.get(keyOf(blocker.team, blocker.subject))
      return from === undefined ? [] : [[from, to] as const]
    })
  })
  const isGrouped = keys.length > maxNodes
  const single = () => ({
    groups: keys.map(([team, subject]) => ({ id: keyOf(team, subject), team, label: subject })),
    groupOf: keys.map((_, task) => task)
  })
  return { declared: state.declared, keys, edges, isGrouped, placeOf, ...(isGrouped ? grouped(keys, depthsOf(keys.length, edges)) : single()) }
}

const taskOf = (state: RunState.RunState, team: string, subject: string): TaskState | undefined =>
  Option.getOrUndefined(Option.flatMap(HashMap.get(state.tasks, team), HashMap.get(subject)))

/** The id of the group that a task is in, or that the task of an instance is in. */
export const groupIdOf = ({ groupOf, groups, placeOf }: Structure, { instanceOf, subject, team }: TaskState): string | undefined => {
  const place = placeOf.get(keyOf(team, instanceOf ?? subject))
  return place === undefined ? undefined : groups[groupOf[place] ?? -1]?.id
}

/** Counts tasks by their status. */
export const count = (tasks: ReadonlyArray<TaskState>): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const { status } of tasks) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

/** How many of the tasks that are counted have failed. */
export const failed = (counts: Readonly<Record<string, number>>): number =>
  Object.entries(counts).reduce((sum, [status, number]) => sum + (isFailure(status) ? number : 0), 0)

const kindOf = ({ hasMatrix, isGate, merge, uses }: TaskState): Node["kind"] =>
  isGate ? "gate" : uses !== undefined ? "uses" : merge !== undefined ? "merge" : hasMatrix ? "matrix" : "task"

/** How the graph is now. */
export const view = (state: RunState.RunState, known: Structure): View => {
  const { edges, groupOf, groups, isGrouped, keys } = known
  const members = groups.map((): Array<TaskState> => [])
  keys.forEach(([team, subject], place) => {
    const task = taskOf(state, team, subject)
    if (task !== undefined) members[groupOf[place] ?? -1]?.push(task)
  })
  const nodes = groups.map(({ id, label, team }, place): Node => {
    const tasks = members[place] ?? []
    const [only] = tasks
    if (isGrouped || only === undefined) return { id, team, label, kind: "group", total: tasks.length, counts: count(tasks) }
    const { assignTo, attempt, mostAttempts, status } = only
    const instances = only.hasMatrix ? RunState.instances(state, only) : []
    return {
      id,
      team,
      label,
      kind: kindOf(only),
      status,
      assignTo,
      attempt,
      mostAttempts,
      total: Math.max(1, instances.length),
      counts: count(instances.length === 0 ? tasks : instances)
    }
  })
  const between = new Map<number, readonly [number, number]>()
  for (const [from, to] of edges) {
    const [source, target] = [groupOf[from] ?? 0, groupOf[to] ?? 0]
    if (source !== target) between.set(source * groups.length + target, [source, target])
  }
  const all = [...between.values()]
  return { nodes, edges: all.slice(0, maxEdges), isGrouped, tasks: keys.length, omitted: Math.max(0, all.length - maxEdges) }
}
