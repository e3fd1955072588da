import { assert, describe, it } from "@effect/vitest"
import * as ShellCommand from "../../src/embedded/ShellCommand.ts"

const found: ReadonlyArray<readonly [line: string, command: string]> = [
  ["wc -w", "wc"],
  ["  wc", "wc"],
  ["wc|cat", "wc"],
  ["wc>out", "wc"],
  ["./check.sh; true", "./check.sh"],
  ["'my tool' --fast", "my tool"],
  ["my\\ tool", "my tool"],
  ["\"my\"' 'tool", "my tool"],
  ["CI=1 LANG='C x' pytest -x", "pytest"],
  ["timeout 900 claude -p", "timeout"]
]

const unknown: ReadonlyArray<string> = [
  "", " ", "$EDITOR x", "${TOOL} x", "`which x`", "$(which x)", "\"$TOOL\" x", "~/bin/check", "(cd x; y)", "{ x; }", "! x", "*.sh",
  "<in x", "2>err x", "if x; then y; fi", "for x in y; do z; done", "cd x && y", "exec x", ". ./env", ": x", "command x", "echo x",
  "source x", "PATH=/x y", "A=$B y", "A=1", "f() { x; }", "# x", "to$SUFFIX", "a{b,c}", "'open", "[ -f x ]"
]

describe("ShellCommand", () => {
  it.each(found)("finds in %s the command %s", (line, command) => {
    assert.strictEqual(ShellCommand.first(line), command)
  })

  it.each(unknown)("leaves %j to the shell", (line) => {
    assert.isUndefined(ShellCommand.first(line))
  })
})
