import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { WorkflowInput } from "../../src/workflow/WorkflowSpec.ts"
import * as NotifyReceiver from "../support/NotifyReceiver.ts"
import * as RawServer from "../support/RawServer.ts"
import * as RecordFile from "../support/RecordFile.ts"
import { emptyDirectory, lastLine, run, telemachy, test } from "../support/TestCommand.ts"
import * as TestWorkflow from "../support/TestWorkflow.ts"

const all = ["failed", "lost", "left", "waiting", "completed"] as const

const inRecord = Effect.map(emptyDirectory, (directory) => ({ HOME: directory, ...RecordFile.inFile(join(directory, "runs.db")) }))

/** What a program is told by a command that tells no events. */
const answer = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>>) =>
  Effect.scoped(Effect.map(Effect.flatMap(telemachy(args, { env }), ({ exited }) => exited), ({ stdout }) => JSON.parse(stdout)))

/** A gate, and what is done when it is approved. */
const gated = (name: string, notify: WorkflowInput["notify"]) =>
  TestWorkflow.write((directory) => ({
    metadata: { name },
    agents: [{ name: "worker", program: "sh", working_dir: directory }],
    teams: [{
      name: "crew",
      agents: ["worker"],
      tasks: [
        { id: "release", subject: "Release?", approve: "Publish?" },
        { subject: "Publish", description: "echo published", assign_to: "worker", blocked_by: ["release"] }
      ]
    }],
    notify: notify ?? []
  }))

