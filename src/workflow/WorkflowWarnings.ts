/**
 * Finds what a workflow says without effect, or to the wrong effect, though it
 * can be run as it is.
 */
import * as Arr from "effect/Array"
import * as Predicate from "effect/Predicate"
import * as WorkflowProblem from "./WorkflowProblem.ts"

/** A warning as a check reports it, before it is known where in the file its path is written. */
interface Finding {
  readonly path: WorkflowProblem.Path
  /** Whether the key is meant, rather than its value. */
  readonly atKey: boolean
  readonly says: string
}

/** Finds where the value at a path is written, or its key. */
type Locate = (path: WorkflowProblem.Path, atKey: boolean) => WorkflowProblem.Position | undefined

/**
 * Finds every warning about a workflow without mistakes, in its encoded form, in the order of the file. What an alias or
 * a merge key repeats is told once, where it is written.
 */
export const find = (workflow: unknown, locate?: Locate): ReadonlyArray<WorkflowProblem.Warning> => {
  const agents = list(workflow, "agents")
  const members = new Set(list(workflow, "teams").flatMap((team) => list(team, "agents")))
  const seen = new Set<string>()
  const warnings = agents.flatMap((agent, index) => [
    ...inNoTeam(agent, index, members),
    ...forContainers(agent, index),
    ...argumentsInProgram(agent, index),
    ...modelOfNone(agent, index)
  ]).map(({ atKey, path, says }): WorkflowProblem.Warning => ({
    ...WorkflowProblem.placeOf(path, locate?.(path, atKey), workflow),
    says
  }))
  const once = warnings.filter(({ column, line, path, says }) => {
    const key = JSON.stringify([line === undefined ? path : [line, column], says])
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
  return Arr.sort(once, WorkflowProblem.byPosition)
}

const inNoTeam = (agent: unknown, index: number, members: ReadonlySet<unknown>): ReadonlyArray<Finding> => {
  const name = get(agent, "name")
  return typeof name !== "string" || members.has(name) ? [] : [{
    path: ["agents", index, "name"],
    atKey: false,
    says: `agent ${WorkflowProblem.quote(name)} is in no team: it would be made and have nothing to do`
  }]
}

/** What is said of a container, by the keys that say it. */
const ofContainer = ["docker_image", "cpus", "memory"]

const forContainers = (agent: unknown, index: number): ReadonlyArray<Finding> =>
  (get(agent, "runtime") ?? "local") !== "local" ? [] : ofContainer.flatMap((key): ReadonlyArray<Finding> =>
    isSaid(get(agent, key))
      ? [{ path: ["agents", index, key], atKey: true, says: `${key} is for a container, and the runtime is local: it has no effect` }]
      : [])

// A path may have a space in it, and then it begins with a directory.
const hasArguments = (program: string): boolean => /^[^\s/]+\s+\S|\s-/.test(program.trim())

const argumentsInProgram = (agent: unknown, index: number): ReadonlyArray<Finding> => {
  const program = get(agent, "program")
  if (typeof program !== "string" || !hasArguments(program)) return []
  const [name = ""] = program.trim().split(/\s+/)
  return [{
    path: ["agents", index, "program"],
    atKey: false,
    says: `program is the name of a program, without arguments: give ${WorkflowProblem.quote(program.trim())} a name in ` +
      `TELEMACHY_PROGRAMS, as in ${WorkflowProblem.quote(`${nameFor(name)}=${program.trim()}`)}, or put it into a script`
  }]
}

/** A name of one word for a command line. */
const nameFor = (program: string): string => program.split("/").at(-1)?.replaceAll(/[=;]/g, "") || "agent"

/**
 * Programs that are known to take no `--model`: `none`, which starts nothing, shells, interpreters of languages, and what
 * builds and tests. Of any other it is not known.
 */
const withoutModel: ReadonlySet<string> = new Set([
  "none", "sh", "bash", "dash", "ash", "ksh", "zsh", "fish", "python", "python2", "python3", "node", "deno", "bun", "perl", "ruby",
  "php", "lua", "make", "npm", "npx", "pnpm", "yarn", "pytest", "cargo", "go", "git", "curl", "jq", "awk", "sed", "grep", "cat",
  "echo", "true", "false", "sleep", "tee", "env", "timeout"
])

const modelOfNone = (agent: unknown, index: number): ReadonlyArray<Finding> => {
  const program = get(agent, "program")
  if (typeof program !== "string" || !isSaid(get(agent, "model"))) return []
  const [name = ""] = (program.split("/").at(-1) ?? "").trim().split(/\s+/)
  return !withoutModel.has(name) ? [] : [{
    path: ["agents", index, "model"],
    atKey: true,
    says: name === "none"
      ? "program none starts nothing that could use a model: it has no effect"
      : `program ${name} knows no --model, which is what model adds to its arguments: leave model out`
  }]
}

/** Whether a key is there with a value, where an empty text stands for none. */
const isSaid = (value: unknown): boolean => value !== undefined && value !== null && value !== ""

const get = (value: unknown, key: string): unknown => (Predicate.isRecord(value) ? value[key] : undefined)

const list = (value: unknown, key: string): ReadonlyArray<unknown> => {
  const items = get(value, key)
  return Array.isArray(items) ? items : []
}
