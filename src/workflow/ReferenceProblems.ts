/**
 * Checks what no schema of a single value can: that names are given once, that
 * they refer to something, and that no task waits for itself.
 *
 * The checks read the raw workflow and pass over whatever has the wrong type,
 * which the schema reports. So both can be reported at once, and nothing twice.
 */
import * as Predicate from "effect/Predicate"
import { nearest } from "./Suggestion.ts"
import * as TaskGraph from "./TaskGraph.ts"
import { describe, type Finding, type Path, quote } from "./WorkflowProblem.ts"

// Suggestions compare with every name: enough of them for a person, and not so many that a huge file takes minutes.
const suggestions = 100

/** Finds every problem with the names of a workflow, in its encoded form. */
export const findings = (workflow: unknown): ReadonlyArray<Finding> => {
  const agents = list(workflow, "agents")
  const teams = list(workflow, "teams") ?? []
  // What refers to an agent whose name can not be read is not wrong as well.
  const agentNames = agents !== undefined && agents.length > 0 && haveAll(agents, "name") ? new Set(texts(agents, "name")) : undefined
  const teamOfSubject = new Map<string, string>()
  teams.forEach((team, index) => {
    for (const subject of texts(list(team, "tasks") ?? [], "subject")) {
      if (!teamOfSubject.has(subject)) teamOfSubject.set(subject, teamLabel(team, index))
    }
  })
  let left = suggestions
  const suggest = (name: string, names: Iterable<string>) => (left-- > 0 ? nearest(name, names) : undefined)

  return [
    ...twoTimeouts(workflow),
    ...repeated(agents ?? [], ["agents"], "name"),
    ...(agents ?? []).flatMap(dockerWithoutImage),
    ...repeated(teams, ["teams"], "name"),
    ...teams.flatMap((team, index) => inTeam({ team, index, agentNames, teamOfSubject, suggest }))
  ]
}

const twoTimeouts = (workflow: unknown): ReadonlyArray<Finding> =>
  get(workflow, "timeout") === undefined || get(workflow, "timeout_seconds") === undefined
    ? []
    : [{
      path: ["timeout_seconds"],
      atKey: true,
      found: "a second limit of the run",
      expected: "either timeout or timeout_seconds, which is another name of it"
    }]

interface TeamInContext {
  readonly team: unknown
  readonly index: number
  /** Undefined when the workflow has no list of agents to refer to, or not all have a name. */
  readonly agentNames: ReadonlySet<string> | undefined
  readonly teamOfSubject: ReadonlyMap<string, string>
  readonly suggest: (name: string, names: Iterable<string>) => string | undefined
}

const inTeam = ({ agentNames, index, suggest, team, teamOfSubject }: TeamInContext): ReadonlyArray<Finding> => {
  const label = teamLabel(team, index)
  const members = list(team, "agents")
  const tasks = list(team, "tasks") ?? []
  const memberNames = new Set(members?.filter(Predicate.isString))
  const subjects = new Set(texts(tasks, "subject"))
  const hasAllSubjects = haveAll(tasks, "subject")
  /** Names that are misspelt where the team lists its members: a task that has them right is not wrong. */
  const meantMembers = new Set<string>()

  const unknownMember = (member: unknown, position: number): ReadonlyArray<Finding> => {
    if (typeof member !== "string" || agentNames === undefined || agentNames.has(member)) return []
    const suggestion = suggest(member, agentNames)
    if (suggestion !== undefined) meantMembers.add(suggestion)
    return [{
      path: ["teams", index, "agents", position],
      found: describe(member),
      expected: "the name of an agent of the workflow",
      suggestion
    }]
  }

  const wrongAssignee = (task: unknown, position: number): ReadonlyArray<Finding> => {
    const assignee = get(task, "assign_to")
    if (typeof assignee !== "string" || memberNames.size === 0 || memberNames.has(assignee) || meantMembers.has(assignee)) return []
    const outsider = agentNames?.has(assignee) === true
    return [{
      path: ["teams", index, "tasks", position, "assign_to"],
      found: describe(assignee),
      expected: `the name of a member of ${label}${
        outsider ? ` (the agent ${quote(assignee)} is not listed in teams[${index}].agents)` : ""
      }`,
      suggestion: outsider ? undefined : suggest(assignee, memberNames)
    }]
  }

  const wrongBlockers = (task: unknown, position: number): ReadonlyArray<Finding> =>
    (list(task, "blocked_by") ?? []).flatMap((blocker, edge): ReadonlyArray<Finding> => {
      if (typeof blocker !== "string") return []
      const path = ["teams", index, "tasks", position, "blocked_by", edge]
      if (blocker === get(task, "subject")) {
        return [{ path, found: `${quote(blocker)}, the task itself`, expected: `another task of ${label}` }]
      }
      if (subjects.has(blocker) || !hasAllSubjects) return []
      const elsewhere = teamOfSubject.get(blocker)
      return [{
        path,
        found: describe(blocker),
        expected: `the subject of a task of ${label}${
          elsewhere === undefined ? "" : ` (it is a task of ${elsewhere}, and teams do not wait for each other)`
        }`,
        suggestion: elsewhere === undefined ? suggest(blocker, subjects) : undefined
      }]
    })

  return [
    ...(members ?? []).flatMap(unknownMember),
    ...repeated(tasks, ["teams", index, "tasks"], "subject"),
    ...tasks.flatMap(wrongAssignee),
    ...tasks.flatMap(wrongBlockers),
    ...cyclic(tasks, ["teams", index, "tasks"])
  ]
}

