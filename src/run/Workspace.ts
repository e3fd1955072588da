/** The place of its own that an agent, or a task, has to work in. */

/** A worktree of a git repository, on a branch of its own. */
export interface Worktree {
  /** The directory that git keeps the repository in, which its worktrees have in common. */
  readonly repository: string
  readonly branch: string
  /** The commit that the branch was made from. */
  readonly base: string
  /** The directory in it that programs work in, unless it is that itself: that of `working_dir` in its repository. */
  readonly prefix?: string | undefined
}

/** A directory of a run. */
export interface Workspace {
  /** Its name among those of the run. */
  readonly name: string
  readonly path: string
  /** What of a repository it is; an empty directory without it. */
  readonly worktree?: Worktree | undefined
}
