/**
 * Checks what no schema of a single value can: that names are given once, that
 * they refer to something, and that no task waits for itself.
 *
 * The checks read the raw workflow and pass over whatever has the wrong type,
 * which the schema reports. So both can be reported at once, and nothing twice.
 */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Template from "./expression/Template.ts"
import { get, itemsAt, listAt } from "./RawValue.ts"
import { nearest } from "./Suggestion.ts"
import * as TaskGraph from "./TaskGraph.ts"
import * as WorkflowGraph from "./WorkflowGraph.ts"
import { describe, type Finding, type Path, quote } from "./WorkflowProblem.ts"

// Suggestions compare with every name: enough of them for a person, and not so many that a huge file takes minutes.
const suggestions = 100

/** Finds every problem with the names of a workflow, in its encoded form. */
export const findings = (workflow: unknown): ReadonlyArray<Finding> => {
  const agents = listAt(workflow, "agents")
  const teams = itemsAt(workflow, "teams")
  // What refers to an agent whose name can not be read is not wrong as well.
  const agentNames = agents !== undefined && agents.length > 0 && haveAll(agents, "name") ? new Set(texts(agents, "name")) : undefined
  const teamOfSubject = new Map<string, string>()
  teams.forEach((team, index) => {
    for (const subject of texts(itemsAt(team, "tasks"), "subject")) {
      if (!teamOfSubject.has(subject)) teamOfSubject.set(subject, teamLabel(team, index))
    }
  })
  let left = suggestions
  const suggest = (name: string, names: Iterable<string>) => (left-- > 0 ? nearest(name, names) : undefined)
  const ids = new Set(teams.flatMap((team) => texts(itemsAt(team, "tasks"), "id")))

  return [
    ...twoTimeouts(workflow),
    ...repeated(agents ?? [], ["agents"], "name"),
    ...(agents ?? []).flatMap(dockerWithoutImage),
    ...repeated(teams, ["teams"], "name"),
    ...repeatedIds(teams),
    ...teams.flatMap((team, index) => inTeam({ team, index, agentNames, teamOfSubject, ids, suggest })),
    ...cyclic(teams)
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
  /** The ids of the tasks of all teams. */
  readonly ids: ReadonlySet<string>
  readonly suggest: (name: string, names: Iterable<string>) => string | undefined
}

const inTeam = ({ agentNames, ids, index, suggest, team, teamOfSubject }: TeamInContext): ReadonlyArray<Finding> => {
  const label = teamLabel(team, index)
  const members = listAt(team, "agents")
  const tasks = itemsAt(team, "tasks")
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

  const wrongAssignee = (assignee: unknown, path: Path): ReadonlyArray<Finding> => {
    if (typeof assignee !== "string" || Template.isTemplate(assignee) || memberNames.size === 0 || memberNames.has(assignee) || meantMembers.has(assignee)) return []
    const outsider = agentNames?.has(assignee) === true
    return [{
      path,
      found: describe(assignee),
      expected: `the name of a member of ${label}${
        outsider ? ` (the agent ${quote(assignee)} is not listed in teams[${index}].agents)` : ""
      }`,
      suggestion: outsider ? undefined : suggest(assignee, memberNames)
    }]
  }

  const wrongAssignees = (task: unknown, position: number): ReadonlyArray<Finding> => {
    const path = ["teams", index, "tasks", position, "assign_to"]
    const assignees = listAt(task, "assign_to")
    if (assignees === undefined) return wrongAssignee(get(task, "assign_to"), path)
    return assignees.flatMap((assignee, place) =>
      typeof assignee === "string" && assignees.indexOf(assignee) < place
        ? [{ path: [...path, place], found: `${quote(assignee)} a second time`, expected: "each member once" }]
        : wrongAssignee(assignee, [...path, place]))
  }

  const wrongBlockers = (task: unknown, position: number): ReadonlyArray<Finding> =>
    (itemsAt(task, "blocked_by")).flatMap((blocker, edge): ReadonlyArray<Finding> => {
      if (typeof blocker !== "string") return []
      const path = ["teams", index, "tasks", position, "blocked_by", edge]
      if (blocker === get(task, "subject") || (blocker === get(task, "id") && !subjects.has(blocker))) {
        return [{ path, found: `${quote(blocker)}, the task itself`, expected: `another task of ${label}` }]
      }
      if (subjects.has(blocker) || ids.has(blocker) || !hasAllSubjects) return []
      const elsewhere = teamOfSubject.get(blocker)
      return [{
        path,
        found: describe(blocker),
        expected: `the subject of a task of ${label}, or the id of any task${
          elsewhere === undefined ? "" : ` (it is the subject of a task of ${elsewhere}: give that an id, and name it by that)`
        }`,
        suggestion: elsewhere === undefined ? suggest(blocker, [...subjects, ...ids]) : undefined
      }]
    })

  return [
    ...(members ?? []).flatMap(unknownMember),
    ...repeated(tasks, ["teams", index, "tasks"], "subject"),
    ...tasks.flatMap(wrongAssignees),
    ...tasks.flatMap(wrongBlockers)
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

/** The id of a task is for the whole workflow. */
const repeatedIds = (teams: ReadonlyArray<unknown>): ReadonlyArray<Finding> => {
  const first = new Map<string, string>()
  return teams.flatMap((team, index) =>
    (itemsAt(team, "tasks")).flatMap((task, position): ReadonlyArray<Finding> => {
      const id = get(task, "id")
      if (typeof id !== "string") return []
      // Expressions find a name in any letter case.
      const before = first.get(id.toLowerCase())
      if (before === undefined) {
        first.set(id.toLowerCase(), `teams[${index}].tasks[${position}]`)
        return []
      }
      return [{
        path: ["teams", index, "tasks", position, "id"],
        found: `${quote(id)} a second time`,
        expected: `an id of its own (${before} has this one)`
      }]
    }))
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

/** A task, with where it is written. */
interface Written extends WorkflowGraph.Task {
  readonly path: Path
}

const cyclic = (teams: ReadonlyArray<unknown>): ReadonlyArray<Finding> => {
  const readable = teams.map((team, index) => ({
    name: String(index),
    tasks: (itemsAt(team, "tasks")).flatMap((task, position): ReadonlyArray<Written> => {
      const [subject, id] = [get(task, "subject"), get(task, "id")]
      const blockers = (itemsAt(task, "blocked_by")).filter(Predicate.isString)
      return typeof subject !== "string" ? [] : [{
        subject,
        id: Option.liftPredicate(Predicate.isString)(id),
        condition: Option.none(),
        blockedBy: blockers.filter((blocker) => blocker !== subject && blocker !== id),
        path: ["teams", index, "tasks", position]
      }]
    })
  }))
  const { blockersOf, graph, tasks } = WorkflowGraph.make(readable)
  return TaskGraph.cycles(graph).flatMap((cycle): ReadonlyArray<Finding> => {
    const [from, to] = [tasks.get(cycle[0] ?? ""), tasks.get(cycle[1] ?? "")]
    if (from === undefined || to === undefined) return []
    const edge = from.task.blockedBy.findIndex((name) =>
      blockersOf(from, { ...from.task, blockedBy: [name] }).some(({ subject, team }) => subject === to.subject && team === to.team))
    const isInOneTeam = cycle.every((key) => tasks.get(key)?.team === from.team)
    const nameOf = (key: string) => {
      const place = tasks.get(key)
      if (place === undefined || isInOneTeam) return place?.subject ?? ""
      return Option.getOrElse(place.task.id, () => `${teamName(teams, place.team)}/${place.subject}`)
    }
    const [, , , position] = from.task.path
    const written = listAt(listAt(teams[Number(from.team)], "tasks")?.[Number(position)], "blocked_by") ?? []
    return [{
      path: [...from.task.path, "blocked_by", written.indexOf(from.task.blockedBy[edge])],
      found: `the cycle ${chain(cycle.map(nameOf))}`,
      expected: "tasks that do not wait for each other in a circle"
    }]
  })
}

const teamName = (teams: ReadonlyArray<unknown>, index: string): string => {
  const name = get(teams[Number(index)], "name")
  return typeof name === "string" ? name : `teams[${index}]`
}

const chain = (subjects: ReadonlyArray<string>): string => {
  if (subjects.length <= 20) return subjects.join(" -> ")
  return [...subjects.slice(0, 10), `(${subjects.length - 20} more)`, ...subjects.slice(-10)].join(" -> ")
}

const teamLabel = (team: unknown, index: number): string => {
  const name = get(team, "name")
  return typeof name === "string" ? `team ${quote(name)}` : `teams[${index}]`
}

const texts = (items: ReadonlyArray<unknown>, key: string): ReadonlyArray<string> =>
  items.map((item) => get(item, key)).filter(Predicate.isString)

const haveAll = (items: ReadonlyArray<unknown>, key: string): boolean => texts(items, key).length === items.length
