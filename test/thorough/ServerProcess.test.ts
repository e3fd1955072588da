import { createServer } from "node:net"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Outcome } from "../../src/run/Outcome.ts"
import { ask, eventually } from "../support/HttpQuestion.ts"
import * as TcpProxy from "../support/TcpProxy.ts"
import { type Ended, lastLine, run, telemachy, test } from "../support/TestCommand.ts"
import * as TestWorkflow from "../support/TestWorkflow.ts"

const key = "the-key-of-the-server"

const freePort = Effect.async<number>((resume) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const address = server.address()
    server.close(() => resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0)))
  })
})

/** An Agamemnon that is a process of its own, on a port that stays the same whenever it is started, behind a proxy. */
const server = Effect.gen(function*() {
  const port = yield* freePort
  const proxy = yield* TcpProxy.tcp({ host: "127.0.0.1", port })
  const start = Effect.gen(function*() {
    const process = yield* telemachy(["agamemnon", "--port", String(port)], { env: { AGAMEMNON_API_KEY: key } })
    yield* process.until("its address", () => /^AGAMEMNON_URL=/.exec(process.output().stdout) ?? undefined)
    return process
  })
  const names = (kind: "agents" | "teams") =>
    ask(`http://127.0.0.1:${port}`, { path: `/v1/${kind}`, headers: { authorization: `Bearer ${key}` } }).pipe(
      Effect.map(({ text }) => [...text.matchAll(/"name":"([^"]*)"/g)].map(([, name]) => name))
    )
  return {
    proxy,
    start,
    env: { AGAMEMNON_URL: `http://127.0.0.1:${proxy.port}`, AGAMEMNON_API_KEY: key },
    remaining: Effect.map(Effect.all([names("agents"), names("teams")]), (found) => found.flat())
  }
})

/** Settings under which an outage has to be long to count. */
const tolerant = { HEALTHCHECK_FAILURE_THRESHOLD: "100", TEARDOWN_GRACE_SECONDS: "30" }

const twoTasks = TestWorkflow.shell("server", { first: TestWorkflow.wait, second: "true" })

const assertEnd = (ended: Ended, outcome: Outcome, code: number, says: RegExp) => {
  assert.strictEqual(ended.code, code, ended.stderr)
  assert.deepInclude(ended.events.at(-1), { _tag: "run.finished", outcome })
  assert.match(lastLine(ended.stderr), says)
}

const submissions = ({ events }: Ended) => events.flatMap((event) => event._tag === "task.submitted" ? [event.subject] : [])

describe.concurrent("an Agamemnon that is a process", () => {
  test("and stands still for a while costs a run nothing but time", () =>
    Effect.gen(function*() {
      const there = yield* server
      const process = yield* there.start
      const { file, open } = yield* twoTasks
      const running = yield* telemachy(["run", file, "--json"], { env: { ...there.env, ...tolerant } })
      yield* running.event("task.progressed")
      yield* process.signal("SIGSTOP")
      yield* running.event("connectivity.suspect")
      yield* open(1)
      yield* process.signal("SIGCONT")
      const ended = yield* running.ended
      assertEnd(ended, "completed", 0, /^workflow server completed in /)
      assert.deepStrictEqual(submissions(ended), ["first", "second"])
      assert.deepStrictEqual(yield* there.remaining, [])
    }))

  test("and stands still for too long is lost, and everything is removed when it goes on", () =>
    Effect.gen(function*() {
      const there = yield* server
      const process = yield* there.start
      const { file } = yield* twoTasks
      const running = yield* telemachy(["run", file, "--json"], { env: { ...there.env, TEARDOWN_GRACE_SECONDS: "30" } })
      yield* running.event("task.progressed")
      yield* process.signal("SIGSTOP")
      yield* running.event("teardown.waiting")
      yield* process.signal("SIGCONT")
      assertEnd(yield* running.ended, "connectivity_lost", 3, /^workflow server failed: connectivity lost, no answer from Agamemnon for /)
      assert.deepStrictEqual(yield* there.remaining, [])
    }))

  test("and is killed and started again in the middle has lost the state of the run", () =>
    Effect.gen(function*() {
      const there = yield* server
      const process = yield* there.start
      const { file } = yield* twoTasks
      const running = yield* telemachy(["run", file, "--json"], { env: { ...there.env, ...tolerant } })
      yield* running.event("task.progressed")
      yield* process.signal("SIGKILL")
      yield* process.exited
      yield* running.event("connectivity.suspect")
      yield* there.start
      assertEnd(yield* running.ended, "state_lost", 3, /^workflow server failed: Agamemnon no longer knows /)
      assert.deepStrictEqual(yield* there.remaining, [])
    }))

  test("and is ended with SIGTERM and started again between two runs is used anew", () =>
    Effect.gen(function*() {
      const there = yield* server
      const process = yield* there.start
      const { file, open } = yield* twoTasks
      yield* open(2)
      const options = { env: there.env }
      assert.strictEqual((yield* run(["run", file, "--json", "--teardown", "never"], options)).code, 0)
      yield* process.signal("SIGTERM")
      yield* process.exited
      yield* there.start
      const again = yield* run(["run", file, "--json"], options)
      assertEnd(again, "completed", 0, /^workflow server completed in /)
      assert.deepStrictEqual(submissions(again), ["first", "second"])
      assert.deepStrictEqual(yield* there.remaining, [])
    }))

  test("and is started later than the run finds nothing made by the first try, and completes the second", () =>
    Effect.gen(function*() {
      const there = yield* server
      const { file, open } = yield* twoTasks
      yield* open(2)
      const early = yield* run(["run", file, "--json"], { env: there.env })
      assert.strictEqual(early.code, 3, early.stderr)
      assert.deepStrictEqual(early.events.filter(({ _tag }) => /^(agent|team|task)\./.test(_tag)), [])
      yield* there.start
      assert.deepStrictEqual(yield* there.remaining, [])
      const later = yield* run(["run", file, "--json"], { env: there.env })
      assertEnd(later, "completed", 0, /^workflow server completed in /)
      assert.deepStrictEqual(yield* there.remaining, [])
    }))

  for (const what of ["cut", "frozen"] as const) {
    test(`and whose connections are ${what} by something in between is found again`, () =>
      Effect.gen(function*() {
        const there = yield* server
        yield* there.start
        const { file, open } = yield* twoTasks
        const running = yield* telemachy(["run", file, "--json"], { env: { ...there.env, ...tolerant } })
        yield* running.event("task.progressed")
        yield* what === "cut" ? there.proxy.close : there.proxy.freeze(true)
        yield* running.event("connectivity.suspect")
        yield* open(1)
        yield* what === "cut" ? there.proxy.open : Effect.zipRight(there.proxy.thaw, there.proxy.cut)
        const ended = yield* running.ended
        assertEnd(ended, "completed", 0, /^workflow server completed in /)
        assert.deepStrictEqual(submissions(ended), ["first", "second"])
        assert.deepStrictEqual(yield* eventually(there.remaining, (names) => names.length === 0), [])
      }))
  }
})
