/**
 * Puts the workflows that tasks use into the workflow that is run: their agents,
 * teams and tasks have names that begin with the id of the task, and each file
 * is evaluated with its own inputs.
 */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type * as DueTask from "./DueTask.ts"
import type * as StrictEvaluator from "./expression/StrictEvaluator.ts"
import type { Evaluating } from "./Evaluating.ts"
import * as FileEvaluation from "./FileEvaluation.ts"
import type * as Inputs from "./Inputs.ts"
import * as TeamEvaluation from "./TeamEvaluation.ts"
import * as UsedFiles from "./UsedFiles.ts"
import * as UsedInputs from "./UsedInputs.ts"
import * as WorkflowGraph from "./WorkflowGraph.ts"
import { type Finding, type Path, quote } from "./WorkflowProblem.ts"
import type { TaskSpec, TeamSpec, WorkflowSpec } from "./WorkflowSpec.ts"

/** A problem, with the file that it is in. */
export interface FindingInFile extends Finding {
  readonly file: string
}

/** A workflow that a task uses. */
export interface UsedWorkflow {
  /** The file, as the task names it. */
  readonly uses: string
  /** The task. */
  readonly user: WorkflowGraph.Place
  /** What the ids of its tasks, and the names of its agents and teams, begin with. */
  readonly prefix: string
  /** The names of its teams, with that. */
  readonly teams: ReadonlyArray<string>
  readonly taking: UsedInputs.Taking
  /** What it is given, as the task says it. */
  readonly given: Inputs.GivenInputs
  /** What it can read of the run, without inputs that are given only when the task is due. */
  readonly contexts: StrictEvaluator.Contexts
  /** What it answers, as it is written. */
  readonly outputs: Readonly<Record<string, string>>
  /** How many of its tasks are under way at once, at most. */
  readonly maxParallel: Option.Option<number>
}

/** The workflows that are used, by the keys of the tasks that use them. */
export type UsedWorkflows = ReadonlyMap<string, UsedWorkflow>

/** A file of a workflow, in the place where it is used. */
export interface FileScope {
  readonly file: string
  readonly prefix: string
  readonly spec: Omit<WorkflowSpec, "files">
  readonly contexts: StrictEvaluator.Contexts
}

/** A workflow and those that it uses, evaluated as one. */
export interface Inlined extends FileEvaluation.File {
  readonly late: TeamEvaluation.Late
  readonly instances: TeamEvaluation.KnownInstances
  readonly used: UsedWorkflows
  readonly fileOf: ReadonlyMap<string, string>
  readonly findings: Array<FindingInFile>
  readonly scopes: ReadonlyArray<FileScope>
}

/** Says of teams by which tasks their workflows are used. */
export const usedTeams = <A extends { readonly name: string }>(
  teams: ReadonlyArray<A>,
  used: UsedWorkflows
): ReadonlyArray<A & { readonly usedBy: WorkflowGraph.Place | undefined }> => {
  const users = new Map([...used.values()].flatMap(({ teams, user }) => teams.map((team) => [team, user] as const)))
  return teams.map((team) => ({ ...team, usedBy: users.get(team.name) }))
}

/** All files while they are evaluated. */
interface State {
  /** Those of the workflow that is run. */
  defaults: WorkflowSpec["defaults"]
  readonly find: UsedFiles.Find<Omit<WorkflowSpec, "files">>
  readonly agents: Array<WorkflowSpec["agents"][number]>
  readonly teams: Array<TeamSpec>
  readonly late: Map<string, TeamEvaluation.Late extends ReadonlyMap<string, infer A> ? A : never>
  readonly instances: Map<string, TeamEvaluation.KnownInstances extends ReadonlyMap<string, infer A> ? A : never>
  readonly used: Map<string, UsedWorkflow>
  readonly fileOf: Map<string, string>
  readonly findings: Array<FindingInFile>
  readonly scopes: Array<FileScope>
}

/** Evaluates a workflow with those that it uses. */
export const evaluate = (evaluating: Evaluating, spec: WorkflowSpec): Inlined => {
  const state: State = {
    find: UsedFiles.within(spec.files),
    defaults: Option.none(),
    agents: [],
    teams: [],
    late: new Map(),
    instances: new Map(),
    used: new Map(),
    fileOf: new Map(),
    findings: [],
    scopes: []
  }
  addFile(state, { file: UsedFiles.root, prefix: "", spec, evaluating, depth: 0 })
  return state
}

/** A file that is to be evaluated. */
interface Adding extends Pick<FileScope, "file" | "prefix" | "spec"> {
  readonly evaluating: Evaluating
  readonly depth: number
}

