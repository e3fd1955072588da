/**
 * The workspaces of runs: worktrees and empty directories, where the programs of
 * an Agamemnon in this process work apart from each other. They are no part of
 * its API; an Agamemnon elsewhere has none.
 */
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Workspace } from "../run/Workspace.ts"

/** Something can not be done with a workspace, or with its repository. */
export class WorkspaceError extends Schema.TaggedError<WorkspaceError>()("WorkspaceError", {
  problem: Schema.String,
  advice: Schema.optionalWith(Schema.String, { exact: true })
}) {
  override get message(): string {
    return this.advice === undefined ? this.problem : `${this.problem}; ${this.advice}`
  }
}

/** What worktrees are made from. */
export interface Origin {
  /** The directory that git keeps the repository in. */
  readonly repository: string
  /** The path of the directory that was looked at from the top of its worktree; empty at the top. */
  readonly prefix: string
  readonly commit: string
}

/** What has become of a workspace that was removed. */
export interface Removed {
  /** How many commits on its branch are nowhere else: the branch was kept for them. */
  readonly commits: number
}

/** How far a merge has got. */
export type MergeStep =
  | { readonly _tag: "Merged" }
  /** These files are in conflict, and the worktree holds both sides. */
  | { readonly _tag: "Conflict"; readonly files: ReadonlyArray<string> }

/** Makes, keeps and removes workspaces. */
export interface Workspaces {
  /** The directory of all workspaces of a run. */
  readonly directoryOf: (run: string) => Effect.Effect<string, WorkspaceError>
  /** Finds the repository that a directory is in, and a commit of it: that of HEAD unless another is named. */
  readonly origin: (directory: string, base: string | undefined) => Effect.Effect<Origin, WorkspaceError>
  /** Whether a branch is there. */
  readonly hasBranch: (repository: string, branch: string) => Effect.Effect<boolean, WorkspaceError>
  /**
   * Makes a workspace, or finds it as it was left. `isNew`: nobody has worked there yet, so that what is half made is made
   * anew.
   */
  readonly make: (workspace: Workspace, isNew: boolean) => Effect.Effect<void, WorkspaceError>
  /** Commits all that is not committed yet, when no program works there any more. Answers the commit that the branch is at. */
  readonly commit: (workspace: Workspace, message: string) => Effect.Effect<string, WorkspaceError>
  /**
   * Removes a workspace when all of it is committed, and its branch unless that has commits that are nowhere else. `isNew`:
   * nobody has worked there, and it may be half made.
   */
  readonly remove: (workspace: Workspace, isNew: boolean) => Effect.Effect<Removed, WorkspaceError>
  /** Merges a commit into the branch of a worktree, unless that is done. A conflict of before is one still. */
  readonly merge: (workspace: Workspace, commit: string, message: string) => Effect.Effect<MergeStep, WorkspaceError>
  /** Concludes the merge of a commit whose conflicts were resolved. Answers what is in conflict still. */
  readonly conclude: (workspace: Workspace, commit: string) => Effect.Effect<MergeStep, WorkspaceError>
  /** Gives up a merge that is in conflict. */
  readonly abortMerge: (workspace: Workspace) => Effect.Effect<void, WorkspaceError>
}
