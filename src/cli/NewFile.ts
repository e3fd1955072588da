/**
 * A workflow file that a command writes: where it goes, and how it gets there. All of it is there, or nothing, and what was
 * there before stays unless it is to be replaced.
 */
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as TimeLimit from "../liveness/TimeLimit.ts"
import { controls, oneLine } from "../report/Format.ts"
import * as HomeDirectory from "../settings/HomeDirectory.ts"

/** A file can not be written where it was to go. */
export class NewFileError extends Schema.TaggedError<NewFileError>()("NewFileError", {
  path: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${oneLine(this.path)}: ${this.detail}`
  }
}

/** A place for a file. */
export interface Place {
  /** As it was named, with an ending. */
  readonly name: string
  readonly path: string
  /** The name without directories and ending. */
  readonly base: string
}

/** How long a file may take: a file system on the network can be away. */
const limit = Duration.seconds(10)

const ending = /\.(ya?ml|json)$/i

/** Finds the place that a name stands for. Without an ending it gets `.yaml`. */
export const place = Effect.fn("NewFile.place")(function*(given: string) {
  const path = yield* Path.Path
  const refuse = (detail: string) => new NewFileError({ path: given, detail })
  if (given.trim() === "") return yield* new NewFileError({ path: "NAME", detail: "found nothing, expected the name of a file" })
  if (given.search(controls) !== -1) return yield* refuse("found control characters, expected the name of a file")
  const expanded = yield* Effect.mapError(HomeDirectory.expand(given), () => refuse("there is no home directory"))
  if (/(^|[\\/])\.{0,2}$/.test(expanded)) return yield* refuse("found a directory, expected the name of a file in it")
  const name = ending.test(expanded) ? expanded : `${expanded}.yaml`
  return { name, path: path.resolve(name), base: path.basename(name).replace(ending, "") } satisfies Place
})

/** Writes the text of a file. */
export const write = Effect.fn("NewFile.write")(function*(
  { name, path: given }: Place,
  text: string,
  { replace }: { readonly replace: boolean }
) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const refuse = (detail: string) => new NewFileError({ path: name, detail })
  const inWords = (error: PlatformError): NewFileError => {
    if (isThere(error)) return refuse(there)
    const isForbidden = error._tag === "SystemError" && error.reason === "PermissionDenied"
    return refuse(isForbidden ? `no permission to write in ${path.dirname(given)}` : `could not be written: ${messageOf(error)}`)
  }
  const typeOf = (file: string) => Effect.map(Effect.option(files.stat(file)), Option.map(({ type }) => type))
  const work = Effect.gen(function*() {
    // A link stays one: what it leads to is replaced.
    const target = replace ? yield* Effect.orElseSucceed(files.realPath(given), () => given) : given
    const type = yield* typeOf(target)
    if (Option.isSome(type) && type.value !== "File") {
      return yield* refuse(type.value === "Directory" ? "is a directory, expected the name of a file" : "is not a regular file")
    }
    if (Option.isSome(type) && !replace) return yield* refuse(there)
    const directory = path.dirname(target)
    const around = Option.getOrUndefined(yield* typeOf(directory))
    if (around === undefined) return yield* refuse(`the directory ${directory} does not exist`)
    if (around !== "Directory") return yield* refuse(`${directory} is not a directory`)
    yield* Effect.mapError(moveInto(target, text, replace), inWords)
  })
  yield* TimeLimit.within({ limit, onTimeout: () => refuse(`it took longer than ${Duration.format(limit)}`) })(work)
})

/** What the system says, without what it was called with. */
const messageOf = (error: PlatformError): string => (error.description ?? error.message).replace(/, \w+ '.*$/s, "")

const isThere = (error: PlatformError): boolean => error._tag === "SystemError" && error.reason === "AlreadyExists"

const there = "is there already; --force replaces it"

const moveInto = Effect.fnUntraced(
  function*(target: string, text: string, replace: boolean) {
    const files = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const directory = yield* files.makeTempDirectoryScoped({ directory: path.dirname(target), prefix: ".telemachy-" })
    const part = path.join(directory, path.basename(target))
    yield* files.writeFileString(part, text)
    if (replace) return yield* files.rename(part, target)
    // A link is made only where nothing is, which a file system without links can not do: there, such a file is opened.
    const open = files.writeFileString(target, text, { flag: "wx" }).pipe(
      Effect.tapError((error) => isThere(error) ? Effect.void : Effect.ignore(files.remove(target, { force: true })))
    )
    yield* Effect.catchIf(files.link(part, target), (error) => !isThere(error), () => open)
  },
  Effect.scoped
)
