import * as NodeContext from "@effect/platform-node/NodeContext"
import * as FileSystem from "@effect/platform/FileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as ApiKeys from "../../src/server/ApiKeys.ts"

const inDirectory = <A, E>(test: (directory: string) => Effect.Effect<A, E, NodeContext.NodeContext>) =>
  Effect.scoped(Effect.flatMap(FileSystem.FileSystem, (files) => Effect.flatMap(files.makeTempDirectoryScoped(), test))).pipe(
    Effect.provide(NodeContext.layer)
  )

const valuesOf = (keys: ReadonlyArray<ApiKeys.ApiKey>) => keys.map(({ key, role }) => [role, Redacted.value(key)])

describe("ApiKeys", () => {
  it.live("are made once, for their owner alone, and read again", () =>
    inDirectory((directory) =>
      Effect.gen(function*() {
        const files = yield* FileSystem.FileSystem
        const path = `${directory}/below/keys`
        // Of many that start at once, one makes them, and all have the same.
        const all = yield* Effect.all(Array.from({ length: 8 }, () => ApiKeys.load(path)), { concurrency: "unbounded" })
        const [first] = all
        assert.lengthOf(all.filter(({ isNew }) => isNew), 1)
        for (const { keys } of all) assert.deepStrictEqual(valuesOf(keys), valuesOf(first?.keys ?? []))
        assert.deepStrictEqual(first?.keys.map(({ role }) => role), ["operate", "read"])
        assert.strictEqual((yield* files.stat(path)).mode & 0o777, 0o600)
        assert.deepStrictEqual(yield* files.readDirectory(`${directory}/below`), ["keys"])
      })))

  it.live("are told by their roles and names, in any number of lines", () =>
    Effect.gen(function*() {
      const keys = yield* ApiKeys.parse("keys", "# of the team\n\noperate aaaaaaaaaaaaaaaaaaaaaaaa the deploy\n  read bbbbbbbbbbbbbbbbbbbbbbbb\r\n")
      assert.deepStrictEqual(keys.map(({ name, role }) => [role, name]), [["operate", "the deploy"], ["read", "a key of line 4"]])
      const find = ApiKeys.finder(keys)
      assert.strictEqual(find(Redacted.make("aaaaaaaaaaaaaaaaaaaaaaaa"))?.role, "operate")
      assert.isUndefined(find(Redacted.make("aaaaaaaaaaaaaaaaaaaaaaa")))
      assert.isUndefined(find(Redacted.make("")))
    }))

  it.live("that can not be used are refused in words, and not shown", () =>
    inDirectory((directory) =>
      Effect.gen(function*() {
        const files = yield* FileSystem.FileSystem
        const path = `${directory}/keys`
        const refusal = (text: string) =>
          Effect.map(Effect.flip(Effect.zipRight(files.writeFileString(path, text), ApiKeys.load(path))), ({ message }) => message.slice(message.indexOf("): ") + 3))
        const long = "a".repeat(24)
        assert.strictEqual(yield* refusal(`write ${long}`), "line 1: expected read or operate, a key, and a name for it")
        assert.strictEqual(yield* refusal("\nread short"), "line 2: a key has at least 20 characters")
        assert.strictEqual(yield* refusal(`read ${long}\noperate ${long}`), "line 2: the key is there twice")
        assert.strictEqual(yield* refusal("# none\n"), "it has no key; remove the file for new ones to be made")
        assert.match(yield* refusal("#".repeat(300_000)), /^it has 300000 bytes/)
        yield* files.writeFileString(path, `read ${long}`)
        yield* files.chmod(path, 0o622)
        assert.include((yield* Effect.flip(ApiKeys.load(path))).message, "others may write to it: chmod 600")
        assert.include((yield* Effect.flip(ApiKeys.load(directory))).message, "it is no file")
      })))
})
