import * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import { assert, describe, it } from "@effect/vitest"
import * as TransportProblem from "../../src/agamemnon/TransportProblem.ts"

const problem = (cause: unknown) =>
  TransportProblem.of(
    new HttpClientError.RequestError({ request: HttpClientRequest.get("/"), reason: "Transport", cause })
  )

const failure = (cause: unknown) => problem(cause).failure

const socketError = (fields: object) => Object.assign(new Error("socket"), fields)

describe("TransportProblem", () => {
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

  it("says of a certificate what is wrong with it, and of an answer why it can not be read", () => {
    const none = "no secure connection could be made: "
    const table = {
      SELF_SIGNED_CERT_IN_CHAIN: `${none}its certificate is signed by nobody who is known here; NODE_EXTRA_CA_CERTS names a file of those who are`,
      ERR_TLS_CERT_ALTNAME_INVALID: `${none}its certificate is for another name`,
      CERT_HAS_EXPIRED: `${none}its certificate has expired`,
      CERT_NOT_YET_VALID: `${none}its certificate is not valid yet; is the clock of this machine right?`,
      ERR_SSL_WRONG_VERSION_NUMBER: `${none}what answers does not speak TLS; is it an http:// address?`,
      ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: `${none}ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION`,
      HPE_INVALID_CONSTANT: "what answers does not speak HTTP; is it an https:// address?",
      HPE_HEADER_OVERFLOW: "the headers of the answer are larger than can be read",
      UND_ERR_HEADERS_OVERFLOW: "the headers of the answer are larger than can be read",
      HPE_INVALID_CHUNK_SIZE: "the answer is broken: HPE_INVALID_CHUNK_SIZE",
      ECONNRESET: "the connection was closed before an answer came",
      ENOTFOUND: "the host name could not be resolved"
    }
    const told = Object.keys(table).map((code) => [code, problem(socketError({ code })).detail])
    assert.deepStrictEqual(Object.fromEntries(told), table)
    const reason = "Invalid header token"
    assert.strictEqual(problem(socketError({ code: "HPE_INVALID_HEADER_TOKEN", reason })).detail, `the answer is broken: ${reason}`)
  })
})
