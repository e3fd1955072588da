/**
 * The address of a NATS server: what counts as one, and what is shown of it.
 *
 * Unlike that of Agamemnon it can hold a user and a password, or a token; these
 * are kept apart from what is shown.
 */
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import { isLoopback } from "./AgamemnonAddress.ts"

/** What counts as an address, in words. */
export const range = "a nats:// or tls:// address"

/** A NATS server that can be connected to. */
export interface NatsAddress {
  /** The address as it can be shown: with its port, and without user, password and token. */
  readonly url: string
  readonly hostname: string
  /** `host:port`, as the client wants it. */
  readonly server: string
  /** Whether it asks for TLS. */
  readonly isTls: boolean
  /** Whether it is this machine's own. */
  readonly isLoopback: boolean
  readonly user: string | undefined
  readonly password: Redacted.Redacted | undefined
  readonly token: Redacted.Redacted | undefined
}

const defaultPort = "4222"

const decoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** Reads an address, or says in a sentence what is wrong with it, without repeating it: it may hold a secret. */
export const parse = (text: string): Either.Either<NatsAddress, string> => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !["nats:", "tls:"].includes(url.protocol) || url.hostname === "") {
    return Either.left(`expected ${range}`)
  }
  if (!["", "/"].includes(url.pathname) || /[?#]/.test(text)) {
    return Either.left(`expected ${range} without a path; / ? # and @ in a password are written as %2F %3F %23 and %40`)
  }
  const name = decoded(url.username)
  const password = decoded(url.password)
  if (name === undefined || password === undefined) {
    return Either.left(`expected ${range}; a % in a password is written as %25`)
  }
  const server = `${url.hostname}:${url.port === "" ? defaultPort : url.port}`
  // As everywhere with NATS, a name without a password is a token.
  const isToken = name !== "" && url.password === ""
  return Either.right({
    url: `${url.protocol}//${server}`,
    hostname: url.hostname.replace(/[[\]]/g, ""),
    server,
    isTls: url.protocol === "tls:",
    isLoopback: isLoopback(url.hostname.toLowerCase()),
    user: isToken || name === "" ? undefined : name,
    password: isToken || name === "" ? undefined : Redacted.make(password),
    token: isToken ? Redacted.make(name) : undefined
  })
}
