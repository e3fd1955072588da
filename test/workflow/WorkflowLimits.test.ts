import { NodeFileSystem } from "@effect/platform-node"
import * as FileSystem from "@effect/platform/FileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as WorkflowFile from "../../src/workflow/WorkflowFile.ts"

// Texts of the largest size that is read take a while where the machine has much else to do.
const timeout = 120_000

/** As much of a text, again and again, as a file may have. */
const full = (part: string, start = ""): string =>
  start + part.repeat(Math.floor((WorkflowFile.maxFileBytes - start.length) / part.length))

const refusal = (text: string) =>
  WorkflowFile.parse(text, "flow.yaml").pipe(Effect.flip, Effect.map((error) => error.message.split("\n")))

const refuses = (name: string, text: string, ...lines: ReadonlyArray<string>) =>
  it.effect(name, () => Effect.map(refusal(text), (printed) => assert.deepStrictEqual(printed, lines)), timeout)

const deep = "found values nested more than 64 levels deep, expected a workflow"
const tokens = "found more than 500000 names, values and signs, expected a workflow"
const blanks = "found more than 1000000 comments, line ends and runs of spaces, expected a workflow"

/** A workflow of so many tasks, each of which waits for three others. */
const tasks = (count: number, task = "a task"): string =>
  [
    "metadata: { name: large }",
    "agents: [{ name: worker, program: none }]",
    "teams:",
    "  - name: team",
    "    agents: [worker]",
    "    tasks:",
    ...Array.from({ length: count }, (_, index) => [
      `      - subject: task ${index}`,
      `        description: ${task}`,
      "        assign_to: worker",
      "        blocked_by:",
      ...(index < 3 ? [] : [1, 2, 3].map((step) => `          - task ${index - step}`))
    ].join("\n").replace(/blocked_by:$/, "blocked_by: []"))
  ].join("\n")

