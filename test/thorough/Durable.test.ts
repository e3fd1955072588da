import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { WorkflowInput } from "../../src/workflow/WorkflowSpec.ts"
import { createAgent, eventually } from "../support/HttpQuestion.ts"
import * as RecordFile from "../support/RecordFile.ts"
import * as TestBackend from "../support/TestBackend.ts"
import { emptyDirectory, run, telemachy, test } from "../support/TestCommand.ts"
import * as TestWorkflow from "../support/TestWorkflow.ts"

/** An Agamemnon, and a journal that is a file of its own. */
const makeStage = Effect.gen(function*() {
  const backend = yield* TestBackend.make()
  const database = join(yield* emptyDirectory, "runs.db")
  return { backend, database, env: { ...backend.env, ...RecordFile.inFile(database) } }
})

const waiting = (name: string, rest: Partial<WorkflowInput> = {}) =>
  TestWorkflow.shell(name, { first: `echo first >> done; ${TestWorkflow.wait}` }, rest)

/** Starts a run, up to where its task runs. */
const begun = Effect.fnUntraced(function*(env: Readonly<Record<string, string>>, file: string) {
  const running = yield* telemachy(["run", file, "--json"], { env })
  const { run: id } = yield* running.event("run.started")
  yield* running.event("task.progressed")
  return { running, id }
})

/** Starts a run, and kills it where its task runs. */
const killed = Effect.fnUntraced(function*(env: Readonly<Record<string, string>>, file: string) {
  const { id, running } = yield* begun(env, file)
  yield* running.signal("SIGKILL")
  yield* running.exited
  return id
})

const names = (backend: TestBackend.Backend) => Effect.map(TestBackend.remaining(backend), (left) => left.map(({ name }) => name))

describe.concurrent("resume", () => {
  test("by two at once is done by one; the other says who has the run", () =>
    Effect.gen(function*() {
      const { backend, env } = yield* makeStage
      const { file, open, read } = yield* waiting("two")
      const id = yield* killed(env, file)
      const both = yield* Effect.all([
        telemachy(["resume", id, "--json"], { env }),
        telemachy(["resume", id, "--json"], { env })
      ])
      const loser = yield* Effect.raceFirst(both[0].ended, both[1].ended)
      assert.strictEqual(loser.code, 2, loser.stderr)
      assert.match(loser.stderr, new RegExp(`^run ${id} is driven by another process: process \\d+ on .*\\n$`))
      yield* open(1)
      const ended = yield* Effect.all([both[0].ended, both[1].ended])
      assert.sameMembers(ended.map(({ code }) => code), [0, 2])
      assert.strictEqual(read("done"), "first\n")
      assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
    }))

  test("says what has changed in the file, and goes on with it when told to", () =>
    Effect.gen(function*() {
      const { backend, env } = yield* makeStage
      const { directory, file, open, read } = yield* waiting("changed")
      const id = yield* killed(env, file)
      yield* open(1)
      const spec = {
        metadata: { name: "changed" },
        agents: [{ name: "worker", program: "sh", working_dir: directory }],
        teams: [{
          name: "crew",
          agents: ["worker"],
          tasks: [
            { subject: "first", description: `echo first >> done; ${TestWorkflow.wait}`, assign_to: "worker" },
            { subject: "second", description: "echo second >> done", assign_to: "worker", blocked_by: ["first"] }
          ]
        }],
        teardown: "always"
      }
      writeFileSync(file, JSON.stringify(spec))
      const refused = yield* run(["resume", id], { env })
      assert.strictEqual(refused.code, 2, refused.stderr)
      assert.match(refused.stderr, /has changed since it was started:\n {2}.*second/)
      const ended = yield* run(["resume", id, "--accept-changes", "--json"], { env })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.strictEqual(read("done"), "first\nsecond\n")
      assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
    }))

  test("tries again what has failed only when it is told to", () =>
    Effect.gen(function*() {
      const { backend, env } = yield* makeStage
      const { file, read, touch } = yield* TestWorkflow.shell("failing", { only: "echo only >> done; test -e repaired" }, { teardown: "never" })
      const failed = yield* run(["run", file, "--json"], { env })
      assert.strictEqual(failed.code, 1, failed.stderr)
      const id = failed.events[0]?.run ?? ""
      const again = yield* run(["resume", id], { env })
      assert.strictEqual(again.code, 2, again.stderr)
      assert.include(again.stderr, "--retry-failed")
      assert.strictEqual(read("done"), "only\n")
      yield* touch("repaired")
      const repaired = yield* run(["resume", id, "--retry-failed", "--teardown", "always"], { env })
      assert.strictEqual(repaired.code, 0, repaired.stderr)
      assert.strictEqual(read("done"), "only\nonly\n")
      assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
    }))

  test("and cleanup are refused when the settings name another Agamemnon", () =>
    Effect.gen(function*() {
      const { backend, env } = yield* makeStage
      const other = yield* TestBackend.make()
      const { file, open } = yield* waiting("elsewhere")
      const id = yield* killed(env, file)
      yield* open(1)
      for (const command of ["resume", "cleanup", "cancel"]) {
        const refused = yield* run([command, id], { env: { ...env, ...other.env } })
        assert.strictEqual(refused.code, 2, refused.stderr)
        assert.match(refused.stderr, /is on http.*, and AGAMEMNON_URL says http.*--url says which it is now\n$/)
      }
      assert.strictEqual(yield* other.requests, 0)
      const ended = yield* run(["resume", id, "--url", backend.url], { env: { ...env, AGAMEMNON_URL: other.url } })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
    }))
})

