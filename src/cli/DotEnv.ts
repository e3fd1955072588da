/**
 * The variables of a `.env` file, in the dialect of the npm package `dotenv`,
 * which interpolates nothing.
 *
 * The library says neither where a variable stands nor what it took for a
 * comment. It is asked once more, about a text in which that shows.
 */
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as dotenv from "dotenv"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** What a `.env` file says. */
export interface DotEnv {
  readonly values: ReadonlyMap<string, string>
  /** The line on which a variable that it has is set, counted from 1. */
  readonly lineOf: (name: string) => number
  /** Whether a value ends before a `#` inside a word, from which on the dialect sees a comment. */
  readonly isCut: (name: string) => boolean
}

/** A `.env` file is there and could not be read. */
export class DotEnvError extends Schema.TaggedError<DotEnvError>()("DotEnvError", { detail: Schema.String }) {
  override get message(): string {
    return `.env: ${this.detail}`
  }
}

/** Says why a file could not be read. */
export const inWords = (error: PlatformError): string => {
  const reason = error._tag === "SystemError" ? error.reason : undefined
  switch (reason) {
    case "NotFound":
      return "no such file"
    case "PermissionDenied":
      return "no permission to read it"
    default:
      return `cannot be read (${error.message})`
  }
}

// No text has it: it is no character.
const mark = "\uffff"

const valuesIn = (text: string): ReadonlyMap<string, string> => new Map(Object.entries(dotenv.parse(text)))

/** Reads the text of a `.env` file. */
export const parse = (text: string): DotEnv => {
  const values = valuesIn(text)
  const marked = valuesIn(text.replaceAll(/(?<=\S)#/g, mark))
  const lines = text.split(/\r\n?|\n/)

  const isCut = (name: string) => {
    const value = marked.get(name) ?? ""
    // Behind a quote that is closed there is nothing but a comment.
    if (new RegExp(`^(["'\`]).*\\1${mark}`, "s").test(value)) return false
    return value.replaceAll(mark, "#") !== (values.get(name) ?? "")
  }

  const lineOf = (name: string) => {
    // The last one counts. A line of a quoted text can look like one, and is none for the library.
    const setting = new RegExp(`^(\\s*(?:export\\s+)?)${name.replaceAll(/[.-]/g, "\\$&")}(?=\\s*[=:])`)
    const isSet = (line: string, index: number) =>
      setting.test(line) && valuesIn(lines.with(index, line.replace(setting, "$1TELEMACHY_LINE")).join("\n")).has("TELEMACHY_LINE")
    return lines.findLastIndex(isSet) + 1
  }

  return { values, lineOf, isCut }
}

const none = parse("")

/**
 * The `.env` file of the working directory. It is a convenience: one that is
 * missing says nothing, and neither does a directory, as a virtual environment of
 * Python can be.
 */
export const read: Effect.Effect<DotEnv, DotEnvError, FileSystem.FileSystem> = Effect.gen(function*() {
  const files = yield* FileSystem.FileSystem
  const { type } = yield* files.stat(".env")
  return type === "Directory" ? none : parse(yield* files.readFileString(".env"))
}).pipe(
  Effect.catchAll((error) =>
    error._tag === "SystemError" && error.reason === "NotFound"
      ? Effect.succeed(none)
      : new DotEnvError({ detail: inWords(error) })
  )
)
