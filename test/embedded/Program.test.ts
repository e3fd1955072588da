import * as NodeContext from "@effect/platform-node/NodeContext"
import * as FileSystem from "@effect/platform/FileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Program from "../../src/embedded/Program.ts"
import * as ProgramAdapter from "../../src/embedded/program/ProgramAdapter.ts"

const worker = (fields: Partial<Program.Worker> = {}): Program.Worker => ({
  name: "worker",
  program: "tool",
  runtime: "local",
  workingDir: "/tmp",
  ...fields
})

/** A directory on PATH with a program, a text and a directory. */
const within = <A, E>(use: (directory: string) => Effect.Effect<A, E, NodeContext.NodeContext>) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const directory = yield* fs.makeTempDirectoryScoped()
    yield* fs.writeFileString(`${directory}/tool`, "#!/bin/sh\n", { mode: 0o755 })
    yield* fs.writeFileString(`${directory}/text`, "text", { mode: 0o644 })
    yield* fs.makeDirectory(`${directory}/folder`)
    const env = ConfigProvider.fromMap(new Map([["PATH", `/no/such:${directory}:/usr/bin:/bin`]]))
    return yield* Effect.withConfigProvider(use(directory), env)
  }).pipe(Effect.scoped, Effect.provide(NodeContext.layer))