describe.concurrent("notify", () => {
  test("tells whom the file and the setting name, and keeps their variables from programs", () =>
    Effect.gen(function*() {
      const env = yield* inRecord
      const [one, other] = [yield* NotifyReceiver.start(NotifyReceiver.takes), yield* NotifyReceiver.start(NotifyReceiver.takes)]
      const { file, read } = yield* TestWorkflow.shell("told", { see: "env > seen; exit 3" }, {
        notify: [{ url_env: "HOOK_URL", secret_env: "HOOK_SECRET" }]
      })
      const missing = yield* run(["run", file], { env })
      assert.deepStrictEqual([missing.code, missing.stderr], [2, "notify: HOOK_URL is not set, which one of its destinations names\n"])
      const variables = {
        HOOK_URL: `${one.url}/secret-path`,
        HOOK_SECRET: "hook-s3cret",
        OTHER_TOKEN: "other-t0ken",
        TRACEPARENT: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        TELEMACHY_NOTIFY: JSON.stringify([{ url: other.url, on: ["failed", "completed"], token_env: "OTHER_TOKEN" }])
      }
      const failed = yield* run(["run", file], { env: { ...env, ...variables } })
      assert.strictEqual(failed.code, 1, failed.stderr)
      assert.deepStrictEqual([one.events(), other.events()], [["1 failed"], ["1 failed"]])
      assert.match(String(one.received[0]?.headers["telemachy-signature"]), /^t=\d+,v1=[0-9a-f]{64}$/)
      assert.strictEqual(other.received[0]?.headers.authorization, "Bearer other-t0ken")
      // The trace of a run is nothing for others, and is for its programs.
      assert.isUndefined(one.received[0]?.headers["traceparent"])
      assert.match(read("seen"), /^TRACEPARENT=00-0af7651916cd43dd8448eb211c80319c-/m)
      assert.notMatch(read("seen"), /secret-path|hook-s3cret|other-t0ken|TELEMACHY_NOTIFY/)
      // Nor is it on record.
      const audit = yield* run(["audit", "--export"], { env })
      const logs = yield* run(["logs", "told", "-v", "--json"], { env })
      assert.notMatch(`${failed.stdout}${failed.stderr}${audit.stdout}${logs.stdout}`, /secret-path|hook-s3cret|other-t0ken/)
      const plan = yield* run(["plan", file], { env: { ...env, ...variables } })
      assert.include(plan.stdout, "  tells a webhook at the address in HOOK_URL of failed, lost, left, waiting, signed with HOOK_SECRET\n")
      const { host } = new URL(other.url)
      assert.include(plan.stdout, `  tells a webhook at ${host} of failed, completed, with the token in OTHER_TOKEN, of all runs (TELEMACHY_NOTIFY)\n`)
      const { notify, notifyOfAllRuns } = yield* answer(["plan", file, "--json"], { ...env, ...variables })
      assert.strictEqual(notify[0].urlEnv, "HOOK_URL")
      assert.deepStrictEqual(notifyOfAllRuns, [{ to: `a webhook at ${host}`, on: ["failed", "completed"] }])
    }))

  test("ends a run all the same whose receiver does not answer, says so before the last line, and the next run tells it", () =>
    Effect.gen(function*() {
      const env = yield* inRecord
      const receiver = yield* NotifyReceiver.start(NotifyReceiver.hangs, NotifyReceiver.takes)
      const notify = { TELEMACHY_NOTIFY: JSON.stringify([{ url: receiver.url, on: all }]) }
      const { file } = yield* TestWorkflow.shell("silent", { one: "exit 3" })
      const ended = yield* run(["run", file], { env: { ...env, ...notify } })
      assert.strictEqual(ended.code, 1, ended.stderr)
      assert.match(ended.stderr, /a webhook at 127\.0\.0\.1:\d+ was not told yet that run [0-9a-f]{16} has failed; the next run or runner with this database tells it/)
      assert.match(lastLine(ended.stderr), /^workflow silent failed: 1 of 1 tasks/)
      const next = yield* run(["run", file, "--yes"], { env: { ...env, ...notify } })
      assert.strictEqual(next.code, 1, next.stderr)
      yield* receiver.asked(3)
      const [first, ...rest] = receiver.told().map(({ id }) => id)
      assert.lengthOf(rest.filter((id) => id === first), 1)
      assert.lengthOf(rest.filter((id) => id !== first), 1)
    }))

  test("tells a question once, though its run is killed and goes on, and what comes after it in order", () =>
    Effect.gen(function*() {
      const env = yield* inRecord
      const receiver = yield* NotifyReceiver.start(NotifyReceiver.takes)
      const { file } = yield* gated("killed", [{ url: receiver.url, on: [...all] }])
      yield* Effect.scoped(Effect.gen(function*() {
        const running = yield* telemachy(["run", file, "--json"], { env })
        yield* running.event("gate.asked")
        yield* receiver.asked(1)
        // Until that is on record as well: what is told twice otherwise has the same id.
        yield* Effect.sleep("300 millis")
        yield* running.signal("SIGKILL")
        yield* running.exited
      }))
      yield* run(["approve", "killed"], { env })
      const resumed = yield* run(["resume", "killed"], { env })
      assert.strictEqual(resumed.code, 0, resumed.stderr)
      assert.deepStrictEqual(receiver.events(), ["1 waiting", "2 completed"])
    }))

  test("tells of runs that runners drive, and what could not be told while nobody was there", () =>
    Effect.gen(function*() {
      const env = yield* inRecord
      const busy = yield* NotifyReceiver.start(RawServer.answer(503), NotifyReceiver.takes)
      const { file } = yield* gated("served", [{ url: busy.url, on: [...all] }])
      const { file: broken } = yield* TestWorkflow.shell("missing", { one: "true" }, {
        agents: [{ name: "worker", program: "there-is-no-such-program" }],
        notify: [{ url: busy.url, on: [...all], format: "slack" }]
      })
      yield* run(["submit", file], { env })
      yield* Effect.scoped(Effect.gen(function*() {
        const serving = yield* telemachy(["serve", "--no-api"], { env })
        yield* busy.asked(2)
        yield* run(["approve", "served"], { env })
        yield* busy.asked(3)
        yield* run(["submit", broken], { env })
        yield* busy.asked(4)
        yield* serving.signal("SIGTERM")
        assert.strictEqual((yield* serving.ended).code, 0)
      }))
      const [first, second, third, last] = busy.received.map(({ body }) => JSON.parse(body))
      assert.deepStrictEqual([first, second, third].map(({ event, number }) => `${number} ${event}`), ["1 waiting", "1 waiting", "2 completed"])
      assert.match(last.text, /^workflow missing failed: .*there-is-no-such-program/)
    }))
})
