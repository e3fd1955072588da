import { spawnSync } from "node:child_process"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as FileSystem from "@effect/platform/FileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as TaskFiles from "../../src/embedded/TaskFiles.ts"

/** What a program that has written this is read to have answered. */
const written = (text: string | undefined) =>
  Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    const { environment, outputs } = yield* TaskFiles.make(yield* TaskFiles.makeDirectory, "1", {})
    if (text !== undefined) yield* files.writeFileString(environment.TELEMACHY_OUTPUT, text)
    return Option.getOrUndefined(yield* outputs)
  }).pipe(Effect.scoped)

const withFiles = <A, E>(name: string, test: () => Effect.Effect<A, E, NodeContext.NodeContext | Scope.Scope>) =>
  it.scoped(name, () => Effect.provide(test(), NodeContext.layer))

describe("TaskFiles", () => {
  withFiles("read lines of names and values, or one object", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* written("a=1\n\nb = x=y\r\nno\n=z\n"), { a: "1", b: " x=y" })
      assert.deepStrictEqual(yield* written("{\"a\": [1, \"x\"]}\n"), { a: [1, "x"] })
      for (const text of [undefined, "", "[1]", "no line", `{"a": "${"x".repeat(2 * 1024 * 1024)}"}`]) {
        assert.isUndefined(yield* written(text), text?.slice(0, 10))
      }
    }))

  withFiles("do not wait for what is no file", () =>
    Effect.gen(function*() {
      const { environment, outputs } = yield* TaskFiles.make(yield* TaskFiles.makeDirectory, "1", {})
      spawnSync("mkfifo", [environment.TELEMACHY_OUTPUT])
      assert.isTrue(Option.isNone(yield* outputs))
    }))

  withFiles("give the context in a private file, which is gone afterwards", () =>
    Effect.gen(function*() {
      const files = yield* FileSystem.FileSystem
      const directory = yield* TaskFiles.makeDirectory
      yield* Effect.scoped(Effect.gen(function*() {
        const { environment } = yield* TaskFiles.make(directory, "1", { context: "{}" })
        const path = environment.TELEMACHY_CONTEXT ?? ""
        assert.strictEqual(yield* files.readFileString(path), "{}")
        assert.strictEqual((yield* files.stat(path)).mode & 0o777, 0o600)
        assert.strictEqual((yield* files.stat(directory)).mode & 0o777, 0o700)
        yield* files.writeFileString(environment.TELEMACHY_OUTPUT, "a=1")
      }))
      assert.deepStrictEqual(yield* files.readDirectory(directory), [])
    }))
})
