import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Patterns from "../../src/cli/pattern/Patterns.ts"
import { bin, directoryWith, emptyDirectory, hasTerminals, onTerminal, run, start, test } from "../support/TestCommand.ts"

/** What the tasks of each pattern are to have ended as, and what they are to have written. */
const expectations: Readonly<Record<string, { readonly tasks: Readonly<Record<string, string>>; readonly wrote: RegExp }>> = {
  "one-agent": { tasks: { "Look around": "completed" }, wrote: /has \d+ entries\n/ },
  "plan-implement-review": {
    tasks: { Plan: "completed", Implement: "completed", Review: "completed", Mend: "skipped" },
    wrote: /done: write it in English\ndone: write it in Greek\ndone: write it in Latin\n/
  },
  "fan-out": {
    tasks: { "List the files": "completed", "Work on fan-out.yaml": "completed", "Work on second.txt": "completed", "Sum up": "completed" },
    wrote: /fan-out\.yaml: \d+\nsecond\.txt: 3\ndone: 2 of 2\n$/
  },
  gate: {
    tasks: { Prepare: "completed", "Release?": "approved", Publish: "completed" },
    wrote: /published 0\.1\.0\n/
  },
  nightly: {
    tasks: { Check: "completed", Report: "completed", "Say that it failed": "skipped" },
    wrote: /changed in the last day:\n\.\/nightly\.yaml\n/
  }
}

const finished = (events: ReadonlyArray<{ readonly _tag: string }>) =>
  Object.fromEntries(events.flatMap((event) => {
    if (event._tag === "task.skipped" && "subject" in event) return [[String(event.subject), "skipped"]]
    if (event._tag === "gate.answered" && "subject" in event && "decision" in event) return [[String(event.subject), String(event.decision)]]
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
  findings: "All is well.",
  files: ["one.ts", "two.ts"],
  told: "It has a test now.",
  notes: "Everything is new."
})

/** What else is in the directory in which a pattern is tried. */
const beside: Readonly<Record<string, Readonly<Record<string, string>>>> = { "fan-out": { "second.txt": "two" } }

/** What the tasks of a pattern have ended as when Claude Code does them, where that is something else. */
const otherEnds: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "plan-implement-review": { Plan: "completed", Implement: "completed", Review: "completed", Mend: "completed" },
  "fan-out": { "List the files": "completed", "Work on one.ts": "completed", "Work on two.ts": "completed", "Sum up": "completed" }
}

/** What Claude Code is to have been told. */
const tells: Readonly<Record<string, ReadonlyArray<string>>> = {
  "plan-implement-review": ["The steps: first; second", "The second one is missing."],
  "fan-out": ["a test for the file two.ts in .", "what was found: It has a test now.; It has a test now."],
  gate: ["Version 0.1.0 was approved", "was said: Go ahead."]
}

/** Runs a workflow; what it asks is approved while it runs. */
const ranWithApproval = (file: string, options: { readonly directory: string; readonly env?: Readonly<Record<string, string>> }) =>
  Effect.gen(function*() {
    const running = yield* start([process.execPath, bin, "run", file, "--json"], options)
    // Most of them ask nothing, and come to their end.
    const asks = yield* running.event("gate.asked").pipe(Effect.as(true), Effect.catchTag("NotSeen", () => Effect.succeed(false)))
    if (asks) {
      const approved = yield* run(["approve", "latest", "--comment", "Go ahead."], options)
      assert.strictEqual(approved.code, 0, approved.stderr)
    }
    return yield* running.ended
  })

