/**
 * The workspaces of the current run: on record before they are made, made when
 * the first task is due that is done there, and committed to when a task has
 * ended.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import type { WorkspaceError, Workspaces } from "../agamemnon/Workspaces.ts"
import * as ConcurrencyLimit from "../liveness/ConcurrencyLimit.ts"
import type { JournalError, LeaseLostError } from "../run/JournalError.ts"
import * as RunState from "../run/RunState.ts"
import type { Worktree } from "../run/Workspace.ts"
import type { CurrentRun } from "./CurrentRun.ts"
import type { PlannedWorkspace, WorkspacePlan } from "./WorkspacePlan.ts"

/** What is known of the work on a task that was done in a worktree. */
export interface Committed {
  readonly branch: string
  readonly commit: string
}

/** The workspaces of the current run. */
export class RunWorkspaces extends Context.Tag("telemachy/executor/RunWorkspaces")<RunWorkspaces, {
  readonly of: WorkspacePlan["of"]
  /** Makes a workspace unless it is there, with its intent on record. */
  readonly ready: (workspace: PlannedWorkspace) => Effect.Effect<void, WorkspaceError | JournalError | LeaseLostError>
  /** Commits what was done in a worktree. Nothing, when the workspace is none. */
  readonly commit: (workspace: PlannedWorkspace, message: string) => Effect.Effect<Either.Either<Option.Option<Committed>, WorkspaceError>>
  /** The workspaces of the Agamemnon, if it has some. */
  readonly workspaces: Workspaces | undefined
}>() {}

/** What events say of a worktree. */
const said = (worktree: Worktree | undefined) => {
  if (worktree === undefined) return {}
  const { base, branch, prefix, repository } = worktree
  return { repository, branch, base, ...(prefix === undefined ? {} : { prefix }) }
}

/** What a run that goes on says of the workspaces that it has, and of those whose branches it has kept. */
export const recorded = (state: RunState.RunState) => {
  const workspaces = [...RunState.remaining(state).filter(({ kind }) => kind === "workspace"), ...RunState.keptBranches(state)]
  return workspaces.length === 0 ? {} : {
    workspaces: workspaces.map(({ id, key, name, status, worktree }) => ({
      name,
      key,
      ...(id === undefined ? {} : { id }),
      ...said(worktree),
      ...(status === "removed" && worktree !== undefined ? { commits: worktree.commits } : {})
    }))
  }
}

/** The worktree of a workspace, from the commit that it was made from before, or that is known now that its task is due. */
const worktreeOf = Effect.fnUntraced(function*(
  workspaces: Workspaces,
  { from, worktree }: PlannedWorkspace,
  before: Worktree | undefined
) {
  if (from === undefined || worktree === undefined) return worktree
  const base = before?.base ?? (yield* workspaces.origin(from.directory, from.base)).commit
  return { ...worktree, base }
})

/** Makes the workspaces of a run by its plan. */
export const make = (plan: WorkspacePlan, run: Context.Tag.Service<CurrentRun>) =>
  Effect.map(AgamemnonClient, ({ workspaces }) => {
    const isReady = new Set<string>()
    const locks = new Map<string, ConcurrencyLimit.ConcurrencyLimit>()
    const once = (name: string) => {
      const lock = locks.get(name) ?? ConcurrencyLimit.make(1)
      locks.set(name, lock)
      return lock.run
    }
    const ready = Effect.fnUntraced(function*(workspaces: Workspaces, planned: PlannedWorkspace) {
      const { name, path: key } = planned
      if (isReady.has(name)) return
      const state = yield* run.state
      const known = state === undefined ? undefined : Option.getOrUndefined(HashMap.get(state.workspaces, name))
      const isNew = known === undefined || known.status === "creating" || known.status === "removed"
      const worktree = yield* worktreeOf(workspaces, planned, known?.worktree)
      const workspace = worktree === undefined ? planned : { ...planned, worktree }
      if (isNew) yield* run.emitBefore({ _tag: "workspace.creating", name, key, ...said(worktree) })
      yield* workspaces.make(workspace, isNew)
      isReady.add(name)
      yield* run.emit(isNew ? { _tag: "workspace.created", name, key, id: key } : { _tag: "workspace.reused", name, key, id: key, ...said(worktree) })
    })
    return RunWorkspaces.of({
      of: plan.of,
      workspaces,
      ready: (workspace) =>
        workspaces === undefined ? Effect.void : once(workspace.name)(ready(workspaces, workspace)),
      commit: (workspace, message) =>
        workspaces === undefined || workspace.worktree === undefined
          ? Effect.succeed(Either.right(Option.none()))
          : Effect.either(Effect.map(workspaces.commit(workspace, message), (commit) =>
            Option.some({ branch: workspace.worktree?.branch ?? "", commit })))
    })
  })
