/**
 * Who waits for whom among the tasks of a workflow. Everything here takes time
 * linear in tasks and edges, and none of it recurses: a chain of any length
 * fits the stack.
 *
 * A blocker that is no task of the graph is ignored, a blocker that is named
 * twice counts once, and of two tasks with the same key the first counts.
 */
import * as Arr from "effect/Array"
import * as Option from "effect/Option"

/** What the graph needs to know about a task. */
export interface Node {
  readonly key: string
  readonly blockedBy: ReadonlyArray<string>
  /** Whether it is to be asked whether it runs, when all that it waits for has ended, however that was. Defaults to false. */
  readonly isConditional?: boolean
}

/** Some tasks and their order, by position. Made by {@link make}. */
export interface TaskGraph {
  readonly keys: ReadonlyArray<string>
  /** For each task, whether it is asked whether it runs. */
  readonly conditional: ReadonlyArray<boolean>
  /** For each task, the tasks that it waits for. */
  readonly blockers: ReadonlyArray<ReadonlyArray<number>>
  /** For each task, the tasks that wait for it. */
  readonly successors: ReadonlyArray<ReadonlyArray<number>>
}

/** Makes the graph of some tasks. */
export const make = (tasks: ReadonlyArray<Node>): TaskGraph => {
  const positions = new Map<string, number>()
  const nodes: Array<Node> = []
  for (const task of tasks) {
    if (positions.has(task.key)) continue
    positions.set(task.key, nodes.length)
    nodes.push(task)
  }
  const successors = nodes.map((): Array<number> => [])
  const blockers = nodes.map((task, position) => {
    const known = new Set<number>()
    for (const key of task.blockedBy) {
      const blocker = positions.get(key)
      if (blocker === undefined || known.has(blocker)) continue
      known.add(blocker)
      successors[blocker]?.push(position)
    }
    return Array.from(known)
  })
  return { keys: nodes.map((task) => task.key), conditional: nodes.map(({ isConditional = false }) => isConditional), blockers, successors }
}

/**
 * Finds a cycle among tasks, if there is one: each task waits for the next, and
 * the last is the first again.
 */
export const cycle = (tasks: ReadonlyArray<Node>): Option.Option<ReadonlyArray<string>> =>
  Option.fromNullable(cycles(make(tasks))[0])

/**
 * Finds cycles that share no task, at least one in each group of tasks that
 * wait for each other. Each is written as by {@link cycle}, from its first task on.
 */
export const cycles = (graph: TaskGraph): ReadonlyArray<ReadonlyArray<string>> => {
  const found: Array<ReadonlyArray<string>> = []
  const depths = graph.keys.map(() => unvisited)
  for (let root = 0; root < graph.keys.length; root++) {
    if (depths[root] !== unvisited) continue
    depths[root] = 0
    const trail: Array<Step> = [{ position: root, next: 0, reported: -1 }]
    for (let step = trail.at(-1); step !== undefined; step = trail.at(-1)) {
      const blocker = graph.blockers[step.position]?.[step.next++]
      if (blocker === undefined) {
        depths[step.position] = left
        trail.pop()
        continue
      }
      const depth = depths[blocker] ?? left
      if (depth === unvisited) {
        depths[blocker] = trail.length
        trail.push({ position: blocker, next: 0, reported: step.reported })
      } else if (depth > step.reported) {
        const steps = trail.slice(depth)
        steps.forEach((each, offset) => (each.reported = depth + offset))
        found.push(closed(steps.map((each) => each.position)).map((position) => graph.keys[position] ?? ""))
      }
    }
  }
  return found
}

const unvisited = -1
const left = -2

/** A task on the trail of a search, with the depth of the deepest task up to it whose cycle is already found. */
interface Step {
  readonly position: number
  next: number
  reported: number
}

const closed = (positions: ReadonlyArray<number>): ReadonlyArray<number> => {
  const first = positions.reduce((least, position, index) => (position < (positions[least] ?? 0) ? index : least), 0)
  return [...positions.slice(first), ...positions.slice(0, first + 1)]
}

/**
 * Sorts the tasks into waves: a task is in the wave after the last of the tasks
 * that it waits for. Tasks of a cycle, and those behind one, are in no wave.
 */
export const waves = (graph: TaskGraph): ReadonlyArray<ReadonlyArray<string>> => {
  const sorted: Array<Array<string>> = []
  levels(graph).forEach((level, position) => {
    if (level === unreached) return
    while (sorted.length <= level) sorted.push([])
    sorted[level]?.push(graph.keys[position] ?? "")
  })
  return sorted
}

const unreached = -1

