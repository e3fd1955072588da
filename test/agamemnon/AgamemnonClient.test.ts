import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import type { AgamemnonError } from "../../src/agamemnon/AgamemnonError.ts"
import { AgentId, TeamId } from "../../src/agamemnon/AgamemnonModel.ts"
import * as EmbeddedAgamemnon from "../../src/embedded/EmbeddedAgamemnon.ts"
import * as Faults from "../../src/embedded/Faults.ts"
import { agentId, names, none, operations, paths, taskId, teamId } from "../support/ClientOperations.ts"
import { client, nothing } from "../support/RawServer.ts"
import * as ScriptedHttp from "../support/ScriptedHttp.ts"

const embedded = Effect.gen(function*() {
  const server = yield* EmbeddedAgamemnon.make({ workers: false })
  return { server, agamemnon: yield* client({ url: server.url, apiKey: server.apiKey }) }
})

describe("AgamemnonClient", () => {
  it.scopedLive("makes, reads, changes and removes agents, teams and tasks", () =>
    Effect.gen(function*() {
      const { agamemnon } = yield* embedded
      yield* agamemnon.preflight
      assert.deepStrictEqual([yield* agamemnon.listAgents, yield* agamemnon.listTeams], [[], []])

      const agent = yield* agamemnon.createAgent({ name: "writer", host: "docker", tags: ["telemachy"] }, none)
      yield* agamemnon.patchAgent(agent.id, { image: "img:1", cpus: 2 })
      yield* agamemnon.startAgent(agent.id)
      yield* agamemnon.startAgent(agent.id)
      const [listed] = yield* agamemnon.listAgents
      const { id } = agent
      assert.deepInclude(listed, { id, name: "writer", host: "docker", status: "online", image: "img:1", cpus: 2 })

      const team = yield* agamemnon.createTeam("team", [agent.id], none)
      assert.deepStrictEqual(team.agentIds, [agent.id])
      yield* agamemnon.setMembers(team.id, [])
      assert.deepStrictEqual((yield* agamemnon.listTeams).map(({ agentIds, id }) => [id, agentIds]), [[team.id, []]])
      assert.isTrue(yield* agamemnon.hasTeam(team.id))

      assert.deepStrictEqual(yield* agamemnon.listTasks(team.id), [])
      const task = yield* agamemnon.createTask(team.id, { subject: "s", description: "d", blockedBy: ["x"] }, none)
      assert.deepInclude(task, { subject: "s", description: "d", blockedBy: ["x"], status: "pending", teamId: team.id })
      assert.deepStrictEqual(yield* agamemnon.listTasks(team.id), [task])
      assert.deepStrictEqual(yield* agamemnon.getTask(team.id, task.id), Option.some(task))
      assert.deepStrictEqual(yield* agamemnon.getTask(team.id, taskId), Option.none())

      yield* agamemnon.deleteTeam(team.id)
      assert.isFalse(yield* agamemnon.hasTeam(team.id))
      yield* agamemnon.deleteAgent(agent.id)
      assert.deepStrictEqual([yield* agamemnon.listAgents, yield* agamemnon.listTeams], [[], []])
    }))

  it.scopedLive("takes what is gone already for removed", () =>
    Effect.gen(function*() {
      const { agamemnon } = yield* embedded
      yield* agamemnon.deleteAgent(agentId)
      yield* agamemnon.deleteTeam(teamId)
    }))

  it.scoped("does not take a path that does not exist for something that is gone", () =>
    Effect.gen(function*() {
      for (const body of [undefined, "<html>Not Found</html>", { detail: "Not Found" }]) {
        const { agamemnon, sent } = yield* ScriptedHttp.client(() => ({ status: 404, body }))
        const { deleteAgent, deleteTeam, getTask, hasTeam } = operations(agamemnon)
        for (const operation of [deleteAgent, deleteTeam, getTask, hasTeam]) {
          const error = yield* Effect.flip(operation)
          assert.deepInclude(error, { reason: "Malformed", status: 404, detail: "there is nothing at this path" })
        }
        assert.lengthOf(sent, 4)
      }
    }))

  it.scoped("reads lists to their last page", () =>
    Effect.gen(function*() {
      const agents = Array.from({ length: 2345 }, (_, index) => ({
        createdAt: "",
        host: "local",
        id: AgentId.make(`${10_000 + index}`),
        name: "n",
        status: "offline",
        updatedAt: ""
      }))
      const { agamemnon, sent } = yield* ScriptedHttp.client(({ path }) => {
        const query = new URL(path, "http://localhost").searchParams
        const offset = Number(query.get("offset"))
        const limit = Number(query.get("limit"))
        const page = { agents: agents.slice(offset, offset + limit), limit, offset, total: agents.length }
        return { status: 200, body: page }
      })
      assert.deepStrictEqual(yield* agamemnon.listAgents, agents)
      assert.deepStrictEqual(sent.map(({ path }) => path), [
        "/v1/agents?limit=1000&offset=0",
        "/v1/agents?limit=1000&offset=1000",
        "/v1/agents?limit=1000&offset=2000"
      ])
    }))

  it.scoped("leaves out what has no value, and never sends a null", () =>
    Effect.gen(function*() {
      const { agamemnon, sent } = yield* ScriptedHttp.client(() => ({ status: 403, body: { error: "no" } }))
      yield* Effect.forEach(Object.values(operations(agamemnon)), (operation) => Effect.exit(operation))
      assert.deepStrictEqual(sent.map(({ method, path }) => [method, path]), names.map((name) => [...paths[name]]))
      assert.notInclude(JSON.stringify(sent.map(({ body }) => body)), "null")
      const bodies = new Map(names.map((name, index) => [name, sent[index]?.body]))
      assert.deepStrictEqual(bodies.get("createBareAgent"), { name: "bare" })
      assert.deepStrictEqual(bodies.get("createBareTask"), { subject: "bare" })
      assert.deepStrictEqual(bodies.get("startAgent"), "")
      assert.deepStrictEqual(bodies.get("setMembers"), { agentIds: [] })
      assert.deepStrictEqual(bodies.get("patchAgent"), { image: "img:1", cpus: 2, memory: "4g", hostId: "h" })
      assert.deepStrictEqual(bodies.get("createTask"), {
        subject: "subject",
        description: "description",
        assigneeAgentId: "a",
        blockedBy: ["b"],
        type: "review"
      })
    }))

  it.scoped("names method, path, status, the server's sentence and what to do in every failure", () =>
    Effect.gen(function*() {
      const { agamemnon } = yield* ScriptedHttp.client(() => ({ status: 401, body: { error: "unauthorized" } }))
      const all = operations(agamemnon)
      for (const name of names) {
        const error = yield* Effect.flip(all[name])
        const [method, path] = paths[name]
        assert.strictEqual(error.message, `${method} ${path} answered 401: unauthorized; check AGAMEMNON_API_KEY`)
      }
    }))

  it.scoped("does not send what Agamemnon would refuse, and says why in the server's words", () =>
    Effect.gen(function*() {
      const { agamemnon, sent } = yield* ScriptedHttp.client(() => ({ status: 200 }))
      const table: ReadonlyArray<readonly [Effect.Effect<void, AgamemnonError>, string]> = [
        [Effect.asVoid(agamemnon.createAgent({ name: " " }, none)), "'name' must be a non-empty string"],
        [Effect.asVoid(agamemnon.createTeam("é".repeat(129), [], none)), "field 'name' exceeds maximum length of 256"],
        [Effect.asVoid(agamemnon.createTask(teamId, { subject: " " }, none)), "'subject' must be a non-empty string"],
        [agamemnon.patchAgent(agentId, { status: "x" }), "'status' has invalid value 'x'"]
      ]
      for (const [request, sentence] of table) {
        const error = yield* Effect.flip(request)
        assert.strictEqual(error.message, `a request failed: ${sentence}`)
        assert.deepStrictEqual([error.reason, error.isRepeatable, error.mayHaveTakenEffect], ["Refused", false, false])
      }
      assert.deepStrictEqual(sent, [])
    }))

  it.scoped("says of an answer that it does not know which request it was and what is wrong", () =>
    Effect.gen(function*() {
      const elsewhere = "; is AGAMEMNON_URL the address of an Agamemnon of a version known here?"
      const page = { agents: [{ id: "a" }], limit: 1000, offset: 0, total: 1 }
      const table = [
        ["listAgents", { status: 200, body: page }, "answered 200: agents[0].createdAt: is missing"],
        ["listAgents", { status: 200, body: "<html>" }, "answered 200: the body: Could not parse JSON"],
        ["hasTeam", { status: 200, body: { team: { id: 5 } } }, "answered 200: team.agentIds: is missing"],
        ["deleteAgent", { status: 200, body: { deleted: 5 } }, "answered 200: deleted: Expected string, actual 5"],
        ["createAgent", { status: 200, body: {} }, "answered 200: this API has no such answer"],
        ["startAgent", { status: 205 }, "answered 205: this API has no such answer"],
        ["deleteTeam", { status: 204 }, "answered 204: this API has no such answer"],
        ["getTask", { status: 302, headers: { location: "/login" } }, "answered 302: a redirection to /login"]
      ] as const
      for (const [name, reply, what] of table) {
        const { agamemnon, sent } = yield* ScriptedHttp.client(() => reply)
        const error = yield* Effect.flip(operations(agamemnon)[name])
        assert.strictEqual(error.message, `${paths[name].join(" ")} ${what}${elsewhere}`)
        assert.deepStrictEqual([error.reason, error.isRepeatable, sent.length], ["Malformed", false, 1])
      }
    }))

  it.scoped("shows an answer in one short line", () =>
    Effect.gen(function*() {
      const body = `\u001b[31m\r\n  no\t!${"x".repeat(999)}`
      const { agamemnon } = yield* ScriptedHttp.client(() => ({ status: 403, body }))
      const { detail } = yield* Effect.flip(agamemnon.startAgent(agentId))
      assert.lengthOf(detail, 200)
      assert.isTrue(detail.startsWith("[31m no !xxx"))
    }))
})

