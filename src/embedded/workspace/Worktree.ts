/**
 * A worktree of a run: made from a commit on a branch of its own, committed to
 * when work in it has ended, and removed when all of it is committed. Each of
 * these can be done again after it was broken off at any point.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { WorkspaceError } from "../../agamemnon/Workspaces.ts"
import type { Worktree } from "../../run/Workspace.ts"
import * as PrivateDirectory from "../../settings/PrivateDirectory.ts"
import * as Git from "./Git.ts"
import * as Repository from "./Repository.ts"

/** Where a worktree is, and of what. */
export interface Place extends Worktree {
  readonly path: string
}

const inWords = (what: string) => Effect.mapError(({ message }: { readonly message: string }) => new WorkspaceError({ problem: `${what}: ${message}` }))

/** Whether there is anything at a path. */
export const isThere = (path: string) =>
  Effect.flatMap(FileSystem.FileSystem, (files) => files.exists(path)).pipe(inWords(`${path} can not be looked at`))

/** Removes a directory with all that is in it. */
export const removeDirectory = (path: string) =>
  Effect.flatMap(FileSystem.FileSystem, (files) => files.remove(path, { recursive: true, force: true })).pipe(
    inWords(`${path} could not be removed`)
  )

/** Makes the directory that one is in. */
export const makeAbove = (path: string) =>
  Effect.flatMap(Path.Path, ({ dirname }) => PrivateDirectory.make(dirname(path))).pipe(inWords(`the directory of ${path} could not be made`))

/** The directory that git keeps a worktree in, if there is one at a path that is of the repository. */
const gitDirectoryOf = Effect.fnUntraced(function*({ path, repository }: Place) {
  if (!(yield* isThere(path))) return undefined
  const paths = yield* Path.Path
  const files = yield* FileSystem.FileSystem
  const looked = yield* Git.tryRun(["rev-parse", "--show-prefix", "--git-common-dir", "--absolute-git-dir"], { directory: path })
  const [prefix = "", common = "", own = ""] = looked.stdout.split("\n")
  if (looked.code !== 0 || prefix !== "") return undefined
  const real = (each: string) => Effect.orElseSucceed(files.realPath(each), () => each)
  return (yield* real(paths.resolve(path, common))) === (yield* real(repository)) ? own : undefined
})

/** How long a git of an earlier process, which may not have ended with that, has for what it does. */
const lockGrace = Duration.seconds(5)

/** Waits for the lock of an index, and removes it when whoever held it was killed: nobody else would ever do that. */
const releaseIndex = Effect.fnUntraced(function*(gitDirectory: string) {
  const lock = `${gitDirectory}/index.lock`
  yield* Effect.repeat(isThere(lock), {
    while: (held) => held,
    schedule: Schedule.upTo(Schedule.spaced("100 millis"), lockGrace)
  })
  yield* Effect.flatMap(FileSystem.FileSystem, (files) => files.remove(lock, { force: true })).pipe(inWords(`${lock} could not be removed`))
})

/** Whether git has not made a worktree to its end: it is locked until then. */
const isHalfMade = (gitDirectory: string) =>
  Effect.flatMap(FileSystem.FileSystem, (files) => files.readFileString(`${gitDirectory}/locked`)).pipe(
    Effect.map((reason) => reason.trim() === "initializing"),
    Effect.orElseSucceed(() => false)
  )

/** Makes a worktree, or finds it as it was left. `isNew`: nobody has worked there yet, as far as that is known. */
export const make = Effect.fnUntraced(function*(place: Place, isNew: boolean) {
  const { path, prefix } = place
  yield* makeRoot(place, isNew)
  if (prefix === undefined) return
  // It need not be in the commit.
  yield* Effect.flatMap(FileSystem.FileSystem, (files) => files.makeDirectory(`${path}/${prefix}`, { recursive: true })).pipe(
    inWords(`${path}/${prefix} could not be made`)
  )
})

const makeRoot = Effect.fnUntraced(function*(place: Place, isNew: boolean) {
  const { base, branch, path, repository } = place
  const own = yield* gitDirectoryOf(place)
  const isMade = own !== undefined && !(yield* isHalfMade(own))
  if (isMade) return yield* releaseIndex(own)
  if (yield* isThere(path)) {
    // What is there without being a worktree any more is somebody's.
    if (!isNew && own === undefined) return yield* new WorkspaceError({ problem: `${path} is no longer a worktree of ${repository}`, advice: "move it away, and go on" })
    yield* removeDirectory(path)
  }
  yield* makeAbove(path)
  const hasBranch = yield* Repository.hasBranch(repository, branch)
  // Force: git may know of a worktree that was at this path, and is not any more.
  yield* Repository.run(repository, [
    "worktree", "add", "--quiet", "--force", "--force",
    ...(hasBranch ? [] : ["--no-track", "-b", branch]),
    "--", path, hasBranch ? branch : base
  ])
})

/** Who commits: whoever git is configured for, or else the program. */
export const identityOf = Effect.fnUntraced(function*(path: string) {
  const parts = [["user.name", "NAME", "Telemachy"], ["user.email", "EMAIL", "telemachy@localhost"]] as const
  const missing = yield* Effect.filter(parts, ([key]) => Effect.map(Git.test(["config", "--get", key], { directory: path }), (isSet) => !isSet))
  return missing.flatMap(([key, , value]) => ["-c", `${key}=${value}`])
})

