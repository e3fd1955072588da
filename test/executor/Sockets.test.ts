import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Faults from "../../src/embedded/Faults.ts"
import { eventually } from "../support/HttpQuestion.ts"
import { backend, settings, startOn } from "../support/SocketRun.ts"
import { outcome, task, team, type TestRun, told, workflow } from "../support/TestRun.ts"

const happens = (run: TestRun, tag: string) =>
  eventually(Effect.sync(() => told(run.events, tag).length), (count) => count > 0)

const removals = ({ events }: TestRun) => told(events, "team.removed", "agent.removed")

const withoutIds = (path: string) => path.replace(/[0-9a-f-]{36}/g, ":id")

const long = workflow({
  agents: [{ name: "worker", program: "long" }],
  teams: [team("core", task("first"))],
  teardown: "on_completion"
})

describe.concurrent("a run over sockets", () => {
  it.scopedLive("sends no null, and patches what it can not post", () =>
    Effect.gen(function*() {
      const there = yield* backend
      const run = yield* startOn(
        there,
        workflow({
          agents: [{ name: "worker", program: "none", model: null }, {
            name: "boxed",
            program: "none",
            runtime: "docker",
            docker_image: "node:20"
          }],
          teams: [{ ...team("core", task("first"), task("second", "first")), agents: ["worker", "boxed"] }]
        })
      )
      assert.isTrue(Exit.isSuccess(yield* run.ended))
      assert.notMatch(there.bodies.join(), /null|undefined/)
      const changes = (yield* there.server.requestLog).filter(({ method }) => method !== "GET")
      const sent = changes.map(({ method, path, status }) => `${method} ${withoutIds(path)} ${status}`)
      assert.sameMembers(sent, [
        "POST /v1/agents 201",
        "POST /v1/agents 201",
        "PATCH /v1/agents/:id 200",
        "POST /v1/agents/:id/start 200",
        "POST /v1/agents/:id/start 200",
        "POST /v1/teams 201",
        "POST /v1/teams/:id/tasks 201",
        "POST /v1/teams/:id/tasks 201",
        "DELETE /v1/teams/:id 200",
        "DELETE /v1/agents/:id 200",
        "DELETE /v1/agents/:id 200"
      ])
    }))

  for (const path of [/^\/v1\/agents$/, /^\/v1\/teams$/, /\/tasks$/]) {
    it.scopedLive(`finds what it created when the answer to POST ${path.source} was lost`, () =>
      Effect.gen(function*() {
        const there = yield* backend
        yield* there.server.setFaults([Faults.DropAnswer({ method: "POST", path, times: 1 })])
        const run = yield* startOn(there, workflow(), { teardown: "never" })
        assert.isTrue(Exit.isSuccess(yield* run.ended))
        const teams = yield* there.client.listTeams
        const [core] = teams
        assert.lengthOf(yield* there.client.listAgents, 1)
        assert.lengthOf(teams, 1)
        assert.lengthOf(core === undefined ? [] : yield* there.client.listTasks(core.id), 2)
      }))
  }

  it.scopedLive("repeats a request that was answered with an empty 400", () =>
    Effect.gen(function*() {
      const there = yield* backend
      yield* there.server.setFaults([Faults.EmptyBadRequest({ method: "POST", times: 2 })])
      const run = yield* startOn(there, workflow())
      assert.isTrue(Exit.isSuccess(yield* run.ended))
    }))

  for (const fault of [Faults.Refuse(), Faults.Hang({}), Faults.Reset({}), Faults.Status({ status: 503 })]) {
    it.scopedLive(`is lost under ${fault._tag}, and removes what it made when Agamemnon is back`, () =>
      Effect.gen(function*() {
        const there = yield* backend
        const run = yield* startOn(there, long)
        yield* happens(run, "task.progressed")
        yield* there.server.setFaults([fault])
        yield* happens(run, "teardown.waiting")
        yield* there.server.setFaults([])
        yield* run.ended
        assert.deepStrictEqual(outcome(run.events), ["connectivity_lost"])
        assert.deepStrictEqual([yield* there.client.listAgents, yield* there.client.listTeams], [[], []])
        assert.deepStrictEqual(removals(run), ["team.removed core", "agent.removed worker"])
      }))
  }

  it.scopedLive("names what is left when Agamemnon does not come back", () =>
    Effect.gen(function*() {
      const there = yield* backend
      const run = yield* startOn(there, long, { settings: { teardownGrace: Duration.millis(300) } })
      yield* happens(run, "task.progressed")
      yield* there.server.setFaults([Faults.Refuse()])
      yield* run.ended
      assert.deepStrictEqual(told(run.events, "team.", "agent.").slice(-2), ["team.left core", "agent.left worker"])
    }))

  it.scopedLive("does not wait for Retry-After when it takes down", () =>
    Effect.gen(function*() {
      const there = yield* backend
      const run = yield* startOn(there, long, { settings: { teardownGrace: Duration.millis(300) } })
      yield* happens(run, "task.progressed")
      yield* there.server.setFaults([Faults.Status({ method: "DELETE", status: 429, retryAfter: "1 hour" })])
      yield* Fiber.interrupt(run.fiber)
      yield* run.ended
      const reasons = run.events.flatMap((event) => event._tag === "team.left" ? [event.error] : [])
      assert.match(reasons.join(), /^not removed within 300ms: DELETE \/v1\/teams\/\S+ answered 429: rate limit/)
    }))

  it.scopedLive("finds the state lost when Agamemnon is restarted empty, and goes on to its end when it is not", () =>
    Effect.gen(function*() {
      const there = yield* backend
      const run = yield* startOn(there, long)
      yield* happens(run, "task.progressed")
      yield* there.server.forget
      yield* run.ended
      assert.deepStrictEqual(outcome(run.events), ["state_lost"])
      assert.deepStrictEqual(removals(run), ["team.removed core", "agent.removed worker"])
    }))

  it.scopedLive("says of an agent whose create is not answered that it may still appear, and waits for that no longer than the grace", () =>
    Effect.gen(function*() {
      const there = yield* backend
      yield* there.server.setFaults([Faults.Hang({ method: "POST", times: 1 })])
      const run = yield* startOn(there, workflow(), { settings: { hostId: undefined } })
      yield* happens(run, "agent.creating")
      const [took] = yield* Effect.timed(Fiber.interrupt(run.fiber))
      assert.isBelow(Duration.toMillis(took), Duration.toMillis(settings.teardownGrace) + 2000)
      assert.deepStrictEqual(told(run.events, "agent."), ["agent.creating worker", "agent.left worker"])
      const [left] = run.events.flatMap((event) => (event._tag === "agent.left" ? [event.error] : []))
      assert.match(left ?? "", /^it may still appear: its create was not answered; /)
    }))
})
