import { spawn } from "node:child_process"
import { once } from "node:events"
import { chmodSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as OwnerProcess from "../../src/store/OwnerProcess.ts"
import * as HiddenProcesses from "../support/HiddenProcesses.ts"
import * as RecordFile from "../support/RecordFile.ts"
import * as TestBackend from "../support/TestBackend.ts"
import { bin, emptyDirectory, root, start, telemachy, test } from "../support/TestCommand.ts"
import * as TestWorkflow from "../support/TestWorkflow.ts"

/** Lets another user, who cannot see it, say whether a process lives. */
const lifeOf = ({ pid, started }: OwnerProcess.Identity) =>
  Effect.gen(function*() {
    const script = [process.execPath, "--import", "tsx", "test/support/lifeOf.ts", String(pid), started]
    const { ended } = yield* start(HiddenProcesses.hiding(script), { directory: root })
    const { code, stderr, stdout } = yield* ended
    assert.strictEqual(code, 0, stderr)
    return stdout
  })

const own = Effect.sync(() => OwnerProcess.make().identity)

describe.skipIf(HiddenProcesses.isMissing).concurrent(HiddenProcesses.named("an owner that /proc hides from another user"), () => {
  test("is not known to live or to be dead, and one that has ended is dead", () =>
    Effect.gen(function*() {
      const identity = yield* own
      assert.strictEqual(yield* lifeOf(identity), "unknown")
      const child = spawn("true")
      const pid = child.pid ?? 0
      yield* Effect.promise(() => once(child, "close"))
      assert.strictEqual(yield* lifeOf({ ...identity, pid }), "dead")
    }))

  test("keeps its run and its agents: neither a cleanup nor the sweep of another run takes them", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const journal = yield* emptyDirectory
      const env = { ...backend.env, ...RecordFile.inFile(join(journal, "runs.db")) }
      const hidden = (args: ReadonlyArray<string>) =>
        Effect.scoped(Effect.flatMap(start(HiddenProcesses.hiding([process.execPath, bin, ...args]), { env }), ({ ended }) => ended))
      const { file, open } = yield* TestWorkflow.shell("hidden", { only: TestWorkflow.wait })
      const owner = yield* telemachy(["run", file, "--json"], { env })
      yield* owner.event("task.progressed")
      const { run: id } = yield* owner.event("run.started")
      const before = yield* TestBackend.remaining(backend)
      // They share the journal, as members of a group would.
      for (const name of ["", ...readdirSync(journal)]) chmodSync(join(journal, name), 0o777)

      const cleanup = yield* hidden(["cleanup", id])
      assert.strictEqual(cleanup.code, 2, cleanup.stderr)
      assert.include(cleanup.stderr, "is driven by another process")
      const other = yield* TestWorkflow.shell("other", { only: "true" })
      const swept = yield* hidden(["run", other.file, "--json"])
      assert.strictEqual(swept.code, 0, swept.stderr)
      assert.isFalse(swept.events.some(({ _tag }) => _tag === "leftovers.removed"))
      assert.deepStrictEqual(yield* TestBackend.remaining(backend), before)

      yield* open(1)
      const ended = yield* owner.ended
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
    }))
})
