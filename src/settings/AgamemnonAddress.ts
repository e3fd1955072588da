/**
 * The address of an Agamemnon: what counts as one, and what is shown of it.
 *
 * An address can have a path, in front of which a proxy may have put Agamemnon.
 * It holds no secret: the key is sent in a header, and an address is shown in
 * events and messages.
 */
import * as Either from "effect/Either"

/** An address that requests can be sent to. */
export interface AgamemnonAddress {
  /** The address, without a slash at its end. */
  readonly url: string
  /** Whether it is `http://`, which anyone on the way can read. */
  readonly isPlain: boolean
  /** Whether it is this machine's own. */
  readonly isLoopback: boolean
}

/** Reads an address, or says in a sentence what is wrong with it. */
export const parse = (text: string, nameOfKey = "AGAMEMNON_API_KEY"): Either.Either<AgamemnonAddress, string> => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !["http:", "https:"].includes(url.protocol)) {
    return Either.left(`expected an http:// or https:// address, found ${shown(text)}`)
  }
  // A password with a slash in it makes the rest of it a path, so that the sign itself is refused.
  if (text.includes("@")) {
    return Either.left(
      `an address holds no user or password, the key goes into ${nameOfKey}; found ${shown(text)}`
    )
  }
  if (/[?#]/.test(text)) return Either.left(`an address holds no query and no fragment; found ${shown(text)}`)
  return Either.right({
    url: `${url.origin}${url.pathname.replace(/\/+$/, "")}`,
    isPlain: url.protocol === "http:",
    isLoopback: isLoopback(url.hostname)
  })
}

/** Whether a host name, as a URL has it, is this machine's own. */
export const isLoopback = (hostname: string): boolean =>
  hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname)

// Names of this machine that lead to the same server. Another 127.x can be another one's.
const ownNames = new Set(["127.0.0.1", "[::1]"])

/**
 * Whether two addresses, as they are recorded, are of the same Agamemnon: written
 * otherwise, or with another name for this machine. Texts that are no addresses
 * are the same when they are equal.
 */
export const isSame = (one: string, other: string): boolean => one === other || identity(one) === identity(other)

/** How an address that is recorded may be spelled, when it is of the same Agamemnon as this one. */
export const spellings = (text: string): ReadonlyArray<string> =>
  Either.match(parse(text), {
    onLeft: () => [text],
    onRight: ({ url }) => {
      const parsed = new URL(url)
      const isOwn = parsed.hostname === "localhost" || ownNames.has(parsed.hostname)
      const names = isOwn ? ["localhost", ...ownNames] : [parsed.hostname]
      return [...new Set([text, ...names.map((name) => url.replace(parsed.hostname, name))])]
    }
  })

/** What all spellings of an address that is recorded have in common, and no other address has. */
export const identity = (text: string): string =>
  Either.match(parse(text), {
    onLeft: () => text,
    onRight: ({ url }) => {
      const { hostname, pathname, port, protocol } = new URL(url)
      const host = ownNames.has(hostname) ? "localhost" : hostname.replace(/\.$/, "")
      return `${protocol}//${host}:${port}${pathname}`
    }
  })

// An address that may hold a secret is not repeated.
const shown = (text: string): string => JSON.stringify(text.replace(/^(https?:\/\/)?.*[@?#].*$/is, "$1***"))
