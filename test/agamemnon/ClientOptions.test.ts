import * as HttpClient from "@effect/platform/HttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import * as AgamemnonClient from "../../src/agamemnon/AgamemnonClient.ts"
import { agentId, teamId } from "../support/ClientOperations.ts"
import * as ScriptedHttp from "../support/ScriptedHttp.ts"

const team = { agentIds: [], createdAt: "", id: "t", name: "t", updatedAt: "" }
const there = () => ({ status: 200, body: { team } })

/** Asks so often at once, and answers when each request was sent. */
const times = (count: number, options: Partial<AgamemnonClient.Options>) =>
  Effect.gen(function*() {
    const { agamemnon, sent } = yield* ScriptedHttp.client(there, options)
    const asking = yield* Effect.fork(
      Effect.all(Array.from({ length: count }, () => agamemnon.hasTeam(teamId)), { concurrency: "unbounded" })
    )
    yield* TestClock.adjust("1 hour")
    yield* Fiber.join(asking)
    return sent.map(({ at }) => at)
  })

const unused = Effect.provideService(
  HttpClient.HttpClient,
  HttpClient.make(() => Effect.dieMessage("nothing should be sent"))
)

const limit = (rps: number, burst: number) => ({ rateLimit: { rps, burst } })

const refused = (options: Partial<AgamemnonClient.Options>) =>
  AgamemnonClient.make({ url: "http://localhost", ...options }).pipe(unused, Effect.flip)

describe("The options of a client", () => {
  it.scoped("refuse what can not work, by name", () =>
    Effect.gen(function*() {
      const count = "expected a whole number greater than 0, found"
      const table = [
        [{ maxConnections: 0 }, `maxConnections: ${count} 0`],
        [{ maxConnections: -1 }, `maxConnections: ${count} -1`],
        [{ maxConnections: 1.5 }, `maxConnections: ${count} 1.5`],
        [{ maxConnections: Number.NaN }, `maxConnections: ${count} NaN`],
        [{ maxConnections: Number.POSITIVE_INFINITY }, `maxConnections: ${count} Infinity`],
        [limit(1, 0), `rateLimit.burst: ${count} 0`],
        [limit(1, 0.5), `rateLimit.burst: ${count} 0.5`],
        [limit(0, 0), `rateLimit.burst: ${count} 0`],
        [limit(-1, 1), "rateLimit.rps: expected a number from 0, found -1"],
        [limit(Number.NaN, 1), "rateLimit.rps: expected a number from 0, found NaN"],
        [limit(Number.POSITIVE_INFINITY, 1), "rateLimit.rps: expected a number from 0, found Infinity"],
        [{ url: "agamemnon:8080" }, "url: expected an http:// or https:// address, found \"agamemnon:8080\""]
      ] as const
      for (const [options, message] of table) {
        const error = yield* refused(options)
        assert.deepStrictEqual([error._tag, error.message], ["InvalidOptionError", message])
      }
      for (const options of [{ url: "http://me:secret@localhost" }, { apiKey: Redacted.make("secret\n") }]) {
        const error = yield* refused(options)
        assert.notInclude(`${error.message} ${JSON.stringify(error)}`, "secret")
      }
      for (const key of ["", "two\nlines", "schlüssel", "“quoted”", "\u0000"]) {
        const { message } = yield* refused({ apiKey: Redacted.make(key) })
        assert.strictEqual(message, "apiKey: expected one line of ASCII characters, which a header can carry")
      }
    }))

  it.scoped("limit how many requests are sent in a second, after a burst", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* times(7, limit(2, 3)), [0, 0, 0, 500, 1000, 1500, 2000])
      const again = yield* times(3, limit(0.5, 1))
      assert.deepStrictEqual(again.map((time) => time - (again[0] ?? 0)), [0, 2000, 4000])
    }))

  it.scoped("set no limit with a rate of 0, or with none", () =>
    Effect.gen(function*() {
      for (const options of [{}, limit(0, 1)]) {
        const [first, ...rest] = yield* times(50, options)
        assert.lengthOf(rest, 49)
        assert.deepStrictEqual(new Set(rest), new Set([first]))
      }
    }))

  it.scoped("count what is repeated among what is sent", () =>
    Effect.gen(function*() {
      const { agamemnon, sent } = yield* ScriptedHttp.client(
        ScriptedHttp.inTurn("ECONNRESET", "ECONNRESET", { status: 200, body: { deleted: "a" } }),
        limit(0.1, 1)
      )
      const deleting = yield* Effect.fork(agamemnon.deleteAgent(agentId))
      yield* TestClock.adjust("1 hour")
      yield* Fiber.join(deleting)
      assert.deepStrictEqual(sent.map(({ at }) => at), [0, 10_000, 20_000])
    }))
})

const built = (environment: Readonly<Record<string, string>>) =>
  Effect.flatMap(AgamemnonClient.AgamemnonClient, ({ url }) => Effect.succeed(url)).pipe(
    Effect.provide(AgamemnonClient.layerConfig()),
    unused,
    Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(environment))))
  )

describe("The environment of a client", () => {
  it.effect("names an address", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* built({ AGAMEMNON_URL: "http://localhost:8080/" }), "http://localhost:8080")
      assert.strictEqual(yield* built({ AGAMEMNON_URL: "https://agamemnon.example/a/" }), "https://agamemnon.example/a")
    }))

  it.effect("must ask for no TLS where it is not to be had", () =>
    Effect.gen(function*() {
      const AGAMEMNON_URL = "http://agamemnon.example"
      const error = yield* Effect.flip(built({ AGAMEMNON_URL }))
      assert.strictEqual(error._tag, "TlsRequiredError")
      assert.strictEqual(yield* built({ AGAMEMNON_URL, REQUIRE_TLS: "false" }), AGAMEMNON_URL)
    }))

  it.effect("is refused by the names of its variables", () =>
    Effect.gen(function*() {
      const missing = yield* Effect.flip(built({}))
      assert.strictEqual(missing.message, "no address is set")
      const wrong = yield* Effect.flip(built({ AGAMEMNON_URL: "http://localhost", AGAMEMNON_RATE_LIMIT_BURST: "0" }))
      assert.include(String(wrong), "AGAMEMNON_RATE_LIMIT_BURST")
      const secret = yield* Effect.flip(built({ AGAMEMNON_URL: "http://me:secret@localhost" }))
      assert.include(String(secret), "AGAMEMNON_URL")
      assert.notInclude(`${String(secret)} ${JSON.stringify(secret)}`, "secret")
    }))
})