describe.concurrent("telemachy init", () => {
  for (const { name } of Patterns.all) {
    test(`writes ${name}, which is valid and runs as it is`, () =>
      Effect.gen(function*() {
        const others = beside[name] ?? {}
        const directory = yield* directoryWith(others)
        const made = yield* run(["init", "--pattern", name], { directory })
        assert.strictEqual(made.code, 0, made.stderr)
        assert.include(made.stdout, `\ncheck it: telemachy validate ${name}.yaml\nrun it: telemachy run ${name}.yaml\n`)
        assert.deepStrictEqual(readdirSync(directory).filter((file) => !file.startsWith(".tele")), [`${name}.yaml`, ...Object.keys(others)])
        const checked = yield* run(["validate", `${name}.yaml`], { directory })
        assert.deepStrictEqual([checked.code, checked.stderr], [0, ""])
        const ran = yield* ranWithApproval(`${name}.yaml`, { directory })
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
        const ran = yield* ranWithApproval("mine.yaml", { directory, env })
        assert.strictEqual(ran.code, 0, ran.stderr)
        assert.deepStrictEqual(finished(ran.events), otherEnds[name] ?? expectations[name]?.tasks)
        const told = readFileSync(join(directory, "told.txt"), "utf8")
        assert.notInclude(told, "${{")
        for (const text of tells[name] ?? []) assert.include(told, text)
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

  test("parks the gate, and goes on when it is approved", () =>
    Effect.gen(function*() {
      const directory = yield* emptyDirectory
      yield* run(["init", "gate"], { directory })
      const file = join(directory, "gate.yaml")
      writeFileSync(file, `${readFileSync(file, "utf8")}park_after: 0.2s\n`)
      const parked = yield* run(["run", "gate.yaml", "--json"], { directory })
      assert.strictEqual(parked.code, 7, parked.stderr)
      assert.deepStrictEqual(finished(parked.events), { Prepare: "completed" })
      const answered = yield* run(["approve", "latest", "--resume", "--json"], { directory })
      assert.strictEqual(answered.code, 0, answered.stderr)
      assert.strictEqual(finished(answered.events)["Publish"], "completed")
      const shown = yield* run(["status", "latest"], { directory })
      assert.include(shown.stdout, "notes  Version 0.1.0, with everything since the last one")
    }))

  test("asks once more after the gate has sent its work back", () =>
    Effect.gen(function*() {
      const directory = yield* emptyDirectory
      yield* run(["init", "gate"], { directory })
      const running = yield* start([process.execPath, bin, "run", "gate.yaml", "--json"], { directory })
      yield* running.event("gate.asked")
      const sentBack = yield* run(["reject", "latest", "release", "--redo", "prepare", "--comment", "the notes are missing"], { directory })
      assert.strictEqual(sentBack.code, 0, sentBack.stderr)
      yield* running.event("gate.asked", 2)
      const refused = yield* run(["reject", "latest"], { directory })
      assert.strictEqual(refused.code, 0, refused.stderr)
      const ended = yield* running.ended
      assert.strictEqual(ended.code, 1)
      assert.deepStrictEqual(finished(ended.events), { Prepare: "completed", "Release?": "rejected", Publish: "skipped" })
    }))

  test("sums up the files that could be worked on, though one could not", () =>
    Effect.gen(function*() {
      const directory = yield* directoryWith({ "second.txt": "two" })
      yield* run(["init", "fan-out"], { directory })
      const file = join(directory, "fan-out.yaml")
      const failing = readFileSync(file, "utf8").replace("console.log(matrix.file", "if (matrix.file === \"second.txt\") process.exit(1)\n            console.log(matrix.file")
      writeFileSync(file, failing)
      const ran = yield* run(["run", "fan-out.yaml", "--json"], { directory })
      assert.strictEqual(ran.code, 0, ran.stderr)
      assert.deepStrictEqual(finished(ran.events), {
        "List the files": "completed",
        "Work on fan-out.yaml": "completed",
        "Work on second.txt": "failed",
        "Sum up": "completed"
      })
      const summary = ran.events.flatMap((event) => (event._tag === "task.finished" && event.subject === "Sum up" ? [event.result ?? ""] : []))
      assert.match(summary.join(""), /^fan-out\.yaml: \d+\ndone: 1 of 2\n$/)
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
