import type { ServerResponse } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as BodyLimit from "../../src/agamemnon/BodyLimit.ts"
import { RequestRetry } from "../../src/agamemnon/RequestRetry.ts"
import { agentId, names, operations, paths, taskId, teamId } from "../support/ClientOperations.ts"
import { eventually } from "../support/HttpQuestion.ts"
import { answer, client, http, type Respond } from "../support/RawServer.ts"

const once = Effect.provideService(RequestRetry, { schedule: Schedule.stop, onFailure: () => Effect.void })

const chunk = Buffer.alloc(256 * 1024, "x")

/** Answers without an end, and counts what it has sent. */
const endless = (status: number, head = "") => {
  let sent = 0
  const write = (response: ServerResponse): void => {
    while (!response.destroyed) {
      sent += chunk.length
      if (!response.write(chunk)) return void response.once("drain", () => write(response))
    }
  }
  const respond: Respond = (response) => {
    response.writeHead(status, { "content-type": "application/json" }).write(head)
    write(response)
  }
  return { respond, sent: () => sent }
}

describe("BodyLimit", () => {
  it("knows which requests are for lists", () => {
    for (const name of names) {
      const [method, path] = paths[name]
      const isList = name.startsWith("list")
      assert.strictEqual(BodyLimit.inWords(BodyLimit.of(method, path).ok), isList ? "64 MiB" : "8 MiB", name)
    }
    assert.strictEqual(BodyLimit.inWords(BodyLimit.shown), "64 KiB")
  })

  it.scopedLive("ends an answer without an end, whatever was asked", () =>
    Effect.gen(function*() {
      const { respond, sent } = endless(200, "{\"agent\":{\"id\":\"")
      const { open, url } = yield* http(respond)
      const agamemnon = yield* client({ url })
      for (const operation of ["createAgent", "deleteAgent", "getTask", "startAgent", "setMembers"] as const) {
        const error = yield* Effect.flip(once(operations(agamemnon)[operation]))
        assert.deepInclude(error, { reason: "Malformed", status: 200, detail: "the answer is larger than 8 MiB" })
      }
      yield* eventually(open, (sockets) => sockets === 0)
      assert.isBelow(sent(), 5 * 32 * 1024 * 1024)
    }))

  it.scopedLive("asks for smaller pages of a list, and ends when a page of one item is too large", () =>
    Effect.gen(function*() {
      const { respond } = endless(200)
      const { open, received, url } = yield* http(respond)
      const { listTeams } = yield* client({ url })
      const error = yield* Effect.flip(once(listTeams))
      assert.include(error.message, "GET /v1/teams?limit=1&offset=0 answered 200: the answer is larger than 64 MiB")
      assert.lengthOf(received, 6)
      yield* eventually(open, (sockets) => sockets === 0)
    }))

  it.scopedLive("reads the beginning of a refusal that has no end", () =>
    Effect.gen(function*() {
      const { respond } = endless(403)
      const { open, url } = yield* http(respond)
      const { startAgent } = yield* client({ url })
      assert.deepInclude(yield* Effect.flip(startAgent(agentId)), { reason: "Refused", status: 403, detail: "x".repeat(200) })
      yield* eventually(open, (sockets) => sockets === 0)
    }))

  it.scopedLive("lets a ping succeed by the beginning of an answer", () =>
    Effect.gen(function*() {
      const { respond, sent } = endless(200)
      const { open, url } = yield* http(respond)
      const { ping } = yield* client({ url })
      yield* ping
      yield* eventually(open, (sockets) => sockets === 0)
      assert.isBelow(sent(), 32 * 1024 * 1024)
    }))

  it.scopedLive("leaves an answer as it is that has as much as it may, in whichever pieces it comes", () =>
    Effect.gen(function*() {
      const task = { id: taskId, status: "completed", result: `€${"é".repeat(30_000)}` }
      const body = Buffer.from(JSON.stringify({ task, rest: "y".repeat(7 * 1024 * 1024) }))
      const { url } = yield* http((response) => {
        for (let at = 0; at < 100; at += 1) response.write(body.subarray(at, at + 1))
        response.end(body.subarray(100))
      })
      const { getTask } = yield* client({ url })
      const found = yield* Effect.flatten(getTask(teamId, taskId))
      assert.strictEqual(found["result"], task.result)
      const empty = yield* http(answer(200))
      yield* (yield* client({ url: empty.url })).deleteAgent(agentId)
    }))
})
