import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as AgamemnonError from "../../src/agamemnon/AgamemnonError.ts"

const sent = { method: "GET", path: "/v1/agents" }

const judged = (error: AgamemnonError.AgamemnonError) => [error.mayHaveTakenEffect, error.isRepeatable]

const answered = (status: number, body = "") =>
  judged(AgamemnonError.fromAnswer(sent, { status, headers: {}, body }))

const broken = (transport: AgamemnonError.TransportFailure) => judged(AgamemnonError.fromTransport(sent, transport))

describe("AgamemnonError", () => {
  it("says whether the request can have been carried out, and whether it can be sent again", () => {
    assert.deepStrictEqual(
      [broken("refused"), broken("dns"), broken("tls"), broken("reset"), broken("timeout")],
      [[false, true], [false, true], [true, true], [true, true], [true, true]]
    )
    assert.deepStrictEqual(
      [answered(429), answered(500), answered(503), answered(400), answered(301)],
      [[false, true], [true, true], [true, true], [true, true], [true, false]]
    )
    const no = JSON.stringify({ error: "no" })
    for (const status of [400, 401, 404, 409]) assert.deepStrictEqual(answered(status, no), [false, false])
  })

  it("keeps its fields when it is written down and read again", () => {
    const body = JSON.stringify({ error: "slow down" })
    const error = AgamemnonError.fromAnswer(sent, { status: 429, headers: { "retry-after": "7" }, body })
    assert.deepStrictEqual(error.retryAfter, Duration.seconds(7))
    const Json = Schema.parseJson(AgamemnonError.AgamemnonError)
    const again = Schema.decodeSync(Json)(Schema.encodeSync(Json)(error))
    assert.deepStrictEqual(again, error)
    assert.strictEqual(again.message, "GET /v1/agents answered 429: slow down")
  })
})
