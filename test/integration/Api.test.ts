import { join } from "node:path"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import parse from "parse-prometheus-text-format"
import * as RunsClient from "../../src/server/RunsClient.ts"
import * as MetricList from "../../src/telemetry/MetricList.ts"
import * as RecordFile from "../support/RecordFile.ts"
import * as ScrapedRunner from "../support/ScrapedRunner.ts"
import { emptyDirectory, run, telemachy, test } from "../support/TestCommand.ts"

const flow = `metadata: {name: served}
agents: [{name: worker, program: shell}]
teams:
  - name: crew
    agents: [worker]
    tasks:
      - {subject: say, description: "echo said, and done", assign_to: worker}
      - {subject: ask, approve: "Go on?", blocked_by: [say]}
`

describe.concurrent("the API of telemachy serve", () => {
  test("has its keys printed once, takes a run to its end, and tells of it while it happens", () =>
    Effect.gen(function*() {
      const directory = yield* emptyDirectory
      const env = { ...RecordFile.inFile(join(directory, "runs.db")), HOME: directory }
      const serving = yield* telemachy(["serve", "--port", "0"], { env })
      const url = yield* serving.until("its address", () => /^API on (http:\S+),/m.exec(serving.output().stdout)?.[1])
      const key = /^ {2}operate {2}(\S+)$/m.exec(serving.output().stderr)?.[1] ?? ""
      yield* Effect.gen(function*() {
        const client = yield* RunsClient.RunsClient
        const { run } = yield* client.runs.submit({ payload: { workflow: flow } })
        const events = yield* client.follow(run).pipe(
          Stream.tap(({ event }) => event._tag === "gate.asked" ? client.runs.answer({ path: { run }, payload: { decision: "approved" } }) : Effect.void),
          Stream.map(({ event }): string => event._tag),
          Stream.runCollect
        )
        assert.includeMembers([...events], ["run.submitted", "run.started", "task.finished", "gate.answered", "run.finished"])
        const ended = yield* client.runs.get({ path: { run } })
        assert.deepStrictEqual([ended.status, ended.tasks.map(({ result, status }) => [result, status])], ["completed", [["said, and done\n", "completed"], [undefined, "completed"]]])
        const log = yield* client.runs.log({ path: { run }, urlParams: { task: "say" } })
        assert.deepInclude(JSON.parse(log), { stream: "stdout", text: "said, and done" })
        const unknown = yield* Effect.flip(client.runs.log({ path: { run }, urlParams: { task: "sai" } }))
        assert.include(unknown.message, "did you mean say?")
        assert.deepInclude(yield* client.runs.summary({ path: { run: "latest" } }), { run, status: "completed" })
        const { runs, total } = yield* client.runs.overview({ urlParams: { newest: 0 } })
        assert.deepStrictEqual([runs, total], [[], 1])
        assert.deepStrictEqual((yield* client.about.leftovers()).leftovers, [])
      }).pipe(Effect.provide(RunsClient.layer({ url, key: Redacted.make(key) })), Effect.provide(NodeHttpClient.layer))
      yield* serving.signal("SIGTERM")
      assert.strictEqual((yield* serving.ended).code, 0)
    }))

  test("tells Prometheus what was measured, for who may read", () =>
    Effect.gen(function*() {
      const { ask, operate, read, serving } = yield* ScrapedRunner.make(["true", "exit 3"])
      assert.strictEqual((yield* ask(undefined)).status, 401)
      assert.strictEqual((yield* ask(operate)).status, 200)
      const { status, text, type } = yield* ask(read)
      assert.deepStrictEqual([status, type], [200, "text/plain; version=0.0.4; charset=utf-8"])
      const families = parse(text)
      assert.deepStrictEqual(families.map(({ name }) => name), MetricList.all.map(({ name }) => name))
      for (const { metrics, name, type } of families) {
        const { labels = [] } = MetricList.all.find((each) => each.name === name) ?? {}
        if (type !== "HISTOGRAM") for (const sample of metrics) assert.sameMembers(Object.keys(sample.labels ?? {}), [...labels], name)
      }
      const values = (family: string) => families.find(({ name }) => name === family)?.metrics ?? []
      const workflow_name = "scraped"
      assert.deepStrictEqual(values("telemachy_workflows_started_total"), [{ value: "2", labels: { workflow_name } }])
      assert.sameDeepMembers([...values("telemachy_workflows_completed_total")], [
        { value: "1", labels: { workflow_name, status: "completed" } },
        { value: "1", labels: { workflow_name, status: "failed" } }
      ])
      assert.sameDeepMembers([...values("telemachy_tasks_total")], [{ value: "1", labels: { status: "completed" } }, { value: "1", labels: { status: "failed" } }])
      for (const [name, value] of [["telemachy_runs_active", "0"], ["telemachy_journal_up", "1"], ["telemachy_queue_runs", "0"], ["telemachy_runners", "1"], ["telemachy_leases_lost_total", "0"]] as const) {
        assert.deepStrictEqual(values(name), [{ value }], name)
      }
      const submissions = values("telemachy_agamemnon_requests_total").filter(({ labels = {} }) => labels["endpoint"] === "/v1/teams/:id/tasks" && labels["method"] === "POST")
      assert.deepStrictEqual(submissions.map(({ value }) => value), ["2"])
      assert.notMatch(text, /[0-9a-f]{8}-[0-9a-f]{4}-/)
      yield* serving.signal("SIGTERM")
      assert.strictEqual((yield* serving.ended).code, 0)
    }))

  test("is refused in words before anything begins where it can not be served as it is asked for", () =>
    Effect.gen(function*() {
      const directory = yield* emptyDirectory
      const env = { ...RecordFile.inFile(join(directory, "runs.db")), HOME: directory }
      const refused = yield* run(["serve", "--host", "0.0.0.0"], { env })
      assert.deepStrictEqual([refused.code, /0\.0\.0\.0 can be reached from other machines.*--allow-remote/.test(refused.stderr)], [2, true])
      const price = yield* run(["serve"], { env: { ...env, AGENT_USD_PER_HOUR: "0" } })
      assert.deepStrictEqual([price.code, price.stdout, price.stderr], [2, "", 'AGENT_USD_PER_HOUR in the environment: expected a number greater than 0, found "0"\n'])
      const keys = yield* run(["serve", "--api-keys", directory], { env })
      assert.deepStrictEqual([keys.code, keys.stderr], [2, `the keys of the API (${directory}): it is no file\n`])
    }))
})
