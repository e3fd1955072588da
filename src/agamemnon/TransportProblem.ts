/** What happened to a connection, from the error code of Node's socket or HTTP parser: in a word, and in a sentence. */
import type * as HttpClientError from "@effect/platform/HttpClientError"
import * as Predicate from "effect/Predicate"

/** How a connection can end, or that none was made. */
export type Failure = "refused" | "reset" | "dns" | "tls" | "timeout"

/** What happened to a connection. */
export interface TransportProblem {
  readonly failure: Failure
  readonly detail: string
}

/** What a failure means, when no more is known of it. */
export const sentence: Record<Failure, string> = {
  refused: "the connection was refused",
  reset: "the connection was closed before an answer came",
  dns: "the host name could not be resolved",
  tls: "no secure connection could be made",
  timeout: "no answer came in time"
}

const dnsCodes = new Set(["ENOTFOUND", "EAI_AGAIN", "EAI_FAIL", "EAI_NODATA"])
const refusedCodes = new Set(["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "EHOSTDOWN", "EADDRNOTAVAIL"])
const tlsCodes = /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|EPROTO)/

const unknownAuthority = "its certificate is signed by nobody who is known here; NODE_EXTRA_CA_CERTS names a file of those who are"
const noTls = "what answers does not speak TLS; is it an http:// address?"
const noHttp = "what answers does not speak HTTP; is it an https:// address?"
const longHeaders = "the headers of the answer are larger than can be read"

const certificates: Readonly<Record<string, string>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority,
  CERT_UNTRUSTED: unknownAuthority,
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name",
  CERT_HAS_EXPIRED: "its certificate has expired",
  CERT_NOT_YET_VALID: "its certificate is not valid yet; is the clock of this machine right?",
  CERT_REVOKED: "its certificate was revoked",
  ERR_SSL_WRONG_VERSION_NUMBER: noTls,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: noTls
}

const answers: Readonly<Record<string, string>> = {
  HPE_INVALID_CONSTANT: noHttp,
  HPE_INVALID_VERSION: noHttp,
  HPE_HEADER_OVERFLOW: longHeaders,
  UND_ERR_HEADERS_OVERFLOW: longHeaders
}

const property = (value: unknown, name: "code" | "syscall" | "reason" | "message"): string =>
  Predicate.hasProperty(value, name) && typeof value[name] === "string" ? value[name] : ""

/** Finds the error of the socket, which some clients wrap in another. */
const socketError = (cause: unknown): unknown =>
  property(cause, "code") === "" && Predicate.hasProperty(cause, "cause") ? socketError(cause.cause) : cause

const failureOf = (cause: unknown, code: string): Failure => {
  if (dnsCodes.has(code)) return "dns"
  // A host can become unreachable after the request was sent: then it may have been carried out.
  if (refusedCodes.has(code) && !["read", "write"].includes(property(cause, "syscall"))) return "refused"
  if (code === "ETIMEDOUT") return "timeout"
  return tlsCodes.test(code) ? "tls" : "reset"
}

const tlsDetail = (cause: unknown, code: string): string => {
  // What Node 20 says of a server that answers in another language.
  const isPlain = code === "EPROTO" && property(cause, "message").includes("wrong version number")
  return `${sentence.tls}: ${certificates[code] ?? (isPlain ? noTls : code)}`
}

const resetDetail = (cause: unknown, code: string): string => {
  const known = answers[code]
  if (known !== undefined) return known
  // The parser says in a few words of its own what is wrong.
  return code.startsWith("HPE_") ? `the answer is broken: ${property(cause, "reason") || code}` : sentence.reset
}

/** Tells how a request failed in transport. */
export const of = (error: HttpClientError.HttpClientError): TransportProblem => {
  const cause = socketError(error.cause)
  const code = property(cause, "code")
  const failure = failureOf(cause, code)
  if (failure === "tls") return { failure, detail: tlsDetail(cause, code) }
  return { failure, detail: failure === "reset" ? resetDetail(cause, code) : sentence[failure] }
}
