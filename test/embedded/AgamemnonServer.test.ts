import { Agent } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Order from "effect/Order"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"
import * as EmbeddedAgamemnon from "../../src/embedded/EmbeddedAgamemnon.ts"
import { ask, askJson, bearer, createAgent, createTask, readTask } from "../support/HttpQuestion.ts"

const apiKey = Redacted.make("a good key")
const start = EmbeddedAgamemnon.make({ apiKey, workers: false })

const Teams = Schema.Struct({
  limit: Schema.Number,
  offset: Schema.Number,
  teams: Schema.Array(Schema.Struct({ id: Schema.String })),
  total: Schema.Number
})

const body = (length: number) => `{"owner":"${"x".repeat(length - 12)}"}`

const error = (sentence: string) => ({ error: sentence })

describe("AgamemnonServer", () => {
  it.scopedLive("cuts pages as Agamemnon does, oddities included", () =>
    Effect.gen(function*() {
      const server = yield* start
      yield* Effect.forEach(Array.from({ length: 1150 }), () => askJson(server, "POST", "/v1/teams", {}), {
        concurrency: 8,
        discard: true
      })
      const page = (query: string) =>
        Effect.map(askJson(server, "GET", `/v1/teams${query}`), ({ body, status }) => {
          if (status !== 200) return [status, body]
          const { limit, offset, teams, total } = Schema.decodeUnknownSync(Teams)(body)
          const ids = teams.map(({ id }) => id)
          assert.deepStrictEqual(ids, Arr.sort(ids, Order.string))
          return [teams.length, total, limit, offset]
        })
      const refused = [400, error("limit and offset must be non-negative integers")]
      const expected: Record<string, unknown> = {
        "": [100, 1150, 100, 0],
        "?limit=1000": [1000, 1150, 1000, 0],
        "?limit=5000": [1000, 1150, 1000, 0],
        "?limit=100&offset=1100": [50, 1150, 100, 1100],
        "?offset=9999": [0, 1150, 100, 9999],
        "?limit=0": [0, 1150, 0, 0],
        "?limit=-1": [1000, 1150, 1000, 0],
        "?offset=-1": [0, 1150, 100, 2 ** 64],
        "?limit=1e3": [1, 1150, 1, 0],
        "?limit=2x": [2, 1150, 2, 0],
        "?status=x&name=y": [100, 1150, 100, 0],
        "?limit=abc": refused,
        "?limit=": refused,
        "?limit=1&limit=2": [1, 1150, 1, 0],
        "?limit=x&limit=2": refused,
        "?offset=1149&limit=2&offset=0&%6Cimit=3": [1, 1150, 2, 1149],
        "?offset=99999999999999999999999": refused
      }
      const seen = yield* Effect.forEach(Object.keys(expected), (query) =>
        Effect.map(page(query), (result) => [query, result] as const))
      assert.deepStrictEqual(Object.fromEntries(seen), expected)
    }))

  it.scopedLive("asks for the key everywhere but at its health", () =>
    Effect.gen(function*() {
      const { url } = yield* start
      const good = bearer(apiKey)
      const status = (path: string, headers: Record<string, string>) =>
        Effect.map(ask(url, { path, headers }), (answer) => answer.status)
      const table: ReadonlyArray<readonly [path: string, headers: Record<string, string>, status: number]> = [
        ["/health", {}, 200],
        ["/v1/health", { authorization: "Bearer wrong" }, 200],
        ["/v1/agents", {}, 401],
        ["/v1/version", {}, 401],
        ["/nope", {}, 401],
        ["/nope", good, 404],
        ["/v1/agents", good, 200],
        ["/v1/agents", { authorization: "Bearer wrong" }, 401],
        ["/v1/agents", { authorization: `bearer ${Redacted.value(apiKey)}` }, 401],
        ["/v1/agents", { "x-api-key": Redacted.value(apiKey) }, 200],
        ["/v1/agents", { "x-api-key": "wrong" }, 401],
        ["/v1/agents", { authorization: "Bearer wrong", "x-api-key": Redacted.value(apiKey) }, 401],
        ["/v1/agents", { authorization: "Basic x", "x-api-key": Redacted.value(apiKey) }, 200]
      ]
      const statuses = yield* Effect.forEach(table, ([path, headers]) => status(path, headers))
      assert.deepStrictEqual(statuses, table.map(([, , expected]) => expected))
    }))

  it.scopedLive("answers an unknown route with an empty 404, and a path with another slash or case is one", () =>
    Effect.gen(function*() {
      const { url } = yield* start
      const routes = [
        ["GET", "/v1/agents/"],
        ["GET", "/v1//agents"],
        ["GET", "/V1/agents"],
        ["PUT", "/v1/agents"],
        ["PATCH", "/v1/teams/x"],
        ["DELETE", "/v1/tasks/x"],
        ["OPTIONS", "*"]
      ] as const
      for (const [method, path] of routes) {
        const answer = yield* ask(url, { method, path, headers: bearer(apiKey) })
        assert.deepStrictEqual(
          [answer.status, answer.text, answer.headers["content-type"], answer.headers["x-api-version"]],
          [404, "", undefined, undefined],
          `${method} ${path}`
        )
      }
    }))

  it.scopedLive("answers HEAD with the headers of GET", () =>
    Effect.gen(function*() {
      const { url } = yield* start
      const get = yield* ask(url, { path: "/v1/agents", headers: bearer(apiKey) })
      const head = yield* ask(url, { method: "HEAD", path: "/v1/agents", headers: bearer(apiKey) })
      assert.deepStrictEqual([head.status, head.text], [200, ""])
      assert.strictEqual(head.headers["content-length"], get.headers["content-length"])
      assert.strictEqual(head.headers["x-api-version"], "0.1.0")
    }))

  it.scopedLive("takes a body for JSON whatever its type says, and no body for an empty object", () =>
    Effect.gen(function*() {
      const { url } = yield* start
      const create = (body: string, type: string) =>
        Effect.map(
          ask(url, { method: "POST", path: "/v1/teams", headers: { ...bearer(apiKey), "content-type": type }, body }),
          ({ status }) => status
        )
      assert.strictEqual(yield* create("{\"name\":\"a\"}", "text/plain"), 201)
      assert.strictEqual(yield* create("{\"name\":\"a\"}", "application/x-www-form-urlencoded"), 201)
      assert.strictEqual(yield* create("{\"name\":\"a\",\"name\":\"b\"}", "application/octet-stream"), 201)
      assert.strictEqual(yield* create("\uFEFF{}", "application/json"), 201)
      assert.strictEqual(yield* create("", "application/json"), 201)
      assert.strictEqual(yield* create("{} x", "application/json"), 400)
    }))

  it.scopedLive("takes a body of a mebibyte and refuses one more byte, and the connection stays usable", () =>
    Effect.gen(function*() {
      const { url } = yield* start
      const agent = yield* Effect.acquireRelease(
        Effect.sync(() => new Agent({ keepAlive: true, maxSockets: 1 })),
        (agent) => Effect.sync(() => agent.destroy())
      )
      const create = (text: string) =>
        Effect.map(
          ask(url, { agent, method: "POST", path: "/v1/agents", headers: bearer(apiKey), body: text }),
          ({ headers, status, text }) => [status, text === "", headers["x-api-version"], headers.connection]
        )
      assert.deepStrictEqual(yield* create(body(1_048_576)), [201, false, "0.1.0", "keep-alive"])
      assert.deepStrictEqual(yield* create(body(1_048_577)), [413, true, undefined, "keep-alive"])
      assert.deepStrictEqual(yield* create("{}"), [201, false, "0.1.0", "keep-alive"])
    }))

  it.scopedLive("refuses what would crash Agamemnon", () =>
    Effect.gen(function*() {
      const server = yield* start
      const task = yield* createTask(server, {})
      const agent = yield* createAgent(server, {})
      type Row = readonly [method: string, path: string, body: unknown, status: number, error: string]
      const table: ReadonlyArray<Row> = [
        ["POST", "/v1/agents", [], 400, "the body must be a JSON object"],
        ["POST", "/v1/teams", null, 400, "the body must be a JSON object"],
        ["POST", "/v1/teams/t/tasks", 5, 400, "the body must be a JSON object"],
        ["POST", "/v1/agents", { label: null }, 400, "'label' must be a string"],
        ["POST", "/v1/agents", { host: 5 }, 400, "'host' must be a string"],
        ["POST", "/v1/teams/t/tasks", { assigneeAgentId: null }, 400, "'assigneeAgentId' must be a string"],
        ["POST", "/v1/teams/t/tasks", { type: null }, 400, "'type' must be a string"],
        ["PATCH", `/v1/agents/${agent}`, { host: null }, 400, "'host' must be a string"],
        ["PATCH", `/v1/agents/${agent}`, [], 404, "agent not found"],
        ["PUT", task, { status: null }, 400, "'status' must be a string"],
        ["PUT", task, { status: "completed", assigneeAgentId: null }, 400, "'assigneeAgentId' must be a string"],
        ["PUT", task, { status: "completed", type: 5 }, 400, "'type' must be a string"],
        ["PUT", task, 5, 404, "task not found"]
      ]
      for (const [method, path, body, status, sentence] of table) {
        assert.deepStrictEqual(yield* askJson(server, method, path, body), { status, body: error(sentence) })
      }
    }))

  it.scopedLive("refuses changes of a task as it refuses new ones, but for an empty subject", () =>
    Effect.gen(function*() {
      const server = yield* start
      const task = yield* createTask(server, { subject: "s", description: "d" })
      const table = [
        [{ description: "x".repeat(4097) }, "field 'description' exceeds maximum length of 4096"],
        [{ description: null }, "'description' must be a string"],
        [{ subject: "é".repeat(257) }, "field 'subject' exceeds maximum length of 512"],
        [{ subject: 5 }, "'subject' must be a string"],
        [{ type: "deploy" }, "'type' has invalid value 'deploy'"],
        [{ status: "done" }, "'status' has invalid value 'done'"],
        [{ blockedBy: "x" }, "'blockedBy' must be an array"],
        [{ blockedBy: [1], type: "x", status: "y", description: 5, subject: 6 }, "'subject' must be a string"]
      ] as const
      for (const method of ["PUT", "PATCH"]) {
        for (const [body, sentence] of table) {
          assert.deepStrictEqual(yield* askJson(server, method, task, body), { status: 400, body: error(sentence) })
        }
      }
      const { description, subject } = yield* readTask(server, task)
      assert.deepStrictEqual([subject, description], ["s", "d"])
      const fits = { description: "x".repeat(4096), subject: "", type: "review" }
      assert.strictEqual((yield* askJson(server, "PUT", task, fits)).status, 200)
    }))

  it.scopedLive("stores values of other types where Agamemnon does, and lists them", () =>
    Effect.gen(function*() {
      const server = yield* start
      const agent = yield* createAgent(server, { status: 5 }, { started: false })
      assert.nestedPropertyVal(yield* askJson(server, "GET", `/v1/agents/${agent}`), "body.agent.status", "offline")
      for (const status of [5, null, { a: [1] }]) {
        const patched = yield* askJson(server, "PATCH", `/v1/agents/${agent}`, { status })
        assert.strictEqual(patched.status, 200)
        const { body } = yield* askJson(server, "GET", "/v1/agents")
        assert.nestedProperty(body, "agents[0].status")
        assert.include(Schema.encodeSync(Schema.parseJson())(body), `"status":${Schema.encodeSync(Schema.parseJson())(status)}`)
      }
      const task = yield* createTask(server, {})
      const fields = { assigneeAgentId: null, completedAt: 7, type: ["x"] }
      assert.strictEqual((yield* askJson(server, "PUT", task, fields)).status, 200)
      const { assigneeAgentId, completedAt, type } = yield* readTask(server, task)
      assert.deepStrictEqual({ assigneeAgentId, completedAt, type }, fields)
      const { body, status } = yield* askJson(server, "GET", "/v1/tasks")
      assert.strictEqual(status, 200)
      assert.nestedPropertyVal(body, "tasks[0].completedAt", 7)
      const refused = yield* askJson(server, "PUT", task, { status: "completed" })
      assert.deepStrictEqual(refused, { status: 400, body: error("'type' must be a string") })
    }))

  it.scopedLive("keeps a time of completion that is cleared cleared until the task is completed again", () =>
    Effect.gen(function*() {
      const server = yield* start
      const task = yield* createTask(server, {})
      const completedAt = (fields: unknown) =>
        Effect.map(Effect.zipRight(askJson(server, "PUT", task, fields), readTask(server, task)), (read) => read.completedAt)
      assert.isString(yield* completedAt({ status: "completed" }))
      assert.isNull(yield* completedAt({ completedAt: null }))
      assert.isNull(yield* completedAt({ result: "r" }))
      assert.isString(yield* completedAt({ completedAt: null, status: "completed" }))
    }))

  it.scopedLive("takes no _github_issue, at any depth", () =>
    Effect.gen(function*() {
      const server = yield* start
      const task = yield* createTask(server, {})
      yield* askJson(server, "PUT", task, { _github_issue: "1", metadata: [{ _github_issue: "2", a: 1 }] })
      const read = yield* readTask(server, task)
      assert.notProperty(read, "_github_issue")
      assert.deepStrictEqual(read["metadata"], [{ a: 1 }])
      const agent = yield* createAgent(server, { programArgs: { _github_issue: 1 } }, { started: false })
      const { body } = yield* askJson(server, "PATCH", `/v1/agents/${agent}`, { _github_issue: "1" })
      assert.notNestedProperty(body, "agent._github_issue")
      assert.deepNestedPropertyVal(body, "agent.programArgs", {})
    }))

  it.scopedLive("reads the bodies that it takes nothing from", () =>
    Effect.gen(function*() {
      const server = yield* start
      const agent = yield* createAgent(server, {}, { started: false })
      const task = yield* createTask(server, {})
      const complete = `/v1/tasks/${task.slice("/v1/teams/t/tasks/".length)}/complete`
      const post = (path: string, body: string) =>
        Effect.map(ask(server.url, { method: "POST", path, headers: bearer(apiKey), body }), ({ status, text }) =>
          [status, text === ""])
      const tooLarge = "x".repeat(1_048_577)
      for (const action of ["start", "stop"]) {
        assert.deepStrictEqual(yield* post(`/v1/agents/${agent}/${action}`, "not JSON"), [200, false])
        assert.deepStrictEqual(yield* post(`/v1/agents/${agent}/${action}`, tooLarge), [413, true])
      }
      assert.deepStrictEqual(yield* post("/v1/chaos/latency", tooLarge), [413, true])
      assert.deepStrictEqual(yield* post(complete, tooLarge), [413, true])
      assert.deepStrictEqual(yield* post(complete, "not JSON"), [400, false])
      assert.strictEqual((yield* readTask(server, task)).status, "pending")
      assert.deepStrictEqual(yield* post(complete, "[]"), [200, false])
      assert.strictEqual((yield* readTask(server, task)).status, "completed")
    }))

  it.scopedLive("tells that a name is empty before it tells that it is long, and knows no spaces but those of ASCII", () =>
    Effect.gen(function*() {
      const server = yield* start
      const create = (name: string) => askJson(server, "POST", "/v1/agents", { name })
      assert.deepStrictEqual(yield* create(" ".repeat(300)), { status: 400, body: error("'name' must be a non-empty string") })
      assert.strictEqual((yield* create("\u00A0")).status, 201)
    }))

  it.scopedLive("counts bytes, not characters", () =>
    Effect.gen(function*() {
      const server = yield* start
      const create = (name: string) =>
        Effect.map(askJson(server, "POST", "/v1/agents", { name }), ({ status }) => status)
      assert.deepStrictEqual([yield* create("é".repeat(128)), yield* create("é".repeat(129))], [201, 400])
    }))

  it.scopedLive("finds an agent by any name but one with a slash", () =>
    Effect.gen(function*() {
      const server = yield* start
      const names = ["a+b", "100%", "why?", "a#b", "two words", "a.b.c", "Jürgen", "n".repeat(256)]
      for (const name of names) {
        yield* askJson(server, "POST", "/v1/agents", { name })
        const answer = yield* askJson(server, "GET", `/v1/agents/by-name/${encodeURIComponent(name)}`)
        assert.strictEqual(answer.status, 200, name)
        assert.nestedPropertyVal(answer.body, "agent.name", name)
      }
      yield* askJson(server, "POST", "/v1/agents", { name: "a/b" })
      assert.deepStrictEqual(yield* askJson(server, "GET", "/v1/agents/by-name/a%2Fb"), { status: 404, body: "" })
    }))

  it.scopedLive("stores any field that is patched, sorted among the others", () =>
    Effect.gen(function*() {
      const server = yield* start
      const path = yield* createTask(server, { subject: "s" })
      const fields = { zeta: null, alpha: [1, { b: 2 }], id: "mine", teamId: "other" }
      const patched = yield* askJson(server, "PATCH", path, fields)
      assert.deepStrictEqual(yield* askJson(server, "GET", path), patched)
      const { alpha, id, teamId, zeta, ...task } = yield* readTask(server, path)
      assert.deepStrictEqual({ alpha, teamId, zeta }, { alpha: [1, { b: 2 }], teamId: "t", zeta: null })
      assert.isTrue(path.endsWith(id))
      assert.isNull(task.completedAt)
    }))

  it.scoped("sets the time of completion once, and never for a failure", () =>
    Effect.gen(function*() {
      const server = yield* start
      const path = yield* createTask(server, {})
      const become = (status: string) =>
        TestClock.adjust("1 minute").pipe(
          Effect.zipRight(askJson(server, "PUT", path, { status })),
          Effect.zipRight(readTask(server, path)),
          Effect.map(({ completedAt, updatedAt }) => [completedAt, updatedAt])
        )
      assert.deepStrictEqual(yield* become("failed"), [null, "1970-01-01T00:01:00Z"])
      assert.deepStrictEqual(yield* become("completed"), ["1970-01-01T00:02:00Z", "1970-01-01T00:02:00Z"])
      assert.deepStrictEqual(yield* become("pending"), ["1970-01-01T00:02:00Z", "1970-01-01T00:03:00Z"])
      assert.deepStrictEqual(yield* become("completed"), ["1970-01-01T00:02:00Z", "1970-01-01T00:04:00Z"])
    }))
})