describe.concurrent("cancel", () => {
  test("ends a run of another process within a moment", () =>
    Effect.gen(function*() {
      const { backend, env } = yield* makeStage
      const { file } = yield* waiting("cancelled")
      const { id, running } = yield* begun(env, file)
      const cancel = yield* run(["cancel", id.slice(0, 8)], { env })
      assert.strictEqual(cancel.stdout, `run ${id} is being cancelled; see telemachy status ${id} --watch\n`)
      const ended = yield* running.ended
      assert.strictEqual(ended.code, 130, ended.stderr)
      assert.includeMembers(ended.events.map(({ _tag }) => _tag), ["run.cancelling", "run.finished"])
      assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
      const again = yield* run(["cancel", id], { env })
      assert.strictEqual(again.stdout, `run ${id} is over (cancelled) and has left nothing\n`)
    }))

  test("cleans up after a run without an owner", () =>
    Effect.gen(function*() {
      const { backend, env } = yield* makeStage
      const { file } = yield* waiting("ownerless")
      const id = yield* killed(env, file)
      const cancel = yield* run(["cancel", id], { env })
      assert.strictEqual(cancel.code, 0, cancel.stderr)
      assert.match(cancel.stdout, /removed all 2 resources of run/)
      assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
    }))
})

describe.concurrent("cleanup", () => {
  test("touches neither what a living run uses nor what no journal names", () =>
    Effect.gen(function*() {
      const { backend, env } = yield* makeStage
      const orphan = yield* createAgent(backend, { name: "tlm-0123456789abcdef-orphan" }, { started: false })
      const stranger = yield* createAgent(backend, { name: "stranger" }, { started: false })
      const alive = yield* waiting("alive")
      const living = yield* begun(env, alive.file)
      const dead = yield* waiting("dead", { teardown: "never" })
      const id = yield* killed(env, dead.file)
      const all = yield* names(backend)
      assert.lengthOf(all, 6)

      const owned = yield* run(["cleanup", living.id], { env })
      assert.strictEqual(owned.code, 2, owned.stderr)
      assert.match(owned.stderr, /is driven by another process/)
      const dry = yield* run(["cleanup", "--all", "--dry-run"], { env })
      assert.match(dry.stdout, new RegExp(`^would remove team crew .* of run ${id}\\nwould remove agent worker .* of run ${id}\\n$`))
      assert.deepStrictEqual(yield* names(backend), all)
      const cleaned = yield* telemachy(["cleanup", "--all", "--json"], { env })
      const { code, stderr, stdout } = yield* cleaned.exited
      assert.strictEqual(code, 0, stderr)
      const lines: ReadonlyArray<Readonly<Record<string, string>>> = stdout.trim().split("\n").map((line) => JSON.parse(line))
      assert.deepStrictEqual(lines.map(({ kind, name, run, status, workflow }) => ({ kind, name, run, status, workflow })), [
        { kind: "team", name: "crew", run: id, status: "removed", workflow: "dead" },
        { kind: "agent", name: "worker", run: id, status: "removed", workflow: "dead" }
      ])
      assert.lengthOf(yield* names(backend), 4)

      const listed = yield* run(["cleanup", "--orphans"], { env })
      assert.strictEqual(listed.stdout, `agent ${orphan} (tlm-0123456789abcdef-orphan)\n`)
      const refused = yield* run(["cleanup", "--orphans", orphan, stranger], { env })
      assert.strictEqual(refused.code, 2, refused.stderr)
      assert.lengthOf(yield* names(backend), 4)
      const removed = yield* run(["cleanup", "--orphans", orphan], { env })
      assert.strictEqual(removed.code, 0, removed.stderr)

      yield* alive.open(1)
      const ended = yield* living.running.ended
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.deepStrictEqual(yield* names(backend), ["stranger"])
    }))

  test("is done by the next run for what a dead one wanted removed", () =>
    Effect.gen(function*() {
      const { backend, env } = yield* makeStage
      const dead = yield* waiting("dead")
      const id = yield* killed(env, dead.file)
      const next = yield* TestWorkflow.shell("next", { only: "true" })
      const ended = yield* run(["run", next.file], { env })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.lengthOf(ended.stdout.match(/^.*earlier.*$/gm) ?? [], 1, ended.stdout)
      assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
      const list = yield* run(["list", "--status", "cancelled"], { env })
      assert.include(list.stdout, id)
    }))
})

