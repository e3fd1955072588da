import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { createAgent } from "../support/HttpQuestion.ts"
import * as TestBackend from "../support/TestBackend.ts"
import { run, test } from "../support/TestCommand.ts"
import * as TestWorkflow from "../support/TestWorkflow.ts"

const numbered = (count: number, name: string) => Array.from({ length: count }, (_, index) => `${name} ${index}`)

const flow = (agents: ReadonlyArray<string>, tasks: ReadonlyArray<string>, teardown: "always" | "never") =>
  TestWorkflow.write(() => ({
    metadata: { name: "many" },
    agents: agents.map((name) => ({ name, program: "none" })),
    teams: [{
      name: "crew",
      agents,
      tasks: tasks.map((subject, index) => ({
        subject,
        description: "d",
        assign_to: agents[index % agents.length] ?? "",
        // Waves of ten, each after one task of the last.
        blocked_by: index < 10 ? [] : [tasks[index - 10] ?? ""]
      }))
    }],
    teardown
  }))

describe.concurrent("many", () => {
  test("tasks and agents, more than a page of each, are all done and all removed", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const { file } = yield* flow(numbered(120, "agent"), numbered(110, "task"), "always")
      const patient = { HEALTHCHECK_TIMEOUT_SECONDS: "5", REQUEST_TIMEOUT_SECONDS: "10", TEARDOWN_GRACE_SECONDS: "30" }
      const ended = yield* run(["run", file, "--json"], { env: { ...backend.env, ...patient } })
      assert.strictEqual(ended.code, 0, ended.stderr)
      const tasks = yield* backend.tasks
      assert.lengthOf(tasks, 110)
      assert.lengthOf(new Set(tasks.map(({ subject }) => subject)), 110)
      assert.isTrue(tasks.every(({ status }) => status === "completed"))
      assert.lengthOf(ended.events.filter(({ _tag }) => _tag === "agent.created"), 120)
      assert.lengthOf(ended.events.filter(({ _tag }) => _tag === "agent.removed"), 120)
      assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
    }))

  test("agents of others, more than the largest page, hide none of the run's own", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      yield* Effect.forEach(numbered(1100, "other"), (name) => createAgent(backend, { name }, { started: false }), {
        concurrency: 8,
        discard: true
      })
      const env = { ...backend.env, HEALTHCHECK_TIMEOUT_SECONDS: "5", REQUEST_TIMEOUT_SECONDS: "10" }
      const { file } = yield* flow(numbered(20, "agent"), numbered(20, "task"), "never")
      const first = yield* run(["run", file, "--json"], { env })
      assert.strictEqual(first.code, 0, first.stderr)
      const second = yield* run(["run", file, "--json"], { env })
      assert.strictEqual(second.code, 0, second.stderr)
      assert.lengthOf(second.events.filter(({ _tag }) => _tag === "agent.reused"), 20)
      assert.lengthOf(second.events.filter((event) => event._tag === "task.finished" && event.earlier), 20)
      const removal = yield* run(["teardown", file], { env })
      assert.strictEqual(removal.code, 0, removal.stderr)
      assert.lengthOf(removal.stdout.match(/^removed agent /gm) ?? [], 20)
      assert.deepStrictEqual(yield* Effect.map(backend.agents, (agents) => agents.filter(({ name }) => name.startsWith("tlm-"))), [])
    }))

  test("never meets the limit of a real Agamemnon with default settings", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make({ rateLimit: { rps: 60, burst: 120 } })
      const { file } = yield* TestWorkflow.write(() => ({
        metadata: { name: "limits" },
        agents: [{ name: "worker", program: "none" }],
        teams: [{
          name: "crew",
          agents: ["worker"],
          tasks: Array.from({ length: 120 }, (_, position) => ({
            subject: `task ${position}`,
            description: "d",
            assign_to: "worker",
            blocked_by: position % 3 === 0 ? [] : [`task ${position - 1}`]
          }))
        }],
        teardown: "always"
      }))
      const ended = yield* run(["run", file, "--json"], { env: { ...backend.env, AGAMEMNON_RATE_LIMIT_RPS: "", REQUEST_TIMEOUT_SECONDS: "30" } })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.deepStrictEqual(ended.events.filter(({ _tag }) => _tag === "request.failed"), [])
      const refused = (yield* backend.requestLog).filter(({ status }) => status === 429)
      assert.deepStrictEqual(refused, [])
    }))
})
