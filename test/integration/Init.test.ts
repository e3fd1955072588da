import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Patterns from "../../src/cli/pattern/Patterns.ts"
import { bin, directoryWith, emptyDirectory, hasTerminals, onTerminal, run, start, test } from "../support/TestCommand.ts"

/** What the tasks of each pattern are to have ended as, and what one of them is to have written. */
const expectations: Readonly<Record<string, { readonly tasks: Readonly<Record<string, string>>; readonly wrote: RegExp }>> = {
  "one-agent": { tasks: { "Look around": "completed" }, wrote: /has \d+ entries\n/ },
  "plan-implement-review": {
    tasks: { Plan: "completed", Implement: "completed", Review: "completed", Mend: "skipped" },
    wrote: /done: write it in English\ndone: write it in Greek\ndone: write it in Latin\n/
  },
  nightly: {
    tasks: { Check: "completed", Report: "completed", "Say that it failed": "skipped" },
    wrote: /changed in the last day:\n\.\/nightly\.yaml\n/
  }
}

const finished = (events: ReadonlyArray<{ readonly _tag: string }>) =>
  Object.fromEntries(events.flatMap((event) => {
    if (event._tag === "task.skipped" && "subject" in event) return [[String(event.subject), "skipped"]]
    return event._tag === "task.finished" && "subject" in event && "status" in event ? [[String(event.subject), String(event.status)]] : []
  }))

/** Stands for Claude Code: reads what it is told, and answers every output that a pattern asks for. */
const answering = "cat >> told.txt; printf '```json\\n%s\\n```\\n' \"$(cat answer.json)\""

const answer = JSON.stringify({
  steps: ["first", "second"],
  summary: "Two steps",
  done: 2,
  approved: false,
  remarks: "The second one is missing.",
  changed: 3,
  findings: "All is well."
})