describe("Program", () => {
  it.effect("finds a program on PATH, by its path, and relative to its directory", () =>
    within((directory) =>
      Effect.gen(function*() {
        const found = Option.some({ file: `${directory}/tool`, args: [], directory: "/tmp", isDirectoryMissing: false })
        assert.deepStrictEqual(yield* Program.resolve(worker()), found)
        assert.deepStrictEqual(yield* Program.resolve(worker({ program: `${directory}/tool` })), found)
        assert.deepStrictEqual(
          yield* Program.resolve(worker({ program: "./tool", workingDir: directory })),
          Option.some({ file: `${directory}/tool`, args: [], directory, isDirectoryMissing: false })
        )
      })))

  it.effect("makes a directory that is missing where the one that it is in is there, and no other", () =>
    within((directory) =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const missing = yield* Program.check([
          worker({ name: "a", workingDir: `${directory}/new` }),
          worker({ name: "b", workingDir: directory }),
          worker({ name: "c", workingDir: `${directory}/new` })
        ])
        assert.deepStrictEqual(missing, [{ directory: `${directory}/new`, agent: "a" }])
        assert.isFalse(yield* fs.exists(`${directory}/new`))
        yield* Effect.forEach([...missing, ...missing], Program.makeDirectory)
        assert.isTrue(yield* fs.exists(`${directory}/new`))
        assert.deepStrictEqual(yield* Program.check([worker({ workingDir: `${directory}/new` })]), [])
        const refused = yield* Effect.flip(Program.check([worker({ workingDir: `${directory}/one/two` })]))
        assert.include(refused.message, `directory ${directory}/one/two does not exist; create it`)
        const failed = yield* Effect.flip(Program.makeDirectory({ agent: "a", directory: `${directory}/one/two` }))
        assert.include(failed.message, `directory ${directory}/one/two could not be made`)
      })))

  it.effect("starts nothing for none, wherever it should work", () =>
    within(() =>
      Effect.gen(function*() {
        const resolved = yield* Program.resolve(worker({ program: "none", workingDir: "/no/such" }))
        assert.deepStrictEqual(resolved, Option.none())
      })))

  it.effect("knows how claude-code is started, and takes what is given for it before that", () =>
    within((directory) =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        yield* fs.copyFile(`${directory}/tool`, `${directory}/claude`)
        yield* fs.chmod(`${directory}/claude`, 0o755)
        const adapterOf = (options: Program.Options) =>
          Effect.map(Program.resolve(worker({ program: "claude-code" }), options), Option.map(({ adapter, file }) => [file, adapter?.command.slice(0, 2)]))
        assert.deepStrictEqual(yield* adapterOf({}), Option.some([`${directory}/claude`, ["claude", "-p"]]))
        const own = Schema.decodeSync(ProgramAdapter.ProgramAdapter)({ command: "tool --fast" })
        assert.deepStrictEqual(yield* adapterOf({ adapters: { "claude-code": own } }), Option.some([`${directory}/tool`, ["tool", "--fast"]]))
        assert.isUndefined(Program.adapterOf("claude-code", { programs: { "claude-code": "tool" } }))
      })))

  it.effect("says which command of a command line is not there, and leaves to the shell what only it can tell", () =>
    within((directory) =>
      Effect.gen(function*() {
        const message = (line: string) =>
          Program.check([worker({ program: "say", workingDir: directory })], { programs: { say: line } }).pipe(
            Effect.match({ onFailure: (error) => error.message, onSuccess: () => "" })
          )
        assert.strictEqual(
          yield* message("CI=1 no-such-command -x | cat"),
          "agent \"worker\": command no-such-command of program say was not found on PATH; install it, or give say another command line"
        )
        assert.match(yield* message("./text x"), /^agent "worker": \/.*\/text is not executable; make it so with chmod /)
        assert.match(yield* message("./missing"), /^agent "worker": program \/.*\/missing does not exist; /)
        for (const line of ["tool x", "./tool x", "'tool'", "cd x && y", "exec x", "$TOOL", "if x; then y; fi", ": x"]) {
          assert.strictEqual(yield* message(line), "", line)
        }
      })))

  it.effect("says what to do with a program that has arguments in it", () =>
    within(() =>
      Effect.gen(function*() {
        const { message } = yield* Effect.flip(Program.resolve(worker({ program: "claude -p --foo" })))
        assert.strictEqual(
          message,
          "agent \"worker\": program claude -p --foo was not found on PATH; give it a name in TELEMACHY_PROGRAMS if this is a command line,"
            + " or choose another program"
        )
      })))

  it.effect("takes a name that stands for a command line for that, before anything else", () =>
    within(() =>
      Effect.gen(function*() {
        const programs = { "claude-code": "tool --fast", none: "true" }
        for (const program of ["claude-code", "none"] as const) {
          const { args, file } = Option.getOrThrow(yield* Program.resolve(worker({ program }), { programs }))
          assert.match(file, /\/sh$/)
          assert.deepStrictEqual(args, ["-c", `${programs[program]} "$@"`, program])
        }
      })))

  it.effect("checks all agents and lists all that is in the way, with what to do", () =>
    within((directory) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Program.check([
          worker(),
          worker({ name: "a", program: "no-such-tool" }),
          worker({ name: "b", program: "text" }),
          worker({ name: "c", program: "folder", workingDir: `${directory}/text` }),
          worker({ name: "d", workingDir: "/no/such" }),
          worker({ name: "e", program: "none", runtime: "docker" }),
          worker({ name: "f", program: "/no/such/tool" }),
          worker({ name: "g", program: "constructor" })
        ]))
        assert.strictEqual(error._tag, "ProgramUnavailable")
        assert.deepStrictEqual(error.message.split("\n"), [
          "agent \"a\": program no-such-tool was not found on PATH; install it, or choose another program",
          `agent "b": ${directory}/text is not executable; make it so with chmod +x ${directory}/text`,
          `agent "c": ${directory}/text is not a directory; create it, or choose another working_dir`,
          "agent \"c\": program folder was not found on PATH; install it, or choose another program",
          "agent \"d\": directory /no/such does not exist; create it, or choose another working_dir",
          "agent \"e\": runtime docker is not possible on the embedded Agamemnon; " +
          "use runtime local, or set AGAMEMNON_URL",
          "agent \"f\": program /no/such/tool does not exist; check its path, or choose another program",
          "agent \"g\": program constructor was not found on PATH; install it, or choose another program"
        ])
      })))

  it.effect("finds nothing wrong with agents that can work", () =>
    within(() => Program.check([worker(), worker({ program: "sh" }), worker({ program: "none", workingDir: "" })])))

  it("splits arguments at white space, and takes a list as it is", () => {
    assert.deepStrictEqual(Program.argumentsOf(" --model\tM  "), ["--model", "M"])
    assert.deepStrictEqual(Program.argumentsOf(["two words", 5]), ["two words", "5"])
    assert.deepStrictEqual([Program.argumentsOf(""), Program.argumentsOf(null), Program.argumentsOf([])], [[], [], []])
  })
})
