/** Finds the address of a destination, with what is secret about it: from the file, and from the variables that it names. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Credential from "../settings/Credential.ts"
import * as NotifyAddress from "../settings/NotifyAddress.ts"
import type { NotifyDestination } from "../workflow/NotifyDestination.ts"
import type { Address } from "./NotifyMessage.ts"

/** A destination cannot be told anything: a variable is missing, or holds nothing of use. */
export class AddressError extends Schema.TaggedError<AddressError>()("AddressError", {
  variable: Schema.String,
  problem: Schema.String
}) {
  override get message(): string {
    return `notify: ${this.variable} ${this.problem}`
  }
}

/** Reads a variable, which has a value. */
const read = (name: string) =>
  Effect.flatMap(Effect.option(Config.redacted(name)), (found) =>
    Option.match(Option.filter(found, (value) => Redacted.value(value).trim() !== ""), {
      onNone: () => Effect.fail(new AddressError({ variable: name, problem: "is not set, which one of its destinations names" })),
      onSome: (value) => Effect.succeed(Redacted.make(Redacted.value(value).trim()))
    }))

const optionally = (name: string | undefined) => name === undefined ? Effect.succeed(undefined) : read(name)

/** Finds the address of a destination. */
export const find = Effect.fn("AddressLookup.find")(function*(destination: NotifyDestination) {
  const { allowHttp, format, secretEnv, tokenEnv, url, urlEnv } = destination
  const text = urlEnv === undefined ? Redacted.make(url ?? "") : yield* read(urlEnv)
  const parsed = NotifyAddress.parse(Redacted.value(text), { allowHttp })
  if (Either.isLeft(parsed)) {
    const { expected, found } = parsed.left
    return yield* new AddressError({ variable: urlEnv ?? "url", problem: `holds ${found}, expected ${expected}` })
  }
  const token = yield* optionally(tokenEnv)
  if (tokenEnv !== undefined && token !== undefined) {
    yield* Effect.mapError(Credential.parse(Redacted.value(token)), (problem) => new AddressError({ variable: tokenEnv, problem: `holds another text: ${problem}` }))
  }
  return { url: Redacted.make(parsed.right), format, secret: yield* optionally(secretEnv), token } satisfies Address
})

/** Checks that all of these can be told: before a run begins, where somebody is there to say what is missing. */
export const check = (destinations: ReadonlyArray<NotifyDestination>) => Effect.forEach(destinations, find, { discard: true })
