import { chmodSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as TerminalScreen from "../support/TerminalScreen.ts"
import { hasTerminals, onTerminal, test } from "../support/TestCommand.ts"
import * as TestWorkflow from "../support/TestWorkflow.ts"

/** Programs that ask somebody, by how they do it. Each is told what to do on its standard input, and would wait for the answer for ever. */
const asking = {
  opens: "cat > /dev/null\nprintf 'Password: ' > /dev/tty && read -r answer < /dev/tty",
  reads: "cat > /dev/null\nprintf 'Continue? [y/N] '\nread -r answer || { echo 'nobody has answered'; exit 3; }",
  looks: "cat > /dev/null\ntest -t 0 || { echo 'the input device is not a TTY' >&2; exit 1; }\nexec sleep 600",
  careful: "cat > /dev/null\ntest -t 0 || test -t 1 || test -t 2 || test -z \"$CI\" || exit 0\nexec sleep 600"
}

describe.runIf(hasTerminals).concurrent("a program that asks somebody", () => {
  test("ends at once, in words, though the command itself has a terminal", () =>
    Effect.gen(function*() {
      const { directory, file, read } = yield* TestWorkflow.write((place) => ({
        metadata: { name: "asking" },
        agents: Object.keys(asking).map((name) => ({ name, program: `./${name}`, working_dir: place })),
        teams: [{
          name: "crew",
          agents: Object.keys(asking),
          tasks: [
            ...Object.keys(asking).map((name) => ({ subject: name, description: "do it", assign_to: name, continue_on_error: true })),
            { subject: "checked", description: "do it", assign_to: "careful", continue_on_error: true, verify: "read -r answer < /dev/tty" }
          ]
        }]
      }))
      for (const [name, script] of Object.entries(asking)) {
        writeFileSync(join(directory, name), `#!/bin/sh\n${script}\n`)
        chmodSync(join(directory, name), 0o755)
      }
      const running = yield* onTerminal(["run", file, "--timeout", "60"], { columns: 160, rows: 60 })
      const [took, ended] = yield* Effect.timed(running.ended)
      assert.strictEqual(ended.code, 0, ended.stdout)
      assert.isTrue(Duration.lessThan(took, "30 seconds"))
      const screen = TerminalScreen.after(ended.stdout).join("\n")
      assert.match(screen, /crew\/opens wrote:\n.*\/dev\/tty.*\n {2}\[\.\/opens ended with exit code \d+: it seems to ask on a terminal, and programs of agents have none\]/)
      assert.match(screen, /crew\/reads wrote:\n {2}Continue\? \[y\/N\] nobody has answered\n {2}\[\.\/reads ended with exit code 3\]/)
      assert.match(screen, /crew\/looks wrote:\n {2}the input device is not a TTY\n {2}\[\.\/looks ended with exit code 1: it seems to ask on a terminal/)
      assert.match(screen, /crew\/checked wrote:\n(.*\n)*.*\/dev\/tty/)
      assert.match(screen, /✔ careful/)
      assert.notInclude(screen, "Password")
      assert.include(read("opens"), "Password")
    }))
})
