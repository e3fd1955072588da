/**
 * Where each task of a run is worked on: what its worktrees are made from, what
 * they and their branches are called, and whether all of that can be. It is
 * known before anything is made.
 */
import { createHash } from "node:crypto"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Origin, WorkspaceError, Workspaces } from "../agamemnon/Workspaces.ts"
import type { RunId } from "../run/RunId.ts"
import type { RunState } from "../run/RunState.ts"
import type { Workspace } from "../run/Workspace.ts"
import * as WorkflowGraph from "../workflow/WorkflowGraph.ts"
import type { AgentSpec, TaskSpec, WorkflowSpec } from "../workflow/WorkflowSpec.ts"
import * as WorkspaceMode from "../workflow/WorkspaceMode.ts"

const Problem = Schema.Struct({ subject: Schema.String, problem: Schema.String, advice: Schema.optionalWith(Schema.String, { exact: true }) })

/**
 * A workflow has agents or tasks with workspaces of their own, and these can not be made: because the Agamemnon is not in this
 * process, or because of git, the repository or the base. Nothing was made.
 *
 * **Example** (Saying what is in the way)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { WorkflowExecutor, type WorkflowSpec } from "telemachy"
 *
 * export const run = (spec: WorkflowSpec.WorkflowSpec) =>
 *   WorkflowExecutor.execute(spec).pipe(
 *     Effect.tapErrorTag("WorkspacesUnavailableError", ({ problems }) =>
 *       Effect.forEach(problems, ({ problem, subject }) => Effect.logError(`${subject}: ${problem}`)))
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class WorkspacesUnavailableError extends Schema.TaggedError<WorkspacesUnavailableError>()("WorkspacesUnavailableError", {
  workflow: Schema.String,
  /** What is in the way, and of whom: an agent or a task. */
  problems: Schema.NonEmptyArray(Problem)
}) {
  override get message(): string {
    return this.problems.map(({ advice, problem, subject }) => `${subject}: ${problem}${advice === undefined ? "" : `; ${advice}`}`).join("\n")
  }
}

/** A workspace, and the directory in it that programs work in. */
export interface PlannedWorkspace extends Workspace {
  readonly directory: string
  /** What its worktree is made from instead of the commit that is known, where that is told only when its task is due. */
  readonly from?: { readonly directory: string; readonly base: string }
  /** Whether it merges, and the base of the first branch is told only when the task of that is due: it is made from there. */
  readonly followsFirst?: boolean
}

/** Where the tasks of a run are worked on. */
export interface WorkspacePlan {
  /** What the worktrees of the run are made from. */
  readonly origins: RunState["origins"]
  /** The workspace in which an agent works on a task, unless that is its `working_dir`. */
  readonly of: (place: { readonly team: string; readonly task: TaskSpec; readonly agent: string }) => PlannedWorkspace | undefined
}

/** Where every task is worked on in the directory of its agent. */
export const none: WorkspacePlan = { origins: [], of: () => undefined }

/** What a plan is made for. */
export interface Options {
  readonly run: RunId
  readonly spec: WorkflowSpec
  /** What of its tasks is evaluated only when they are due, by their keys. */
  readonly late: ReadonlyMap<string, { readonly base?: string }>
  /** The workspaces of the Agamemnon, if it has some. */
  readonly workspaces: Workspaces | undefined
  /** The run as it was left, if it goes on. */
  readonly before: RunState | undefined
}

/** A task with an agent that may do it, and where it would be done. */
interface Use {
  readonly team: string
  readonly task: TaskSpec
  readonly agent: AgentSpec
  readonly mode: Exclude<WorkspaceMode.WorkspaceMode, "shared">
  /** The commit that is named for it. */
  readonly base: string | undefined
}

