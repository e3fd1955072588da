import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Faults from "../../src/embedded/Faults.ts"
import { eventually } from "../support/HttpQuestion.ts"
import * as TestBackend from "../support/TestBackend.ts"
import { type Ended, run, telemachy, test } from "../support/TestCommand.ts"
import * as TestWorkflow from "../support/TestWorkflow.ts"

const flow = TestWorkflow.write((directory) => ({
  metadata: { name: "resume" },
  agents: ["one", "two"].map((name) => ({ name, program: "sh", working_dir: directory })),
  teams: [{
    name: "crew",
    agents: ["one", "two"],
    tasks: [
      { subject: "first", description: "echo first >> done", assign_to: "one" },
      { subject: "second", description: `echo second >> done; ${TestWorkflow.wait}`, assign_to: "two", blocked_by: ["first"] },
      { subject: "third", description: "echo third >> done", assign_to: "one", blocked_by: ["second"] }
    ]
  }],
  teardown: "on_failure"
}))

const tagsOf = ({ events }: Ended) =>
  events.flatMap((event) => {
    switch (event._tag) {
      case "agent.created":
      case "agent.reused":
      case "team.created":
      case "team.reused":
        return [`${event._tag} ${event.name}`]
      case "task.submitted":
      case "task.watched":
        return [`${event._tag} ${event.subject}`]
      case "task.finished":
        return [`${event._tag} ${event.subject}${event.earlier ? " earlier" : ""}`]
      default:
        return []
    }
  })

/** Runs the workflow until its second task runs, and kills the command. */
const killed = Effect.gen(function*() {
  const backend = yield* TestBackend.make()
  const files = yield* flow
  const running = yield* telemachy(["run", files.file, "--json"], { env: backend.env })
  yield* running.until("the second task to run", () =>
    running.events().find((event) => event._tag === "task.progressed" && event.subject === "second"))
  yield* running.signal("SIGKILL")
  const ended = yield* running.ended
  assert.strictEqual(ended.signal, "SIGKILL")
  return { backend, ...files }
})

describe.concurrent("a run after one that was killed", () => {
  test("reuses agents and teams, watches the task that runs, and does only what is not done", () =>
    Effect.gen(function*() {
      const { backend, file, open, read } = yield* killed
      const running = yield* telemachy(["run", file, "--json"], { env: backend.env })
      yield* running.event("task.watched")
      yield* open(1)
      const ended = yield* running.ended
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.sameMembers(tagsOf(ended), [
        "agent.reused one",
        "agent.reused two",
        "team.reused crew",
        "task.finished first earlier",
        "task.watched second",
        "task.finished second",
        "task.submitted third",
        "task.finished third"
      ])
      assert.match(ended.stderr, /first .* completed earlier\n/)
      assert.strictEqual(read("done"), "first\nsecond\nthird\n")
      assert.lengthOf(yield* backend.tasks, 3)
      yield* TestBackend.assertNothingDoubled(backend)
      assert.lengthOf(yield* TestBackend.remaining(backend), 3)
    }))

  test("finds the task that ended meanwhile to be done", () =>
    Effect.gen(function*() {
      const { backend, file, open, read } = yield* killed
      yield* open(1)
      yield* eventually(backend.tasks, (tasks) => tasks.filter(({ status }) => status === "completed").length === 2)
      const ended = yield* run(["run", file, "--json"], { env: backend.env })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.includeMembers(tagsOf(ended), ["task.finished first earlier", "task.finished second earlier", "task.finished third"])
      assert.strictEqual(read("done"), "first\nsecond\nthird\n")
      yield* TestBackend.assertNothingDoubled(backend)
    }))

  test("makes everything new when it is forced, and a teardown removes both", () =>
    Effect.gen(function*() {
      const { backend, file, open, read } = yield* killed
      yield* open(2)
      const ended = yield* run(["run", file, "--json", "--force"], { env: backend.env })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.includeMembers(tagsOf(ended), ["agent.created one", "agent.created two", "team.created crew", "task.submitted first"])
      assert.strictEqual(read("done"), "first\nsecond\nfirst\nsecond\nthird\n")
      assert.lengthOf(yield* TestBackend.remaining(backend), 6)
      const removal = yield* run(["teardown", file], { env: backend.env })
      assert.strictEqual(removal.code, 0, removal.stderr)
      assert.lengthOf(removal.stdout.trim().split("\n"), 6)
      assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
    }))

  test("while it provisioned, makes only what is missing", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const { file, open } = yield* flow
      // Carried out, and answered too late for the one that is killed.
      yield* backend.setFaults([Faults.Slow({ method: "POST", path: "/v1/teams", delay: "1 minute" })])
      const running = yield* telemachy(["run", file, "--json"], { env: { ...backend.env, REQUEST_TIMEOUT_SECONDS: "30" } })
      yield* eventually(backend.teams, (teams) => teams.length === 1)
      yield* running.signal("SIGKILL")
      yield* running.ended
      yield* backend.setFaults([])
      yield* open(1)
      const ended = yield* run(["run", file, "--json"], { env: backend.env })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.includeMembers(tagsOf(ended), ["agent.reused one", "agent.reused two", "team.reused crew"])
      assert.lengthOf(yield* TestBackend.remaining(backend), 3)
      yield* TestBackend.assertNothingDoubled(backend)
    }))
})

describe.concurrent("a run after one that failed", () => {
  test("submits again what failed and what waited for it, and does not do again what was done", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const { file, read, touch } = yield* TestWorkflow.write((directory) => ({
        metadata: { name: "resume" },
        agents: [{ name: "one", program: "sh", working_dir: directory }],
        teams: [{
          name: "crew",
          agents: ["one"],
          tasks: [
            { subject: "first", description: "echo first >> done", assign_to: "one" },
            { subject: "second", description: "echo second >> done; test -e repaired", assign_to: "one", blocked_by: ["first"] },
            { subject: "third", description: "echo third >> done", assign_to: "one", blocked_by: ["second"] }
          ]
        }],
        teardown: "never"
      }))
      const failed = yield* run(["run", file, "--json"], { env: backend.env })
      assert.strictEqual(failed.code, 1, failed.stderr)
      assert.match(failed.stderr, /workflow resume failed: 2 of 3 tasks did not complete: crew\/second failed, crew\/third skipped\n$/)
      yield* touch("repaired")
      const repaired = yield* run(["run", file, "--json"], { env: backend.env })
      assert.strictEqual(repaired.code, 0, repaired.stderr)
      assert.sameMembers(tagsOf(repaired), [
        "agent.reused one",
        "team.reused crew",
        "task.finished first earlier",
        "task.submitted second",
        "task.finished second",
        "task.submitted third",
        "task.finished third"
      ])
      // Of several tasks of a subject, the newest counts.
      const again = yield* run(["run", file, "--json"], { env: backend.env })
      assert.strictEqual(again.code, 0, again.stderr)
      assert.includeMembers(tagsOf(again), ["first", "second", "third"].map((subject) => `task.finished ${subject} earlier`))
      assert.strictEqual(read("done"), "first\nsecond\nsecond\nthird\n")
      assert.lengthOf(yield* TestBackend.remaining(backend), 2)
    }))
})