describe("A create whose answer is lost", () => {
  it.scopedLive("is made once: an agent, a team, a task", () =>
    Effect.gen(function*() {
      const { agamemnon, server } = yield* embedded
      yield* server.setFaults([Faults.DropAnswer({ method: "POST", path: /agents$/, times: 1 })])
      const agent = yield* agamemnon.createAgent({ name: "key" }, none)
      assert.deepStrictEqual((yield* agamemnon.listAgents).map(({ id }) => id), [agent.id])

      yield* server.setFaults([Faults.DropAnswer({ method: "POST", path: /teams$/, times: 1 })])
      const team = yield* agamemnon.createTeam("key", [agent.id], none)
      assert.deepStrictEqual((yield* agamemnon.listTeams).map(({ id }) => id), [team.id])

      yield* server.setFaults([Faults.DropAnswer({ method: "POST", path: /tasks$/, times: 1 })])
      const task = yield* agamemnon.createTask(team.id, { subject: "key" }, none)
      assert.deepStrictEqual((yield* agamemnon.listTasks(team.id)).map(({ id }) => id), [task.id])
      assert.lengthOf((yield* server.requestLog).filter(({ method }) => method === "POST"), 3)
    }))

  it.scopedLive("is told from those that were there before", () =>
    Effect.gen(function*() {
      const { agamemnon, server } = yield* embedded
      const earlier = yield* Effect.replicateEffect(agamemnon.createAgent({ name: "key" }, none), 3)
      const others = yield* Effect.replicateEffect(agamemnon.createTeam("t", [], none), 3)
      const other = others[0]?.id ?? teamId
      const subjects = yield* Effect.replicateEffect(agamemnon.createTask(other, { subject: "key" }, none), 3)
      yield* server.setFaults([Faults.DropAnswer({ method: "POST", times: 1 })])
      const agents = new Set(earlier.map(({ id }) => id))
      const agent = yield* agamemnon.createAgent({ name: "key" }, agents)
      assert.isFalse(agents.has(agent.id))
      yield* server.setFaults([Faults.DropAnswer({ method: "POST", times: 1 })])
      const teams = new Set(others.map(({ id }) => id))
      const made = yield* agamemnon.createTeam("t", [], teams)
      assert.isFalse(teams.has(made.id))
      yield* server.setFaults([Faults.DropAnswer({ method: "POST", times: 1 })])
      const tasks = new Set(subjects.map(({ id }) => id))
      const task = yield* agamemnon.createTask(other, { subject: "key" }, tasks)
      assert.isFalse(tasks.has(task.id))
      const lists = [yield* agamemnon.listAgents, yield* agamemnon.listTeams, yield* agamemnon.listTasks(other)]
      assert.deepStrictEqual(lists.map(({ length }) => length), [4, 4, 4])
    }))

  it.scopedLive("is sent again when it was not made", () =>
    Effect.gen(function*() {
      const { agamemnon, server } = yield* embedded
      yield* server.setFaults([
        Faults.Reset({ method: "POST", times: 1 }),
        Faults.EmptyBadRequest({ method: "POST", times: 1 })
      ])
      const { id } = yield* agamemnon.createAgent({ name: "key" }, none)
      assert.deepStrictEqual((yield* agamemnon.listAgents).map((agent) => agent.id), [id])
      assert.deepStrictEqual((yield* server.requestLog).slice(0, 5).map(({ method, status }) => [method, status]), [
        ["POST", undefined],
        ["GET", 200],
        ["POST", 400],
        ["GET", 200],
        ["POST", 201]
      ])
    }))

  const team = { agentIds: [], createdAt: "", id: "t", name: "key", updatedAt: "" }

  const methods = (lost: ScriptedHttp.Reply) =>
    Effect.gen(function*() {
      const { agamemnon, sent } = yield* ScriptedHttp.client(({ method }, index) =>
        index === 0 ? lost : method === "GET" ? { status: 200, body: nothing.teams } : { status: 201, body: { team } })
      const fiber = yield* Effect.fork(agamemnon.createTeam("key", [], none))
      yield* TestClock.adjust("1 hour")
      yield* Fiber.join(fiber)
      return sent.map(({ method }) => method).join(" ")
    })

  it.scoped("is not taken for one that was there before, whichever is listed first", () =>
    Effect.gen(function*() {
      const listed = { ...nothing.teams, teams: [{ ...team, id: "old" }, team], total: 2 }
      const { agamemnon } = yield* ScriptedHttp.client((_, index) =>
        index === 0 ? { status: 400 } : { status: 200, body: listed })
      const fiber = yield* Effect.fork(agamemnon.createTeam("key", [], new Set([TeamId.make("old")])))
      yield* TestClock.adjust("1 hour")
      assert.strictEqual((yield* Fiber.join(fiber)).id, "t")
    }))

  it.scoped("is looked up only when it can have been made", () =>
    Effect.gen(function*() {
      for (const lost of ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", { status: 429 }]) {
        assert.strictEqual(yield* methods(lost), "POST POST", JSON.stringify(lost))
      }
      const statuses = [400, 500, 502, 503, 504].map((status) => ({ status }))
      for (const lost of ["ECONNRESET", "EPIPE", "ETIMEDOUT", "ERR_SSL_BAD_RECORD", ...statuses]) {
        assert.strictEqual(yield* methods(lost), "POST GET POST", JSON.stringify(lost))
      }
    }))

  it.scoped("is looked up when the host became unreachable after the request was sent", () =>
    Effect.gen(function*() {
      const { agamemnon, sent } = yield* ScriptedHttp.client((_, index) =>
        index === 0 ? "EHOSTUNREACH read" : { status: 200, body: { ...nothing.teams, teams: [team], total: 1 } })
      const fiber = yield* Effect.fork(agamemnon.createTeam("key", [], none))
      yield* TestClock.adjust("1 hour")
      assert.strictEqual((yield* Fiber.join(fiber)).id, "t")
      assert.lengthOf(sent, 2)
    }))

  it.scoped("is looked up as often as it is repeated, and not more often", () =>
    Effect.gen(function*() {
      const { agamemnon, sent } = yield* ScriptedHttp.client(() => ({ status: 503 }))
      const fiber = yield* Effect.fork(Effect.flip(agamemnon.createTeam("key", [], none)))
      yield* TestClock.adjust("1 hour")
      const { method, status } = yield* Fiber.join(fiber)
      assert.deepStrictEqual([method, status], ["GET", 503])
      assert.deepStrictEqual(sent.map((each) => each.method), ["POST", "GET", "GET", "GET", "GET"])
    }))

  it.scopedLive("is looked up when it took too long", () =>
    Effect.gen(function*() {
      const { server } = yield* embedded
      const agamemnon = yield* client({ url: server.url, apiKey: server.apiKey, requestTimeout: "300 millis" })
      yield* server.setFaults([Faults.Slow({ method: "POST", delay: "1 minute", times: 1 })])
      const { id } = yield* agamemnon.createAgent({ name: "key" }, none)
      yield* server.setFaults([])
      assert.deepStrictEqual((yield* agamemnon.listAgents).map((agent) => agent.id), [id])
    }))
})
