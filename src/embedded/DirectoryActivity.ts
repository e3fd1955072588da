/**
 * When something last changed in a directory and below it. That costs a look at
 * each entry, so that it is for whoever has a reason to ask, and it is bounded:
 * what has many files and little to tell is looked at last.
 */
import { lstat, opendir, readFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/** The most entries that are looked at. */
export const mostEntries = 20_000

/** How long is looked, at the most. What has been found by then counts. */
export const lookLimit = Duration.seconds(10)

/** How many entries are asked about at once. */
const together = 32

/** What is looked at after everything else: the dependencies of a project, and what git has stored. */
const isLate = (name: string, parent: string): boolean => name === "node_modules" || (name === "objects" && parent.endsWith(".git"))

/** What Telemachy itself writes is no sign of anybody. */
const isOwn = (name: string): boolean => name === ".telemachy" || name.startsWith("telemachy-tasks-")

/** What a look has found so far. */
interface Look {
  /** How many entries are looked at. */
  readonly most: number
  /** In milliseconds of the clock of the file system. */
  latest: number | undefined
  seen: number
}

const orNothing = <A>(promise: Promise<A>): Promise<A | undefined> => promise.catch(() => undefined)

/** The names in a directory, as far as they are looked at. */
const namesIn = async (directory: string, most: number): Promise<ReadonlyArray<string>> => {
  const names: Array<string> = []
  const handle = await opendir(directory)
  for await (const { name } of handle) {
    if (names.length >= most) break
    if (!isOwn(name)) names.push(name)
  }
  return names
}

/** Where git keeps what belongs to a worktree alone: its index, and what its HEAD was. */
const gitDirectoryOf = async (worktree: string): Promise<string | undefined> => {
  const [, directory] = /^gitdir: (.+)$/m.exec(await readFile(join(worktree, ".git"), { encoding: "utf8" })) ?? []
  return directory === undefined ? undefined : resolve(worktree, directory)
}

/** Looks at an entry. Answers whether it is a directory. */
const note = async (look: Look, path: string): Promise<boolean> => {
  const stat = await orNothing(lstat(path))
  if (stat === undefined) return false
  // The time of the last change of any kind: unlike that of its content, nobody can set it.
  look.latest = Math.max(look.latest ?? stat.ctimeMs, stat.ctimeMs)
  return stat.isDirectory()
}

const walk = async (look: Look, root: string, signal: AbortSignal): Promise<void> => {
  await note(look, root)
  const near = [root]
  const late: Array<string> = []
  const git = await orNothing(gitDirectoryOf(root))
  if (git !== undefined) near.push(git)
  let [nextNear, nextLate] = [0, 0]
  while (look.seen < look.most) {
    const directory = nextNear < near.length ? near[nextNear++] : late[nextLate++]
    if (directory === undefined) return
    const names = await orNothing(namesIn(directory, look.most - look.seen)) ?? []
    for (let start = 0; start < names.length; start += together) {
      if (signal.aborted) return
      await Promise.all(names.slice(start, start + together).map(async (name) => {
        const path = join(directory, name)
        if (await note(look, path)) (isLate(name, directory) ? late : near).push(path)
      }))
    }
    look.seen += names.length
  }
}

/** When something last changed in a directory, in milliseconds; undefined when it can not be looked at. */
export const latest = (directory: string, most = mostEntries): Effect.Effect<number | undefined> =>
  Effect.suspend(() => {
    const look: Look = { most, latest: undefined, seen: 0 }
    return Effect.tryPromise((signal) => walk(look, directory, signal)).pipe(
      Effect.timeout(lookLimit),
      Effect.ignore,
      Effect.map(() => look.latest)
    )
  })
