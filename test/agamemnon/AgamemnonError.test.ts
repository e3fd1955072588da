import * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as AgamemnonError from "../../src/agamemnon/AgamemnonError.ts"

const sent = { method: "GET", path: "/v1/agents" }

const failure = (cause: unknown) =>
  AgamemnonError.transportFailure(
    new HttpClientError.RequestError({ request: HttpClientRequest.get("/"), reason: "Transport", cause })
  )

const socketError = (fields: object) => Object.assign(new Error("socket"), fields)

describe("transportFailure", () => {
  it("tells from the code of the socket's error what happened", () => {
    const table = {
      dns: ["ENOTFOUND", "EAI_AGAIN", "EAI_FAIL"],
      refused: ["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH"],
      timeout: ["ETIMEDOUT"],
      tls: [
        "EPROTO",
        "ERR_SSL_WRONG_VERSION_NUMBER",
        "ERR_TLS_CERT_ALTNAME_INVALID",
        "CERT_HAS_EXPIRED",
        "DEPTH_ZERO_SELF_SIGNED_CERT",
        "SELF_SIGNED_CERT_IN_CHAIN",
        "UNABLE_TO_VERIFY_LEAF_SIGNATURE"
      ],
      reset: ["ECONNRESET", "EPIPE", "HPE_INVALID_CONSTANT", "UND_ERR_SOCKET", "ABORT_ERR", ""]
    }
    for (const [expected, codes] of Object.entries(table)) {
      for (const code of codes) assert.strictEqual(failure(socketError({ code })), expected, code)
    }
  })

  it("finds that error within another, and takes what it does not know for a broken connection", () => {
    const inner = socketError({ code: "ENOTFOUND" })
    assert.strictEqual(failure(new TypeError("fetch failed", { cause: inner })), "dns")
    assert.strictEqual(failure(socketError({ code: "ECONNREFUSED", errors: [inner] })), "refused")
    for (const cause of [undefined, null, "text", new Error("no code"), { code: 5 }]) {
      assert.strictEqual(failure(cause), "reset")
    }
  })

  it("takes a host that became unreachable later for a broken connection", () => {
    assert.strictEqual(failure(socketError({ code: "EHOSTUNREACH", syscall: "connect" })), "refused")
    assert.strictEqual(failure(socketError({ code: "EHOSTUNREACH", syscall: "read" })), "reset")
    assert.strictEqual(failure(socketError({ code: "ENETUNREACH", syscall: "write" })), "reset")
  })
})

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
