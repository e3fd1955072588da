import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as CompiledCode from "../../src/cli/CompiledCode.ts"

const home = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "telemachy-code-"))),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
)

const place = (directory: string, command = "run"): CompiledCode.Place => ({ directory: join(directory, "telemachy"), command, key: "1" })

const kept: CompiledCode.Kept = { code: Buffer.from("what the compiler knows"), uses: 1 }

const file = (at: CompiledCode.Place): string => join(at.directory, `${at.command}.code`)

/** Keeps some code, does something to it, and reads it again. */
const readAfter = (change: (at: CompiledCode.Place) => void) =>
  Effect.map(home, (directory) => {
    const at = place(directory)
    CompiledCode.write(at, kept)
    assert.isDefined(CompiledCode.read(at))
    change(at)
    return CompiledCode.read(at)
  })

/** A program. A text that this process has compiled before, V8 does not compile again. */
const sourceOf = (name: string): string => `(function () { return [1, 2, 3].map((each) => each * 2).join() }) // ${name}`

describe("CompiledCode", () => {
  it.scoped("keeps the code of each command, where only its owner can read it", () =>
    Effect.map(home, (directory) => {
      const at = place(directory)
      CompiledCode.write(at, kept)
      CompiledCode.write(place(directory, "list"), { code: Buffer.from("other"), uses: 2 })
      assert.deepStrictEqual(CompiledCode.read(at), kept)
      assert.deepStrictEqual(CompiledCode.read(place(directory, "list")), { code: Buffer.from("other"), uses: 2 })
      assert.strictEqual(statSync(at.directory).mode & 0o777, 0o700)
      assert.strictEqual(statSync(file(at)).mode & 0o777, 0o600)
    }))

  for (
    const [what, change] of Object.entries({
      "of another program or another Node": (at) => CompiledCode.write({ ...at, key: "2" }, kept),
      "that others can write": (at) => chmodSync(file(at), 0o620),
      "in a directory that others can write": (at) => chmodSync(at.directory, 0o777),
      "that is a link": (at) => {
        writeFileSync(join(at.directory, "elsewhere"), readFileSync(file(at)), { mode: 0o600 })
        rmSync(file(at))
        symlinkSync("elsewhere", file(at))
      },
      "of which the end is missing": (at) => writeFileSync(file(at), readFileSync(file(at)).subarray(0, -1)),
      "that is empty": (at) => writeFileSync(file(at), ""),
      "that a bit of is another": (at) => {
        const content = readFileSync(file(at))
        content.writeUInt8(content.readUInt8(10) ^ 1, 10)
        writeFileSync(file(at), content)
      }
    } satisfies Record<string, (at: CompiledCode.Place) => void>)
  ) {
    it.scoped(`uses no code ${what}`, () => Effect.map(readAfter(change), (read) => assert.isUndefined(read)))
  }

  it.scoped("uses no directory that is a link", () =>
    Effect.map(home, (directory) => {
      const at = place(directory)
      mkdirSync(join(directory, "elsewhere"), { mode: 0o700 })
      symlinkSync("elsewhere", at.directory)
      CompiledCode.write(at, kept)
      assert.deepStrictEqual(readdirSync(at.directory), [])
    }))

  it.scoped("makes the directory and the one above it, and nothing where there is no home", () =>
    Effect.map(home, (directory) => {
      const below = place(join(directory, ".cache"))
      CompiledCode.write(below, kept)
      assert.isDefined(CompiledCode.read(below))
      for (const nowhere of [join(directory, "nobody/.cache"), "/proc/nowhere", "/dev/null"]) {
        CompiledCode.write(place(nowhere), kept)
        assert.isUndefined(CompiledCode.read(place(nowhere)), nowhere)
      }
      assert.deepStrictEqual(readdirSync(directory), [".cache"])
    }))

  it.scoped("keeps so many files, those that were written last, and nothing unfinished", () =>
    Effect.map(home, (directory) => {
      const unfinished = join(place(directory).directory, "run.code.1.new")
      for (let position = 0; position < CompiledCode.mostFiles + 3; position += 1) {
        const at = place(directory, `c${position}`)
        CompiledCode.write(at, kept)
        if (position === 0) writeFileSync(unfinished, "")
        const long = new Date(1_000_000_000_000 + position * 1000)
        utimesSync(file(at), long, long)
        if (position === 0) utimesSync(unfinished, new Date(0), new Date(0))
      }
      const names = readdirSync(place(directory).directory)
      assert.strictEqual(names.length, CompiledCode.mostFiles)
      assert.notInclude(names, "c0.code")
      assert.notInclude(names, "run.code.1.new")
    }))

  it.scoped("compiles with what was kept, to which the first few processes add", () =>
    Effect.map(home, (directory) => {
      const at = place(directory)
      for (let use = 1; use <= CompiledCode.mostUses + 2; use += 1) {
        const { keep, script } = CompiledCode.compile(sourceOf("added to"), "program.cjs", at)
        assert.strictEqual(script.cachedDataRejected, use === 1 ? undefined : false)
        assert.strictEqual(script.runInThisContext()(), "2,4,6")
        keep()
        assert.strictEqual(CompiledCode.read(at)?.uses, Math.min(use, CompiledCode.mostUses))
      }
    }))

  it.scoped("compiles without, when the compiler does not take what was kept", () =>
    Effect.map(home, (directory) => {
      const at = place(directory)
      CompiledCode.write(at, kept)
      const { keep, script } = CompiledCode.compile(sourceOf("not taken"), "program.cjs", at)
      assert.isTrue(script.cachedDataRejected)
      assert.strictEqual(script.runInThisContext()(), "2,4,6")
      keep()
      assert.isFalse(CompiledCode.compile(sourceOf("not taken"), "program.cjs", at).script.cachedDataRejected)
    }))

  it("is where caches of the user are, unless there is none, or none is wanted", () => {
    const { directoryOf } = CompiledCode
    assert.strictEqual(directoryOf({ HOME: "/home/one" }), "/home/one/.cache/telemachy")
    assert.strictEqual(directoryOf({ HOME: "/home/one", XDG_CACHE_HOME: "/var/cache/one" }), "/var/cache/one/telemachy")
    assert.strictEqual(directoryOf({ HOME: "/home/one", XDG_CACHE_HOME: "relative" }), "/home/one/.cache/telemachy")
    for (const environment of [{}, { HOME: "" }, { HOME: "relative" }, { HOME: "/home/one", NODE_DISABLE_COMPILE_CACHE: "1" }]) {
      assert.isUndefined(directoryOf(environment))
    }
  })

  it("is kept by the name of the command, and together for all help and whatever is no name", () => {
    const { commandOf } = CompiledCode
    assert.strictEqual(commandOf(["list", "--all"], false), "list")
    assert.strictEqual(commandOf(["list", "--help"], true), "help")
    for (const name of ["--help", "../up", "", "Run", "a".repeat(30)]) assert.strictEqual(commandOf([name], false), "help", name)
    assert.strictEqual(commandOf([], false), "help")
  })
})