describe.concurrent("what happens in a run", () => {
  test("is seen by other processes to its end", () =>
    Effect.gen(function*() {
      const { env } = yield* makeStage
      const { file, open } = yield* waiting("watched")
      const { id, running } = yield* begun(env, file)
      const follower = yield* telemachy(["logs", id, "--follow", "--json"], { env })
      yield* follower.event("task.progressed")
      const watcher = yield* telemachy(["status", id, "--watch", "--json"], { env })
      yield* watcher.event("task.progressed")
      const plain = yield* run(["status", id], { env })
      assert.match(plain.stdout, /driven by process \d+/)
      yield* open(1)
      const { events } = yield* running.ended
      for (const other of [follower, watcher]) {
        const seen = yield* other.ended
        assert.strictEqual(seen.code, 0, seen.stderr)
        assert.deepStrictEqual(seen.events, events)
      }
    }))

  test("is followed until its process dies", () =>
    Effect.gen(function*() {
      const { env } = yield* makeStage
      const { file } = yield* waiting("dies")
      const { id, running } = yield* begun(env, file)
      const follower = yield* telemachy(["logs", id, "--follow"], { env })
      yield* follower.until("the task", () => /running/.test(follower.output().stdout) || undefined)
      yield* running.signal("SIGKILL")
      yield* running.exited
      const { code, stderr } = yield* follower.ended
      assert.strictEqual(code, 0)
      assert.strictEqual(stderr, `run ${id} was interrupted: its process has ended\n`)
      yield* eventually(run(["list", "--status", "interrupted"], { env }), ({ stdout }) => stdout.includes(id))
    }))
})
