import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as TestClock from "effect/TestClock"
import type { RunEvent } from "../../src/run/RunEvent.ts"
import * as ResourceKey from "../../src/workflow/ResourceKey.ts"
import { answers, broken, make, slow, type Twist } from "../support/FakeAgamemnon.ts"
import { failure, finish, outcome, runToEnd, start, task, team, told, workflow } from "../support/TestRun.ts"

const keep = { teardown: "never" } as const
const key = (name: string) => ResourceKey.make("flow", name)

const runOf = (events: ReadonlyArray<RunEvent>) => events[0]?.run ?? ""

/** The agent of a run, as it is made. */
const workerOf = (events: ReadonlyArray<RunEvent>) => ({
  name: key("worker"),
  label: "worker",
  program: "none",
  workingDirectory: "/tmp",
  tags: ["telemachy", "workflow:flow", `run:${runOf(events)}`]
})

const agentOf = (fields: object) => workflow({ agents: [{ name: "worker", program: "none", ...fields }] })

describe("Provisioning", () => {
  it.scoped("creates each agent and starts it, and then makes teams of them", () =>
    Effect.gen(function*() {
      const fake = make()
      const { events } = yield* runToEnd(fake, workflow(), keep)
      assert.deepStrictEqual(fake.changes().slice(0, 3), ["createAgent worker", "startAgent worker", "createTeam core"])
      assert.deepStrictEqual(told(events, "agent", "team."), [
        "agent.creating worker",
        "agent.created worker",
        "agent.started worker",
        "team.creating core",
        "team.created core",
        "team.kept core",
        "agent.kept worker"
      ])
      assert.deepStrictEqual(fake.bodies.slice(0, 2), [workerOf(events), { name: key("core"), agentIds: ["agent-1"] }])
    }))

  it.scoped("says whose an agent is", () =>
    Effect.gen(function*() {
      const fake = make()
      const { events } = yield* runToEnd(fake, workflow({ metadata: { name: "two words: é" } }), keep)
      const [agent] = fake.agents.values()
      assert.deepStrictEqual(agent?.tags, ["telemachy", "workflow:two words: é", `run:${runOf(events)}`])
    }))

  it.scoped("leaves out what an agent does not say, and sends its model as arguments of its program", () =>
    Effect.gen(function*() {
      const fake = make()
      const { events } = yield* runToEnd(fake, agentOf({ model: null, docker_image: null }), keep)
      assert.deepStrictEqual(fake.bodies[0], workerOf(events))
      const other = make()
      const { events: others } = yield* runToEnd(other, agentOf({ model: "opus 4", working_dir: "/srv" }), keep)
      assert.deepStrictEqual(other.bodies[0], { ...workerOf(others), workingDirectory: "/srv", programArgs: ["--model", "opus 4"] })
      assert.notInclude(JSON.stringify([...fake.bodies, ...other.bodies]), "null")
    }))

  it.scoped("creates a docker agent as one, and patches in what a create drops, before it starts it", () =>
    Effect.gen(function*() {
      const fake = make()
      const spec = agentOf({ runtime: "docker", docker_image: "node:20", cpus: 3, memory: "1g" })
      const { events } = yield* runToEnd(fake, spec, { ...keep, settings: { hostId: "rack-1" } })
      assert.deepStrictEqual(fake.changes().slice(0, 3), [
        "createAgent worker",
        "patchAgent worker",
        "startAgent worker"
      ])
      assert.deepStrictEqual(fake.bodies.slice(0, 2), [
        { ...workerOf(events), host: "docker" },
        { image: "node:20", cpus: 3, memory: "1g", hostId: "rack-1" }
      ])
    }))

  it.scoped("makes a team that nobody is a member of, and tasks that nobody is assigned", () =>
    Effect.gen(function*() {
      const fake = make()
      const { teams: [core], ...spec } = workflow({ teams: [team("core", task("first"))] })
      if (core === undefined) return assert.fail("there is no team")
      yield* runToEnd(fake, { ...spec, teams: [{ ...core, agents: [] }] }, keep)
      assert.deepStrictEqual(fake.bodies.slice(1), [
        { name: key("core"), agentIds: [] },
        { subject: "first", description: "do first" }
      ])
    }))

  it.scoped("reuses what an earlier run has left, and changes nothing but whose it is, the members and the start", () =>
    Effect.gen(function*() {
      const fake = make()
      const spec = agentOf({ model: "opus", runtime: "docker", docker_image: "node:20" })
      yield* runToEnd(fake, spec, keep)
      const before = fake.calls.length
      const { events, exit } = yield* runToEnd(fake, spec)
      assert.deepStrictEqual(
        fake.calls.slice(before).filter((call) => fake.changes().includes(call)),
        ["patchAgent worker", "startAgent worker", "setMembers core", "deleteTeam core", "deleteAgent worker"]
      )
      assert.deepStrictEqual(told(events, "agent.", "team."), [
        "agent.reused worker",
        "agent.started worker",
        "team.reused core",
        "team.removed core",
        "agent.removed worker"
      ])
      assert.isTrue(Exit.isSuccess(exit) && exit.value.resources.every(({ reused }) => reused))
      assert.deepStrictEqual(fake.existing(), [])
    }))

  it.scoped("gives a reused agent what the workflow says now", () =>
    Effect.gen(function*() {
      const fake = make()
      yield* runToEnd(fake, agentOf({ model: "opus", runtime: "docker", docker_image: "node:20" }), keep)
      yield* runToEnd(fake, agentOf({ program: "sh" }), keep)
      const [agent] = fake.agents.values()
      assert.deepInclude(agent, { program: "sh", programArgs: [], host: "local" })
    }))

  it.scoped("gives an agent of an older version its tags", () =>
    Effect.gen(function*() {
      const fake = make()
      yield* runToEnd(fake, workflow(), keep)
      for (const [id, agent] of fake.agents) fake.agents.set(id, { ...agent, tags: [] })
      const { events } = yield* runToEnd(fake, workflow(), keep)
      assert.deepStrictEqual([...fake.agents.values()].map(({ tags }) => tags), [workerOf(events).tags])
    }))

  it.scoped("reuses the newest where several carry a key", () =>
    Effect.gen(function*() {
      const fake = make()
      for (let time = 0; time < 3; time += 1) yield* runToEnd(fake, workflow(), { ...keep, force: true })
      const newest = [...fake.agents.keys()].at(-1)
      const reversed = Arr.reverse(fake.agents)
      fake.agents.clear()
      for (const [id, agent] of reversed) fake.agents.set(id, agent)
      const { events } = yield* runToEnd(fake, workflow(), keep)
      assert.deepStrictEqual(events.flatMap((event) => (event._tag === "agent.reused" ? [event.id] : [])), [newest])
    }))

  it.scoped("makes everything new when forced, and leaves the old alone", () =>
    Effect.gen(function*() {
      const fake = make()
      yield* runToEnd(fake, workflow(), keep)
      const old = [...fake.agents.keys(), ...fake.teams.keys()]
      const { events, exit } = yield* runToEnd(fake, workflow(), { force: true })
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepStrictEqual(told(events, "agent.created", "team.created"), [
        "agent.created worker",
        "team.created core"
      ])
      assert.deepStrictEqual(told(events, "task.finished"), ["task.finished first", "task.finished second"])
      assert.deepStrictEqual([...fake.agents.keys(), ...fake.teams.keys()], old)
      assert.lengthOf(fake.changes().filter((call) => call === "createTask first"), 2)
    }))

  it.scoped("starts an agent that was created and then left alone", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.on("startAgent", answers(400, "not now"), 1)
      yield* runToEnd(fake, workflow(), keep)
      assert.deepStrictEqual(fake.existing(), ["agent worker"])
      const { exit } = yield* runToEnd(fake)
      assert.isTrue(Exit.isSuccess(exit))
      assert.lengthOf(fake.changes().filter((call) => call === "createAgent worker"), 1)
    }))

  it.scoped("removes an agent that was created but could not be started", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.on("startAgent", answers(400, "not now"))
      const { events, exit } = yield* runToEnd(fake)
      assert.include(String(failure(exit)), "answered 400: not now")
      assert.deepStrictEqual(told(events, "agent"), [
        "agent.creating worker",
        "agent.created worker",
        "agent.removed worker"
      ])
      assert.deepStrictEqual(fake.existing(), [])
    }))

  it.scoped("stops the others when one agent is refused, and removes them all", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.on("createAgent slow", slow("1 hour"))
      fake.on("createAgent bad", answers(400, "field 'name' exceeds maximum length of 256"))
      const names = ["good", "slow", "bad"]
      const spec = workflow({
        agents: names.map((name) => ({ name })),
        teams: [{ name: "core", agents: names, tasks: [{ subject: "s", description: "", assign_to: "good" }] }]
      })
      const { events, took } = yield* runToEnd(fake, spec)
      assert.deepStrictEqual(outcome(events), ["failed"])
      assert.deepStrictEqual(fake.existing(), [])
      assert.sameMembers([...told(events, "agent.removed")], names.map((name) => `agent.removed ${name}`))
      assert.isAtMost(took, 1000)
    }))

  it.scoped("removes what was made when it is interrupted in the middle", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.on("createTeam", slow("1 hour"))
      const run = yield* start(fake)
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(fake.existing(), ["agent worker", "team core"])
      run.fiber.unsafeInterruptAsFork(run.fiber.id())
      yield* finish(run)
      assert.deepStrictEqual(outcome(run.events), ["cancelled"])
      assert.deepStrictEqual(fake.existing(), [])
    }))

  it.scoped("goes on after an outage that is shorter than the threshold", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.on("createAgent", broken("reset"), 4)
      const { events, exit } = yield* runToEnd(fake)
      assert.isTrue(Exit.isSuccess(exit))
      assert.lengthOf(told(events, "request.failed"), 4)
    }))

  const forgotten: Record<string, (fake: ReturnType<typeof make>) => Twist> = {
    "createTeam": (fake) => (usual) => Effect.suspend(() => (fake.forget(), usual)),
    "startAgent worker": (fake) => (usual) => Effect.suspend(() => (fake.forget(), usual)),
    "patchAgent worker": (fake) => (usual) => Effect.suspend(() => (fake.forget(), usual)),
    "createTask": (fake) => (usual) => Effect.suspend(() => (fake.forget(), usual))
  }
  for (const [call, twist] of Object.entries(forgotten)) {
    it.scoped(`finds the state lost when all is forgotten before ${call}`, () =>
      Effect.gen(function*() {
        const fake = make()
        fake.on(call, twist(fake), 1)
        fake.begins.set("first", "running")
        const { events, exit } = yield* runToEnd(fake, agentOf({ runtime: "docker", docker_image: "node:20" }))
        assert.deepStrictEqual(outcome(events), ["state_lost"])
        assert.deepInclude(failure(exit), { _tag: "AgamemnonStateLostError", workflow: "flow" })
        assert.deepStrictEqual(fake.existing(), [])
      }))
  }

  it.scoped("finds the state lost when the members of a reused team can not be set because it is gone", () =>
    Effect.gen(function*() {
      const fake = make()
      yield* runToEnd(fake, workflow(), keep)
      fake.on("setMembers", (usual) => Effect.suspend(() => (fake.teams.clear(), usual)))
      const { events } = yield* runToEnd(fake, workflow())
      assert.deepStrictEqual(outcome(events), ["state_lost"])
    }))

  it.scoped("takes a 404 that says nothing for a refusal: the route is not known", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.on("startAgent", answers(404, "no explanation was given"))
      const { events } = yield* runToEnd(fake, workflow())
      assert.deepStrictEqual(outcome(events), ["failed"])
    }))
})
