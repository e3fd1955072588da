import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import * as EmbeddedAgamemnon from "../../src/embedded/EmbeddedAgamemnon.ts"
import * as Faults from "../../src/embedded/Faults.ts"
import { ask, bearer, eventually } from "../support/HttpQuestion.ts"

type Server = EmbeddedAgamemnon.EmbeddedAgamemnon["Type"]

const start = EmbeddedAgamemnon.make({ workers: false })

const answer = ({ apiKey, url }: Server, method = "GET", path = "/v1/agents") =>
  ask(url, { method, path, headers: bearer(apiKey) })

/** The status of the answer, or why there is none. */
const outcome = (server: Server, method?: string, path?: string) =>
  Effect.match(answer(server, method, path), { onFailure: ({ code }) => code, onSuccess: ({ status }) => status })

describe("Faults", () => {
  it.scopedLive("refuse connections until the fault is healed, on the same port", () =>
    Effect.gen(function*() {
      const server = yield* start
      yield* server.setFaults([Faults.Refuse()])
      assert.strictEqual(yield* outcome(server), "ECONNREFUSED")
      yield* server.setFaults([Faults.Refuse()])
      assert.strictEqual(yield* outcome(server), "ECONNREFUSED")
      yield* server.setFaults([])
      assert.strictEqual(yield* outcome(server), 200)
      yield* server.setFaults([])
      assert.strictEqual(yield* outcome(server), 200)
    }))

  it.scopedLive("break the connections that there are when they refuse new ones", () =>
    Effect.gen(function*() {
      const server = yield* start
      yield* server.setFaults([Faults.Hang({})])
      const asked = yield* Effect.fork(outcome(server))
      yield* eventually(server.requests, (requests) => requests === 1)
      yield* server.setFaults([Faults.Refuse()])
      assert.strictEqual(yield* Fiber.join(asked), "ECONNRESET")
    }))

  it.scopedLive("leave a request without an answer", () =>
    Effect.gen(function*() {
      const server = yield* start
      yield* server.setFaults([Faults.Hang({})])
      const asked = yield* Effect.fork(outcome(server))
      yield* eventually(server.requests, (requests) => requests === 1)
      yield* server.setFaults([])
      assert.strictEqual(yield* outcome(server), 200)
      assert.isTrue((yield* Fiber.poll(asked))._tag === "None")
      yield* Fiber.interrupt(asked)
      assert.deepStrictEqual((yield* server.requestLog).map(({ status }) => status), [undefined, 200])
    }))

  it.scopedLive("reset a connection before anything is done", () =>
    Effect.gen(function*() {
      const server = yield* start
      yield* server.setFaults([Faults.Reset({ method: "POST" })])
      assert.strictEqual(yield* outcome(server, "POST"), "ECONNRESET")
      assert.include((yield* answer(server)).text, "\"total\":0")
    }))

  it.scopedLive("drop the answer of a request that took effect, as often as they are told to", () =>
    Effect.gen(function*() {
      const server = yield* start
      yield* server.setFaults([Faults.DropAnswer({ method: "POST", times: 2 })])
      const outcomes = yield* Effect.replicateEffect(outcome(server, "POST"), 3)
      assert.deepStrictEqual(outcomes, ["ECONNRESET", "ECONNRESET", 201])
      assert.include((yield* answer(server)).text, "\"total\":3")
    }))

  it.scoped("carry a request out at once and answer it late", () =>
    Effect.gen(function*() {
      const server = yield* start
      yield* server.setFaults([Faults.Slow({ method: "POST", delay: "30 seconds" })])
      const asked = yield* Effect.fork(outcome(server, "POST"))
      yield* answer(server).pipe(Effect.repeat({ until: ({ text }) => text.includes("\"total\":1") }))
      assert.isTrue((yield* Fiber.poll(asked))._tag === "None")
      yield* TestClock.sleeps().pipe(Effect.repeat({ until: (sleeps) => !Chunk.isEmpty(sleeps) }))
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual(yield* Fiber.join(asked), 201)
    }))

  it.scopedLive("answer with the status of a server in trouble", () =>
    Effect.gen(function*() {
      const server = yield* start
      const answers: Array<unknown> = []
      for (const status of [401, 429, 500, 503] as const) {
        yield* server.setFaults([Faults.Status({ status, retryAfter: "7 seconds" })])
        const { headers, text } = yield* answer(server, "POST")
        answers.push([status, headers["retry-after"], text])
      }
      assert.deepStrictEqual(answers, [
        [401, undefined, "{\"error\":\"unauthorized\"}"],
        [429, "7", "{\"error\":\"rate limit exceeded\",\"retry_after_seconds\":7}"],
        [500, undefined, "{\"error\":\"internal server error\"}"],
        [503, undefined, "{\"error\":\"service unavailable\"}"]
      ])
      yield* server.setFaults([])
      assert.include((yield* answer(server)).text, "\"total\":0")
    }))

  it.scopedLive("answer 400 and nothing else", () =>
    Effect.gen(function*() {
      const server = yield* start
      yield* server.setFaults([Faults.EmptyBadRequest({ times: 1 })])
      const { status, text } = yield* answer(server)
      assert.deepStrictEqual([status, text, yield* outcome(server)], [400, "", 200])
    }))

  it.scopedLive("befall only what they aim at, the first that matches", () =>
    Effect.gen(function*() {
      const server = yield* start
      yield* server.setFaults([
        Faults.Status({ ...Faults.pings, status: 503 }),
        Faults.Status({ path: "/v1/agents?limit", times: 1, status: 500 }),
        Faults.Status({ method: "POST", path: /tasks$/, status: 429 }),
        Faults.Status({ path: "/v1/agents?limit", status: 401 })
      ])
      const asked: ReadonlyArray<readonly [method: string, path: string, status: number]> = [
        ["GET", "/v1/agents?limit=1", 503],
        ["GET", "/v1/agents?limit=1000", 500],
        ["GET", "/v1/agents?limit=1000", 401],
        ["GET", "/v1/agents?limit=1", 503],
        ["GET", "/v1/agents", 200],
        ["GET", "/v1/teams/t/tasks", 200],
        ["POST", "/v1/teams/t/tasks", 429]
      ]
      const outcomes = yield* Effect.forEach(asked, ([method, path]) => outcome(server, method, path))
      assert.deepStrictEqual(outcomes, asked.map(([, , status]) => status))
    }))

  it.scopedLive("include that everything is forgotten", () =>
    Effect.gen(function*() {
      const server = yield* start
      yield* answer(server, "POST")
      yield* server.forget
      assert.include((yield* answer(server)).text, "\"total\":0")
    }))
})
