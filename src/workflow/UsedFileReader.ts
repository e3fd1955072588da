/** Reads the files that a workflow uses, and those that these use, each once. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as UsedFiles from "./UsedFiles.ts"
import type { Finding } from "./WorkflowProblem.ts"
import type * as YamlTree from "./YamlTree.ts"

/** A file that is used, as far as it can be read. */
export interface UsedFile {
  readonly source: string
  readonly text: string
  readonly tree: ReturnType<typeof YamlTree.read>
}

/** Why a file can not be read. */
export type Missing = Pick<Finding, "found" | "expected">

/** The files that are used, by their names. */
export type ReadFiles = ReadonlyMap<string, Either.Either<UsedFile, Missing>>

/** Reads all files that a workflow uses, as deep as it takes to see that they are too deep, and no more than there can be. */
export const readAll = Effect.fnUntraced(function*<E, R>(
  root: { readonly name: string; readonly value: unknown },
  read: (name: string) => Effect.Effect<Either.Either<UsedFile, Missing>, E, R>
) {
  const files = new Map<string, Either.Either<UsedFile, Missing>>()
  let level = [root]
  for (let depth = 0; depth <= UsedFiles.maxDepth && level.length > 0; depth++) {
    const names = new Set(level.flatMap(({ name, value }) => UsedFiles.usesOf(value).map(({ uses }) => UsedFiles.nameOf(name, uses))))
    const next: Array<typeof root> = []
    for (const name of names) {
      if (name === root.name || files.has(name)) continue
      const file = files.size < UsedFiles.maxFiles ? yield* read(name) : Either.left(tooMany)
      files.set(name, file)
      if (Either.isRight(file) && Either.isRight(file.right.tree)) next.push({ name, value: file.right.tree.right.value })
    }
    level = next
  }
  return files
})

const tooMany: Missing = {
  found: `more than ${UsedFiles.maxFiles} files that are used`,
  expected: `at most ${UsedFiles.maxFiles}`
}

/** The workflow in a file. */
export const valueIn = (files: ReadFiles, name: string): unknown => {
  const file = files.get(name)
  return file !== undefined && Either.isRight(file) && Either.isRight(file.right.tree) ? file.right.tree.right.value : undefined
}
