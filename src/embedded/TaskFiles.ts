/**
 * The files between a task and its program: one with what the program can read
 * of the run, and one for what the task answers by name. They are private, and
 * gone when the program has ended.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

/** The most bytes of outputs that are read. */
const mostBytes = 1024 * 1024

/** The files of one task. */
export interface TaskFiles {
  /** How its program finds them. */
  readonly environment: Readonly<Record<string, string>>
  /** The file that has the prompt, if one was given. */
  readonly promptFile: string
  /** What the program has written for its outputs, if anything. */
  readonly outputs: Effect.Effect<Option.Option<Readonly<Record<string, unknown>>>>
}

/** What the files have in them. */
export interface Given {
  /** What the program can read of the run. */
  readonly context?: string | undefined
  /** What it is told to do, where it reads that from a file. */
  readonly prompt?: string | undefined
}

/** Where the files of tasks are, until the scope closes. */
export const makeDirectory = Effect.flatMap(FileSystem.FileSystem, (files) =>
  files.makeTempDirectoryScoped({ prefix: "telemachy-tasks-" }))

/** Makes the files of a task, which are removed when the scope closes. */
export const make = Effect.fnUntraced(function*(directory: string, task: string, { context, prompt }: Given) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const fileOf = (ending: string) => path.join(directory, `${task}.${ending}`)
  const [read, written, promptFile] = [fileOf("json"), fileOf("out"), fileOf("txt")]
  const remove = (file: string) => Effect.ignore(files.remove(file, { force: true }))
  yield* Effect.addFinalizer(() => remove(written))
  if (context !== undefined) {
    yield* Effect.addFinalizer(() => remove(read))
    yield* files.writeFileString(read, context, { mode: 0o600 })
  }
  if (prompt !== undefined) {
    yield* Effect.addFinalizer(() => remove(promptFile))
    yield* files.writeFileString(promptFile, prompt, { mode: 0o600 })
  }
  const text = files.stream(written, { bytesToRead: mostBytes }).pipe(Stream.decodeText(), Stream.mkString)
  // A program need not write any, and what it has made there need not be a file that ends.
  const outputs = files.stat(written).pipe(
    Effect.flatMap(({ type }) => (type === "File" ? Effect.map(text, parse) : Effect.succeedNone)),
    Effect.orElseSucceed(() => Option.none())
  )
  return {
    promptFile,
    environment: { TELEMACHY_OUTPUT: written, ...(context === undefined ? {} : { TELEMACHY_CONTEXT: read }) },
    outputs
  } satisfies TaskFiles
})

const parseObject = Schema.decodeOption(Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.Unknown })))

/** Reads one object of JSON, or lines of `name=value`. */
const parse = (text: string): Option.Option<Readonly<Record<string, unknown>>> =>
  Option.orElse(parseObject(text), () => {
    const lines = text.split(/\r?\n/).flatMap((line): ReadonlyArray<readonly [string, string]> => {
      const sign = line.indexOf("=")
      return sign < 1 ? [] : [[line.slice(0, sign).trim(), line.slice(sign + 1)]]
    })
    return lines.length === 0 ? Option.none() : Option.some(Object.fromEntries(lines))
  })