/** Makes the plan of a run, or says all that is in the way. */
export const make = Effect.fn("WorkspacePlan.make")(function*({ before, late, run, spec, workspaces }: Options) {
  const isLate = ({ task, team }: Use) => late.get(WorkflowGraph.keyOf({ team, subject: task.subject }))?.base !== undefined
  const uses = usesOf(spec).map((use) => (isLate(use) ? { ...use, base: undefined } : use))
  const [first] = uses
  if (first === undefined) return none
  const fail = (problems: ReadonlyArray<typeof Problem.Type>) => {
    const [one, ...others] = problems
    return one === undefined ? Effect.void : new WorkspacesUnavailableError({ workflow: spec.metadata.name, problems: [one, ...others] })
  }
  if (workspaces === undefined) {
    yield* fail([{
      subject: subjectOf(first),
      problem: `workspace: ${first.mode} is for agents on the embedded Agamemnon, which works on this machine, and this one is another`,
      advice: "leave AGAMEMNON_URL unset, or choose workspace: shared"
    }])
    return none
  }
  const problemsOf = (error: WorkspaceError, use: Use) =>
    ({ subject: subjectOf(use), problem: error.problem, ...(error.advice === undefined ? {} : { advice: error.advice }) })
  const root = yield* Effect.mapError(workspaces.directoryOf(run), (error) =>
    new WorkspacesUnavailableError({ workflow: spec.metadata.name, problems: [problemsOf(error, first)] }))
  const worktrees = uses.filter(({ mode }) => mode === "worktree")
  const found = new Map<string, { readonly use: Use; readonly origin: Origin }>()
  const problems: Array<typeof Problem.Type> = []
  const seen = new Set<string>()
  for (const use of worktrees) {
    const key = originKey(use.agent.workingDir, use.base)
    if (seen.has(key)) continue
    seen.add(key)
    const recorded = before?.origins.find((each) => originKey(each.directory, each.base) === key)
    const looked = recorded === undefined ? yield* Effect.either(workspaces.origin(use.agent.workingDir, use.base)) : undefined
    if (looked?._tag === "Left") problems.push(problemsOf(looked.left, use))
    else found.set(key, { use, origin: recorded ?? looked?.right ?? { repository: "", prefix: "", commit: "" } })
  }
  yield* fail(problems)
  // The repository of a base that is told later is that of the directory.
  const originOf = ({ agent: { workingDir }, base }: Use) =>
    (found.get(originKey(workingDir, base)) ?? found.get(originKey(workingDir, undefined)))?.origin
  yield* fail(severalRepositories(worktrees, originOf))
  const workspaceOf = (use: Use): PlannedWorkspace => {
    const name = nameOf(use)
    const path = `${root}/${name}`
    const origin = use.mode === "worktree" ? originOf(use) : undefined
    if (origin === undefined) return { name, path, directory: path }
    const { agent: { workingDir: directory }, base } = use
    const isKnown = base === undefined || found.has(originKey(directory, base))
    return { ...placed(name, origin), ...(isKnown ? {} : { from: { directory, base } }) }
  }
  const placed = (name: string, { commit: base, prefix, repository }: Origin): PlannedWorkspace => {
    const path = `${root}/${name}`
    const worktree = { repository, base, branch: `${branchRoot(run)}/${name}`, ...(prefix === "" ? {} : { prefix }) }
    return { name, path, directory: prefix === "" ? path : `${path}/${prefix}`, worktree }
  }
  yield* fail((yield* Effect.forEach(worktrees, (use) => branchInTheWay(workspaces, { run, use, workspace: workspaceOf(use), before }))).flat())
  /** The worktree of a task that merges: of the repository of those whose branches it merges, from the commit that the first is from. */
  const mergeWorkspace = (team: string, task: TaskSpec): PlannedWorkspace | undefined => {
    const [first] = mergedUses(spec, task)
    const origin = first === undefined ? undefined : originOf(first)
    if (first === undefined || origin === undefined) return undefined
    return { ...placed(taskName(team, task), origin), ...(isLate(first) ? { followsFirst: true } : {}) }
  }
  yield* fail(spec.teams.flatMap(({ name, tasks }) => tasks.flatMap((task) => {
    const repositories = new Set(mergedUses(spec, task).flatMap((use) => originOf(use)?.repository ?? []))
    return repositories.size < 2 ? [] : [{
      subject: `task "${task.subject}" of team "${name}"`,
      problem: `the branches that it merges are of several repositories: ${[...repositories].join(", ")}`,
      advice: "merge those of one repository"
    }]
  })))
  const agents = new Map(spec.agents.map((agent) => [agent.name, agent]))
  return {
    origins: [...found.values()].map(({ origin, use: { agent, base } }) =>
      ({ directory: agent.workingDir, ...(base === undefined ? {} : { base }), ...origin })),
    of: ({ agent: name, task, team }) => {
      if (Option.isSome(task.merge)) return mergeWorkspace(team, task)
      const agent = agents.get(name)
      const use = agent === undefined ? undefined : useOf(team, task, agent)
      return use === undefined ? undefined : workspaceOf(use)
    }
  } satisfies WorkspacePlan as WorkspacePlan
})

const originKey = (directory: string, base: string | undefined): string => JSON.stringify([directory, base ?? null])

const branchRoot = (run: RunId): string => `telemachy/${run}`

