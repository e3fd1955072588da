/**
 * The workflows that tasks of a workflow use: how a file names another, and how
 * the one that is meant is found. A file is known by its path from the directory
 * of the workflow that is run, whichever file names it.
 */
import { isAbsolute, posix } from "node:path"
import * as Predicate from "effect/Predicate"
import { get, itemsAt } from "./RawValue.ts"
import type { Path } from "./WorkflowProblem.ts"

/** The name of the workflow that is run, among the files that it uses. */
export const root = ""

/** How deep a file can be used by files that are used. */
export const maxDepth = 5

/** How many files a workflow can use, directly or not. */
export const maxFiles = 100

/** How many tasks a workflow can have with those of the files that it uses. */
export const maxTasks = 10_000

/** The longest path of a file, in bytes. */
export const maxPathBytes = 1024

/** The name of a file that another one names. */
export const nameOf = (from: string, uses: string): string =>
  isAbsolute(uses) ? posix.normalize(uses) : posix.join(posix.dirname(from), uses)

/** Finds a workflow by the name of its file. */
export type Find<A> = (name: string) => A | undefined

/** Finds the workflows that a workflow has with it, by the paths from its directory. */
export const within = <A>(files: Readonly<Record<string, A>> | undefined): Find<A> => {
  const byName = new Map(Object.entries(files ?? {}).map(([path, file]) => [nameOf(root, path), file]))
  return (name) => byName.get(name)
}

/** Finds the workflows that a workflow has with it, in its encoded form. */
export const withinRaw = (workflow: unknown): Find<unknown> => {
  const files = get(workflow, "files")
  return within(Predicate.isRecord(files) ? files : undefined)
}

/** A task that uses a file. */
export interface Use {
  /** Where the task is. */
  readonly path: Path
  readonly task: unknown
  /** The file, as the task names it. */
  readonly uses: string
}

/** Finds the tasks of a workflow, in its encoded form, that use files. */
export const usesOf = (workflow: unknown): ReadonlyArray<Use> =>
  itemsAt(workflow, "teams").flatMap((team, index) =>
    itemsAt(team, "tasks").flatMap((task, position): ReadonlyArray<Use> => {
      const uses = get(task, "uses")
      return typeof uses === "string" && uses.trim() !== "" ? [{ path: ["teams", index, "tasks", position], task, uses }] : []
    }))
