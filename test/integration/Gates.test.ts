import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { WorkflowInput } from "../../src/workflow/WorkflowSpec.ts"
import * as RecordFile from "../support/RecordFile.ts"
import { emptyDirectory, lastLine, run, telemachy, test } from "../support/TestCommand.ts"
import * as TestWorkflow from "../support/TestWorkflow.ts"

/** A review, a gate, and what is published when that is approved. Each program writes a line a time to a file. */
const flow = (name: string, rest: Partial<WorkflowInput> = {}) =>
  TestWorkflow.write((directory) => ({
    metadata: { name },
    agents: [{ name: "worker", program: "sh", working_dir: directory }],
    teams: [{
      name: "crew",
      agents: ["worker"],
      tasks: [
        {
          id: "review",
          subject: "Review",
          description: "echo x >> reviewed; cp \"$TELEMACHY_CONTEXT\" review.json; echo 'said=fine' > \"$TELEMACHY_OUTPUT\"",
          assign_to: "worker",
          outputs: { said: "string" }
        },
        { id: "release", subject: "Release?", approve: "Publish? ${{ tasks.review.outputs.said }}", blocked_by: ["review"], timeout: "1h" },
        { subject: "Publish", description: "cp \"$TELEMACHY_CONTEXT\" published.json", assign_to: "worker", blocked_by: ["release"] }
      ]
    }],
    park_after: 0.2,
    ...rest
  }))

const inRecord = Effect.map(emptyDirectory, (directory) => RecordFile.inFile(join(directory, "runs.db")))

describe.concurrent("a gate", () => {
  test("parks its run with exit code 7, says what answers it, and goes on in one command", () =>
    Effect.gen(function*() {
      const env = yield* inRecord
      const { exists, file, read } = yield* flow("parked")
      const parked = yield* run(["run", file], { env })
      assert.strictEqual(parked.code, 7, parked.stderr)
      assert.strictEqual(lastLine(parked.stderr), "workflow parked waits for an answer: crew/Release?: Publish? fine")
      assert.match(parked.stdout, /answer, and go on with it: telemachy approve [0-9a-f]{16} --resume/)
      const list = yield* run(["list"], { env })
      assert.match(list.stdout, /parked +[0-9a-f]{16} +waiting /)
      const status = yield* run(["status", "parked"], { env })
      assert.match(status.stdout, /\? Release\? +waits for an answer: Publish\? fine/)
      const refused = yield* run(["resume", "parked"], { env })
      assert.strictEqual(refused.code, 2)
      assert.match(refused.stderr, /waits for an answer, and has nothing else to do: telemachy approve/)
      const approved = yield* run(["approve", "parked", "--comment", "Go ahead.", "--resume"], { env })
      assert.strictEqual(approved.code, 0, approved.stderr)
      assert.isTrue(exists("published.json"))
      assert.include(read("published.json"), "\"comment\":\"Go ahead.\"")
      assert.strictEqual(read("reviewed"), "x\n")
      const late = yield* run(["reject", "parked", "release"], { env })
      assert.strictEqual(late.code, 2)
      assert.match(late.stderr, /gate crew\/Release\? of run [0-9a-f]{16} was approved by .* before/)
    }))

  test("sends work back, which finds what was said where no shell runs it", () =>
    Effect.gen(function*() {
      const env = yield* inRecord
      const { exists, file, read } = yield* flow("again")
      yield* run(["run", file], { env })
      const comment = "Look at $(touch hacked)."
      const again = yield* run(["reject", "again", "--redo", "review", "--comment", comment, "--resume"], { env })
      assert.strictEqual(again.code, 7, again.stderr)
      assert.strictEqual(read("reviewed"), "x\nx\n")
      assert.include(read("review.json"), JSON.stringify(comment))
      assert.isFalse(exists("hacked"))
      const rejected = yield* run(["reject", "again", "--comment", "No.", "--resume"], { env })
      assert.strictEqual(rejected.code, 1, rejected.stderr)
      assert.match(rejected.stdout, /✖ Release\? +rejected by /)
      assert.isFalse(exists("published.json"))
    }))

  test("of a living run is answered from another terminal", () =>
    Effect.gen(function*() {
      const env = yield* inRecord
      const { exists, file } = yield* flow("living", { park_after: "never" })
      yield* Effect.scoped(Effect.gen(function*() {
        const { exited, output, until } = yield* telemachy(["run", file], { env })
        yield* until("a question", () => (output().stdout.includes("waits for an answer") ? true : undefined))
        const status = yield* run(["status", "living"], { env })
        assert.match(status.stdout, /\nit waits for an answer: telemachy approve [0-9a-f]{16}\n$/)
        const list = yield* run(["list"], { env })
        assert.match(list.stdout, /living +[0-9a-f]{16} +running .* waits for 1 answer\n/)
        const approved = yield* run(["approve", "living"], { env })
        assert.strictEqual(approved.code, 0, approved.stderr)
        const { code, stderr } = yield* exited
        assert.strictEqual(code, 0, stderr)
      }))
      assert.isTrue(exists("published.json"))
    }))

  test("is not answered under a wrong name, before it asks, or for a task that is not before it", () =>
    Effect.gen(function*() {
      const env = yield* inRecord
      const { file } = yield* flow("wrong")
      yield* run(["run", file], { env })
      const says = (...args: ReadonlyArray<string>) => Effect.map(run(args, { env }), ({ code, stderr }) => [code, stderr.trim().replace(/run [0-9a-f]{16}/, "run X")])
      assert.deepStrictEqual(yield* says("approve", "wrong", "relase"), [2, "run X has no task relase; did you mean release?"])
      assert.deepStrictEqual(yield* says("approve", "wrong", "Review"), [2, "task crew/Review of run X is no gate: it asks nothing"])
      assert.deepStrictEqual(yield* says("reject", "wrong", "--redo", "Publish"), [2, "task crew/Publish is not before gate crew/Release?, which can send back crew/Review"])
      assert.deepStrictEqual(yield* says("approve", "wrong", "--comment", "x".repeat(3000)), [2, "the comment has 3000 bytes, and can have 2048"])
      const [code] = yield* says("approve", "nothing")
      assert.strictEqual(code, 2)
    }))

  test("needs a journal that outlives the process", () =>
    Effect.gen(function*() {
      const { exists, file } = yield* flow("forgetful")
      const { code, stderr } = yield* run(["run", file], { env: { TELEMACHY_DATABASE_URL: "memory:" } })
      assert.strictEqual(code, 2)
      assert.match(stderr, /Release\? could never be answered/)
      assert.isFalse(exists("reviewed"))
    }))
})
