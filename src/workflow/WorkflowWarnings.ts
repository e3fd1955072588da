/**
 * Finds what a workflow says without effect, or to the wrong effect, though it
 * can be run as it is.
 */
import * as Arr from "effect/Array"
import * as Predicate from "effect/Predicate"
import * as DueTask from "./DueTask.ts"
import * as Template from "./expression/Template.ts"
import * as ExpressionPlaces from "./ExpressionPlaces.ts"
import * as ExpressionProblems from "./ExpressionProblems.ts"
import * as Inputs from "./Inputs.ts"
import * as Interpreters from "./Interpreters.ts"
import * as Matrix from "./Matrix.ts"
import { get, itemsAt } from "./RawValue.ts"
import * as Secrets from "./Secrets.ts"
import * as UsedFiles from "./UsedFiles.ts"
import * as WorkflowProblem from "./WorkflowProblem.ts"
import * as WorkspaceMode from "./WorkspaceMode.ts"

/** A warning as a check reports it, before it is known where in the file its path is written. */
interface Finding {
  readonly path: WorkflowProblem.Path
  /** Whether the key is meant, rather than its value. */
  readonly atKey: boolean
  /** The part of the text that is meant, where it is not all of it. */
  readonly within?: WorkflowProblem.Within
  readonly says: string
}

/**
 * Finds every warning about a workflow without mistakes, in its encoded form, in the order of the file. What an alias or
 * a merge key repeats is told once, where it is written.
 */