/** Commits what is staged, and concludes a merge that is under way. */
export const commitStaged = Effect.fnUntraced(function*(path: string, message: string | undefined) {
  const identity = yield* identityOf(path)
  yield* Git.run([
    ...identity, "commit", "--quiet", "--no-verify", "--allow-empty", "--cleanup=whitespace",
    ...(message === undefined ? ["--no-edit"] : [`--message=${message}`])
  ], { directory: path, limit: "5 minutes" })
})

/** Puts the branch of a worktree where its HEAD is, when whoever worked there has left it for another one that goes on from it. */
const followHead = Effect.fnUntraced(function*({ branch, path }: Place) {
  const options = { directory: path }
  const { code, stdout } = yield* Git.tryRun(["symbolic-ref", "--quiet", "HEAD"], options)
  if (code === 0 && stdout.trim() === Repository.refOf(branch)) return
  if (!(yield* Git.test(["merge-base", "--is-ancestor", Repository.refOf(branch), "HEAD"], options))) {
    return yield* new WorkspaceError({ problem: `the worktree ${path} is not on its branch ${branch} any more, nor on one that goes on from it` })
  }
  yield* Git.run(["checkout", "--quiet", "-B", branch], options)
})

/** Whether a merge is under way in a worktree. */
export const isMerging = (path: string) => Git.test(["rev-parse", "--quiet", "--verify", "MERGE_HEAD"], { directory: path })

/** The commit that a worktree is at. */
export const head = (path: string) => Git.run(["rev-parse", "--verify", "HEAD"], { directory: path })

/** Commits all that is not committed yet and not ignored. Answers the commit that the branch is at. */
export const commit = Effect.fnUntraced(function*(place: Place, message: string) {
  const { path } = place
  const options = { directory: path, limit: "5 minutes" } as const
  if ((yield* gitDirectoryOf(place)) === undefined) {
    return yield* new WorkspaceError({ problem: `${path} is no longer a worktree of ${place.repository}` })
  }
  yield* Git.run(["add", "--all", "--", ":/"], options)
  const hasChanges = !(yield* Git.test(["diff", "--cached", "--quiet"], options))
  if (hasChanges || (yield* isMerging(path))) yield* commitStaged(path, message)
  yield* followHead(place)
  return yield* head(path)
})

/** The repositories within a worktree, of which a commit holds no more than a name. */
const nestedIn = (path: string) =>
  Effect.gen(function*() {
    const listed = yield* Git.run(["ls-files", "--stage", "-z"], { directory: path })
    const nested = listed.split("\0").flatMap((line) => (line.startsWith("160000 ") ? [line.slice(line.indexOf("\t") + 1)] : []))
    return yield* Effect.filter(nested, (each) => isThere(`${path}/${each}/.git`))
  })

/** Where a worktree is while it is removed, so that one that is half removed is never taken for one whose files were removed. */
const removalPath = (path: string): string => `${path}.removed`

/** The path by which git knows of a worktree: without the links in it. The worktree itself need not be there. */
const knownPath = Effect.fnUntraced(function*(path: string) {
  const { basename, dirname, join } = yield* Path.Path
  const files = yield* FileSystem.FileSystem
  return join(yield* Effect.orElseSucceed(files.realPath(dirname(path)), () => dirname(path)), basename(path))
})

/** Commits what a worktree holds. Fails when there is something that no commit can hold. */
const saveAll = Effect.fnUntraced(function*(place: Place, own: string, message: string) {
  yield* releaseIndex(own)
  yield* commit(place, message)
  const [nested] = yield* nestedIn(place.path)
  if (nested !== undefined) {
    return yield* new WorkspaceError({
      problem: `${place.path}/${nested} is a repository of its own, which no commit of the worktree holds`,
      advice: "move it away, and clean up again"
    })
  }
})

/**
 * Removes a worktree when all of it is committed, and its branch unless that has commits that are nowhere else. Answers their
 * number. `isNew`: nobody has worked there, and it may be half made.
 */
export const remove = Effect.fnUntraced(function*(place: Place, { isNew, message }: { readonly isNew: boolean; readonly message: string }) {
  const { branch, path, repository } = place
  if (!(yield* isThere(repository))) {
    return yield* new WorkspaceError({
      problem: `the repository ${repository} of ${path} is not there`,
      advice: "if the run was on another machine, clean up there"
    })
  }
  if (yield* isThere(path)) {
    const own = yield* gitDirectoryOf(place)
    const isMade = own !== undefined && !(yield* isHalfMade(own))
    if (isMade || !isNew) {
      if (own === undefined) return yield* new WorkspaceError({ problem: `${path} is no longer a worktree of ${repository}`, advice: "move it away, and clean up again" })
      yield* saveAll(place, own, message)
    }
    yield* Effect.flatMap(FileSystem.FileSystem, (files) => files.rename(path, removalPath(path))).pipe(inWords(`${path} could not be removed`))
  }
  yield* removeDirectory(removalPath(path))
  const known = yield* Repository.run(repository, ["worktree", "list", "--porcelain"])
  if (known.split("\n").includes(`worktree ${yield* knownPath(path)}`)) {
    yield* Repository.run(repository, ["worktree", "remove", "--force", "--force", "--", path])
  }
  return yield* Repository.removeBranch(repository, branch)
})
