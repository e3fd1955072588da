import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Team } from "../../src/agamemnon/AgamemnonModel.ts"
import * as EmbeddedAgamemnon from "../../src/embedded/EmbeddedAgamemnon.ts"
import { ask, askJson, bearer } from "../support/HttpQuestion.ts"

const start = EmbeddedAgamemnon.make({ workers: false })

const decodeTeam = Schema.decodeUnknownSync(Schema.Struct({ team: Team }))

const body = (length: number) => `{"owner":"${"x".repeat(length - 12)}"}`

describe("RequestBody", () => {
  it.scopedLive("is refused without a word when its headers promise what Agamemnon can not read", () =>
    Effect.gen(function*() {
      const { apiKey, url } = yield* start
      const create = (headers: Record<string, string>, text: string) =>
        Effect.map(
          ask(url, { method: "POST", path: "/v1/agents", headers: { ...bearer(apiKey), ...headers }, body: text }),
          (answer) => [answer.status, answer.text === ""]
        )
      const form = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" }
      assert.deepStrictEqual(yield* create(form, body(8192)), [201, false])
      assert.deepStrictEqual(yield* create(form, body(8193)), [413, true])
      assert.deepStrictEqual(yield* create({ "content-type": "multipart/form-data; boundary=b" }, "{}"), [400, true])
      assert.deepStrictEqual(yield* create({ "content-encoding": "gzip" }, "{}"), [415, true])
      assert.deepStrictEqual(yield* create({ "content-encoding": "identity" }, "{}"), [201, false])
    }))

  it.scopedLive("can come in chunks", () =>
    Effect.gen(function*() {
      const { apiKey, url } = yield* start
      const headers = { ...bearer(apiKey), "transfer-encoding": "chunked" }
      const { status, text } = yield* ask(url, { method: "POST", path: "/v1/agents", headers, body: body(99) })
      assert.strictEqual(status, 201)
      assert.include(text, "x".repeat(87))
    }))

  it.scopedLive("is no JSON when half a character is written out in it", () =>
    Effect.gen(function*() {
      const { apiKey, url } = yield* start
      const create = (text: string) =>
        Effect.map(
          ask(url, { method: "POST", path: "/v1/agents", headers: bearer(apiKey), body: text }),
          (answer) => [answer.status, answer.text.includes("invalid JSON: [json.exception.parse_error.101]")]
        )
      assert.deepStrictEqual(yield* create("{\"name\":\"\\ud83d\\ude00\"}"), [201, false])
      assert.deepStrictEqual(yield* create("{\"name\":\"\\\\ud83d\"}"), [201, false])
      for (const text of ["\\ud83d", "\\ude00\\ud83d", "a\\udfffb"]) {
        assert.deepStrictEqual(yield* create(`{"name":"${text}"}`), [400, true], text)
        assert.deepStrictEqual(yield* create(`{"tags":[{"a":"${text}"}]}`), [400, true], text)
        assert.deepStrictEqual(yield* create(`{"${text}":1}`), [400, true], text)
      }
    }))

  it.scopedLive("names the members of a team by either of two names", () =>
    Effect.gen(function*() {
      const server = yield* start
      const members = (method: string, path: string, fields: object) =>
        Effect.map(askJson(server, method, path, fields), (answer) => {
          const { team } = decodeTeam(answer.body)
          return [team.id, team.agentIds] as const
        })
      const [id, both] = yield* members("POST", "/v1/teams", { agent_ids: ["old"], agentIds: ["new"] })
      const path = `/v1/teams/${id}`
      assert.deepStrictEqual(both, ["old"])
      assert.deepStrictEqual(yield* members("PUT", path, { agent_ids: ["old"], agentIds: ["new"] }), [id, ["new"]])
      assert.deepStrictEqual(yield* members("PUT", path, { agent_ids: ["other"] }), [id, ["other"]])
      assert.deepStrictEqual(yield* members("PUT", path, {}), [id, ["other"]])
      const { status } = yield* askJson(server, "POST", "/v1/teams", { agent_ids: "x" })
      assert.strictEqual(status, 400)
    }))
})