export const find = (
  workflow: unknown,
  locate?: WorkflowProblem.Locate,
  used?: ExpressionPlaces.Used
): ReadonlyArray<WorkflowProblem.Warning> => {
  const agents = itemsAt(workflow, "agents")
  const members = new Set(itemsAt(workflow, "teams").flatMap((team) => itemsAt(team, "agents")))
  const seen = new Set<string>()
  const findings = [
    ...agents.flatMap((agent, index) => [
      ...inNoTeam(agent, index, members),
      ...forContainers(agent, index),
      ...argumentsInProgram(agent, index),
      ...modelOfNone(agent, index),
      ...systemOfInterpreter(agent, index)
    ]),
    ...unreadSecrets(workflow, used),
    ...valuesInScripts(workflow, agents, used),
    ...valuesInCommands(workflow, used),
    ...verifyOfNone(workflow, agents),
    ...notEvaluated(workflow),
    ...withoutEffect(workflow, used)
  ]
  const warnings = findings.map(({ atKey, path, says, within }): WorkflowProblem.Warning => ({
    ...WorkflowProblem.placeOf(path, locate?.(path, atKey, within), workflow),
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
  if (typeof program !== "string" || Template.isTemplate(program) || !hasArguments(program)) return []
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
  "none", ...Interpreters.known, "make", "npm", "npx", "pnpm", "yarn", "pytest", "cargo", "go", "git", "curl", "jq", "awk", "sed", "grep", "cat",
  "echo", "true", "false", "sleep", "tee", "env", "timeout"
])

const modelOfNone = (agent: unknown, index: number): ReadonlyArray<Finding> => {
  const program = get(agent, "program")
  if (typeof program !== "string" || !isSaid(get(agent, "model"))) return []
  const name = Interpreters.commandOf(program)
  return !withoutModel.has(name) ? [] : [{
    path: ["agents", index, "model"],
    atKey: true,
    says: name === "none"
      ? "program none starts nothing that could use a model: it has no effect"
      : `program ${name} knows no --model, which is what model adds to its arguments: leave model out`
  }]
}

const systemOfInterpreter = (agent: unknown, index: number): ReadonlyArray<Finding> => {
  const program = get(agent, "program")
  return typeof program !== "string" || !isSaid(get(agent, "system")) || !Interpreters.isInterpreter(program) ? [] : [{
    path: ["agents", index, "system"],
    atKey: true,
    says: `program ${Interpreters.commandOf(program)} runs what it is told as a script: system has no effect`
  }]
}

/** Finds secrets that no program gets. Where an expression chooses among them, it can be any. */
const unreadSecrets = (workflow: unknown, used: ExpressionPlaces.Used | undefined): ReadonlyArray<Finding> => {
  const secrets = Secrets.declared(workflow)
  if (secrets.length === 0) return []
  const expressions = ExpressionPlaces.find(workflow, used)
    .filter(({ path }) => path[2] === "env")
    .flatMap(({ scope, text }) => ExpressionProblems.expressionsOf(text, scope))
  const read = new Set(expressions.flatMap(({ reads }) => reads.filter(([context]) => context === "secrets").map(([, name]) => name)))
  return secrets.flatMap((name, position): ReadonlyArray<Finding> =>
    read.has(undefined) || read.has(name.toLowerCase()) ? [] : [{
      path: ["secrets", position],
      atKey: false,
      says: `no env of an agent reads the secret ${name}: a run needs it, and no program gets it`
    }])
}

/**
 * Finds what somebody gives, or another task answers, and an interpreter would run. What is one of the options, a number or a
 * condition is no code.
 */
const valuesInScripts = (
  workflow: unknown,
  agents: ReadonlyArray<unknown>,
  used: ExpressionPlaces.Used | undefined
): ReadonlyArray<Finding> => {
  const programs = new Map(agents.map((agent) => [get(agent, "name"), get(agent, "program")]))
  const free = freeInputs(workflow)
  const isOfBranch = branchReads(workflow)
  return ExpressionPlaces.find(workflow, used).flatMap(({ path, scope, text }) => {
    const [root, team, , task, key] = path
    if (root !== "teams" || key !== "description" || typeof team !== "number" || typeof task !== "number") return []
    const written = itemsAt(itemsAt(workflow, "teams")[team], "tasks")[task]
    const [assignee, matrix] = [get(written, "assign_to"), get(written, "matrix")]
    const program = (Array.isArray(assignee) ? assignee : [assignee]).map((name: unknown) => programs.get(name))
      .find((each) => typeof each === "string" && Interpreters.isInterpreter(each))
    if (typeof program !== "string") return []
    const name = Interpreters.commandOf(program)
    return ExpressionProblems.expressionsOf(text, scope).flatMap(({ reads, within }): ReadonlyArray<Finding> => {
      const input = freeAmong(free, reads)
      const other = reads.find((names) => names[0] === "tasks" && names[1] !== undefined && !DueTask.isOfStatus(names) && !isOfBranch(names))
      const ofMatrix = reads.find(([context, key]) => context === "matrix" && isComputed(matrix, key))
      if (other !== undefined) {
        return [{
          path,
          atKey: false,
          within,
          says: `${name} runs this text as its script, and what task ${other[1] ?? ""} answers becomes a part of that: let the script ` +
            "read the answer from the file that TELEMACHY_CONTEXT names"
        }]
      }
      if (ofMatrix !== undefined) {
        return [{
          path,
          atKey: false,
          within,
          says: `${name} runs this text as its script, and a value that the matrix is computed from becomes a part of that: let the script ` +
            "read it from the file that TELEMACHY_CONTEXT names"
        }]
      }
      return input === undefined ? [] : [{
        path,
        atKey: false,
        within,
        says: `${name} runs this text as its script, and whatever is given for the input ${input} becomes a part of that: give ` +
          "the input options, or the type number or boolean, or let the script read the value from the file that TELEMACHY_CONTEXT names"
      }]
    })
  })
}

/** Whether what is read is the branch of a task or its commit, which are no code. */
const branchReads = (workflow: unknown): (names: ReadonlyArray<string>) => boolean => {
  const hasBranch = WorkspaceMode.branching(workflow)
  const ids = new Set(itemsAt(workflow, "teams").flatMap((team) =>
    itemsAt(team, "tasks").flatMap((task) => (hasBranch(team, task) ? [String(get(task, "id")).toLowerCase()] : []))))
  return ([, id = "", ...fields]) => {
    const [outputs, name] = fields[0] === "*" ? fields.slice(1) : fields
    return ids.has(id) && outputs === "outputs" && WorkspaceMode.outputs.some((each) => each === name)
  }
}

/** Inputs for which any text can be given, by their names in small letters. */
const freeInputs = (workflow: unknown): ReadonlyMap<string, string> =>
  new Map(Inputs.declared(get(workflow, "inputs")).flatMap(({ name, options, type }) =>
    options === undefined && (type === "string" || type === "list") ? [[name.toLowerCase(), name] as const] : []))

/** The first of them that is read. */
const freeAmong = (free: ReadonlyMap<string, string>, reads: ReadonlyArray<ReadonlyArray<string>>): string | undefined =>
  reads.flatMap(([context, key]) => {
    if (context !== "inputs") return []
    return key === undefined ? [...free.values()].slice(0, 1) : free.get(key) ?? []
  })[0]

/** Finds what somebody gives that becomes a part of the command of a check. */
const valuesInCommands = (workflow: unknown, used: ExpressionPlaces.Used | undefined): ReadonlyArray<Finding> => {
  const free = freeInputs(workflow)
  return ExpressionPlaces.find(workflow, used).filter(({ path }) => path.includes("verify") && path.at(-1) !== "timeout").flatMap(({ path, scope, text }) =>
    ExpressionProblems.expressionsOf(text, scope).flatMap(({ reads, within }): ReadonlyArray<Finding> => {
      const input = freeAmong(free, reads)
      return input === undefined ? [] : [{
        path,
        atKey: false,
        within,
        says: `the shell runs this text, and whatever is given for the input ${input} becomes a part of that: give the input options, or the ` +
          "type number or boolean, or let the command read the value from the file that TELEMACHY_CONTEXT names"
      }]
    }))
}

/** Finds checks of what nobody does. */
const verifyOfNone = (workflow: unknown, agents: ReadonlyArray<unknown>): ReadonlyArray<Finding> => {
  const idle = new Set(agents.filter((agent) => get(agent, "program") === "none").map((agent) => get(agent, "name")))
  return itemsAt(workflow, "teams").flatMap((team, index) =>
    itemsAt(team, "tasks").flatMap((task, position): ReadonlyArray<Finding> => {
      const assignee = get(task, "assign_to")
      const all: ReadonlyArray<unknown> = Array.isArray(assignee) ? assignee : [assignee]
      return get(task, "verify") === undefined || !all.every((name) => idle.has(name)) ? [] : [{
        path: ["teams", index, "tasks", position, "verify"],
        atKey: true,
        says: "program none does nothing that could be checked: verify has no effect"
      }]
    }))
}

/** Whether the values of this name, or of any that is not known, are not written in the file. */
const isComputed = (matrix: unknown, name: string | undefined): boolean =>
  Matrix.templates(matrix).some(({ path: [list] }) => name === undefined || list === "include" || String(list).toLowerCase() === name)

/** Finds expressions in texts that are taken as they are written. */
const notEvaluated = (workflow: unknown): ReadonlyArray<Finding> => {
  const within = (path: WorkflowProblem.Path, value: unknown, isEvaluated: (key: string) => boolean): ReadonlyArray<Finding> =>
    (Predicate.isRecord(value) ? Object.entries(value) : []).flatMap(([key, text]): ReadonlyArray<Finding> =>
      typeof text === "string" && Template.isTemplate(text) && !isEvaluated(key)
        ? [{ path: [...path, key], atKey: false, says: `${key} is taken as it is written: expressions in it are not evaluated` }]
        : [])
  const agentKeys: ReadonlySet<string> = new Set(ExpressionPlaces.ofAgent)
  const taskKeys: ReadonlySet<string> = new Set([...ExpressionPlaces.ofTask, "verify"])
  return [
    ...within(["metadata"], get(workflow, "metadata"), (key) => key === "description"),
    ...itemsAt(workflow, "agents").flatMap((agent, index) => within(["agents", index], agent, (key) => agentKeys.has(key))),
    ...itemsAt(workflow, "teams").flatMap((team, index) => [
      ...within(["teams", index], team, () => false),
      ...itemsAt(team, "tasks").flatMap((task, position) =>
        within(["teams", index, "tasks", position], task, (key) => taskKeys.has(key)))
    ])
  ]
}

/** The keys of a file that hold for a run of its own. */
const ofRun = ["teardown", "budget", "concurrency", "timeout", "timeout_seconds", "park_after", "schedules", "notify"]

/** Finds what files say that are used, and what holds for this run is said here. */
const withoutEffect = (workflow: unknown, used: ExpressionPlaces.Used | undefined): ReadonlyArray<Finding> =>
  used === undefined ? [] : UsedFiles.usesOf(workflow).flatMap(({ path, uses }) => {
    const file = used.find(UsedFiles.nameOf(used.name, uses))
    const said = ofRun.filter((key) => isSaid(get(file, key)))
    return said.length === 0 ? [] : [{
      path: [...path, "uses"],
      atKey: false,
      says: `${said.join(" and ")} of ${uses} ${said.length === 1 ? "has" : "have"} no effect here: what this workflow says holds for the run`
    }]
  })

/** Whether a key is there with a value, where an empty text stands for none. */
const isSaid = (value: unknown): boolean => value !== undefined && value !== null && value !== ""
