import { existsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { definitions } from "../../src/cli/Cli.ts"
import { bin, directoryWith, emptyDirectory, run, start, test } from "../support/TestCommand.ts"
import * as TestWorkflow from "../support/TestWorkflow.ts"

/** What completes a command line, the last word of which is unfinished, in one shell. */
interface Shell {
  readonly program: string
  /** A script of the shell that reads `completions` and prints what completes the words, one a line. */
  readonly script: (words: ReadonlyArray<string>) => string
  /** Whether it completes files by itself when nothing else is told. */
  readonly files: string
}

const telemachyFunction = `telemachy() { ${process.execPath} ${bin} "$@"; }\n`

const quoted = (text: string) => `'${text}'`

const shells: Readonly<Record<string, Shell>> = {
  bash: {
    program: "bash",
    script: (words) =>
      // bash itself takes words apart at `=`.
      `${telemachyFunction}. ./completions
COMP_WORDS=(telemachy ${words.flatMap((word) => word.split(/(=)/).filter((part, index, all) => part !== "" || index === all.length - 1 && all.length === 1)).map(quoted).join(" ")})
COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
_telemachy; printf '%s\\n' "\${COMPREPLY[@]}"`,
    files: "my flow.yaml"
  },
  zsh: {
    program: "zsh",
    // What the completion system of zsh is told.
    script: (words) =>
      `${telemachyFunction}compdef() { :; }
compadd() { shift; print -rl -- "$@"; }
compset() { words[CURRENT]=\${words[CURRENT]#*=}; }
_files() { print -r -- FILES; }
_message() { :; }
_describe() { local each; for each in "\${(@P)2}"; print -r -- "\${\${each//\\\\:/;}%%:*}"; }
. ./completions
words=(telemachy ${words.map(quoted).join(" ")}); CURRENT=\${#words}
_telemachy | while read -r each; do case $each in ("\${words[CURRENT]##*=}"*|FILES) print -r -- $each;; esac; done`,
    files: "FILES"
  },
  fish: {
    program: "fish",
    script: (words) =>
      `function telemachy; ${process.execPath} ${bin} $argv; end
source ./completions
complete -C ${quoted(["telemachy", ...words].join(" "))} | string replace -r '\\t.*' ''`,
    files: "my flow.yaml"
  }
}

const hasProgram = (program: string) => ["/usr/bin", "/bin"].some((directory) => existsSync(join(directory, program)))

for (const [name, { files, program, script }] of Object.entries(shells)) {
  describe.runIf(hasProgram(program)).concurrent(`completions of ${name}`, () => {
    const completer = Effect.gen(function*() {
      const directory = yield* directoryWith({ "my flow.yaml": "" })
      const { stdout } = yield* run(["--completions", name])
      writeFileSync(join(directory, "completions"), stdout)
      return (line: string) =>
        Effect.gen(function*() {
          const running = yield* start([program, "-c", script(line.split(" "))], { directory })
          const ended = yield* running.ended
          assert.strictEqual(ended.stderr, "", line)
          return ended.stdout.split("\n").filter((each) => each !== "")
        })
    })

    test("offer what the command takes, each value for itself", () =>
      Effect.gen(function*() {
        const complete = yield* completer
        assert.sameMembers([...(yield* complete(""))], [...Object.keys(definitions), "help"])
        assert.sameMembers([...(yield* complete("st"))], ["status"])
        assert.sameMembers([...(yield* complete("--"))], ["--help", "--version", "--completions"])
        assert.sameMembers([...(yield* complete("--completions "))], ["bash", "zsh", "fish", "sh"])
        assert.sameMembers([...(yield* complete("run --teardown "))], ["on_completion", "on_failure", "always", "never"])
        assert.sameMembers([...(yield* complete("run --teardown on_f"))], ["on_failure"])
        assert.deepStrictEqual([...(yield* complete("run --teardown=alw"))].map((each) => each.replace(/^.*=/, "")), ["always"])
        assert.includeMembers([...(yield* complete("list --status "))], ["running", "timed_out"])
        assert.sameMembers([...(yield* complete("audit "))], ["verify", "export", "reindex"])
        assert.sameMembers([...(yield* complete("help pl"))], ["plan"])
        const flags = yield* complete("run flow.yaml --")
        assert.includeMembers([...flags], ["--json", "--teardown", "--help"])
        for (const refused of ["--log-level", "--wizard", "--version", "--completions"]) assert.notInclude(flags, refused)
        assert.sameMembers([...(yield* complete("validate --"))], ["--help", "--json", "--no-color"])
        assert.deepStrictEqual([...(yield* complete("schema "))], [])
        assert.deepStrictEqual([...(yield* complete("run --timeout "))], [])
        assert.deepStrictEqual([...(yield* complete("run --url "))], [])
      }))

    test("offer files where a file is taken, and nowhere else", () =>
      Effect.gen(function*() {
        const complete = yield* completer
        for (const line of ["run m", "plan m", "run --timeout 5 m", "validate a.yaml m", "run flow.yaml --key-file m"]) {
          const offered = (yield* complete(line)).map((each) => each.replaceAll("\\", ""))
          assert.deepStrictEqual(offered, [files], line)
        }
        for (const line of ["list m", "drill m", "run flow.yaml --teardown q"]) assert.deepStrictEqual([...(yield* complete(line))], [], line)
      }))

    test("offer the ids of runs where a run is taken, and tasks of it after that", () =>
      Effect.gen(function*() {
        const { directory, file } = yield* TestWorkflow.shell("completions", { "only one": "true" })
        const { events } = yield* run(["run", file, "--json"], { directory })
        const id = events[0]?.run ?? ""
        writeFileSync(join(directory, "completions"), (yield* run(["--completions", name])).stdout)
        for (const line of ["status ", `logs --follow ${id.slice(0, 4)}`, "audit verify "]) {
          const running = yield* start([program, "-c", script(line.split(" "))], { directory })
          assert.strictEqual((yield* running.ended).stdout, `${id}\n`, line)
        }
        const tasks = yield* start([program, "-c", script(["logs", id, "crew/o"])], { directory })
        assert.strictEqual((yield* tasks.ended).stdout.replaceAll("\\", ""), "crew/only one\n")
        const empty = yield* emptyDirectory
        writeFileSync(join(empty, "completions"), (yield* run(["--completions", name])).stdout)
        const running = yield* start([program, "-c", script(["status", ""])], { directory: empty })
        assert.strictEqual((yield* running.ended).stdout.trim(), "")
      }))
  })
}
