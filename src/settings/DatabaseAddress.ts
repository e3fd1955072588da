/** The address of the database that remembers runs. It may hold a password, so that no problem shows it. */
import { fileURLToPath } from "node:url"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"

/** What an address can be. */
export const range = "file:PATH, postgres://… or memory:"

const isPathOfThisMachine = (url: string): boolean => Either.isRight(Either.try(() => fileURLToPath(url)))

// A sign of the password has ended what it is in, and the rest is taken for something else.
const isCutByPassword = (url: string): boolean => /^postgres(ql)?:\/\/([^?]*#|[^/?]*\/[^?]*@|[^/?]*\?.*@)/.test(url)

/** Reads an address, or says what is wrong with it. */
export const parse = (value: string): Either.Either<Redacted.Redacted, string> => {
  if (!/^(file:.|postgres(ql)?:\/\/.|memory:$)/.test(value)) return Either.left(`expected ${range}`)
  if (isCutByPassword(value)) {
    return Either.left("expected postgres://… in which / ? # and @ of a password are written as %2F %3F %23 and %40")
  }
  return value.startsWith("file://") && !isPathOfThisMachine(value)
    ? Either.left("expected a path of this machine after file:")
    : Either.right(Redacted.make(value))
}