describe("The limits of a workflow file", () => {
  describe("of depth refuse, where the first value is too deep,", () => {
    refuses("1 MB of [", "[".repeat(1_000_000), `flow.yaml:1:66 ${deep}`)
    refuses("2 MiB of [", full("["), `flow.yaml:1:66 ${deep}`)
    refuses("maps in flow style", full("{a: "), `flow.yaml:1:261 ${deep}`)
    refuses(
      "maps in block style",
      Array.from({ length: 1000 }, (_, level) => `${" ".repeat(level)}a:`).join("\n"),
      `flow.yaml:66:66 ${deep}`
    )
    refuses("maps in one line", full("a: "), `flow.yaml:1:196 ${deep}`)
    refuses("lists in block style", full("- "), `flow.yaml:1:131 ${deep}`)
    refuses("keys in keys", full("? "), `flow.yaml:1:131 ${deep}`)
    refuses("a list behind what is not too deep", `a: 1\nb: [${"[".repeat(80)}`, `flow.yaml:2:68 ${deep}`)
  })

  it.effect("of depth let 64 levels be, as often as they come", () =>
    Effect.map(refusal(`${`- ${"[".repeat(64)}${"]".repeat(64)}\n`.repeat(3)}`), ([message = ""]) =>
      assert.match(message, /^flow\.yaml:1:1 found a list, expected a map with the keys /)))

  describe("of number refuse, where it is exceeded,", () => {
    refuses("2 MiB of a list", full("- a\n"), `flow.yaml:250001:1 ${tokens}`)
    refuses("2 MiB of keys", full("a: 1\n"), `flow.yaml:166667:4 ${tokens}`)
    refuses("2 MiB of commas", full(",", "["), `flow.yaml:1:500001 ${tokens}`)
    refuses("2 MiB of signs that do not belong there", full("}"), `flow.yaml:1:500001 ${tokens}`)
    refuses("2 MiB of empty lines", full("\n"), `flow.yaml:1000001:1 ${blanks}`)
    refuses("2 MiB of directives", full("%a\n"), "flow.yaml:101:1 found more than 100 directives, expected a workflow")
    refuses("2 MiB of documents", full("---\n"), "flow.yaml:2:1 found a second document, expected one workflow in a file")
    refuses(
      "values that aliases multiply, each by ten",
      `a0: &a0 [x]\n${
        Array.from({ length: 60 }, (_, level) =>
          `a${level + 1}: &a${level + 1} [${Array.from({ length: 10 }, () => `*a${level}`).join(", ")}]`).join("\n")
      }\n`,
      "flow.yaml:6:25 a5[3]: found aliases that add more than 100000 values, expected fewer or smaller aliases"
    )
  })

  refuses("a thousand brackets that close nothing, once", "}".repeat(1000), "flow.yaml:1:1 found a } that closes nothing, expected valid YAML")

  describe("list 100 problems, and the number of the others,", () => {
    const lists = (name: string, text: string, first: RegExp, rest: number) =>
      it.effect(name, () =>
        Effect.gen(function*() {
          const error = yield* Effect.flip(WorkflowFile.parse(text, "flow.yaml"))
          if (error._tag !== "WorkflowInvalid") return assert.fail(error.message)
          const lines = error.message.split("\n")
          assert.match(lines[0] ?? "", first)
          assert.strictEqual(lines.at(-1), `flow.yaml: ${rest} more ${rest === 1 ? "problem" : "problems"}`)
          assert.strictEqual(lines.length, 101)
          assert.strictEqual(error.problems.length, 100)
          assert.strictEqual(error.omitted, rest)
        }), timeout)

    lists("of syntax", "[,".concat(",".repeat(1000), "]"), /^flow\.yaml:1:3 found text that is not YAML \(Unexpected ,/, 901)
    lists("of a tree that cannot be read", "[*a]\n".replace("*a", "*a,".repeat(101)), /^flow\.yaml:1:2 \[0\]: found the alias/, 1)
    lists("of keys that are given again", `metadata: {${"a,".repeat(200)}}`, /^flow\.yaml:1:1 agents: found nothing/, 103)
    lists("of a schema", tasks(1000, "3"), /^flow\.yaml:8:22 teams\[0\]\.tasks\[0\]\.description \(team ".*", task ".*"\): found the number 3/, 900)
  })

  it.effect("let 10,000 tasks load", () =>
    Effect.gen(function*() {
      const spec = yield* WorkflowFile.parse(tasks(10_000), "flow.yaml")
      assert.strictEqual(spec.teams[0]?.tasks.length, 10_000)
    }), timeout)

  it.effect("let 10,000 tasks load that fill a file, as JSON", () =>
    Effect.gen(function*() {
      const blockedBy = (index: number) => Array.from({ length: Math.min(index, 8) }, (_, step) => `t${index - step - 1}`)
      const text = JSON.stringify({
        metadata: { name: "large" },
        agents: [{ name: "worker", program: "none" }],
        teams: [{
          name: "team",
          agents: ["worker"],
          tasks: Array.from({ length: 10_000 }, (_, index) => ({
            subject: `t${index}`,
            description: "d".repeat(60),
            assign_to: "worker",
            blocked_by: blockedBy(index)
          }))
        }]
      })
      assert.isAbove(text.length, 0.9 * WorkflowFile.maxFileBytes)
      const spec = yield* WorkflowFile.parse(text, "flow.yaml")
      assert.strictEqual(spec.teams[0]?.tasks.length, 10_000)
    }), timeout)

  describe("of size", () => {
    it.effect("stop reading what never ends", () =>
      Effect.gen(function*() {
        let read = 0
        const endless = Stream.repeatValue(new Uint8Array(1000)).pipe(
          Stream.tap(({ length }) => Effect.sync(() => (read += length)))
        )
        const error = yield* Effect.flip(WorkflowFile.readStream(endless, "standard input"))
        assert.strictEqual(error.message, "standard input: has more than 2097152 bytes, expected at most 2097152")
        assert.isBelow(read, WorkflowFile.maxFileBytes + 10_000)
      }))

    it.effect("let be what is exactly as large", () =>
      Effect.gen(function*() {
        const start = `${tasks(1)}\n#`
        const text = start.padEnd(WorkflowFile.maxFileBytes, "x")
        const bytes = new TextEncoder().encode(text)
        const { spec } = yield* Effect.flatMap(WorkflowFile.readStream(Stream.make(bytes.subarray(0, 1000), bytes.subarray(1000)), "flow.yaml"), (text) =>
          WorkflowFile.parseWithPositions(text, "flow.yaml"))
        assert.strictEqual(spec.metadata.name, "large")
        assert.strictEqual(
          (yield* refusal(`${text}x`))[0],
          "flow.yaml: has 2097153 bytes, expected at most 2097152"
        )
      }))

    it.scoped("stop reading a file that is larger than its size says", () =>
      Effect.gen(function*() {
        const files = yield* FileSystem.FileSystem
        const path = yield* files.makeTempFileScoped()
        yield* files.truncate(path, 2 * WorkflowFile.maxFileBytes)
        const growing = FileSystem.make({
          ...files,
          stat: (name) => Effect.map(files.stat(name), (info) => ({ ...info, size: FileSystem.Size(10) }))
        })
        const error = yield* WorkflowFile.load(path).pipe(
          Effect.flip,
          Effect.provideService(FileSystem.FileSystem, growing)
        )
        assert.strictEqual(error.message, `${path}: has more than 2097152 bytes, expected at most 2097152`)
      }).pipe(Effect.provide(NodeFileSystem.layer)))

    it.effect("need a file that has one", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(WorkflowFile.load("/dev/zero"))
        assert.strictEqual(error.message, "/dev/zero: cannot be read (not a regular file)")
      }).pipe(Effect.provide(NodeFileSystem.layer)))
  })
})