describe.concurrent("telemachy init", () => {
  for (const { name } of Patterns.all) {
    test(`writes ${name}, which is valid and runs as it is`, () =>
      Effect.gen(function*() {
        const directory = yield* emptyDirectory
        const made = yield* run(["init", "--pattern", name], { directory })
        assert.strictEqual(made.code, 0, made.stderr)
        assert.include(made.stdout, `\ncheck it: telemachy validate ${name}.yaml\nrun it: telemachy run ${name}.yaml\n`)
        assert.deepStrictEqual(readdirSync(directory).filter((file) => !file.startsWith(".tele")), [`${name}.yaml`])
        const checked = yield* run(["validate", `${name}.yaml`], { directory })
        assert.deepStrictEqual([checked.code, checked.stderr], [0, ""])
        const ran = yield* run(["run", `${name}.yaml`, "--json"], { directory })
        assert.strictEqual(ran.code, 0, ran.stderr)
        assert.deepStrictEqual(finished(ran.events), expectations[name]?.tasks)
        const results = ran.events.flatMap((event) => (event._tag === "task.finished" ? [event.result ?? ""] : []))
        assert.match(results.join(""), expectations[name]?.wrote ?? /^$/)
      }))

    test(`writes ${name} for Claude Code, which is told everything that it is to know`, () =>
      Effect.gen(function*() {
        const directory = yield* directoryWith({ "answer.json": answer })
        const made = yield* run(["init", "mine", "--pattern", name, "--program", "claude-code"], { directory })
        assert.strictEqual(made.code, 0, made.stderr)
        const checked = yield* run(["validate", "mine.yaml"], { directory })
        assert.deepStrictEqual([checked.code, checked.stderr], [0, ""])
        const env = { TELEMACHY_PROGRAMS: `claude-code=sh -c '${answering.replaceAll("'", "'\\''")}'` }
        const ran = yield* run(["run", "mine.yaml", "--json"], { directory, env })
        assert.strictEqual(ran.code, 0, ran.stderr)
        assert.deepStrictEqual(finished(ran.events), { ...expectations[name]?.tasks, ...(name === "plan-implement-review" ? { Mend: "completed" } : {}) })
        const told = readFileSync(join(directory, "told.txt"), "utf8")
        assert.notInclude(told, "${{")
        if (name === "plan-implement-review") {
          assert.include(told, "The steps: first; second")
          assert.include(told, "The second one is missing.")
        }
      }))
  }

  test("runs what is to be done when a check fails, and fails nonetheless", () =>
    Effect.gen(function*() {
      const directory = yield* emptyDirectory
      yield* run(["init", "nightly"], { directory })
      const file = join(directory, "nightly.yaml")
      const failing = readFileSync(file, "utf8").replace(/changed=\$\(.*\)/, "exit 1").replace("wait: 1m", "wait: 0.1s")
      writeFileSync(file, failing)
      const ran = yield* run(["run", "nightly.yaml", "--json"], { directory })
      assert.strictEqual(ran.code, 1)
      assert.deepStrictEqual(finished(ran.events), { Check: "failed", Report: "skipped", "Say that it failed": "completed" })
    }))

  test("names the file and the workflow as it is told, and takes the pattern that the file is named after", () =>
    Effect.gen(function*() {
      const directory = yield* emptyDirectory
      mkdirSync(join(directory, "flows"))
      for (const [name, file, workflow] of [
        ["nightly", "nightly.yaml", "nightly"],
        ["flows/first.yml", "flows/first.yml", "first"],
        ["my flow", "my flow.yaml", "\"my flow\""],
        ["-x", "-x.yaml", "\"-x\""],
        ["true", "true.yaml", "\"true\""],
        ["x\"y: z", "x\"y: z.yaml", "\"x\\\"y: z\""]
      ] as const) {
        const made = yield* run(["init", "--", name], { directory })
        assert.strictEqual(made.code, 0, made.stderr)
        assert.include(readFileSync(join(directory, file), "utf8"), `\n  name: ${workflow}\n`)
        if (name === "my flow") assert.include(made.stdout, "telemachy run 'my flow.yaml'\n")
        const checked = yield* run(["validate", "--", file], { directory })
        assert.strictEqual(checked.code, 0, checked.stderr)
      }
      assert.include(readFileSync(join(directory, "nightly.yaml"), "utf8"), "watchman")
    }))

  test("writes to standard output, for another command to read", () =>
    Effect.gen(function*() {
      const made = yield* run(["init", "-", "--pattern", "plan-implement-review"])
      assert.deepStrictEqual([made.code, made.stderr], [0, ""])
      const checked = yield* run(["validate", "-"], { input: made.stdout })
      assert.strictEqual(checked.stdout, "-: valid, 3 agents, 1 team, 4 tasks\n")
    }))

  test("writes the usual one where nobody can be asked, though nothing can be read", () =>
    Effect.gen(function*() {
      const directory = yield* emptyDirectory
      const running = yield* start(["bash", "-c", `${process.execPath} ${bin} init <&-`], { directory })
      assert.strictEqual((yield* running.ended).code, 0)
      assert.isTrue(existsSync(join(directory, "one-agent.yaml")))
    }))

  test("says when its words could not be written, exit 1", () =>
    Effect.gen(function*() {
      const directory = yield* emptyDirectory
      const running = yield* start(["bash", "-c", `${process.execPath} ${bin} init - > /dev/full`], { directory })
      const ended = yield* running.ended
      assert.deepStrictEqual([ended.code, ended.stderr], [1, "standard output could not be written: no space left on device\n"])
    }))

  test("lists the patterns, one a line, and writes nothing", () =>
    Effect.gen(function*() {
      const directory = yield* emptyDirectory
      const listed = yield* run(["init", "--list"], { directory })
      assert.deepStrictEqual(listed.stdout.trimEnd().split("\n").map((line) => line.split("  ")[0]), Patterns.all.map(({ name }) => name))
      assert.isFalse(existsSync(join(directory, "one-agent.yaml")))
    }))

  test("leaves a file that is there, unless it is told to replace it", () =>
    Effect.gen(function*() {
      const directory = yield* directoryWith({ "one-agent.yaml": "mine\n", "kept.yaml": "kept\n" })
      symlinkSync("kept.yaml", join(directory, "link.yaml"))
      symlinkSync("nowhere.yaml", join(directory, "dangling.yaml"))
      for (const name of ["one-agent", "link", "dangling"]) {
        const refused = yield* run(["init", name], { directory })
        assert.deepStrictEqual([refused.code, refused.stderr, refused.stdout], [2, `${name}.yaml: is there already; --force replaces it\n`, ""])
      }
      assert.strictEqual(readFileSync(join(directory, "one-agent.yaml"), "utf8"), "mine\n")
      const replaced = yield* run(["init", "link", "--force"], { directory })
      assert.strictEqual(replaced.code, 0, replaced.stderr)
      assert.isTrue(lstatSync(join(directory, "link.yaml")).isSymbolicLink())
      assert.include(readFileSync(join(directory, "kept.yaml"), "utf8"), "name: link")
      assert.deepStrictEqual(readdirSync(directory).filter((name) => name.startsWith(".telemachy-")), [])
    }))

  for (const [what, args, says] of [
    ["an unknown pattern", ["--pattern", "nigtly"], /^--pattern: expected one of one-agent, .*, found nigtly, did you mean nightly\?\n$/],
    ["an unknown program", ["--program", "claude"], /^--program: expected one of sh, claude-code, found claude\n$/],
    ["a directory that is missing", ["nowhere/x"], /^nowhere\/x\.yaml: the directory .*\/nowhere does not exist\n$/],
    ["a file in the place of a directory", ["kept.yaml/x"], /^kept\.yaml\/x\.yaml: .*\/kept\.yaml is not a directory\n$/],
    ["a directory", ["some.yaml"], /^some\.yaml: is a directory, expected the name of a file\n$/],
    ["a directory by its sign", ["./"], /^\.\/: found a directory, expected the name of a file in it\n$/],
    ["the directory above", [".."], /^\.\.: found a directory, expected the name of a file in it\n$/],
    ["no name", [""], /^NAME: found nothing, expected the name of a file\n$/],
    ["a name of two lines", ["a\nb"], /^a b: found control characters, expected the name of a file\n$/],
    ["two names", ["a", "b"], /unknown argument: 'b'/],
    ["a place where nothing can be written", ["/sys/x"], /^\/sys\/x\.yaml: (no permission to write in \/sys|could not be written: E[A-Z]+: .*)\n$/]
  ] as const) {
    test(`refuses ${what}, exit 2`, () =>
      Effect.gen(function*() {
        const directory = yield* directoryWith({ "kept.yaml": "" })
        mkdirSync(join(directory, "some.yaml"))
        const ended = yield* run(["init", ...args], { directory })
        assert.strictEqual(ended.code, 2)
        assert.match(ended.stderr, says)
        assert.sameMembers(readdirSync(directory), ["kept.yaml", "some.yaml"])
      }))
  }
})

