import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { directoryWith, run, telemachy, test } from "../support/TestCommand.ts"

const file = `
metadata: {name: answers}
agents: [{name: worker, program: sh}]
teams:
  - name: core
    agents: [worker]
    tasks:
      - id: plan
        subject: Plan
        description: |
          echo 'files=["a.txt", "b.txt"]' >> "$TELEMACHY_OUTPUT"
          node -e 'console.log("summary=" + "long ".repeat(1000))' >> "$TELEMACHY_OUTPUT"
        assign_to: worker
        outputs: {files: list, summary: string}
      - subject: Other
        description: "true"
        assign_to: worker
teardown: always
`

describe.concurrent("telemachy status", () => {
  test("shows what tasks have answered, cut for a person and whole for a program", () =>
    Effect.gen(function*() {
      const directory = yield* directoryWith({ "answers.yaml": file })
      const ran = yield* run(["run", "answers.yaml"], { directory })
      assert.strictEqual(ran.code, 0, ran.stderr)
      const { stdout } = yield* run(["status", "latest"], { directory })
      const lines = stdout.split("\n")
      const from = lines.indexOf("core/Plan answered:")
      assert.strictEqual(lines[from + 1], "  files    [\"a.txt\",\"b.txt\"]")
      assert.match(lines[from + 2] ?? "", /^ {2}summary {2}(long )+.*…$/)
      assert.isAtMost(lines[from + 2]?.length ?? 0, 200)
      assert.notInclude(stdout, "core/Other answered")
      const json = yield* Effect.scoped(Effect.flatMap(telemachy(["status", "latest", "--json"], { directory }), ({ exited }) => exited))
      const { tasks } = JSON.parse(json.stdout)
      assert.deepStrictEqual(tasks[0].outputs, { files: ["a.txt", "b.txt"], summary: "long ".repeat(1000) })
      assert.isUndefined(tasks[1].outputs)
    }))
})
