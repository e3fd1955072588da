import { chmodSync, existsSync, readdirSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { emptyDirectory, run, test } from "../support/TestCommand.ts"

const starts = (home: string, env: Readonly<Record<string, string>> = {}) =>
  Effect.map(run(["--help"], { env: { HOME: home, XDG_CACHE_HOME: "", ...env } }), ({ code, stderr, stdout }) => {
    assert.strictEqual(code, 0, stderr)
    assert.strictEqual(stderr, "")
    assert.include(stdout, "telemachy COMMAND [FLAGS] [ARGUMENTS]")
  })

const directoryOf = (home: string) => join(home, ".cache/telemachy")

const fileOf = (home: string) => join(directoryOf(home), "help.code")

describe.concurrent("the start of a command", () => {
  test("keeps what was compiled for the user alone, and the next ones use it", () =>
    Effect.gen(function*() {
      const home = yield* emptyDirectory
      yield* starts(home)
      assert.strictEqual(statSync(directoryOf(home)).mode & 0o777, 0o700)
      assert.strictEqual(statSync(fileOf(home)).mode & 0o777, 0o600)
      for (let use = 2; use <= 3; use += 1) yield* starts(home)
      const { ino } = statSync(fileOf(home))
      // By now all is known that it needs.
      yield* starts(home)
      assert.strictEqual(statSync(fileOf(home)).ino, ino)
    }))

  test("does without what is damaged or could be another's, and replaces it where that is possible", () =>
    Effect.gen(function*() {
      const home = yield* emptyDirectory
      yield* starts(home)
      writeFileSync(fileOf(home), "no code")
      yield* starts(home)
      assert.isAbove(statSync(fileOf(home)).size, 100_000)
      chmodSync(directoryOf(home), 0o777)
      writeFileSync(fileOf(home), "from somebody else")
      yield* starts(home)
      assert.strictEqual(statSync(fileOf(home)).size, "from somebody else".length)
    }))

  test("keeps nothing of what has failed, nor where it is told not to, nor where nothing can be made", () =>
    Effect.gen(function*() {
      const home = yield* emptyDirectory
      yield* run(["nonsense"], { env: { HOME: home, XDG_CACHE_HOME: "" } })
      yield* starts(home, { NODE_DISABLE_COMPILE_CACHE: "1" })
      assert.deepStrictEqual(readdirSync(home), [])
      yield* starts("/proc/nowhere")
      yield* starts("/dev/null")
      yield* starts("")
      assert.isFalse(existsSync("/proc/nowhere"))
    }))
})
