/** A git repository, as far as worktrees and branches are made in it. */
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import { type Origin, WorkspaceError } from "../../agamemnon/Workspaces.ts"
import * as Git from "./Git.ts"

const orShared = "choose workspace: shared, or another working_dir"

/** Finds the repository that a directory is in, and the commit that is named, or else that of HEAD. */
export const origin = Effect.fnUntraced(function*(directory: string, base: string | undefined) {
  const path = yield* Path.Path
  const options = { directory }
  const asked = ["rev-parse", "--is-bare-repository", "--is-inside-work-tree", "--git-common-dir"]
  const looked = yield* Git.tryRun(asked, options).pipe(
    Effect.mapError((error) =>
      error.advice === undefined ? new WorkspaceError({ problem: error.problem, advice: orShared }) : error)
  )
  if (looked.code !== 0) {
    return yield* /not a git repository/.test(looked.stderr)
      ? new WorkspaceError({ problem: `${directory} is in no git repository`, advice: `make one with git init and a first commit, or ${orShared}` })
      : Git.failure(asked, options, looked)
  }
  const [isBare = "", isInside = "", common = ""] = looked.stdout.split("\n")
  if (isBare === "true") {
    return yield* new WorkspaceError({ problem: `${directory} is a bare git repository, in which nobody can work`, advice: "choose a clone of it as working_dir" })
  }
  if (isInside !== "true") {
    return yield* new WorkspaceError({ problem: `${directory} is within the directory that git keeps a repository in`, advice: orShared })
  }
  const prefix = yield* Git.run(["rev-parse", "--show-prefix"], options)
  const commit = yield* Git.tryRun(["rev-parse", "--verify", "--quiet", "--end-of-options", `${base ?? "HEAD"}^{commit}`], options)
  if (commit.code !== 0) {
    return yield* base === undefined
      ? new WorkspaceError({ problem: `the git repository of ${directory} has no commit yet`, advice: "make a first one, or choose workspace: shared" })
      : new WorkspaceError({ problem: `base ${JSON.stringify(base)} is no commit of the git repository of ${directory}`, advice: "name a branch, a tag or a commit that is there" })
  }
  return {
    repository: path.resolve(directory, common),
    prefix: prefix.replace(/\/$/, ""),
    commit: commit.stdout.trim()
  } satisfies Origin
})

/** Runs git on a repository, whatever directory that has worktrees in. */
const on = (repository: string, args: ReadonlyArray<string>): readonly [ReadonlyArray<string>, Git.Options] =>
  [[`--git-dir=${repository}`, ...args], { directory: repository, limit: "5 minutes" }]

/** Runs git on a repository, and fails unless it succeeds. */
export const run = (repository: string, args: ReadonlyArray<string>) => Git.run(...on(repository, args))

/** The name that git has for a branch among all that it names. */
export const refOf = (branch: string): string => `refs/heads/${branch}`

/** Whether a branch is there. */
export const hasBranch = (repository: string, branch: string) =>
  Git.test(...on(repository, ["show-ref", "--verify", "--quiet", "--", refOf(branch)]))

/** How many commits on a branch are on no other branch or tag, and nowhere else that git names. */
const countOwn = (repository: string, branch: string) =>
  Effect.map(
    run(repository, ["rev-list", "--count", refOf(branch), "--not", `--exclude=${refOf(branch)}`, "--all", "--"]),
    Number
  )

/** Whether some worktree has a branch checked out, and git would not let it go. */
const isInUse = (repository: string, branch: string) =>
  Effect.map(run(repository, ["worktree", "list", "--porcelain"]), (text) => text.split("\n").includes(`branch ${refOf(branch)}`))

/**
 * Removes a branch, unless some of its commits are nowhere else, or somebody has checked it out. Answers how many commits it
 * was kept for.
 */
export const removeBranch = Effect.fnUntraced(function*(repository: string, branch: string) {
  if (!(yield* hasBranch(repository, branch))) return 0
  const commits = yield* countOwn(repository, branch)
  if (commits > 0 || (yield* isInUse(repository, branch))) return commits
  yield* run(repository, ["branch", "--quiet", "-D", "--", branch])
  return 0
})
