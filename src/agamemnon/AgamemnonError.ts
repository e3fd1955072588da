/**
 * What can go wrong between Telemachy and Agamemnon, classified by what the
 * caller may do next: send again, wait, or give up.
 */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { RunId } from "../run/RunId.ts"
import * as RetryAfter from "./RetryAfter.ts"
import * as TransportProblem from "./TransportProblem.ts"

/**
 * Why no answer came: how the connection ended, or that none was made.
 *
 * **Example** (Telling a name that is wrong from a server that is down)
 *
 * ```ts
 * import { AgamemnonError } from "telemachy"
 *
 * export const isConfiguration = (failure: AgamemnonError.TransportFailure) => failure === "dns" || failure === "tls"
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const TransportFailure = Schema.Literal("refused", "reset", "dns", "tls", "timeout")
export type TransportFailure = typeof TransportFailure.Type

const isSuccess = (status = 0): boolean => status >= 200 && status < 300

/**
 * A ping that did not show a living Agamemnon: no connection, no answer in
 * time, or an answer that says that the server itself has failed (5xx).
 *
 * **Example** (Saying why there was no answer)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { AgamemnonClient } from "telemachy"
 *
 * export const check = Effect.flatMap(AgamemnonClient.AgamemnonClient, ({ ping }) => ping).pipe(
 *   Effect.catchTag("PingError", ({ reason, url }) => Effect.logWarning(`${url} did not answer: ${reason}`))
 * )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class PingError extends Schema.TaggedError<PingError>()("PingError", {
  url: Schema.String,
  reason: Schema.Union(TransportFailure, Schema.Literal("status")),
  status: Schema.optionalWith(Schema.Int, { exact: true }),
  /** What is known of the reason, in a sentence. */
  detail: Schema.optionalWith(Schema.String, { exact: true })
}) {
  override get message(): string {
    if (this.reason === "status") return `${this.url} answered ${this.status}`
    return `${this.url}: ${this.detail ?? TransportProblem.sentence[this.reason]}`
  }
}

/**
 * What a failed request calls for.
 *
 * - `Transport`: no usable answer; the request may be sent again
 * - `Busy`: too many requests (429); the request had no effect and may be sent again after `retryAfter`
 * - `ServerError`: the server failed (5xx)
 * - `Refused`: the server understood and said no (4xx); sending again would not help
 * - `Malformed`: the answer is not what this API answers
 *
 * **Example** (What a failure calls for)
 *
 * ```ts
 * import { AgamemnonError } from "telemachy"
 *
 * export const isTemporary = (reason: AgamemnonError.Reason) => reason === "Transport" || reason === "Busy"
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const Reason = Schema.Literal("Transport", "Busy", "ServerError", "Refused", "Malformed")
export type Reason = typeof Reason.Type

/**
 * A request that Agamemnon did not carry out, or whose answer did not arrive.
 *
 * **Example** (Telling a refused key from other refusals)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { AgamemnonClient } from "telemachy"
 *
 * export const agents = Effect.flatMap(AgamemnonClient.AgamemnonClient, ({ listAgents }) => listAgents).pipe(
 *   Effect.catchTag("AgamemnonError", (error) =>
 *     error.status === 401 ? Effect.dieMessage("the key is wrong") : Effect.fail(error))
 * )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class AgamemnonError extends Schema.TaggedError<AgamemnonError>()("AgamemnonError", {
  reason: Reason,
  method: Schema.String,
  path: Schema.String,
  status: Schema.optionalWith(Schema.Int, { exact: true }),
  transport: Schema.optionalWith(TransportFailure, { exact: true }),
  retryAfter: Schema.optionalWith(Schema.Duration, { exact: true }),
  /** How many bytes are read of such an answer, when it has more. */
  maxBytes: Schema.optionalWith(Schema.Int, { exact: true }),
  detail: Schema.String
}) {
  override get message(): string {
    const request = this.method === "" ? "a request" : `${this.method} ${this.path}`
    const what = this.status === undefined ? "failed" : `answered ${this.status}`
    const advice = this.advice
    return `${request} ${what}: ${this.detail}${advice === "" ? "" : `; ${advice}`}`
  }

  /** What a person can do about it, or nothing. */
  get advice(): string {
    if (this.reason === "Malformed" || (this.reason === "Transport" && isSuccess(this.status))) {
      return "is AGAMEMNON_URL the address of an Agamemnon of a version known here?"
    }
    switch (this.status) {
      case 401:
        return "check AGAMEMNON_API_KEY"
      case 404:
        // A list is never missing.
        return this.path.includes("?") ? "is AGAMEMNON_URL the address of an Agamemnon?" : ""
      case 413:
        return "the request is larger than Agamemnon accepts"
      default:
        return ""
    }
  }

  /**
   * Whether Agamemnon said, in its own words, that what the request is about
   * does not exist. A 404 of anybody else, a gateway for instance, does not say that.
   */
  get isNotFound(): boolean {
    return this.status === 404 && this.reason === "Refused" && /^(agent|team|task) not found$/.test(this.detail)
  }

  /** Whether the request may have been carried out although it failed. */
  get mayHaveTakenEffect(): boolean {
    return this.reason === "ServerError" || this.reason === "Malformed" ||
      (this.reason === "Transport" && this.transport !== "refused" && this.transport !== "dns")
  }

  /** Whether the same request can succeed later. */
  get isRepeatable(): boolean {
    return this.reason === "Transport" || this.reason === "Busy" || this.reason === "ServerError"
  }
}

