import { copyFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as WorkflowFile from "../../src/workflow/WorkflowFile.ts"
import { bin, directoryWith, root, start, test } from "../support/TestCommand.ts"

const full = (part: string, head = ""): string => head + part.repeat(Math.floor(2_000_000 / part.length))

/** Files, each with how the refusal of it begins. */
const refused: Readonly<Record<string, readonly [text: string, says: RegExp]>> = {
  "brackets.yaml": ["[".repeat(1_000_000), /^brackets\.yaml:1:66 found values nested more than 64 levels deep, expected a workflow\n 1 \| …?\[+…\n {3}\| +\^\n1 problem in brackets\.yaml\n$/],
  "dashes.yaml": [full("- "), /^dashes\.yaml:1:131 found values nested more than 64 levels deep, expected a workflow\n 1 \| …[- ]+…\n {3}\| +\^\n1 problem in dashes\.yaml\n$/],
  "list.yaml": [full("- a\n"), /^list\.yaml:250001:1 found more than 500000 names, values and signs, expected a workflow\n 250001 \| - a\n {8}\| \^\n1 problem in list\.yaml\n$/],
  "errors.yaml": [
    "[,".concat(",".repeat(1000), "]"),
    /^errors\.yaml:1:3 (.*\n){300}1,001 problems in errors\.yaml, 901 of them not shown\n$/
  ],
  "large.yaml": [
    full("- a\n").repeat(4),
    /^large\.yaml: has 8000000 bytes, expected at most 2097152\n$/
  ]
}

/** Runs a command line of the shell, in which `telemachy` is the built command with little memory. */
const shell = (line: string, directory: string) =>
  Effect.scoped(Effect.flatMap(
    start(["sh", "-c", `telemachy() { "${process.execPath}" --max-old-space-size=256 "${bin}" "$@"; }; ${line}`], { directory }),
    ({ ended }) => ended
  ))

describe("A workflow beyond a limit", () => {
  for (const [name, [text, says]] of Object.entries(refused)) {
    test(`telemachy validate ${name}: exit 2, and says which`, () =>
      Effect.gen(function*() {
        const ended = yield* shell(`telemachy validate ${name}`, yield* directoryWith({ [name]: text }))
        assert.strictEqual(ended.code, 2, ended.stderr)
        assert.match(ended.stderr, says)
        assert.strictEqual(ended.stdout, "")
      }))
  }

  const endless: ReadonlyArray<readonly [line: string, source: string]> = [
    ["yes | telemachy validate -", "standard input"],
    ["yes | telemachy validate /dev/stdin", "/dev/stdin"],
    ["telemachy validate /dev/zero", "/dev/zero"]
  ]
  for (const [line, source] of endless) {
    test(`${line}: exit 2, although it never ends`, () =>
      Effect.gen(function*() {
        const ended = yield* shell(line, yield* directoryWith({}))
        assert.strictEqual(ended.code, 2, ended.stderr)
        assert.strictEqual(
          ended.stderr,
          `${source}: has more than ${WorkflowFile.maxFileBytes} bytes, expected at most ${WorkflowFile.maxFileBytes}\n`
        )
      }))
  }

  for (const file of ["-", "/dev/stdin"]) {
    test(`is none: cat hello.yaml | telemachy validate ${file}: exit 0`, () =>
      Effect.gen(function*() {
        const directory = yield* directoryWith({})
        copyFileSync(join(root, "workflows/hello.yaml"), join(directory, "hello.yaml"))
        const ended = yield* shell(`cat hello.yaml | telemachy validate ${file}`, directory)
        assert.strictEqual(ended.code, 0, ended.stderr)
        assert.match(ended.stdout, /: valid, /)
      }))
  }
})
