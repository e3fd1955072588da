/** An address that notifications are posted to: what counts as one. It may be a secret, and no message repeats it. */
import * as Either from "effect/Either"
import * as AgamemnonAddress from "./AgamemnonAddress.ts"

/** What there is to say of an address beside it. */
export interface Options {
  /** Whether `http://` may lead to another machine. */
  readonly allowHttp: boolean
}

/** Why something is no address: what it is, and what it should be. */
export interface Problem {
  readonly found: string
  readonly expected: string
}

/** Reads an address, or says what is wrong with it, without repeating it. */
export const parse = (text: string, { allowHttp }: Options): Either.Either<URL, Problem> => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const address = "an https:// address, or an http:// address of this machine"
  if (url === undefined || !["http:", "https:"].includes(url.protocol)) {
    return Either.left({ found: "a text that is no such address", expected: address })
  }
  if (url.username !== "" || url.password !== "") {
    return Either.left({ found: "an address with a user or a password", expected: "one without: a token goes into the variable that token_env names" })
  }
  if (url.protocol === "http:" && !allowHttp && !AgamemnonAddress.isLoopback(url.hostname)) {
    return Either.left({ found: "an http:// address of another machine", expected: `${address}; allow_http: true allows it all the same` })
  }
  return Either.right(url)
}