/**
 * Agamemnon answers, but no longer knows what this run has made: it was
 * restarted or replaced, and has forgotten.
 *
 * **Example** (Starting anew after a restart of Agamemnon)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { WorkflowExecutor, type WorkflowSpec } from "telemachy"
 *
 * export const persevere = (spec: WorkflowSpec.WorkflowSpec) =>
 *   WorkflowExecutor.execute(spec).pipe(
 *     Effect.catchTag("AgamemnonStateLostError", () => WorkflowExecutor.execute(spec))
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class AgamemnonStateLostError extends Schema.TaggedError<AgamemnonStateLostError>()("AgamemnonStateLostError", {
  workflow: Schema.String,
  run: RunId,
  missing: Schema.String
}) {
  override get message(): string {
    return `Agamemnon no longer knows ${this.missing}: it was restarted or has lost its state`
  }
}

/**
 * An option of a client that can not be used.
 *
 * **Example** (Reporting what is wrong with an option)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { AgamemnonClient } from "telemachy"
 *
 * export const client = AgamemnonClient.make({ url: "ftp://agamemnon.example" }).pipe(
 *   Effect.tapErrorTag("InvalidOptionError", ({ option, problem }) => Effect.logError(`${option}: ${problem}`))
 * )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidOptionError extends Schema.TaggedError<InvalidOptionError>()("InvalidOptionError", {
  option: Schema.String,
  problem: Schema.String
}) {
  override get message(): string {
    return `${this.option}: ${this.problem}`
  }
}

/**
 * A plain address of another host, where the settings ask for TLS: what it is sent would be readable on the way.
 *
 * **Example** (Allowing a plain address in a trusted network)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { AgamemnonClient } from "telemachy"
 *
 * const options = { url: "http://agamemnon.internal" }
 *
 * export const client = AgamemnonClient.make(options).pipe(
 *   Effect.catchTag("TlsRequiredError", () => AgamemnonClient.make({ ...options, requireTls: false }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class TlsRequiredError extends Schema.TaggedError<TlsRequiredError>()("TlsRequiredError", {
  url: Schema.String
}) {
  override get message(): string {
    return `${this.url} is not encrypted and not on this machine: ` +
      `use ${this.url.startsWith("nats:") ? "tls" : "https"}://, or set REQUIRE_TLS=false if the network is trusted`
  }
}

/**
 * A request, as far as it is named in an error.
 *
 * @since 0.1.0
 * @category models
 */
export interface Sent {
  readonly method: string
  readonly path: string
}

/**
 * An answer, read to its end.
 *
 * @since 0.1.0
 * @category models
 */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/**
 * Makes the error of a request whose connection failed.
 *
 * @internal
 */
export const fromTransport = (
  sent: Sent,
  transport: TransportFailure,
  detail = TransportProblem.sentence[transport]
): AgamemnonError => new AgamemnonError({ ...sent, reason: "Transport", transport, detail })