const addFile = (state: State, adding: Adding): ReadonlyArray<string> => {
  const { evaluating, file, prefix, spec } = adding
  state.scopes.push({ file, prefix, spec, contexts: evaluating.contexts })
  const named = renamed(prefix, FileEvaluation.evaluate(evaluating, spec))
  const late = TeamEvaluation.lateOf(renamed(prefix, spec), named, evaluating.lateInputs)
  for (const [key, each] of late) state.late.set(key, each)
  if (evaluating.findings.length === 0) {
    for (const [key, each] of TeamEvaluation.instancesOf(evaluating, named, late)) state.instances.set(key, each)
  }
  if (file === UsedFiles.root) state.defaults = named.defaults
  state.agents.push(...named.agents)
  if (file !== UsedFiles.root) for (const { name } of named.agents) state.fileOf.set(name, file)
  for (const [index, team] of named.teams.entries()) {
    state.teams.push(team)
    for (const [position, task] of team.tasks.entries()) {
      if (Option.isSome(task.uses)) addUse(state, adding, { path: ["teams", index, "tasks", position], team: team.name, task, uses: task.uses.value })
    }
  }
  state.findings.push(...evaluating.findings.map((finding) => ({ ...finding, file })))
  return named.teams.map(({ name }) => name)
}

/** A task that uses a file. */
interface Use {
  readonly path: Path
  readonly team: string
  readonly task: TaskSpec
  readonly uses: string
}

const addUse = (state: State, { depth, evaluating, file }: Adding, { path, task, team, uses }: Use): void => {
  const name = UsedFiles.nameOf(file, uses)
  const spec = state.find(name)
  const id = Option.getOrUndefined(task.id)
  if (spec === undefined || id === undefined || depth >= UsedFiles.maxDepth) {
    // A workflow that was decoded has been refused for this.
    evaluating.findings.push({ path: [...path, "uses"], found: quote(uses), expected: `a workflow that is at hand, by a task with an id, at most ${UsedFiles.maxDepth} deep` })
    return
  }
  const given = Option.getOrElse(task.with, (): Inputs.GivenInputs => ({}))
  const lateInputs = UsedInputs.late(given, evaluating.lateInputs)
  const taking = { workflow: spec.metadata.name, inputs: spec.inputs }
  const inputs = Either.getOrElse(UsedInputs.resolve(taking, given, evaluating.contexts, lateInputs), (problems): Inputs.InputValues => {
    evaluating.findings.push(...problems.map((problem) => ({ ...problem, path: [...path, "with", ...problem.path] })))
    return {}
  })
  // What was said of the values that are given would be said again of what reads them.
  if (evaluating.findings.length > 0) return
  const contexts = { ...evaluating.contexts, inputs, workflow: { name: spec.metadata.name } }
  const user = { team, subject: task.subject }
  const prefix = `${id}/`
  state.used.set(WorkflowGraph.keyOf(user), {
    uses,
    user,
    prefix,
    given,
    taking,
    contexts,
    teams: addFile(state, { file: name, prefix, spec, evaluating: childOf(contexts, lateInputs), depth: depth + 1 }),
    outputs: spec.outputs ?? {},
    maxParallel: spec.maxParallel
  })
}

const childOf = (contexts: StrictEvaluator.Contexts, lateInputs: DueTask.LateInputs): Evaluating => ({ contexts, lateInputs, findings: [] })

/** A file whose names begin with the id of the task that uses it, and whose tasks say themselves what holds by default. */
const renamed = (prefix: string, file: FileEvaluation.File): FileEvaluation.File => {
  if (prefix === "") return file
  const { agents, defaults, teams } = file
  const rename = (name: string) => `${prefix}${name}`
  const orDefault = <A>(own: Option.Option<A>, get: (all: Option.Option.Value<WorkflowSpec["defaults"]>) => Option.Option<A>) =>
    Option.orElse(own, () => Option.flatMap(defaults, get))
  return {
    defaults: Option.none(),
    agents: agents.map((agent) => ({ ...agent, name: rename(agent.name), stalledAfter: orDefault(agent.stalledAfter, (all) => all.stalledAfter) })),
    teams: teams.map((team) => {
      const subjects = new Set(team.tasks.map(({ subject }) => subject))
      return {
        ...team,
        name: rename(team.name),
        agents: team.agents.map(rename),
        tasks: team.tasks.map((task) => {
          const isWork = Option.isNone(task.approve) && Option.isNone(task.uses)
          return {
            ...task,
            id: Option.map(task.id, rename),
            assignTo: task.assignTo.map(rename),
            blockedBy: task.blockedBy.map((name) => (subjects.has(name) ? name : rename(name))),
            ...(isWork
              ? {
                timeout: orDefault(task.timeout, (all) => all.timeout),
                retry: orDefault(task.retry, (all) => all.retry),
                verify: orDefault(task.verify, (all) => all.verify)
              }
              : {})
          }
        })
      }
    })
  }
}