describe.runIf(hasTerminals).concurrent("telemachy init on a terminal", () => {
  const asked = Effect.gen(function*() {
    const directory = yield* emptyDirectory
    const running = yield* onTerminal(["init"], { directory })
    yield* running.until("the question", () => (running.output().stdout.includes("nightly") ? true : undefined))
    return { directory, running }
  })

  test("asks which pattern, and writes the one that is chosen", () =>
    Effect.gen(function*() {
      const { directory, running } = yield* asked
      yield* running.type("\u001b[B\r")
      const ended = yield* running.ended
      assert.strictEqual(ended.code, 0, ended.stdout)
      assert.include(readFileSync(join(directory, "plan-implement-review.yaml"), "utf8"), "name: plan-implement-review")
    }))

  test("writes nothing when the question is left", () =>
    Effect.gen(function*() {
      const { directory, running } = yield* asked
      yield* running.type("\u0003")
      assert.strictEqual((yield* running.ended).code, 130)
      assert.deepStrictEqual(readdirSync(directory).filter((name) => name.endsWith(".yaml")), [])
    }))

  test("asks nothing when it is told", () =>
    Effect.gen(function*() {
      const directory = yield* emptyDirectory
      const running = yield* onTerminal(["init", "first", "--pattern", "one-agent"], { directory })
      assert.strictEqual((yield* running.ended).code, 0)
      assert.isTrue(existsSync(join(directory, "first.yaml")))
    }))
})
