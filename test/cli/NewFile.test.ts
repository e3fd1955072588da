import { NodeContext } from "@effect/platform-node"
import { SystemError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as NewFile from "../../src/cli/NewFile.ts"

/** A file system on which nothing can have a second name. */
const withoutLinks = Effect.map(FileSystem.FileSystem, (files) =>
  FileSystem.FileSystem.of({
    ...files,
    link: (_, path) => Effect.fail(new SystemError({ reason: "Unknown", module: "FileSystem", method: "link", pathOrDescriptor: path, description: "EPERM" }))
  }))

const directory = Effect.flatMap(FileSystem.FileSystem, (files) => files.makeTempDirectoryScoped())

/** Many write the same file at once: what each has been told, and what is there afterwards. */
const race = Effect.gen(function*() {
  const files = yield* FileSystem.FileSystem
  const where = yield* directory
  const place = yield* NewFile.place(`${where}/flow`)
  const ended = yield* Effect.forEach(
    Array.from({ length: 12 }, (_, number) => `text ${number}`),
    (text) => Effect.either(Effect.as(NewFile.write(place, text, { replace: false }), text)),
    { concurrency: "unbounded" }
  )
  const told = ended.flatMap((each) => (Either.isLeft(each) ? [each.left.message] : []))
  const written = ended.flatMap((each) => (Either.isRight(each) ? [each.right] : []))
  return { told, written, found: yield* files.readFileString(place.path), left: yield* files.readDirectory(where), place }
})

describe("NewFile", () => {
  for (const [what, files] of [["a file system", FileSystem.FileSystem], ["a file system without links", withoutLinks]] as const) {
    it.scopedLive(`lets one of many write a file, and tells the others, on ${what}`, () =>
      Effect.gen(function*() {
        const { found, left, place, told, written } = yield* Effect.provideServiceEffect(race, FileSystem.FileSystem, files)
        assert.deepStrictEqual(written, [found])
        assert.deepStrictEqual(new Set(told), new Set([`${place.name}: is there already; --force replaces it`]))
        assert.lengthOf(told, 11)
        assert.deepStrictEqual(left, ["flow.yaml"])
      }).pipe(Effect.provide(NodeContext.layer)))
  }

  it.scopedLive("leaves what was there when the new text cannot be written", () =>
    Effect.gen(function*() {
      const files = yield* FileSystem.FileSystem
      const place = yield* NewFile.place(`${yield* directory}/flow.yaml`)
      yield* files.writeFileString(place.path, "before")
      const full = FileSystem.FileSystem.of({
        ...files,
        writeFileString: (path) =>
          Effect.fail(new SystemError({ reason: "Unknown", module: "FileSystem", method: "write", pathOrDescriptor: path, description: "ENOSPC: no space left on device, write" }))
      })
      const error = yield* Effect.flip(Effect.provideService(NewFile.write(place, "after", { replace: true }), FileSystem.FileSystem, full))
      assert.strictEqual(error.message, `${place.path}: could not be written: ENOSPC: no space left on device, write`)
      assert.strictEqual(yield* files.readFileString(place.path), "before")
    }).pipe(Effect.provide(NodeContext.layer)))
})
