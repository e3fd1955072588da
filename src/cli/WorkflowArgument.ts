/** The workflow that a command is given: a file, or `-` for standard input. */
import { createReadStream } from "node:fs"
import * as NodeStream from "@effect/platform-node/NodeStream"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as ProblemReport from "../report/ProblemReport.ts"
import * as Evaluation from "../workflow/Evaluation.ts"
import * as WorkflowFile from "../workflow/WorkflowFile.ts"
import type { Path as PathInWorkflow, Within } from "../workflow/WorkflowProblem.ts"
import * as WorkingDirectory from "../workflow/WorkingDirectory.ts"
import * as Backend from "./Backend.ts"
import { CommandExit } from "./CommandExit.ts"
import * as ExitCode from "./ExitCode.ts"
import * as Streams from "./Streams.ts"

/** Reads the text that an argument names, and tells the absolute path of its file if that can be read again. */
const read = Effect.fn("WorkflowArgument.read")(function*(argument: string) {
  if (argument === "-") return { name: "standard input", text: yield* streamed(() => process.stdin, "standard input"), source: undefined }
  const files = yield* FileSystem.FileSystem
  const type = yield* Effect.map(Effect.option(files.stat(argument)), Option.map((info) => info.type))
  // A pipe, as `<(command)` is, has no size, and can only be read from its beginning to its end.
  return Option.isSome(type) && isEndless.has(type.value)
    ? { name: argument, text: yield* streamed(() => createReadStream(argument), argument), source: undefined }
    : { name: argument, text: yield* WorkflowFile.read(argument), source: (yield* Path.Path).resolve(argument) }
})

/** Checks the workflow that an argument names. On the left of the result is what is wrong with it. */
export const check = Effect.fn("WorkflowArgument.check")(function*(argument: string) {
  const { name, source, text } = yield* read(argument)
  const parsed = WorkflowFile.parseWithFiles(text, name, source === undefined ? undefined : argument).pipe(
    Effect.map(Either.right),
    Effect.catchTag("WorkflowInvalid", (invalid) => Effect.succeed(Either.left(invalid)))
  )
  return { name, source, text: WorkflowFile.withoutMark(text), result: yield* parsed }
})

/** The texts of files that are used of which something is said. One that can not be read any more is told without its lines. */
const textsOf = (told: ReadonlyArray<{ readonly source?: string }>) =>
  Effect.map(
    Effect.forEach(new Set(told.flatMap(({ source }) => source ?? [])), (source) =>
      Effect.option(Effect.map(WorkflowFile.read(source), (text) => [source, WorkflowFile.withoutMark(text)] as const))),
    (found) => new Map(found.flatMap(Option.toArray))
  )

/** Says on standard error what is wrong with a workflow, and what is probably not meant. */
export const tell = Effect.fn("WorkflowArgument.tell")(function*(
  { name, result, text }: Effect.Effect.Success<ReturnType<typeof check>>
) {
  const told = Either.match(result, { onLeft: ({ problems }) => problems, onRight: ({ warnings }) => warnings })
  const options = { ...(yield* Streams.outputOf(process.stderr)), text, texts: yield* textsOf(told) }
  const lines = Either.match(result, {
    onLeft: (invalid) => ProblemReport.problems(invalid, options),
    onRight: ({ warnings }) => ProblemReport.warnings(name, warnings, options)
  })
  if (lines.length > 0) yield* Console.error(lines.join("\n"))
})

/** Loads the workflow that an argument names, and ends the command when it can not be run, having said why. */
export const load = Effect.fn("WorkflowArgument.load")(function*(argument: string) {
  const checked = yield* check(argument)
  if (Either.isRight(checked.result)) return { ...checked.result.right, checked, source: checked.source, warn: tell(checked) }
  yield* tell(checked)
  return yield* new CommandExit({ code: ExitCode.invalid })
})

/** A workflow that was loaded. */
export type Loaded = Effect.Effect.Success<ReturnType<typeof load>>

/** Evaluates a workflow that was loaded with what it is given, and ends the command when that can not be run, having said why. */
export const evaluate = Effect.fn("WorkflowArgument.evaluate")(function*(
  { checked, files, locate, spec }: Loaded,
  inputs: Readonly<Record<string, unknown>>
) {
  const origin = { source: checked.name, files, locate: (path: PathInWorkflow, _: boolean, within?: Within) => locate(path, within) }
  return yield* Evaluation.evaluate(spec, { inputs, run: { id: idToCome, attempt: 1 } }, origin).pipe(
    Effect.catchTag("WorkflowInvalid", (invalid) =>
      Effect.zipRight(tell({ ...checked, result: Either.left(invalid) }), new CommandExit({ code: ExitCode.invalid })))
  )
})

/** What stands for the id of a run that has none yet, and is as long. */
const idToCome = "<id of the run>"

/** A workflow that is from a file, with the directories of its agents written out where they are on this machine. */
export const placed = Effect.fn("WorkflowArgument.placed")(function*({ source }: Loaded, { fileOf, spec }: Pick<Evaluation.Evaluated, "spec" | "fileOf">) {
  return (yield* Backend.IsEmbedded) ? yield* WorkingDirectory.writeOut(spec, source, fileOf) : spec
})

const isEndless = new Set<FileSystem.File.Type>(["FIFO", "CharacterDevice", "Socket"])

const streamed = (open: () => NodeJS.ReadableStream, source: string) => {
  const bytes = NodeStream.fromReadable<WorkflowFile.WorkflowUnreadable, Uint8Array>(open, (cause) =>
    new WorkflowFile.WorkflowUnreadable({ source, reason: "Other", detail: String(cause) }))
  return WorkflowFile.readStream(bytes, source)
}