// Controls could move the cursor, and formats turn the text around.
const oneLine = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\s]+/gu, " ").trim().slice(0, 200)

const firstIssue = (error: unknown) =>
  ParseResult.isParseError(error) ? ParseResult.ArrayFormatter.formatErrorSync(error)[0] : undefined

/**
 * Makes the error of a 2xx answer that does not say what such an answer says.
 *
 * @internal
 */
export const fromUndecoded = (sent: Sent & { readonly status: number }, problem: string): AgamemnonError =>
  new AgamemnonError({ ...sent, reason: "Malformed", detail: oneLine(problem) })

/**
 * Makes the error of a 2xx answer that has no JSON: it was cut, or is somebody
 * else's, so that nothing is known of what became of the request.
 *
 * @internal
 */
export const fromNoJson = (sent: Sent & { readonly status: number }, body: string): AgamemnonError => {
  const shown = oneLine(body.slice(0, 1000))
  const detail = `the body is ${shown === "" ? "empty" : `no JSON: ${shown}`}`
  return new AgamemnonError({ ...sent, reason: "Transport", transport: "reset", detail })
}

/**
 * Makes the error of an answer that has more bytes than are read of it.
 *
 * @internal
 */
export const fromTooLarge = (sent: Sent & { readonly status: number }, maxBytes: number, inWords: string): AgamemnonError =>
  new AgamemnonError({ ...sent, reason: "Malformed", maxBytes, detail: `the answer is larger than ${inWords}` })

/**
 * Makes the error of a request that was not sent, because Agamemnon would refuse what it says.
 *
 * @internal
 */
export const fromUnencoded = (error: unknown, withoutKey: (text: string) => string): AgamemnonError =>
  new AgamemnonError({
    method: "",
    path: "",
    reason: "Refused",
    detail: oneLine(withoutKey(firstIssue(error)?.message ?? String(error)))
  })

const Refusal = Schema.parseJson(Schema.Struct({ error: Schema.String }))

// A query or a user may hold the token of somebody.
const withoutSecrets = (location: string): string => location.replace(/[?#].*$/s, "").replace(/\/\/[^/]*@/, "//")

const gatewayStatuses = new Set([502, 503, 504])

/**
 * Makes the error of an answer that is not 2xx, which has come at a time of
 * wall clock in milliseconds: `Retry-After` may name a date.
 *
 * An empty 400 is not a verdict on the request: after a 401 or 429 the server
 * reads the rest of an unread body as the next request and refuses that
 * (observed on Agamemnon 0.1.0). A verdict always has a JSON body; a 404
 * without one is about the path, not about what the path names.
 *
 * @internal
 */
export const fromAnswer = (sent: Sent, { body, headers, status }: Answer, now = 0): AgamemnonError => {
  const refusal = Schema.decodeEither(Refusal)(body)
  const detail = Either.match(refusal, {
    onLeft: () => oneLine(body) || "no explanation was given",
    onRight: ({ error }) => oneLine(error)
  })
  if (gatewayStatuses.has(status) || (status === 400 && body === "")) {
    return new AgamemnonError({ ...sent, reason: "Transport", transport: "reset", status, detail })
  }
  if (status === 429) {
    const asked = RetryAfter.parse(headers["retry-after"] ?? "", now)
    const retryAfter = Duration.min(asked, RetryAfter.longest)
    return new AgamemnonError({ ...sent, reason: "Busy", status, retryAfter, detail: `${detail}${RetryAfter.inWords(asked)}` })
  }
  if (status >= 500) return new AgamemnonError({ ...sent, reason: "ServerError", status, detail })
  if (status < 400) {
    const elsewhere = `a redirection to ${oneLine(withoutSecrets(headers["location"] ?? "nowhere"))}`
    return new AgamemnonError({ ...sent, reason: "Malformed", status, detail: elsewhere })
  }
  if (status === 404 && Either.isLeft(refusal)) {
    return new AgamemnonError({ ...sent, reason: "Malformed", status, detail: "there is nothing at this path" })
  }
  return new AgamemnonError({ ...sent, reason: "Refused", status, detail })
}
