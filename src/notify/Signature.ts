/**
 * The signature of what a webhook is sent: HMAC-SHA256 over the time and the body, so that a receiver knows who has sent it, and
 * that nobody sends it once more.
 *
 * The header is `Telemachy-Signature: t=TIME,v1=HEX`: TIME is in whole seconds since the beginning of 1970, and HEX the code of
 * `TIME.BODY` with the secret as the key, in UTF-8.
 */
import { createHmac, timingSafeEqual } from "node:crypto"
import * as Duration from "effect/Duration"
import * as Redacted from "effect/Redacted"

/**
 * The name of the header that holds the signature, in lower case.
 *
 * **Example** (Finding it in a request)
 *
 * ```ts
 * import { Signature } from "telemachy"
 *
 * export const signatureOf = (headers: Readonly<Record<string, string>>) => headers[Signature.header]
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export const header = "telemachy-signature"

const code = (body: string, seconds: number, secret: Redacted.Redacted) =>
  createHmac("sha256", Redacted.value(secret)).update(`${seconds}.${body}`).digest()

/**
 * Makes the signature of a body that is sent at a time in milliseconds since the beginning of 1970.
 *
 * **Example** (What a test of a receiver sends)
 *
 * ```ts
 * import { Redacted } from "effect"
 * import { Signature } from "telemachy"
 *
 * export const headers = (body: string) => ({
 *   [Signature.header]: Signature.make(body, { at: 1_700_000_000_000, secret: Redacted.make("secret") })
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (body: string, { at, secret }: { readonly at: number; readonly secret: Redacted.Redacted }): string => {
  const seconds = Math.floor(at / 1000)
  return `t=${seconds},v1=${code(body, seconds, secret).toString("hex")}`
}

/**
 * How a signature is checked.
 *
 * @since 0.1.0
 * @category models
 */
export interface VerifyOptions {
  readonly secret: Redacted.Redacted
  /** The time now, in milliseconds since the beginning of 1970. */
  readonly now: number
  /** How far the time of the signature may be from that. Defaults to 5 minutes. */
  readonly tolerance?: Duration.DurationInput | undefined
}

/**
 * Whether a signature is that of a body, made with the secret, and not long ago. The body is the text as it was received, not JSON
 * that was parsed and written again.
 *
 * **Example** (Refusing what somebody else has sent)
 *
 * ```ts
 * import { Clock, Config, Effect } from "effect"
 * import { Signature } from "telemachy"
 *
 * export const isGenuine = (body: string, headers: Readonly<Record<string, string>>) =>
 *   Effect.gen(function*() {
 *     const secret = yield* Config.redacted("WEBHOOK_SECRET")
 *     const now = yield* Clock.currentTimeMillis
 *     return Signature.verify(body, headers[Signature.header] ?? "", { secret, now })
 *   })
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const verify = (body: string, signature: string, { now, secret, tolerance = "5 minutes" }: VerifyOptions): boolean => {
  const [, time = "", hex = ""] = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/.exec(signature.trim()) ?? []
  if (hex === "" || Math.abs(now - Number(time) * 1000) > Duration.toMillis(tolerance)) return false
  return timingSafeEqual(Buffer.from(hex, "hex"), code(body, Number(time), secret))
}
