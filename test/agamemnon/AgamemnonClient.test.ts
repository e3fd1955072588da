import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import type { AgamemnonError } from "../../src/agamemnon/AgamemnonError.ts"
import { AgentId, TaskId, TeamId } from "../../src/agamemnon/AgamemnonModel.ts"
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
        const { deleteAgent, deleteTeam, getTask, hasTeam, listTasks } = operations(agamemnon)
        for (const operation of [deleteAgent, deleteTeam, getTask, hasTeam, listTasks]) {
          const error = yield* Effect.flip(operation)
          assert.deepInclude(error, { reason: "Malformed", status: 404, detail: "there is nothing at this path" })
        }
        assert.lengthOf(sent, 5)
      }
    }))

  it.scoped("takes only Agamemnon's own words for it that something is gone, and not those of a gateway", () =>
    Effect.gen(function*() {
      const words = ["not found", "no route to agent not found", "route not found", "service not found", "Agent not found"]
      for (const error of words) {
        const { agamemnon } = yield* ScriptedHttp.client(() => ({ status: 404, body: { error } }))
        const { deleteAgent, deleteTeam, getTask, hasTeam, listTasks } = operations(agamemnon)
        for (const operation of [deleteAgent, deleteTeam, getTask, hasTeam, listTasks]) {
          assert.deepInclude(yield* Effect.flip(operation), { reason: "Refused", status: 404, detail: error })
        }
      }
      for (const error of ["agent not found", "team not found", "task not found"]) {
        const { agamemnon } = yield* ScriptedHttp.client(() => ({ status: 404, body: { error } }))
        yield* agamemnon.deleteAgent(agentId)
        yield* agamemnon.deleteTeam(teamId)
        assert.deepStrictEqual(yield* agamemnon.getTask(teamId, taskId), Option.none())
        assert.isFalse(yield* agamemnon.hasTeam(teamId))
        assert.deepStrictEqual(yield* agamemnon.listTasks(teamId), [])
      }
    }))

  it.scoped("takes every answer for done that says so, of what it asks to do and no more", () =>
    Effect.gen(function*() {
      const replies = [{ status: 200 }, { status: 202 }, { status: 204 }, { status: 200, body: {} }, { status: 202, body: [] }]
      for (const reply of replies) {
        const { agamemnon, sent } = yield* ScriptedHttp.client(() => reply)
        const { deleteAgent, deleteTeam, patchAgent, setMembers, startAgent } = operations(agamemnon)
        yield* Effect.all([deleteAgent, deleteTeam, patchAgent, setMembers, startAgent])
        assert.lengthOf(sent, 5)
      }
      for (const body of [undefined, "gone", { error: "gone" }]) {
        const { agamemnon, sent } = yield* ScriptedHttp.client(() => ({ status: 410, body }))
        yield* agamemnon.deleteAgent(agentId)
        yield* agamemnon.deleteTeam(teamId)
        assert.lengthOf(sent, 2)
        assert.strictEqual((yield* Effect.flip(agamemnon.startAgent(agentId))).status, 410)
      }
    }))

  it.scoped("sends a request again whose answer is a page of somebody else, or is cut", () =>
    Effect.gen(function*() {
      for (const body of ["<html>welcome</html>", "{\"agents\":[{\"id\"", undefined]) {
        const { agamemnon, sent } = yield* ScriptedHttp.client((_, index) =>
          index < 2 ? { status: 200, body } : { status: 200, body: nothing.agents })
        const listing = yield* Effect.fork(agamemnon.listAgents)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* Fiber.join(listing), [])
        assert.lengthOf(sent, 3)
      }
      const { agamemnon } = yield* ScriptedHttp.client(() => ({ status: 200, body: "<html>welcome</html>" }))
      const deleting = yield* Effect.fork(Effect.flip(agamemnon.deleteAgent(agentId)))
      yield* TestClock.adjust("1 minute")
      const error = yield* Fiber.join(deleting)
      assert.deepInclude(error, { reason: "Transport", status: 200 })
      assert.strictEqual(
        error.message,
        "DELETE /v1/agents/a answered 200: the body is no JSON: <html>welcome</html>; " +
          "is AGAMEMNON_URL the address of an Agamemnon of a version known here?"
      )
    }))

  it.scoped("needs no more of an answer than what it uses", () =>
    Effect.gen(function*() {
      const replies: Readonly<Record<string, unknown>> = {
        "POST /v1/agents": { agent: { id: "a" } },
        "POST /v1/teams": { team: { id: "t", name: null } },
        "GET /v1/teams/t": { team: { id: "t" } },
        "POST /v1/teams/t/tasks": { task: { id: "k" } },
        "GET /v1/teams/t/tasks/k": { task: { id: "k", status: "failed", completedAt: 5, result: ["x"], more: 1 } }
      }
      const { agamemnon } = yield* ScriptedHttp.client(({ method, path }) =>
        ({ status: 200, body: replies[`${method} ${path}`] }))
      assert.deepInclude(yield* agamemnon.createAgent({ name: "n" }, none), { id: agentId, name: "n", createdAt: "" })
      assert.deepInclude(yield* agamemnon.createTeam("n", [], none), { id: teamId, name: "n", agentIds: [] })
      const task = yield* agamemnon.createTask(teamId, { subject: "s" }, none)
      assert.deepInclude(task, { id: taskId, subject: "s", status: "pending" })
      assert.isTrue(yield* agamemnon.hasTeam(teamId))
      const read = Option.getOrThrow(yield* agamemnon.getTask(teamId, taskId))
      assert.deepInclude(read, { id: taskId, status: "failed", completedAt: null, subject: "", more: 1 })
    }))

  it.scoped("leaves out of a list what it can not read, which is of somebody else, and says so once", () => {
    const logged: Array<string> = []
    const logger = Logger.make(({ logLevel, message }) => logged.push(`${logLevel.label} ${String(message)}`))
    return Effect.gen(function*() {
      const odd = [null, 5, "a", [], {}, { id: 5 }, { id: "" }, { id: ".." }, { id: "../x" }, { id: "a\u202eb" }]
      const page = (items: ReadonlyArray<unknown>) => ({ limit: 1000, offset: 0, total: items.length + odd.length })
      const agents = [{ id: "a", name: 5, status: null, createdAt: 1700000000, program: null }]
      const teams = [{ id: "t", agentIds: [1, "a", null] }, { id: "u", agentIds: "a" }]
      const tasks = [{ id: "k", status: "completed", completedAt: 1700000000, blockedBy: null }, { id: "l", status: null }]
      const { agamemnon } = yield* ScriptedHttp.client(({ path }) => ({
        status: 200,
        body: path.includes("tasks")
          ? { ...page(tasks), tasks: [...odd, ...tasks] }
          : path.includes("teams") ? { ...page(teams), teams: [...teams, ...odd] } : { ...page(agents), agents: [...odd, ...agents] }
      }))
      assert.deepStrictEqual((yield* agamemnon.listAgents).map(({ createdAt, id, name, program, status }) =>
        [id, name, status, createdAt, program]), [[agentId, "", "", "", undefined]])
      assert.deepStrictEqual((yield* agamemnon.listTeams).map(({ agentIds }) => agentIds), [["a"], []])
      yield* agamemnon.listAgents
      assert.deepStrictEqual((yield* agamemnon.listTasks(teamId)).map(({ completedAt, id }) => [id, completedAt]), [["k", null]])
      assert.deepStrictEqual(logged, [
        "WARN 10 of the agents on Agamemnon can not be read, and are left alone",
        "WARN 10 of the teams on Agamemnon can not be read, and are left alone",
        "WARN 11 of the tasks on Agamemnon can not be read, and are left alone"
      ])
    }).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, logger)))
  })

  it.scoped("writes an id into a path as one segment, and sends nothing for what can not be an id", () =>
    Effect.gen(function*() {
      const { agamemnon, sent } = yield* ScriptedHttp.client(() => ({ status: 204 }))
      yield* agamemnon.deleteAgent(AgentId.make("a%2F?b#c&d=é"))
      yield* agamemnon.deleteTeam(TeamId.make("..."))
      assert.deepStrictEqual(sent.map(({ path }) => path), ["/v1/agents/a%252F%3Fb%23c%26d%3D%C3%A9", "/v1/teams/..."])
      const odd = ["", ".", "..", "../../evil", "a/b", "a\\b", "a b", "a\nb", "a\u202eb", "\ud800", "x".repeat(257)]
      for (const id of odd) {
        const error = yield* Effect.flip(agamemnon.deleteAgent(AgentId.make(id)))
        assert.deepInclude(error, { reason: "Refused", mayHaveTakenEffect: false })
        assert.include(error.message, "can not be an id")
        assert.isTrue(Exit.isFailure(yield* Effect.exit(agamemnon.listTasks(TeamId.make(id)))))
        assert.isTrue(Exit.isFailure(yield* Effect.exit(agamemnon.getTask(teamId, TaskId.make(id)))))
      }
      assert.lengthOf(sent, 2)
    }))

  it.scoped("keeps the key out of ids, names and results", () =>
    Effect.gen(function*() {
      const key = "s3cr3t/k3y"
      const { agamemnon } = yield* ScriptedHttp.client(({ path }) => ({
        status: 200,
        body: path.endsWith("/k")
          ? { task: { id: "k", status: "failed", result: `env: ${key}` } }
          : { agent: { id: key }, team: { id: "t", name: `of ${key}` } }
      }), { apiKey: Redacted.make(key) })
      const error = yield* Effect.flip(agamemnon.createAgent({ name: "n" }, none))
      assert.include(error.message, "agent.id: expected an id, found \"<redacted>\"")
      assert.strictEqual((yield* agamemnon.createTeam("n", [], none)).name, "of <redacted>")
      assert.strictEqual(Option.getOrThrow(yield* agamemnon.getTask(teamId, taskId))["result"], "env: <redacted>")
    }))

  it.scoped("cuts the result of a task to its end, with a mark", () =>
    Effect.gen(function*() {
      const whole = "é".repeat(32 * 1024)
      const long = `${"beginning".repeat(9000)}${"€".repeat(30_000)}end`
      const { agamemnon } = yield* ScriptedHttp.client(({ path }) => ({
        status: 200,
        body: path.endsWith("/k")
          ? { task: { id: "k", status: "completed", result: long } }
          : { limit: 1000, offset: 0, total: 1, tasks: [{ id: "k", status: "completed", result: whole }] }
      }))
      const [task] = yield* agamemnon.listTasks(teamId)
      assert.isTrue(task?.["result"] === whole)
      const result = String(Option.getOrThrow(yield* agamemnon.getTask(teamId, taskId))["result"])
      assert.match(result, /^\[\d+ bytes before this were left out\]\n€+end$/)
      assert.isAtMost(Buffer.byteLength(result), 64 * 1024)
      assert.isAbove(Buffer.byteLength(result), 64 * 1024 - 4)
      const cut = Number(/\d+/.exec(result)?.[0])
      assert.strictEqual(cut + Buffer.byteLength(result.replace(/^.*\n/, "")), Buffer.byteLength(long))
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
      const task = { id: "k", status: null }
      const table = [
        ["listAgents", { status: 200, body: [] }, "answered 200: the body: expected an object, found a list"],
        ["listAgents", { status: 200, body: { total: 1 } }, "answered 200: agents: expected a list, found nothing"],
        ["listTeams", { status: 200, body: { teams: [] } }, "answered 200: total: expected a number, found nothing"],
        ["hasTeam", { status: 200, body: { team: { id: 5 } } }, "answered 200: team.id: expected an id, found 5"],
        ["createAgent", { status: 200, body: {} }, "answered 200: agent: expected an object, found nothing"],
        ["createTeam", { status: 201, body: { team: null } }, "answered 201: team: expected an object, found null"],
        ["createTask", { status: 201, body: { task: { id: ".." } } }, "answered 201: task.id: expected an id, found \"..\""],
        ["getTask", { status: 200, body: { task } }, "answered 200: task.status: expected a text, found null"],
        ["getTask", { status: 302, headers: { location: "/login" } }, "answered 302: a redirection to /login"],
        [
          "startAgent",
          { status: 302, headers: { location: "https://me:pw@login.example/sso?token=secret#x" } },
          "answered 302: a redirection to https://login.example/sso"
        ]
      ] as const
      for (const [name, reply, what] of table) {
        const { agamemnon, sent } = yield* ScriptedHttp.client(() => reply)
        const error = yield* Effect.flip(operations(agamemnon)[name])
        assert.strictEqual(error.message, `${paths[name].join(" ")} ${what}${elsewhere}`)
        assert.deepStrictEqual([error.reason, error.isRepeatable, sent.length], ["Malformed", false, 1])
      }
    }))

  it.scoped("shows an answer in one short line, of which each character is what it seems", () =>
    Effect.gen(function*() {
      const body = `\u001b[31m\r\n  no\t\u202e\u200b\ufeff!${"x".repeat(999)}`
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
