import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Faults from "../../src/embedded/Faults.ts"
import * as TestBackend from "../support/TestBackend.ts"
import { lastLine, run, telemachy, test } from "../support/TestCommand.ts"
import * as TestWorkflow from "../support/TestWorkflow.ts"

const patient = { HEALTHCHECK_TIMEOUT_SECONDS: "3", HEALTHCHECK_FAILURE_THRESHOLD: "30" }

const two = TestWorkflow.shell("answers", { first: "true", second: "true" })

/** Runs two tasks on a server with these faults, from the first request on. */
const runWith = (...faults: ReadonlyArray<Faults.Fault>) =>
  Effect.gen(function*() {
    const backend = yield* TestBackend.make()
    const { file } = yield* two
    yield* backend.setFaults(faults)
    const ended = yield* run(["run", file, "--json"], { env: { ...backend.env, ...patient } })
    yield* backend.setFaults([])
    return { backend, ended, file }
  })

const creates: ReadonlyArray<readonly [string, RegExp]> = [
  ["an agent", /^\/v1\/agents$/],
  ["a team", /^\/v1\/teams$/],
  ["a task", /\/tasks$/]
]

describe.concurrent("an answer that does not come", () => {
  for (const [what, path] of creates) {
    test(`to the create of ${what}, which took effect, does not make another`, () =>
      Effect.gen(function*() {
        const { backend, ended } = yield* runWith(
          Faults.DropAnswer({ method: "POST", path, times: 1 })
        )
        const made = (yield* backend.requestLog).filter(({ method, path: asked }) => method === "POST" && path.test(asked))
        assert.lengthOf(made, what === "a task" ? 2 : 1)
        assert.strictEqual(ended.code, 0, ended.stderr)
        assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
        assert.sameMembers((yield* backend.tasks).map(({ subject }) => subject), ["first", "second"])
        const created = ended.events.flatMap((event) => event._tag === "agent.created" || event._tag === "team.created" ? [event.name] : [])
        assert.deepStrictEqual(created, ["worker", "crew"])
      }))

    test(`to the create of ${what}, which had no effect, is asked for again`, () =>
      Effect.gen(function*() {
        const { backend, ended } = yield* runWith(
          Faults.Reset({ method: "POST", path, times: 1 }),
          Faults.Status({ method: "POST", path, status: 500, times: 1 }),
          Faults.EmptyBadRequest({ method: "POST", path, times: 1 })
        )
        assert.strictEqual(ended.code, 0, ended.stderr)
        assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
        assert.lengthOf(yield* backend.tasks, 2)
      }))
  }

  test("from a server that fails for good ends the run as failed, and what was made is removed", () =>
    Effect.gen(function*() {
      const { backend, ended } = yield* runWith(Faults.Status({ status: 500, method: "POST", path: /\/tasks$/ }))
      assert.strictEqual(ended.code, 1, ended.stderr)
      assert.match(lastLine(ended.stderr), /^workflow answers failed: POST \/v1\/teams\/.*\/tasks answered 500: internal server error$/)
      assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
    }))
})

