/** Merges into the branch of a worktree, one commit after the other, with what there is of each that is in conflict. */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { MergeStep } from "../../agamemnon/Workspaces.ts"
import { WorkspaceError } from "../../agamemnon/Workspaces.ts"
import * as Git from "./Git.ts"
import * as Worktree from "./Worktree.ts"

const merged: MergeStep = { _tag: "Merged" }

/** A file in conflict, and whether both sides have it: then git has written both into it, between markers. */
interface Unmerged {
  readonly file: string
  readonly hasMarkers: boolean
}

/** The files that git has in conflict, or those that somebody has added or removed since. */
const unmergedIn = (path: string, which: "--unmerged" | "--resolve-undo" = "--unmerged") =>
  Effect.map(Git.run(["ls-files", which, "-z"], { directory: path }), (text): ReadonlyArray<Unmerged> => {
    const stages = new Map<string, Set<string>>()
    for (const line of text.split("\0")) {
      const [, stage = "", file = ""] = /^\d+ \w+ (\d)\t(.*)$/s.exec(line) ?? []
      if (file !== "") stages.set(file, (stages.get(file) ?? new Set()).add(stage))
    }
    return [...stages].map(([file, sides]) => ({ file, hasMarkers: sides.has("2") && sides.has("3") }))
  })

const isMerged = (path: string, commit: string) => Git.test(["merge-base", "--is-ancestor", commit, "HEAD"], { directory: path })

/** Merges a commit, unless that is done. A conflict of before is one still. */
export const merge = Effect.fnUntraced(function*({ path }: Worktree.Place, commit: string, message: string): Effect.fn.Return<MergeStep, WorkspaceError, Env> {
  if (yield* Worktree.isMerging(path)) {
    const unmerged = yield* unmergedIn(path)
    return { _tag: "Conflict", files: unmerged.map(({ file }) => file) }
  }
  if (yield* isMerged(path, commit)) return merged
  const identity = yield* Worktree.identityOf(path)
  const args = [...identity, "merge", "--quiet", "--no-ff", "--no-verify", "--no-edit", `--message=${message}`, commit]
  const options = { directory: path, limit: "5 minutes" } as const
  const ended = yield* Git.tryRun(args, options)
  if (ended.code === 0) return merged
  const unmerged = yield* unmergedIn(path)
  if (unmerged.length === 0) return yield* Git.failure(args, options, ended)
  return { _tag: "Conflict", files: unmerged.map(({ file }) => file) }
})

type Env = Effect.Effect.Context<ReturnType<typeof Git.tryRun>> | FileSystem.FileSystem

/** The most bytes of a file that are looked at for marks. */
const mostBytes = 8 * 1024 * 1024

/** Whether a file has the marks of a conflict in it. One that is gone, or is no file, has none. */
const hasMarks = (path: string) =>
  Effect.flatMap(FileSystem.FileSystem, (files) =>
    files.stream(path, { bytesToRead: mostBytes }).pipe(
      Stream.decodeText(),
      Stream.splitLines,
      Stream.filter((line) => /^(<{7}|>{7})( |$)/.test(line)),
      Stream.runHead,
      Effect.map(Option.isSome),
      Effect.orElseSucceed(() => false)
    ))

/**
 * Concludes the merge of a commit whose conflicts somebody has resolved, or answers what is in conflict still: a file with the
 * marks of both sides, and one that only one side has, unless it was added or removed in the index.
 */
export const conclude = Effect.fnUntraced(function*(place: Worktree.Place, commit: string): Effect.fn.Return<MergeStep, WorkspaceError, Env> {
  const { path } = place
  const unmerged = yield* unmergedIn(path)
  const resolved = yield* unmergedIn(path, "--resolve-undo")
  const left = [
    ...(yield* Effect.filter(unmerged, ({ file, hasMarkers }) => hasMarkers ? hasMarks(`${path}/${file}`) : Effect.succeed(true))),
    ...(yield* Effect.filter(resolved, ({ file }) => hasMarks(`${path}/${file}`)))
  ]
  if (left.length > 0) return { _tag: "Conflict", files: left.map(({ file }) => file) }
  yield* Git.run(["add", "--all", "--", ":/"], { directory: path, limit: "5 minutes" })
  const hasChanges = !(yield* Git.test(["diff", "--cached", "--quiet"], { directory: path }))
  if (yield* Worktree.isMerging(path)) yield* Worktree.commitStaged(path, undefined)
  else if (hasChanges) yield* Worktree.commitStaged(path, "Resolve conflicts")
  if (!(yield* isMerged(path, commit))) {
    return yield* new WorkspaceError({ problem: `the merge in ${path} was given up, and ${commit.slice(0, 12)} is not merged` })
  }
  return merged
})

/** Gives a merge up, with whatever was done about its conflicts. */
export const abort = Effect.fnUntraced(function*({ path }: Worktree.Place) {
  if (yield* Worktree.isMerging(path)) yield* Git.run(["merge", "--abort"], { directory: path })
})
