import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import * as LocalWorkspaces from "../../../src/embedded/workspace/LocalWorkspaces.ts"
import type { Workspace } from "../../../src/run/Workspace.ts"
import * as TestRepository from "../../support/TestRepository.ts"

/** A repository, and the workspaces of a run that has two worktrees of it. */
const world = Effect.fnUntraced(function*(files?: Readonly<Record<string, string>>) {
  const repository = yield* TestRepository.make(files)
  const root = yield* TestRepository.directory
  const workspaces = yield* LocalWorkspaces.make(root)
  const { commit: base, repository: common } = yield* workspaces.origin(repository.path, undefined)
  const directory = yield* workspaces.directoryOf("run")
  const workspace = (name: string): Workspace & { readonly branch: string } =>
    ({ name, path: join(directory, name), worktree: { repository: common, branch: `telemachy/run/${name}`, base }, branch: `telemachy/run/${name}` })
  return { repository, workspaces, workspace, base, directory, root }
})

const scoped = <A, E>(name: string, test: () => Effect.Effect<A, E, NodeContext.NodeContext | Scope.Scope>, timeout?: number) =>
  it.scopedLive(name, () => Effect.provide(test(), NodeContext.layer), timeout)

describe("LocalWorkspaces", () => {
  scoped("makes a worktree, commits what is done there, and keeps its branch when it is removed", () =>
    Effect.gen(function*() {
      const { base, directory, repository, workspace, workspaces } = yield* world({ "story.txt": "once\n", ".gitignore": "*.log\n" })
      const coder = workspace("coder")
      yield* workspaces.make(coder, true)
      const worktree = TestRepository.at(coder.path)
      assert.strictEqual(worktree.git("symbolic-ref", "--short", "HEAD"), coder.branch)
      assert.strictEqual(yield* workspaces.commit(coder, "nothing"), base)
      worktree.write("story.txt", "once more\n")
      worktree.write("new file.txt", "new\n")
      worktree.write("noise.log", "noise\n")
      const commit = yield* workspaces.commit(coder, "--amend is no option\n\nbut a subject")
      assert.strictEqual(repository.git("log", "--format=%s|%an|%ae|%P", "-1", coder.branch), `--amend is no option|Somebody|somebody@example.com|${base}`)
      assert.strictEqual(repository.git("show", "--name-only", "--format=", commit), "new file.txt\nstory.txt")
      assert.strictEqual(yield* workspaces.commit(coder, "once more"), commit)
      worktree.write("late.txt", "late\n")
      assert.deepStrictEqual(yield* workspaces.remove(coder, false), { commits: 2 })
      assert.isFalse(existsSync(directory))
      assert.strictEqual(repository.git("show", `${coder.branch}:late.txt`), "late")
      assert.strictEqual(repository.git("worktree", "list", "--porcelain").split("\n\n").length, 1)
      // It is removed once only, and made again where it was.
      assert.deepStrictEqual(yield* workspaces.remove(coder, false), { commits: 2 })
      yield* workspaces.make(coder, false)
      assert.strictEqual(readFileSync(join(coder.path, "late.txt"), "utf8"), "late\n")
      repository.git("merge", "--quiet", coder.branch)
      assert.deepStrictEqual(yield* workspaces.remove(coder, false), { commits: 0 })
      assert.strictEqual(repository.git("branch", "--format=%(refname:short)"), "main")
    }))

  scoped("commits by an identity of its own where none is configured, and runs no hook", () =>
    Effect.gen(function*() {
      const { repository, workspace, workspaces } = yield* world()
      repository.git("config", "--unset", "user.name")
      repository.git("config", "--unset", "user.email")
      for (const hook of ["pre-commit", "post-checkout", "commit-msg", "prepare-commit-msg"]) {
        writeFileSync(join(repository.path, ".git/hooks", hook), "#!/bin/sh\ntouch \"$(git rev-parse --git-common-dir)/ran\"\nexit 1\n")
        chmodSync(join(repository.path, ".git/hooks", hook), 0o755)
      }
      const coder = workspace("coder")
      yield* workspaces.make(coder, true)
      TestRepository.at(coder.path).write("a.txt", "a\n")
      yield* workspaces.commit(coder, "a")
      assert.strictEqual(repository.git("log", "--format=%an <%ae> %cn", "-1", coder.branch), "Telemachy <telemachy@localhost> Telemachy")
      assert.isFalse(existsSync(join(repository.path, ".git/ran")))
    }))

  scoped("goes on after it was broken off anywhere, and loses nothing", () =>
    Effect.gen(function*() {
      const { base, repository, workspace, workspaces } = yield* world()
      const coder = workspace("coder")
      // Half made: the branch, and a directory that is no worktree.
      repository.git("branch", coder.branch, base)
      mkdirSync(coder.path, { recursive: true })
      writeFileSync(join(coder.path, "half"), "")
      yield* workspaces.make(coder, true)
      const worktree = TestRepository.at(coder.path)
      assert.strictEqual(worktree.git("status", "--porcelain"), "")
      yield* workspaces.make(coder, true)
      // Half committed: a git that was killed has left its lock.
      worktree.write("a.txt", "a\n")
      writeFileSync(join(worktree.git("rev-parse", "--absolute-git-dir"), "index.lock"), "")
      yield* workspaces.make(coder, false)
      yield* workspaces.commit(coder, "a")
      assert.strictEqual(worktree.git("log", "--format=%s"), "a\nfirst")
      // Half removed: the directory was moved away, and git still knows of it.
      worktree.git("rev-parse", "HEAD")
      renameSync(coder.path, `${coder.path}.removed`)
      assert.deepStrictEqual(yield* workspaces.remove(coder, false), { commits: 1 })
      assert.isFalse(existsSync(`${coder.path}.removed`))
      assert.strictEqual(repository.git("worktree", "list", "--porcelain").split("\n\n").length, 1)
      // Half checked out, which is no work: git has its lock on the worktree until that is done.
      const other = workspace("other")
      yield* workspaces.make(other, true)
      writeFileSync(join(TestRepository.at(other.path).git("rev-parse", "--absolute-git-dir"), "locked"), "initializing\n")
      writeFileSync(join(other.path, "story.txt"), "")
      yield* workspaces.make(other, true)
      assert.strictEqual(readFileSync(join(other.path, "story.txt"), "utf8"), "once\n")
      writeFileSync(join(TestRepository.at(other.path).git("rev-parse", "--absolute-git-dir"), "locked"), "initializing\n")
      writeFileSync(join(other.path, "story.txt"), "")
      assert.deepStrictEqual(yield* workspaces.remove(other, true), { commits: 0 })
      assert.isFalse(yield* workspaces.hasBranch(join(repository.path, ".git"), other.branch))
    }), 20_000)

  scoped("finds a worktree below a directory that is a link", () =>
    Effect.gen(function*() {
      const { repository, root, workspaces: direct } = yield* world()
      symlinkSync(root, `${root}.link`)
      yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(`${root}.link`)))
      const workspaces = yield* LocalWorkspaces.make(`${root}.link`)
      const { commit: base, repository: common } = yield* direct.origin(repository.path, undefined)
      const coder = { name: "coder", path: `${root}.link/run/coder`, worktree: { repository: common, branch: "telemachy/run/coder", base } }
      yield* workspaces.make(coder, true)
      assert.deepStrictEqual(yield* workspaces.remove(coder, false), { commits: 0 })
      assert.strictEqual(repository.git("worktree", "list", "--porcelain").split("\n\n").length, 1)
      assert.strictEqual(repository.git("branch", "--format=%(refname:short)"), "main")
    }))

  scoped("does not remove what no commit holds", () =>
    Effect.gen(function*() {
      const { workspace, workspaces } = yield* world()
      const coder = workspace("coder")
      yield* workspaces.make(coder, true)
      const inner = join(coder.path, "inner")
      mkdirSync(inner)
      const repository = TestRepository.at(inner)
      repository.git("init", "--quiet")
      repository.write("only.txt", "here\n")
      repository.git("add", ".")
      repository.git("-c", "user.name=a", "-c", "user.email=b", "commit", "--quiet", "-m", "inner")
      const error = yield* Effect.flip(workspaces.remove(coder, false))
      assert.match(error.message, /inner is a repository of its own, which no commit of the worktree holds; move it away/)
      assert.isTrue(existsSync(join(inner, "only.txt")))
    }))

  scoped("follows an agent that goes on on a branch of its own, and says when it has left for another", () =>
    Effect.gen(function*() {
      const { base, repository, workspace, workspaces } = yield* world()
      const coder = workspace("coder")
      yield* workspaces.make(coder, true)
      const worktree = TestRepository.at(coder.path)
      worktree.git("checkout", "--quiet", "-b", "feature")
      worktree.write("a.txt", "a\n")
      const commit = yield* workspaces.commit(coder, "a")
      assert.strictEqual(repository.git("rev-parse", coder.branch), commit)
      worktree.git("checkout", "--quiet", "--detach", base)
      const error = yield* Effect.flip(workspaces.commit(coder, "b"))
      assert.match(error.message, /is not on its branch telemachy\/run\/coder any more/)
    }))

  it.scoped("waits for a program that works there, and not without end", () =>
    Effect.gen(function*() {
      const { workspace, workspaces } = yield* world()
      const coder = workspace("coder")
      yield* workspaces.make(coder, true)
      const program = yield* Effect.fork(workspaces.working(coder.path)(Effect.never))
      yield* Effect.yieldNow()
      const waiting = yield* Effect.fork(Effect.flip(workspaces.commit(coder, "late")))
      yield* Effect.yieldNow()
      yield* TestClock.adjust(Duration.seconds(31))
      assert.match((yield* Fiber.join(waiting)).message, /a program works in .*coder still/)
      yield* Fiber.interrupt(program)
    }).pipe(Effect.provide(NodeContext.layer)))

  scoped("says in words why there can be no worktree", () =>
    Effect.gen(function*() {
      const { repository, root, workspaces } = yield* world()
      const why = (directory: string, base?: string) => Effect.map(Effect.flip(workspaces.origin(directory, base)), ({ message }) => message)
      assert.strictEqual(
        yield* why(root),
        `${root} is in no git repository; make one with git init and a first commit, or choose workspace: shared, or another working_dir`
      )
      assert.match(yield* why(join(root, "nowhere")), /nowhere/)
      assert.match(yield* why(repository.path, "nothing"), /^base "nothing" is no commit of the git repository of .*; name a branch, a tag or a commit that is there$/)
      assert.match(yield* why(repository.path, "--all"), /^base "--all" is no commit/)
      assert.match(yield* why(join(repository.path, ".git")), /is within the directory that git keeps a repository in/)
      const bare = join(root, "bare.git")
      repository.git("clone", "--quiet", "--bare", repository.path, bare)
      assert.match(yield* why(bare), /is a bare git repository, in which nobody can work; choose a clone of it as working_dir/)
      const unborn = join(root, "unborn")
      repository.git("init", "--quiet", unborn)
      assert.match(yield* why(unborn), /has no commit yet; make a first one/)
      mkdirSync(join(repository.path, "sub/inner"), { recursive: true })
      assert.strictEqual((yield* workspaces.origin(join(repository.path, "sub/inner"), "main")).prefix, "sub/inner")
    }))

  scoped("makes an empty directory, and removes it with all that is in it", () =>
    Effect.gen(function*() {
      const { directory, workspaces } = yield* world()
      const scratch = { name: "scratch", path: join(directory, "scratch") }
      yield* workspaces.make(scratch, true)
      writeFileSync(join(scratch.path, "note"), "")
      yield* workspaces.make(scratch, false)
      assert.isTrue(existsSync(join(scratch.path, "note")))
      yield* workspaces.make(scratch, true)
      assert.isFalse(existsSync(join(scratch.path, "note")))
      assert.deepStrictEqual(yield* workspaces.remove(scratch, false), { commits: 0 })
      assert.isFalse(existsSync(directory))
    }))

  scoped("merges in order, tells the files of a conflict, and concludes it when it is resolved", () =>
    Effect.gen(function*() {
      const { base, repository, workspace, workspaces } = yield* world({ "story.txt": "once\n", "gone.txt": "here\n" })
      const work = Effect.fnUntraced(function*(name: string, text: string) {
        const one = workspace(name)
        yield* workspaces.make(one, true)
        const worktree = TestRepository.at(one.path)
        worktree.write("story.txt", text)
        worktree.write(`${name}.txt`, name)
        if (name === "c") worktree.git("rm", "--quiet", "gone.txt")
        else worktree.write("gone.txt", `${name}\n`)
        return yield* workspaces.commit(one, name)
      })
      const [a, b, c] = [yield* work("a", "a\n"), yield* work("b", "b\n"), yield* work("c", "once\n")]
      const merge = workspace("merge")
      yield* workspaces.make(merge, true)
      assert.deepStrictEqual(yield* workspaces.merge(merge, a, "Merge a"), { _tag: "Merged" })
      assert.deepStrictEqual(yield* workspaces.merge(merge, a, "Merge a"), { _tag: "Merged" })
      const conflict = { _tag: "Conflict" as const, files: ["gone.txt", "story.txt"] }
      assert.deepStrictEqual(yield* workspaces.merge(merge, b, "Merge b"), conflict)
      yield* workspaces.abortMerge(merge)
      const worktree = TestRepository.at(merge.path)
      assert.strictEqual(worktree.git("status", "--porcelain"), "")
      assert.deepStrictEqual(yield* workspaces.merge(merge, b, "Merge b"), conflict)
      assert.deepStrictEqual(yield* workspaces.merge(merge, b, "Merge b"), conflict)
      worktree.write("gone.txt", "a and b\n")
      // What is added with its marks is not resolved.
      worktree.git("add", "--all")
      assert.deepStrictEqual(yield* workspaces.conclude(merge, b), { _tag: "Conflict", files: ["story.txt"] })
      worktree.write("story.txt", "a and b\n")
      assert.deepStrictEqual(yield* workspaces.conclude(merge, b), { _tag: "Merged" })
      // One side has removed the file: only the index says what was decided.
      assert.deepStrictEqual(yield* workspaces.merge(merge, c, "Merge c"), { _tag: "Conflict", files: ["gone.txt"] })
      assert.deepStrictEqual(yield* workspaces.conclude(merge, c), { _tag: "Conflict", files: ["gone.txt"] })
      worktree.git("rm", "--quiet", "gone.txt")
      assert.deepStrictEqual(yield* workspaces.conclude(merge, c), { _tag: "Merged" })
      assert.strictEqual(repository.git("log", "--first-parent", "--format=%s", `${base}..${merge.branch}`), "Merge c\nMerge b\nMerge a")
      assert.strictEqual(repository.git("show", `${merge.branch}:story.txt`), "a and b")
      // Each commit is on the branch of the merge as well.
      assert.deepStrictEqual(yield* workspaces.remove(workspace("a"), false), { commits: 0 })
      assert.deepStrictEqual(yield* workspaces.remove(merge, false), { commits: 4 })
    }), 20_000)

  scoped("says of a merge that was given up that it is none", () =>
    Effect.gen(function*() {
      const { workspace, workspaces } = yield* world()
      const [one, merge] = [workspace("one"), workspace("merge")]
      yield* workspaces.make(one, true)
      yield* workspaces.make(merge, true)
      TestRepository.at(one.path).write("story.txt", "one\n")
      TestRepository.at(merge.path).write("story.txt", "other\n")
      const commit = yield* workspaces.commit(one, "one")
      yield* workspaces.commit(merge, "other")
      assert.strictEqual((yield* workspaces.merge(merge, commit, "Merge one"))._tag, "Conflict")
      TestRepository.at(merge.path).git("merge", "--abort")
      assert.match((yield* Effect.flip(workspaces.conclude(merge, commit))).message, /was given up, and \w{12} is not merged/)
    }))
})