describe.concurrent("preflight", () => {
  test("finds no server: connectivity lost, and nothing was made", () =>
    Effect.gen(function*() {
      const { backend, ended } = yield* runWith(Faults.Refuse())
      assert.strictEqual(ended.code, 3)
      assert.match(lastLine(ended.stderr), /^workflow answers failed: connectivity lost, no answer.*: the connection was refused$/)
      assert.deepStrictEqual(ended.events.map(({ _tag }) => _tag), ["run.started", "run.decided", "run.finished"])
      assert.deepStrictEqual(yield* backend.requestLog.pipe(Effect.map((entries) => entries.filter(({ method }) => method !== "GET"))), [])
    }))

  test("finds a server that hangs: connectivity lost", () =>
    Effect.gen(function*() {
      const { ended } = yield* runWith(Faults.Hang({}))
      assert.strictEqual(ended.code, 3)
      assert.match(lastLine(ended.stderr), /^workflow answers failed: connectivity lost, .*: no answer came in time$/)
    }))

  test("is refused its key: failed, with advice", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const { file } = yield* two
      const env = { ...backend.env, AGAMEMNON_API_KEY: "not-the-key-at-all" }
      const ended = yield* run(["run", file, "--json"], { env })
      assert.strictEqual(ended.code, 1)
      assert.match(lastLine(ended.stderr), /^workflow answers failed: .* answered 401: unauthorized; check AGAMEMNON_API_KEY$/)
    }))

  test("finds a busy server: waits as long as it says", () =>
    Effect.gen(function*() {
      const { backend, ended } = yield* runWith(Faults.Status({ status: 429, retryAfter: "2 seconds", times: 1 }))
      assert.strictEqual(ended.code, 0, ended.stderr)
      const [started, busy, alive] = ended.events
      assert.deepStrictEqual([started?._tag, busy?._tag, alive?._tag], ["run.started", "request.failed", "connectivity.alive"])
      assert.isAtLeast((alive?.at.epochMillis ?? 0) - (busy?.at.epochMillis ?? 0), 1900)
      assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
    }))

  test("finds something that is no Agamemnon: failed, with advice", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const { file } = yield* two
      const env = { ...backend.env, AGAMEMNON_URL: `${backend.url}/elsewhere` }
      const ended = yield* run(["run", file, "--json"], { env })
      assert.strictEqual(ended.code, 1)
      assert.match(lastLine(ended.stderr), /^workflow answers failed: .* answered 404: .*is AGAMEMNON_URL the address of an Agamemnon of a version known here\?$/)
    }))
})

describe.concurrent("an outage", () => {
  for (const [name, fault] of [["refuses", Faults.Refuse()], ["hangs", Faults.Hang({})]] as const) {
    test(`that ${name}, shorter than the threshold, costs a run nothing but time`, () =>
      Effect.gen(function*() {
        const backend = yield* TestBackend.make()
        const { file, open } = yield* TestWorkflow.shell("outage", { first: TestWorkflow.wait, second: "true" })
        const env = { ...backend.env, HEALTHCHECK_FAILURE_THRESHOLD: "20", HEALTHCHECK_TIMEOUT_SECONDS: "0.2" }
        const running = yield* telemachy(["run", file, "--json"], { env })
        yield* running.event("task.progressed")
        yield* backend.setFaults([fault])
        yield* running.event("connectivity.suspect", 3)
        yield* backend.setFaults([])
        yield* running.until("an answer", () =>
          running.events().findLast(({ _tag }) => _tag.startsWith("connectivity."))?._tag === "connectivity.alive" || undefined)
        yield* open(1)
        const ended = yield* running.ended
        assert.strictEqual(ended.code, 0, ended.stderr)
        assert.isUndefined(ended.events.find(({ _tag }) => _tag === "connectivity.lost"))
        assert.lengthOf(yield* backend.tasks, 2)
        assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
      }))
  }

  test("that outlasts the grace leaves what was made, names it, and a later teardown removes it", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const { file } = yield* TestWorkflow.shell("outage", { first: TestWorkflow.wait })
      const running = yield* telemachy(["run", file], { env: { ...backend.env, TEARDOWN_GRACE_SECONDS: "1" } })
      yield* running.until("the task to run", () => /crew\/first: running/.exec(running.output().stdout) ?? undefined)
      yield* backend.setFaults([Faults.Refuse()])
      const ended = yield* running.ended
      assert.strictEqual(ended.code, 3)
      assert.match(lastLine(ended.stderr), /^workflow outage failed: connectivity lost, .*; 2 resources could not be removed$/)
      yield* backend.setFaults([])
      const left = yield* TestBackend.remaining(backend)
      assert.lengthOf(left, 2)
      for (const { id } of left) assert.include(ended.stdout, id)
      assert.match(ended.stdout, /remove with: telemachy cleanup [0-9a-f]{16}$/m)
      const again = yield* run(["teardown", file, "--url", backend.url], { env: { AGAMEMNON_API_KEY: backend.env.AGAMEMNON_API_KEY } })
      assert.strictEqual(again.code, 0, again.stderr)
      assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
    }))
})
