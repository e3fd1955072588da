/**
 * Reads a workflow from a YAML file. Whatever is wrong with the file is reported
 * at once, each problem with its line and column.
 */
import { Buffer, isUtf8 } from "node:buffer"
import { basename, dirname, isAbsolute, join } from "node:path"
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import * as Struct from "effect/Struct"
import * as UsedFileReader from "./UsedFileReader.ts"
import * as UsedFiles from "./UsedFiles.ts"
import { invalid, type Path, type Position, type Warning, type Within, type WorkflowInvalid } from "./WorkflowProblem.ts"
import * as WorkflowSpec from "./WorkflowSpec.ts"
import { maxFileBytes, WorkflowUnreadable } from "./WorkflowUnreadable.ts"
import * as YamlTree from "./YamlTree.ts"

/**
 * Size of the largest file that is read, in bytes: 2 MiB. A workflow of 10,000 tasks fits.
 *
 * **Example** (Refusing an upload before it is read)
 *
 * ```ts
 * import { WorkflowFile } from "telemachy"
 *
 * export const isTooLarge = (bytes: Uint8Array) => bytes.length > WorkflowFile.maxFileBytes
 * ```
 *
 * @since 0.1.0
 * @category config
 */
export { maxFileBytes } from "./WorkflowUnreadable.ts"

/**
 * Occurs when there is no text to parse: the file cannot be read, is too large, or is not UTF-8.
 *
 * **Example** (Falling back to another file)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { WorkflowFile } from "telemachy"
 *
 * export const load = WorkflowFile.load("workflow.yaml").pipe(
 *   Effect.catchTag("WorkflowUnreadable", () => WorkflowFile.load("default.yaml"))
 * )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export { WorkflowUnreadable } from "./WorkflowUnreadable.ts"

/**
 * A workflow together with the places in its file.
 *
 * @since 0.1.0
 * @category models
 */
export interface Located {
  readonly spec: WorkflowSpec.WorkflowSpec
  /** What is probably not meant, though it can be run, in the order of the file. */
  readonly warnings: ReadonlyArray<Warning>
  /** Finds where the value at a path of the file is written, such as `["teams", 0, "name"]`, or a part of that text. */
  readonly locate: (path: Path, within?: Within) => Position
  /** Where the files are that it uses, their texts, and where in them something is written, by their paths from its directory. */
  readonly files: ReadonlyMap<string, Pick<WorkflowSpec.Origin, "source" | "locate"> & { readonly text: string }>
}

/**
 * Parses the text of a workflow file, which can not use other files: {@link load} reads them. `source` is what problems name as
 * the file.
 *
 * **Example** (A workflow that came over the network)
 *
 * ```ts
 * import { WorkflowFile } from "telemachy"
 *
 * export const fromRequest = (body: string) => WorkflowFile.parse(body, "the request")
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const parse = (
  text: string,
  source: string
): Effect.Effect<WorkflowSpec.WorkflowSpec, WorkflowInvalid | WorkflowUnreadable> =>
  Effect.map(parseWithPositions(text, source), ({ spec }) => spec)

/**
 * Parses the text of a workflow file and keeps the position of each value, for further checks.
 *
 * @internal
 */
export const parseWithPositions = Effect.fn("WorkflowFile.parse")(function*(text: string, source: string) {
  const { locate, value, writtenAt, ...found } = yield* parseTree(text, source)
  const spec = yield* WorkflowSpec.decodeUnknown(value, { source, locate, writtenAt, ...found })
  return located({ spec, warnings: WorkflowSpec.warnings(value, { locate }), locate })
})

const located = ({ locate, ...rest }: Omit<Located, "locate" | "files"> & Partial<Pick<Located, "files">> & { readonly locate: Tree["locate"] }): Located =>
  ({ files: new Map(), ...rest, locate: (path, within) => locate(path, false, within) })

type Tree = Effect.Effect.Success<ReturnType<typeof parseTree>>

const parseTree = Effect.fnUntraced(function*(text: string, source: string) {
  // A character is at least one byte, so a longer text need not be encoded to know.
  const bytes = text.length > maxFileBytes ? text.length : new TextEncoder().encode(text).length
  if (bytes > maxFileBytes) {
    return yield* new WorkflowUnreadable({ source, reason: "TooLarge", detail: String(bytes) })
  }
  const tree = treeOf(text)
  if (Either.isLeft(tree)) return yield* invalid(source, tree.left)
  const { repeatedKeys: { omitted, problems }, ...rest } = tree.right
  return { ...rest, omitted, problems }
})

/** Reads a text as a workflow, which a file of nothing is not, and which has no workflows with it but those of other files. */
const treeOf = (text: string): ReturnType<typeof YamlTree.read> =>
  Either.flatMap(YamlTree.read(withoutMark(text)), (tree): ReturnType<typeof YamlTree.read> => {
    if (tree.value === null) {
      return Either.left({ problems: [{ path: "", line: 1, column: 1, found: "an empty file", expected: "a workflow" }], omitted: 0 })
    }
    if (!Predicate.isRecord(tree.value) || !Object.hasOwn(tree.value, "files")) return Either.right(tree)
    const problem = {
      path: "files",
      ...tree.locate(["files"], true),
      found: "an unknown key",
      expected: "a key of a workflow: the workflows that tasks use are in the files that uses names"
    }
    return Either.left({ problems: [...tree.repeatedKeys.problems, problem], omitted: tree.repeatedKeys.omitted })
  })

