/** A key or a token that is sent in a header: what can be one. */
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"

/** What counts as one, in words. */
export const range = "one line of ASCII characters"

/** Reads one, or says in a sentence what is wrong with it, without repeating it. */
export const parse = (text: string): Either.Either<Redacted.Redacted, string> =>
  /^[\x21-\x7e]([\t\x20-\x7e]*[\x21-\x7e])?$/.test(text)
    ? Either.right(Redacted.make(text))
    : Either.left(`expected ${range}, which a header can carry`)
