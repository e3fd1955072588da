/** Git repositories for tests: real ones, in directories that are gone with the test, whatever git is configured for here. */
import { execFileSync } from "node:child_process"
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"

/** What keeps git from anything that is configured on this machine. */
export const environment = { GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" }

Object.assign(process.env, environment)

/** A repository, or a worktree of one. */
export interface TestRepository {
  readonly path: string
  /** Runs git there, and answers what it writes. */
  readonly git: (...args: ReadonlyArray<string>) => string
  /** Writes a file. */
  readonly write: (file: string, text: string) => void
}

/** Looks at a directory as git does. */
export const at = (path: string): TestRepository => ({
  path,
  git: (...args) => execFileSync("git", [...args], { cwd: path, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim(),
  write: (file, text) => writeFileSync(join(path, file), text)
})

/** A directory that is gone with the scope. */
export const directory = Effect.acquireRelease(
  Effect.sync(() => realpathSync(mkdtempSync(join(tmpdir(), "telemachy-git-")))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** Makes a repository with one commit, of these files, by somebody who is named. */
export const make = (files: Readonly<Record<string, string>> = { "story.txt": "once\n" }) =>
  Effect.map(directory, (path) => {
    const repository = at(path)
    repository.git("init", "--quiet", "--initial-branch=main")
    repository.git("config", "user.name", "Somebody")
    repository.git("config", "user.email", "somebody@example.com")
    for (const [file, text] of Object.entries(files)) repository.write(file, text)
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "--message=first")
    return repository
  })