/**
 * Parses the text of a workflow with the files that it uses, which are found from the directory of its own file, or from the
 * current one when it has none. What is wrong with any of them is reported at once.
 *
 * @internal
 */
export const parseWithFiles = Effect.fn("WorkflowFile.parseWithFiles")(function*(
  text: string,
  source: string,
  path: string | undefined
) {
  const name = path === undefined ? UsedFiles.root : basename(path)
  const directory = path === undefined ? "" : dirname(path)
  return yield* parseUsing(text, source, name, (each) => readUsed(isAbsolute(each) ? each : join(directory, each)))
})

/**
 * Parses the text of a workflow with the texts of the files that it uses, by their paths from its directory. No file is read.
 *
 * @internal
 */
export const parseWithTexts = (text: string, source: string, files: Readonly<Record<string, string>>) =>
  parseUsing(text, source, UsedFiles.root, (each) => {
    const given = Object.hasOwn(files, each) ? files[each] : undefined
    const missing: UsedFileReader.Missing = { found: "a file that was not given", expected: "the path of a file that is given with the workflow" }
    return Effect.succeed(given === undefined ? Either.left(missing) : Either.right({ source: each, text: given, tree: treeOf(given) }))
  })

const parseUsing = Effect.fn("WorkflowFile.parseUsing")(function*<R>(
  text: string,
  source: string,
  name: string,
  read: (name: string) => Effect.Effect<Either.Either<UsedFileReader.UsedFile, UsedFileReader.Missing>, never, R>
) {
  const root = yield* parseTree(text, source)
  const files = yield* UsedFileReader.readAll({ name, value: root.value }, read)
  const find = (each: string) => each === name ? root.value : UsedFileReader.valueIn(files, each)
  const missing = (each: string) => Option.getOrUndefined(Option.flatMap(Option.fromNullable(files.get(each)), Either.getLeft))
  const used = { name, find, missing }
  const decode = ({ locate, value, writtenAt, ...found }: Tree, from: string, name: string) =>
    Effect.map(
      WorkflowSpec.decodeUnknown(value, { source: from, locate, writtenAt, ...found, used: { ...used, name } }),
      (spec) => ({ spec, warnings: WorkflowSpec.warnings(value, { locate, used: { ...used, name } }) })
    )
  const whole = yield* Effect.either(decode(root, source, name))
  const each = yield* Effect.forEach(filesThatAreThere(files), ([name, file]) =>
    Effect.map(
      Effect.either(Effect.flatMap(asInvalid(file), (tree) => decode(tree, file.source, name))),
      (decoded) => ({ name, file, decoded })
    ))
  const wrong = each.flatMap(({ decoded }) => (Either.isLeft(decoded) ? [decoded.left] : []))
  if (Either.isLeft(whole) || wrong.length > 0) {
    const own = Either.isLeft(whole) ? whole.left : undefined
    return yield* invalid(source, {
      problems: [...own?.problems ?? [], ...wrong.flatMap(({ problems, source }) => problems.map((problem) => ({ ...problem, source })))],
      omitted: [...(own === undefined ? [] : [own]), ...wrong].reduce((sum, { omitted = 0 }) => sum + omitted, 0)
    })
  }
  const right = each.flatMap(({ decoded, file, name }) => (Either.isRight(decoded) ? [{ ...decoded.right, file, name }] : []))
  const specs = Object.fromEntries(right.map(({ name, spec }) => [name, Struct.omit(spec, "files")]))
  return located({
    spec: right.length === 0 ? whole.right.spec : { ...whole.right.spec, files: specs },
    warnings: [...whole.right.warnings, ...right.flatMap(({ file: { source }, warnings }) => warnings.map((each) => ({ ...each, source })))],
    locate: root.locate,
    files: new Map(right.map(({ file: { source, text, tree }, name }) => [name, { source, text, ...Either.match(tree, { onLeft: () => ({}), onRight: ({ locate }) => ({ locate }) }) }]))
  })
})

const filesThatAreThere = (files: UsedFileReader.ReadFiles) =>
  [...files].flatMap(([name, file]) => (Either.isRight(file) ? [[name, file.right] as const] : []))

const asInvalid = ({ source, tree }: UsedFileReader.UsedFile): Either.Either<Tree, WorkflowInvalid> =>
  Either.mapBoth(tree, {
    onLeft: (listed) => invalid(source, listed),
    onRight: ({ repeatedKeys: { omitted, problems }, ...rest }) => ({ ...rest, omitted, problems })
  })