/** Computes the wave of each task, by position. */
const levels = (graph: TaskGraph): ReadonlyArray<number> => {
  const waiting = graph.blockers.map((blockers) => blockers.length)
  const levels = waiting.map((blockers): number => (blockers === 0 ? 0 : unreached))
  const queue = graph.keys.flatMap((_, position) => (waiting[position] === 0 ? [position] : []))
  // The queue is read in the order of the waves, so the last blocker to be read is in the wave right before.
  for (const position of queue) {
    for (const successor of graph.successors[position] ?? []) {
      const rest = (waiting[successor] ?? 0) - 1
      waiting[successor] = rest
      if (rest > 0) continue
      levels[successor] = (levels[position] ?? 0) + 1
      queue.push(successor)
    }
  }
  return levels
}

/** Finds the longest chain of tasks that wait for each other, from the first to the last that runs. */
export const criticalPath = (graph: TaskGraph): ReadonlyArray<string> => {
  const level = levels(graph)
  const last = level.reduce((best, each, position) => (each > (level[best] ?? unreached) ? position : best), -1)
  const chain: Array<string> = []
  let position: number | undefined = last === -1 ? undefined : last
  while (position !== undefined) {
    chain.push(graph.keys[position] ?? "")
    const wave: number = (level[position] ?? 0) - 1
    position = graph.blockers[position]?.find((blocker) => wave >= 0 && level[blocker] === wave)
  }
  return Arr.reverse(chain)
}

/** Finds all that a task waits for, directly or not. */
export const ancestors = (graph: TaskGraph, key: string): ReadonlyArray<string> => reached(graph, graph.blockers, key)

/** Finds all that waits for a task, directly or not. */
export const descendants = (graph: TaskGraph, key: string): ReadonlyArray<string> => reached(graph, graph.successors, key)

const reached = ({ keys }: TaskGraph, next: ReadonlyArray<ReadonlyArray<number>>, key: string): ReadonlyArray<string> => {
  const seen = new Set<number>()
  const pending = [keys.indexOf(key)]
  for (let each = pending.pop(); each !== undefined; each = pending.pop()) {
    for (const other of next[each] ?? []) {
      if (seen.has(other)) continue
      seen.add(other)
      pending.push(other)
    }
  }
  return [...seen].map((position) => keys[position] ?? "")
}

/** What follows from the end of a task: the tasks that can run now, and those that never will. */
export interface Settled {
  readonly ready: ReadonlyArray<string>
  readonly skipped: ReadonlyArray<string>
}

/** The moving line between tasks that can run and tasks that wait. Made by {@link frontier}. */
export interface Frontier {
  /** Keys of the tasks that wait for nothing. */
  readonly ready: ReadonlyArray<string>
  /**
   * Notes that a task has ended, and whether it was completed. What waits for one
   * that was not is skipped, unless it is to be asked. Each task is reported
   * ready or skipped at most once. A task that has already ended or
   * was skipped changes nothing.
   */
  readonly settle: (key: string, completed: boolean) => Settled
}

/** Makes a frontier, which is mutable: one for each run of the graph. */
export const frontier = (graph: TaskGraph): Frontier => {
  const positions = new Map(graph.keys.map((key, position) => [key, position]))
  const waiting = graph.blockers.map((blockers) => blockers.length)
  const over = graph.keys.map(() => false)

  /** Notes that one of the tasks is over that a task waits for, and answers whether it was the last. */
  const advance = (position: number): boolean => {
    const rest = (waiting[position] ?? 0) - 1
    waiting[position] = rest
    return rest === 0 && over[position] === false
  }

  const release = (position: number): ReadonlyArray<string> =>
    (graph.successors[position] ?? []).flatMap((successor) => advance(successor) ? [graph.keys[successor] ?? ""] : [])

  const abandon = (position: number): Settled => {
    const [ready, skipped, pending] = [new Array<string>(), new Array<string>(), [position]]
    for (let each = pending.pop(); each !== undefined; each = pending.pop()) {
      for (const successor of graph.successors[each] ?? []) {
        if (over[successor] !== false) continue
        const key = graph.keys[successor] ?? ""
        if (graph.conditional[successor] === true) {
          if (advance(successor)) ready.push(key)
          continue
        }
        over[successor] = true
        skipped.push(key)
        pending.push(successor)
      }
    }
    return { ready, skipped }
  }

  return {
    ready: graph.keys.filter((_, position) => waiting[position] === 0),
    settle: (key, completed) => {
      const position = positions.get(key)
      if (position === undefined || over[position] !== false) return { ready: [], skipped: [] }
      over[position] = true
      return completed ? { ready: release(position), skipped: [] } : abandon(position)
    }
  }
}
