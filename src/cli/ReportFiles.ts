/**
 * The files in which a run is told when it is over, however it ended: a summary in Markdown, and JUnit XML. What could not
 * be written is said, and changes nothing of what happened to the run.
 */
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import * as TimeLimit from "../liveness/TimeLimit.ts"
import { oneLine } from "../report/Format.ts"
import * as JunitReport from "../report/JunitReport.ts"
import * as MarkdownSummary from "../report/MarkdownSummary.ts"
import type { RunState } from "../run/RunState.ts"
import * as HomeDirectory from "../settings/HomeDirectory.ts"
import * as Settings from "../settings/Settings.ts"

/** A file that a flag names can not be written where it is. */
export class ReportPlaceError extends Schema.TaggedError<ReportPlaceError>()("ReportPlaceError", {
  flag: Schema.String,
  path: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.flag} ${this.path}: ${this.detail}`
  }
}

/** What flags say. */
export interface Flags {
  readonly summary: Option.Option<string>
  readonly junit: Option.Option<string>
}

/** A file to write. */
interface Place {
  /** How it is named to a person. */
  readonly name: string
  readonly path: string
}

/** The files to write, each in a place that was looked at. */
export interface Places {
  readonly summary: Place | undefined
  readonly junit: Place | undefined
  /** The file that the summary is added to at its end. */
  readonly stepSummary: Place | undefined
}

const look = Effect.fnUntraced(function*(flag: string, given: string) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const refuse = (detail: string) => new ReportPlaceError({ flag, path: given, detail })
  const expanded = yield* Effect.mapError(HomeDirectory.expand(given), () => refuse("there is no home directory"))
  const typeOf = (file: string) => Effect.option(Effect.map(files.stat(file), ({ type }) => type))
  // A link stays one: what it leads to is written.
  const target = yield* Effect.orElseSucceed(files.realPath(expanded), () => path.resolve(expanded))
  const type = Option.getOrElse(yield* typeOf(target), () => "File" as const)
  if (type !== "File") return yield* refuse(type === "Directory" ? "it is a directory" : "it is not a regular file")
  const directory = path.dirname(target)
  const typeOfDirectory = yield* typeOf(directory)
  if (Option.isNone(typeOfDirectory)) return yield* refuse(`the directory ${directory} does not exist`)
  if (typeOfDirectory.value !== "Directory") return yield* refuse(`${directory} is not a directory`)
  yield* Effect.mapError(files.access(directory, { writable: true }), () => refuse(`nothing can be written in ${directory}`))
  return { name: `${flag} ${given}`, path: target }
})

const lookIfGiven = (flag: string, given: Option.Option<string>) =>
  Option.isNone(given) ? Effect.succeed(undefined) : look(flag, given.value)

/** Finds out where to write, and whether that is possible, before a run starts. */
export const places = Effect.fn("ReportFiles.places")(function*(flags: Flags): Effect.fn.Return<
  Places,
  ReportPlaceError | Effect.Effect.Error<typeof Settings.githubStepSummary.config>,
  FileSystem.FileSystem | Path.Path
> {
  const path = yield* Path.Path
  const files = yield* FileSystem.FileSystem
  const summary = yield* lookIfGiven("--summary", flags.summary)
  const junit = yield* lookIfGiven("--junit", flags.junit)
  if (junit !== undefined && junit.path === summary?.path) {
    return yield* new ReportPlaceError({ flag: "--junit", path: junit.path, detail: "--summary names the same file" })
  }
  const variable = Option.getOrUndefined(yield* Settings.githubStepSummary.config)
  if (variable === undefined) return { summary, junit, stepSummary: undefined }
  // Without a home directory it is left as it is, and not found when it is written.
  const expanded = yield* Effect.orElseSucceed(HomeDirectory.expand(variable), () => variable)
  const stepSummary = yield* Effect.orElseSucceed(files.realPath(expanded), () => path.resolve(expanded))
  // Other steps have written to it as well, or are going to: who names it as the file of the summary means the same.
  return summary?.path === stepSummary
    ? { summary: undefined, junit, stepSummary: summary }
    : { summary, junit, stepSummary: { name: `${Settings.githubStepSummary.name} ${variable}`, path: stepSummary } }
})

/** Writes the files of one run. */
export interface ReportFiles {
  /** Writes what is known of the run, and says what could not be written. */
  readonly write: (state: RunState) => Effect.Effect<void>
  /** Whether a file that a flag names could not be written. */
  readonly isIncomplete: Effect.Effect<boolean>
}

/** How long a file may take: a file system on the network can be away. */
const limit = Duration.seconds(10)

const inWords = (error: PlatformError): string => {
  const reason = error._tag === "SystemError" ? error.reason : undefined
  switch (reason) {
    case "NotFound":
      return "its directory is gone"
    case "PermissionDenied":
      return "no permission"
    default:
      return error.message
  }
}

/** Makes what writes the files of a run; `removal` is the command that removes what the run leaves, if that outlives it. */
export const make = Effect.fn("ReportFiles.make")(function*(
  { junit, stepSummary, summary }: Places,
  removal: (state: RunState) => string | undefined
) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const failed = yield* Ref.make(false)
  const isAppended = yield* Ref.make(false)

  /** Writes all of a file, or leaves what was there. */
  const replace = (target: string, text: string) =>
    Effect.scoped(Effect.gen(function*() {
      const directory = yield* files.makeTempDirectoryScoped({ directory: path.dirname(target), prefix: ".telemachy-" })
      const part = path.join(directory, path.basename(target))
      yield* files.writeFileString(part, text, { mode: 0o600 })
      yield* files.rename(part, target)
    }))

  const append = (target: string, text: string) =>
    Effect.flatMap(Ref.getAndSet(isAppended, true), (before) =>
      before ? Effect.void : files.writeFileString(target, `\n${text}`, { flag: "a" }))

  const attempt = (place: Place | undefined, write: (target: string) => Effect.Effect<void, PlatformError>) =>
    place === undefined ? Effect.succeed(true) : write(place.path).pipe(
      Effect.mapError(inWords),
      TimeLimit.within({ limit, onTimeout: () => `it took longer than ${Duration.format(limit)}` }),
      Effect.as(true),
      Effect.catchAll((why) => Effect.as(Console.error(oneLine(`${place.name} could not be written: ${why}`)), false))
    )

  return {
    write: Effect.fnUntraced(function*(state) {
      const page = MarkdownSummary.render(state, { removal: removal(state) })
      const asked = [
        yield* attempt(summary, (target) => replace(target, page)),
        yield* attempt(junit, (target) => replace(target, JunitReport.render(state)))
      ]
      // A file that only the environment names is written as a service: nobody who runs a workflow has asked for it.
      yield* attempt(stepSummary, (target) => append(target, page))
      if (asked.includes(false)) yield* Ref.set(failed, true)
    }),
    isIncomplete: Ref.get(failed)
  } satisfies ReportFiles
})
