/** The workflow that a command is given: a file, or `-` for standard input. */
import { createReadStream } from "node:fs"
import * as NodeStream from "@effect/platform-node/NodeStream"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as WorkflowFile from "../workflow/WorkflowFile.ts"
import * as WorkingDirectory from "../workflow/WorkingDirectory.ts"
import * as Backend from "./Backend.ts"

/** Loads the workflow that an argument names, and tells the absolute path of its file if that can be read again. */
export const load = Effect.fn("WorkflowArgument.load")(function*(argument: string) {
  if (argument === "-") return { ...(yield* parse(() => process.stdin, "standard input")), source: undefined }
  const files = yield* FileSystem.FileSystem
  const type = yield* Effect.map(Effect.option(files.stat(argument)), Option.map((info) => info.type))
  // A pipe, as `<(command)` is, has no size, and can only be read from its beginning to its end.
  return Option.isSome(type) && isEndless.has(type.value)
    ? { ...(yield* parse(() => createReadStream(argument), argument)), source: undefined }
    : { ...(yield* WorkflowFile.loadWithPositions(argument)), source: (yield* Path.Path).resolve(argument) }
})

/** A workflow that was loaded, with the directories of its agents written out where they are on this machine. */
export const placed = Effect.fn("WorkflowArgument.placed")(function*(
  { source, spec }: Effect.Effect.Success<ReturnType<typeof load>>
) {
  return (yield* Backend.IsEmbedded) ? yield* WorkingDirectory.writeOut(spec, source) : spec
})

const isEndless = new Set<FileSystem.File.Type>(["FIFO", "CharacterDevice", "Socket"])

const parse = (open: () => NodeJS.ReadableStream, source: string) => {
  const bytes = NodeStream.fromReadable<WorkflowFile.WorkflowUnreadable, Uint8Array>(open, (cause) =>
    new WorkflowFile.WorkflowUnreadable({ source, reason: "Other", detail: String(cause) }))
  return WorkflowFile.parseStream(bytes, source)
}
