import { existsSync } from "node:fs"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as PostgresSchema from "../support/PostgresSchema.ts"
import * as TestBackend from "../support/TestBackend.ts"
import { bin, commandsWith, lastLine, run, start, test } from "../support/TestCommand.ts"
import * as TestWorkflow from "../support/TestWorkflow.ts"

const unshare = "/usr/bin/unshare"

/** Whether processes can be started that cannot be seen from here, and see nothing of here: as on another host. */
const isMissing = PostgresSchema.isMissing || !existsSync(unshare) || process.getuid?.() !== 0

describe.skipIf(isMissing)(`an owner on another host (left out without PostgreSQL, root and ${unshare})`, () => {
  test("that is suspended past its lease does nothing more when it goes on, and its successor does each task once", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const { url } = yield* PostgresSchema.schema
      const env = { ...backend.env, TELEMACHY_DATABASE_URL: url, HEALTHCHECK_INTERVAL_SECONDS: "60", HEALTHCHECK_TIMEOUT_SECONDS: "30" }
      const mark = `mark-of-${process.pid}-suspended`
      const { file, open, read } = yield* TestWorkflow.shell("suspended", {
        first: "echo first >> done; read _ < gate",
        second: "echo second >> done"
      })
      const elsewhere = [unshare, "--pid", "--fork", "--mount-proc", "--kill-child", process.execPath, bin] as const
      const owner = yield* start([...elsewhere, "run", file, "--json"], { env: { ...env, MARK: mark } })
      yield* owner.event("task.progressed")
      const [pid = 0] = yield* commandsWith(mark)
      yield* Effect.sync(() => process.kill(pid, "SIGSTOP"))
      const { run: id } = yield* owner.event("run.started")
      // While its lease holds, it may still act.
      const early = yield* run(["resume", id], { env })
      assert.strictEqual(early.code, 2, early.stderr)
      yield* Effect.sleep("31 seconds")
      const successor = yield* start([process.execPath, bin, "resume", id, "--json"], { env })
      yield* successor.event("task.watched")
      yield* Effect.sync(() => process.kill(pid, "SIGCONT"))
      yield* owner.until("that another has the run", () => (owner.output().stderr.includes("is driven by another process") ? true : undefined))
      yield* open(1)
      assert.strictEqual((yield* successor.ended).code, 0)
      const ended = yield* owner.exited
      assert.match(lastLine(ended.stderr), /^workflow suspended failed: /)
      assert.strictEqual(read("done"), "first\nsecond\n")
      assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
      yield* TestBackend.assertNothingDoubled(backend)
      const audit = yield* run(["audit", "verify"], { env })
      assert.match(audit.stdout, /: every chain is whole\n$/)
    }))
})
