import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as EmbeddedAgamemnon from "../../src/embedded/EmbeddedAgamemnon.ts"
import { ask } from "../support/HttpQuestion.ts"

const Json = Schema.parseJson()
const parse = Schema.decodeUnknownSync(Json)
const stringify = Schema.encodeSync(Json)

const Exchange = Schema.Struct({
  name: Schema.String,
  request: Schema.Struct({
    method: Schema.String,
    path: Schema.String,
    authorization: Schema.optional(Schema.NullOr(Schema.String)),
    headers: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.String })),
    body: Schema.optional(Schema.Unknown)
  }),
  response: Schema.Struct({
    status: Schema.Number,
    headers: Schema.Record({ key: Schema.String, value: Schema.String }),
    body: Schema.Unknown
  })
})

const exchanges = Schema.decodeUnknownSync(Schema.parseJson(Schema.Array(Exchange)))(
  readFileSync(new URL("../fixtures/agamemnon-exchanges.json", import.meta.url), "utf8")
)

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/

/** Ids by the names that the recording has for them: bound where they are first seen, the same ever after. */
class Bindings {
  private readonly ids = new Map<string, string>()

  fill(text: string): string {
    return text.replace(/<id-\d+>/g, (name) => this.ids.get(name) ?? "00000000-0000-4000-8000-000000000000")
  }

  /** Replaces what differs from one run to the next by what the recording says, if it is of the right form. */
  recorded(actual: unknown, expected: unknown): unknown {
    if (typeof expected === "string" && typeof actual === "string") {
      if (/^<id-\d+>$/.test(expected)) {
        if (!this.ids.has(expected) && uuid.test(actual)) this.ids.set(expected, actual)
        return this.ids.get(expected) === actual ? expected : actual
      }
      return expected === "<time>" && time.test(actual) ? expected : actual
    }
    if (expected === "<one agent>") return Array.isArray(actual) && actual.length === 1 ? expected : actual
    if (Array.isArray(actual) && Array.isArray(expected)) {
      return actual.map((item, index) => this.recorded(item, expected[index]))
    }
    if (typeof actual === "object" && actual !== null && typeof expected === "object" && expected !== null) {
      const wanted = new Map(Object.entries(expected))
      const fields = Object.entries(actual).map(([key, item]) => [key, this.recorded(item, wanted.get(key))])
      return Object.fromEntries(fields)
    }
    return actual
  }
}

const bodyOf = (body: unknown): string | undefined => {
  if (body === undefined) return undefined
  if (body === "<JSON object of more than 1048576 bytes>") return stringify({ name: "x".repeat(1_048_576) })
  if (typeof body === "string") return body
  return stringify(body).replace(/<(\d+) characters>/g, (_, count) => "c".repeat(Number(count)))
}

describe("the recorded exchanges", () => {
  it.scopedLive("are answered as they were recorded", () =>
    Effect.gen(function*() {
      const { apiKey, url } = yield* EmbeddedAgamemnon.make()
      const key = Redacted.value(apiKey)
      const bindings = new Bindings()
      assert.lengthOf(exchanges, 85)
      yield* Effect.forEach(exchanges, ({ name, request, response }) =>
        Effect.gen(function*() {
          const { authorization = "Bearer <key>", headers = {} } = request
          const body = bodyOf(request.body)
          const answer = yield* ask(url, {
            method: request.method,
            path: bindings.fill(request.path),
            headers: Object.fromEntries(
              Object.entries({ ...headers, ...(authorization === null ? {} : { authorization }) })
                .map(([header, value]) => [header, value.replace("<key>", key)])
            ),
            body: body === undefined ? undefined : bindings.fill(body)
          })
          const parsed = answer.text === "" ? "" : parse(answer.text)
          const recorded = ["content-type", "x-api-version"].flatMap((header) => {
            const value = answer.headers[header]
            return value === undefined ? [] : [[header, value]]
          })
          const { status } = answer
          const seen = { status, headers: Object.fromEntries(recorded), body: bindings.recorded(parsed, response.body) }
          assert.deepStrictEqual(seen, response, name)
          const ordered = (value: unknown): boolean => {
            if (typeof value !== "object" || value === null) return true
            const keys = Object.keys(value)
            return (Array.isArray(value) || keys.every((key, index) => index === 0 || (keys[index - 1] ?? "") < key)) &&
              Object.values(value).every(ordered)
          }
          assert.isTrue(ordered(parsed), `${name}: keys in the order of the alphabet`)
          assert.isUndefined(answer.headers["date"])
        }))
    }))
})
