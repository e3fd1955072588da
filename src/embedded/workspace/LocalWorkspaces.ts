/**
 * Workspaces on this machine: below one directory, each used by one program or
 * one git at a time, and each repository changed by one git at a time.
 */
import type * as CommandExecutor from "@effect/platform/CommandExecutor"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { WorkspaceError, type Workspaces } from "../../agamemnon/Workspaces.ts"
import * as ConcurrencyLimit from "../../liveness/ConcurrencyLimit.ts"
import type { Workspace } from "../../run/Workspace.ts"
import * as TimeLimit from "../../liveness/TimeLimit.ts"
import * as HomeDirectory from "../../settings/HomeDirectory.ts"
import * as PrivateDirectory from "../../settings/PrivateDirectory.ts"
import * as MergeWorktree from "./MergeWorktree.ts"
import * as Repository from "./Repository.ts"
import * as Worktree from "./Worktree.ts"

/** The workspaces of an Agamemnon, and who is at work in them. */
export interface LocalWorkspaces extends Workspaces {
  /** Does the work of a program in a directory; meanwhile nothing else is done with the workspace that it is. */
  readonly working: (directory: string) => <A, E, R>(work: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/** The directory of all workspaces, unless another is named. */
export const defaultDirectory = "~/.telemachy/workspaces"

/** How long the end of a program is waited for that was told to end. */
const endLimit = Duration.seconds(30)

/** Makes a place for workspaces. */
export const make = Effect.fnUntraced(function*(directory: string = defaultDirectory) {
  const context = yield* Effect.context<CommandExecutor.CommandExecutor | FileSystem.FileSystem | Path.Path>()
  const path = yield* Path.Path
  const locks = new Map<string, ConcurrencyLimit.ConcurrencyLimit>()
  const lockOf = (key: string): ConcurrencyLimit.ConcurrencyLimit => {
    const lock = locks.get(key) ?? ConcurrencyLimit.make(1)
    locks.set(key, lock)
    return lock
  }
  const provided = <A, R extends CommandExecutor.CommandExecutor | FileSystem.FileSystem | Path.Path>(effect: Effect.Effect<A, WorkspaceError, R>) =>
    Effect.provide(effect, context)

  /** Changes a workspace when no program works there any more. */
  const exclusively = <A, R>({ path }: Workspace, change: Effect.Effect<A, WorkspaceError, R>) => {
    const lock = lockOf(path)
    return Effect.acquireUseRelease(
      lock.take((turn) =>
        Effect.interruptible(TimeLimit.within({
          limit: endLimit,
          onTimeout: () => new WorkspaceError({ problem: `a program works in ${path} still, though it was told to end` })
        })(turn))),
      () => change,
      () => lock.release
    )
  }

  /** One git at a time makes and removes worktrees and branches of a repository. */
  const onRepository = <A, R>({ worktree }: Workspace, change: Effect.Effect<A, WorkspaceError, R>) =>
    worktree === undefined ? change : lockOf(worktree.repository).run(change)

  const asWorktree = (workspace: Workspace): Effect.Effect<Worktree.Place, WorkspaceError> =>
    workspace.worktree === undefined
      ? new WorkspaceError({ problem: `workspace ${workspace.name} is no worktree` })
      : Effect.succeed({ ...workspace.worktree, path: workspace.path })

  const removed = (commits: number) => ({ commits })

  return {
    working: (directory) => lockOf(directory).run,
    directoryOf: (run) =>
      Effect.mapBoth(HomeDirectory.expand(directory), {
        onSuccess: (root) => path.resolve(root, run),
        onFailure: ({ message }) => new WorkspaceError({ problem: message, advice: "set HOME" })
      }),
    origin: (directory, base) => provided(Repository.origin(directory, base)),
    hasBranch: (repository, branch) => provided(Repository.hasBranch(repository, branch)),
    make: (workspace, isNew) =>
      provided(exclusively(workspace, onRepository(workspace, Option.match(Option.fromNullable(workspace.worktree), {
        onNone: () => makeEmpty(workspace.path, isNew),
        onSome: (worktree) => Worktree.make({ ...worktree, path: workspace.path }, isNew)
      })))),
    commit: (workspace, message) =>
      provided(Effect.flatMap(asWorktree(workspace), (place) => exclusively(workspace, Worktree.commit(place, message)))),
    remove: (workspace, isNew) =>
      provided(exclusively(workspace, onRepository(workspace, Option.match(Option.fromNullable(workspace.worktree), {
        onNone: () => Effect.map(Worktree.removeDirectory(workspace.path), () => removed(0)),
        onSome: (worktree) =>
          Effect.map(Worktree.remove({ ...worktree, path: workspace.path }, { isNew, message: `What was left in workspace ${workspace.name}` }), removed)
      })))).pipe(
        Effect.tap(provided(removeIfEmpty(path.dirname(workspace.path)))),
        Effect.tap(Effect.sync(() => locks.delete(workspace.path)))
      ),
    merge: (workspace, commit, message) =>
      provided(Effect.flatMap(asWorktree(workspace), (place) => exclusively(workspace, MergeWorktree.merge(place, commit, message)))),
    conclude: (workspace, commit) =>
      provided(Effect.flatMap(asWorktree(workspace), (place) => exclusively(workspace, MergeWorktree.conclude(place, commit)))),
    abortMerge: (workspace) =>
      provided(Effect.flatMap(asWorktree(workspace), (place) => exclusively(workspace, MergeWorktree.abort(place))))
  } satisfies LocalWorkspaces as LocalWorkspaces
})

/** Makes an empty directory, or leaves one as it is in which somebody has worked. */
const makeEmpty = Effect.fnUntraced(function*(path: string, isNew: boolean) {
  if (isNew) yield* Worktree.removeDirectory(path)
  yield* Worktree.makeAbove(path)
  yield* PrivateDirectory.make(path).pipe(
    Effect.mapError(({ message }) => new WorkspaceError({ problem: `directory ${path} could not be made: ${message}` }))
  )
})

/** The directory of a run goes with the last of its workspaces. Not when anything else is there. */
const removeIfEmpty = (directory: string): Effect.Effect<void, never, FileSystem.FileSystem> =>
  Effect.flatMap(FileSystem.FileSystem, (files) =>
    files.readDirectory(directory).pipe(
      Effect.flatMap((entries) => (entries.length === 0 ? files.remove(directory, { recursive: true }) : Effect.void)),
      Effect.ignore
    ))