const readUsed = (path: string) =>
  Effect.map(Effect.either(read(path)), Either.mapBoth({
    onLeft: ({ message }): UsedFileReader.Missing => ({
      found: `a file that can not be read (${message})`,
      expected: "the path of a workflow file, from the directory of this one"
    }),
    onRight: (text): UsedFileReader.UsedFile => ({ source: path, text, tree: treeOf(text) })
  }))

/**
 * The text of a file without the mark of its byte order: what lines and columns are counted in.
 *
 * @internal
 */
export const withoutMark = (text: string): string => (text.startsWith("\ufeff") ? text.slice(1) : text)

/**
 * Loads a workflow file, with the files that its tasks use.
 *
 * **Example** (Loading and running a file)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { WorkflowExecutor, WorkflowFile } from "telemachy"
 *
 * export const program = Effect.flatMap(WorkflowFile.load("workflows/hello.yaml"), (spec) =>
 *   WorkflowExecutor.execute(spec))
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const load = (
  path: string
): Effect.Effect<WorkflowSpec.WorkflowSpec, WorkflowInvalid | WorkflowUnreadable, FileSystem.FileSystem> =>
  Effect.map(loadWithPositions(path), ({ spec }) => spec)

/**
 * Loads a workflow file and keeps the position of each value, for further checks.
 *
 * @internal
 */
export const loadWithPositions = Effect.fn("WorkflowFile.load")(function*(path: string) {
  return yield* parseWithFiles(yield* read(path), path, path)
})

/**
 * Reads the text of a workflow file.
 *
 * @internal
 */
export const read = Effect.fn("WorkflowFile.read")(function*(path: string) {
  const fs = yield* FileSystem.FileSystem
  const refail = Effect.mapError((error: PlatformError) => unreadable(path, error))
  const info = yield* refail(fs.stat(path))
  if (info.type === "Directory") return yield* new WorkflowUnreadable({ source: path, reason: "Directory" })
  if (info.size > maxFileBytes) {
    return yield* new WorkflowUnreadable({ source: path, reason: "TooLarge", detail: String(info.size) })
  }
  if (info.type !== "File") {
    return yield* new WorkflowUnreadable({ source: path, reason: "Other", detail: "not a regular file" })
  }
  // A file that grows meanwhile, or that does not tell its size, is read so far and no farther.
  return yield* textOf(yield* refail(chunksOf(path)), path)
})

/** How many bytes of a file are read at once. */
const chunkBytes = 64 * 1024

/** Reads the bytes of a file: of one that is larger than the limit, a few more than that. */
const chunksOf = Effect.fnUntraced(function*(path: string) {
  const file = yield* Effect.flatMap(FileSystem.FileSystem, (fs) => fs.open(path))
  const chunks: Array<Uint8Array> = []
  let read = 0
  while (read <= maxFileBytes) {
    const chunk = yield* file.readAlloc(chunkBytes)
    if (Option.isNone(chunk)) break
    chunks.push(chunk.value)
    read += chunk.value.length
  }
  return chunks
}, Effect.scoped)

/** The text that bytes are, unless they are more than the limit. */
const textOf = (chunks: ReadonlyArray<Uint8Array>, source: string): Effect.Effect<string, WorkflowUnreadable> => {
  const bytes = Buffer.concat(chunks)
  return bytes.length > maxFileBytes
    ? new WorkflowUnreadable({ source, reason: "TooLarge", detail: `more than ${maxFileBytes}` })
    : decodeUtf8(bytes, source)
}

/**
 * Reads the text of a workflow file as it comes, and not farther than a little behind the limit of its size.
 *
 * @internal
 */
export const readStream = Effect.fn("WorkflowFile.readStream")(function*<R>(
  stream: Stream.Stream<Uint8Array, WorkflowUnreadable, R>,
  source: string
) {
  const chunks: Array<Uint8Array> = []
  yield* Stream.runFoldWhile(stream, 0, (read) => read <= maxFileBytes, (read, chunk) => {
    chunks.push(chunk)
    return read + chunk.length
  })
  return yield* textOf(chunks, source)
})

const unreadable = (source: string, error: PlatformError): WorkflowUnreadable => {
  const reason = error._tag === "SystemError" ? error.reason : undefined
  return reason === "NotFound" || reason === "PermissionDenied"
    ? new WorkflowUnreadable({ source, reason })
    : new WorkflowUnreadable({ source, reason: "Other", detail: error.message })
}

const decodeUtf8 = (bytes: Uint8Array, source: string): Effect.Effect<string, WorkflowUnreadable> =>
  Effect.try({
    try: () => new TextDecoder("utf-8", { fatal: true }).decode(bytes),
    catch: () => new WorkflowUnreadable({ source, reason: "NotUtf8", detail: String(firstBadLine(bytes)) })
  })

// The byte of a line break is part of no other character, so that each line can be decoded by itself.
const firstBadLine = (bytes: Uint8Array): number => {
  let line = 1
  for (let start = 0; start <= bytes.length; line++) {
    const end = bytes.indexOf(0x0a, start)
    const content = bytes.subarray(start, end === -1 ? bytes.length : end)
    if (end === -1 || !isUtf8(content)) break
    start = end + 1
  }
  return line
}