const repeated = (items: ReadonlyArray<unknown>, path: Path, key: "name" | "subject"): ReadonlyArray<Finding> => {
  const first = new Map<string, number>()
  return items.flatMap((item, position): ReadonlyArray<Finding> => {
    const name = get(item, key)
    if (typeof name !== "string") return []
    const before = first.get(name)
    if (before === undefined) {
      first.set(name, position)
      return []
    }
    const owner = `${String(path.at(-1))}[${before}]`
    return [{
      path: [...path, position, key],
      found: `${quote(name)} a second time`,
      expected: `a ${key} of its own (${owner} has this one)`
    }]
  })
}

const dockerWithoutImage = (agent: unknown, position: number): ReadonlyArray<Finding> => {
  const image = get(agent, "docker_image")
  if (get(agent, "runtime") !== "docker" || !(image === undefined || image === null || image === "")) return []
  return [{
    path: ["agents", position, "docker_image"],
    found: describe(image),
    expected: "the name of an image, because runtime is \"docker\""
  }]
}

const cyclic = (tasks: ReadonlyArray<unknown>, path: Path): ReadonlyArray<Finding> => {
  const positions = new Map<string, number>()
  const nodes = tasks.flatMap((task, position): ReadonlyArray<TaskGraph.Node> => {
    const subject = get(task, "subject")
    if (typeof subject !== "string" || positions.has(subject)) return []
    positions.set(subject, position)
    const blockers = (list(task, "blocked_by") ?? []).filter(Predicate.isString)
    return [{ subject, blockedBy: blockers.filter((blocker) => blocker !== subject) }]
  })
  return TaskGraph.cycles(TaskGraph.make(nodes)).map((cycle): Finding => {
    const position = positions.get(cycle[0] ?? "") ?? 0
    const edge = (list(tasks[position], "blocked_by") ?? []).indexOf(cycle[1])
    return {
      path: [...path, position, "blocked_by", edge],
      found: `the cycle ${chain(cycle)}`,
      expected: "tasks that do not wait for each other in a circle"
    }
  })
}

const chain = (subjects: ReadonlyArray<string>): string => {
  if (subjects.length <= 20) return subjects.join(" -> ")
  return [...subjects.slice(0, 10), `(${subjects.length - 20} more)`, ...subjects.slice(-10)].join(" -> ")
}

const teamLabel = (team: unknown, index: number): string => {
  const name = get(team, "name")
  return typeof name === "string" ? `team ${quote(name)}` : `teams[${index}]`
}

const get = (value: unknown, key: string): unknown => (Predicate.isRecord(value) ? value[key] : undefined)

const list = (value: unknown, key: string): ReadonlyArray<unknown> | undefined => {
  const items = get(value, key)
  return Array.isArray(items) ? items : undefined
}

const texts = (items: ReadonlyArray<unknown>, key: string): ReadonlyArray<string> =>
  items.map((item) => get(item, key)).filter(Predicate.isString)

const haveAll = (items: ReadonlyArray<unknown>, key: string): boolean => texts(items, key).length === items.length