const useOf = (team: string, task: TaskSpec, agent: AgentSpec): Use | undefined => {
  const mode = WorkspaceMode.of(task, agent)
  return mode === "shared" ? undefined : { team, task, agent, mode, base: Option.getOrUndefined(Option.orElse(task.base, () => agent.base)) }
}

/** How those tasks are done in worktrees whose branches a task merges, in their order; of one that merges itself, those that it does. */
const mergedUses = (spec: WorkflowSpec, task: TaskSpec): ReadonlyArray<Use> =>
  Option.getOrElse(task.merge, (): ReadonlyArray<string> => []).flatMap((id) =>
    spec.teams.flatMap((team) =>
      team.tasks.flatMap((each) => {
        if (!Option.contains(each.id, id) || each === task) return []
        return Option.isSome(each.merge)
          ? mergedUses(spec, each)
          : usesOf({ ...spec, teams: [{ ...team, tasks: [each] }] }).filter(({ mode }) => mode === "worktree")
      })))

/** Every way in which a task can be done that is not in the directory of an agent. Who does an instance of a matrix may be known later. */
const usesOf = ({ agents, teams }: WorkflowSpec): ReadonlyArray<Use> =>
  teams.flatMap((team) =>
    team.tasks.flatMap((task) => {
      const named = agents.filter(({ name }) => task.assignTo.includes(name))
      const able = named.length === 0 && task.assignTo.length > 0 ? agents.filter(({ name }) => team.agents.includes(name)) : named
      return able.flatMap((agent) => useOf(team.name, task, agent) ?? [])
    }))

const isOfTask = ({ task }: Use): boolean => Option.isSome(task.workspace)

const subjectOf = (use: Use): string =>
  isOfTask(use) ? `task "${use.task.subject}" of team "${use.team}"` : `agent "${use.agent.name}"`

/** The worktree of a task is of one repository, whoever does it. */
const severalRepositories = (uses: ReadonlyArray<Use>, originOf: (use: Use) => Origin | undefined): ReadonlyArray<typeof Problem.Type> =>
  uses.flatMap((use, position) => {
    const other = isOfTask(use) ? uses.slice(0, position).find((each) => isOfTask(each) && each.task === use.task) : undefined
    const [one, two] = [other === undefined ? undefined : originOf(other), originOf(use)]
    return other === undefined || one === undefined || (one.repository === two?.repository && one.commit === two.commit) ? [] : [{
      subject: subjectOf(use),
      problem: `its worktree would be of another repository or commit when agent "${use.agent.name}" does it than when agent "${other.agent.name}" does`,
      advice: "assign it to agents whose working_dir is in the same repository"
    }]
  })

/** Finds what keeps the branch of a workspace from being made. Those of a run that goes on are there already. */
const branchInTheWay = (
  workspaces: Workspaces,
  { before, run, use, workspace: { worktree } }: Pick<Options, "before" | "run"> & { readonly use: Use; readonly workspace: Workspace }
): Effect.Effect<ReadonlyArray<typeof Problem.Type>> =>
  Effect.gen(function*() {
    if (worktree === undefined || before !== undefined) return []
    const { branch, repository } = worktree
    // No branch can be where the name of another one goes on.
    for (const each of ["telemachy", branchRoot(run), branch]) {
      if (!(yield* Effect.orElseSucceed(workspaces.hasBranch(repository, each), () => false))) continue
      const problem = each === branch ? `branch ${branch} is there already` : `branch ${each} is in the way of a branch ${branch}`
      return [{ subject: subjectOf(use), problem, advice: `rename it with git branch -m ${each} NEW` }]
    }
    return []
  })

/** What is made of a text in the name of a directory and a branch. */
const slug = (text: string): string => text.replace(/[^A-Za-z0-9_-]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 40)

const digest = (...texts: ReadonlyArray<string>): string => createHash("sha256").update(texts.join("\0")).digest("hex").slice(0, 8)

/**
 * The name of a workspace: that of the agent where that can be the name of a directory and a branch. Every other one has a dot
 * and a digest, so that no two of them are the same.
 */
const nameOf = (use: Use): string => {
  if (!isOfTask(use)) {
    const { name } = use.agent
    return /^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$/.test(name) ? name : `${slug(name)}.${digest(name)}`
  }
  return taskName(use.team, use.task)
}

/** The name of the workspace of a task that has one of its own. */
export const taskName = (team: string, { id, subject }: Pick<TaskSpec, "id" | "subject">): string => `${slug(Option.getOrElse(id, () => subject))}.${digest(team, subject)}`
