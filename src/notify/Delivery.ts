/**
 * Posts one message, once, and says what became of that: taken, refused for good, or to be tried again. Nobody is followed to
 * another address, and of an answer no more is read than is shown.
 */
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as BodyLimit from "../agamemnon/BodyLimit.ts"
import * as RetryAfter from "../agamemnon/RetryAfter.ts"
import * as TransportProblem from "../agamemnon/TransportProblem.ts"
import * as TimeLimit from "../liveness/TimeLimit.ts"
import { oneLine } from "../report/Format.ts"
import type { NotifyMessage } from "./NotifyMessage.ts"

/** How long an answer may take. */
export const attemptTimeout = Duration.seconds(10)

/** The most bytes of an answer that are read, and characters that are shown. */
const answerLimit = 4096
const shownLimit = 200

/** A message was not taken. */
export class UndeliveredError extends Data.TaggedError("UndeliveredError")<{
  readonly reason: string
  /** Whether it may be taken later. */
  readonly isTransient: boolean
  /** How long the receiver asks to be left alone. */
  readonly retryAfter: Duration.Duration | undefined
}> {
  override get message(): string {
    return this.reason
  }
}

const undelivered = (reason: string, isTransient: boolean, retryAfter?: Duration.Duration) =>
  new UndeliveredError({ reason, isTransient, retryAfter })

/** The statuses that say nothing of the message. */
const isTransient = (status: number): boolean => status === 408 || status === 425 || status === 429 || status >= 500

/** Takes what is secret out of what a receiver has answered. */
const withoutSecrets = ({ headers, url }: NotifyMessage, text: string): string => {
  const secrets = [Redacted.value(url), new URL(Redacted.value(url)).pathname, (headers["authorization"] ?? "").replace("Bearer ", "")]
  return secrets.filter(({ length }) => length > 3).reduce((shown, secret) => shown.replaceAll(secret, "***"), text)
}

/** Posts a message. */
export const post = Effect.fn("Delivery.post")(function*(client: HttpClient.HttpClient, message: NotifyMessage) {
  const request = HttpClientRequest.post(Redacted.value(message.url), { headers: message.headers }).pipe(
    HttpClientRequest.bodyText(message.body, "application/json")
  )
  const { body, headers, status } = yield* client.execute(request).pipe(
    Effect.flatMap((response) =>
      Effect.map(BodyLimit.read(response, answerLimit), (beginning) => ({ status: response.status, headers: response.headers, body: BodyLimit.textOf(beginning) }))),
    // An address may be a secret, and a span would name it.
    Effect.locally(HttpClient.currentTracerDisabledWhen, () => true),
    Effect.locally(HttpClient.currentTracerPropagation, false),
    BodyLimit.within({ ok: answerLimit, other: answerLimit }),
    Effect.mapError((error) => undelivered(TransportProblem.of(error).detail, true)),
    TimeLimit.within({ limit: attemptTimeout, onTimeout: () => undelivered(`no answer came within ${Duration.format(attemptTimeout)}`, true) })
  )
  if (BodyLimit.isOk(status)) return
  const now = yield* Clock.currentTimeMillis
  const asked = headers["retry-after"]
  const said = oneLine(withoutSecrets(message, body)).slice(0, shownLimit)
  const reason = status >= 300 && status < 400
    ? `the answer was status ${status}, which leads elsewhere and is not followed`
    : `the answer was status ${status}${said === "" ? "" : `: ${said}`}`
  return yield* undelivered(reason, isTransient(status), asked === undefined ? undefined : Duration.min(RetryAfter.parse(asked, now), RetryAfter.longest))
})
