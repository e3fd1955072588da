/** The key of an Agamemnon: what can be sent as one. */
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"

/** Reads a key, or says in a sentence what is wrong with it, without the key. */
export const parse = (text: string): Either.Either<Redacted.Redacted, string> =>
  /^[\x21-\x7e]([\t\x20-\x7e]*[\x21-\x7e])?$/.test(text)
    ? Either.right(Redacted.make(text))
    : Either.left("expected one line of ASCII characters, which a header can carry")
