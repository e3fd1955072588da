/**
 * Where logs are: a directory for each run, in it a file for each attempt at a
 * task, beside it the later parts of a log that is too long for one file.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import * as Schema from "effect/Schema"
import type { Agent, Task } from "../../agamemnon/AgamemnonModel.ts"
import * as AgentTags from "../../agamemnon/AgentTags.ts"
import { RunId } from "../../run/RunId.ts"

/** Where logs are kept, and how much of them. */
export interface Options {
  /** The directory that holds a directory for each run. */
  readonly directory: string
  /** How many bytes of a log are kept. */
  readonly limit: number
  /** How long the logs of a run are kept after it has last written one. */
  readonly retention: Duration.Duration
}

const isRunId = Schema.is(RunId)

/** The directory of a run, or of whatever is of none. */
const directoryOf = (root: string, run: string | undefined): string => `${root}/${isRunId(run) ? run : "other"}`

/** A part of a file name that says what a task is about, as far as letters of every system can. */
const slug = (subject: string): string => subject.replaceAll(/[^A-Za-z0-9._]+/g, "-").replace(/^[-.]+/, "").slice(0, 60) || "task"

/** The file of a task, which is one attempt at it: another is another task. The agent says for which run. */
export const pathOf = (root: string, { id, subject }: Pick<Task, "id" | "subject">, agent: Agent | undefined): string => {
  const run = agent === undefined ? undefined : AgentTags.valueOf(agent, "run")
  return `${directoryOf(root, run)}/${slug(subject)}-${id.replaceAll(/[^A-Za-z0-9]/g, "").slice(0, 12)}.log`
}

/** A part of a log after its first file: it begins so many bytes after the program's first. */
export interface Part {
  readonly path: string
  readonly start: number
}

const digits = 15

/** The part of a log that begins there. */
export const partOf = (path: string, start: number): Part => ({ path: `${path}.${String(start).padStart(digits, "0")}`, start })

/** The parts of a log after its first file, in their order. */
export const partsOf = Effect.fn("LogFiles.partsOf")(function*(path: string) {
  const files = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const name = paths.basename(path)
  const names = yield* files.readDirectory(paths.dirname(path))
  const parts = names.flatMap((each) => {
    const start = each.slice(name.length + 1)
    return each.startsWith(`${name}.`) && /^\d{15}$/.test(start) ? [partOf(path, Number(start))] : []
  })
  return Arr.sortWith(parts, ({ start }) => start, Order.number)
})

/** Whether a path is one of a log under this root: a record may come from elsewhere, and name any file. */
export const isWithin = (root: string, path: string): Effect.Effect<boolean, never, Path.Path> =>
  Effect.map(Path.Path, (paths) => paths.resolve(path).startsWith(`${paths.resolve(root)}/`) && path.endsWith(".log"))

/** Removes the logs of a run, and those files of other directories that belong to it. */
export const remove = Effect.fn("LogFiles.remove")(function*(root: string, run: RunId, paths: ReadonlyArray<string>) {
  const files = yield* FileSystem.FileSystem
  const own = yield* Effect.filter(paths, (path) => isWithin(root, path))
  const parts = yield* Effect.forEach(own, (path) => Effect.orElseSucceed(partsOf(path), () => []))
  yield* Effect.forEach(
    [...own, ...parts.flat().map(({ path }) => path), directoryOf(root, run)],
    (path) => files.remove(path, { recursive: true, force: true }),
    { discard: true }
  )
})

/** When the newest of the files of a directory was written, in milliseconds since 1970. */
const writtenAt = Effect.fnUntraced(function*(directory: string) {
  const files = yield* FileSystem.FileSystem
  const names = yield* files.readDirectory(directory)
  const times = yield* Effect.forEach([directory, ...names.map((name) => `${directory}/${name}`)], (path) =>
    Effect.map(files.stat(path), ({ mtime }) => Option.match(mtime, { onNone: () => 0, onSome: (date) => date.getTime() })))
  return Math.max(...times)
})

/** Removes the logs of runs that have written nothing for so long. What cannot be looked at or removed stays. */
export const removeOlder = Effect.fn("LogFiles.removeOlder")(function*(root: string, retention: Duration.Duration) {
  const files = yield* FileSystem.FileSystem
  const now = yield* Clock.currentTimeMillis
  const runs = yield* Effect.orElseSucceed(files.readDirectory(root), () => [])
  yield* Effect.forEach(runs, (run) => {
    const directory = `${root}/${run}`
    const isOld = Effect.map(writtenAt(directory), (written) => now - written > Duration.toMillis(retention))
    return Effect.ignore(Effect.whenEffect(files.remove(directory, { recursive: true, force: true }), isOld))
  }, { discard: true })
})
