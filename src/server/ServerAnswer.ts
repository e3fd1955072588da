/** What a server of the API of runs has answered that is none of its errors: each in a sentence. */
import type { HttpApiDecodeError } from "@effect/platform/HttpApiError"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as HttpIncomingMessage from "@effect/platform/HttpIncomingMessage"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { ParseError } from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as TransportProblem from "../agamemnon/TransportProblem.ts"
import { ServerError } from "../store/ServerError.ts"
import type * as ApiError from "./ApiError.ts"

/** What an endpoint can fail with besides the errors that are about what it does. */
export type Untold =
  | HttpClientError.HttpClientError
  | HttpApiDecodeError
  | ParseError
  | ApiError.UnauthorizedError
  | ApiError.BusyError

const tags: ReadonlySet<string> = new Set([
  "RequestError",
  "ResponseError",
  "HttpApiDecodeError",
  "ParseError",
  "UnauthorizedError",
  "BusyError"
] satisfies ReadonlyArray<Untold["_tag"]>)

/** Whether an error is one of those. */
export const isUntold = (error: { readonly _tag: string }): error is Untold => tags.has(error._tag)

/** The most bytes of an answer that are read for what it says of an error. */
const maxBytes = 64 * 1024

/** How long that may take. */
const readTimeout = "5 seconds"

const Told = Schema.parseJson(Schema.Struct({ message: Schema.String }))

const decodeTold = Schema.decodeOption(Told)

/** What a body says of an error, if it is of a server of ours. */
const messageOf = (response: HttpClientResponse.HttpClientResponse) =>
  response.text.pipe(
    HttpIncomingMessage.withMaxBodySize(Option.some(maxBytes)),
    Effect.timeout(readTimeout),
    Effect.option,
    Effect.map(Option.flatMap(decodeTold)),
    Effect.map(Option.map(({ message }) => message))
  )

/** What is known of a server of which an answer is not understood. */
export type Explain = (answered: string) => Effect.Effect<string>

/** Says in a sentence what an answer is that is none, or none that was expected. */
export const explain = Effect.fn("ServerAnswer.explain")(function*(url: string, error: Untold, stranger: Explain) {
  const fail = (problem: string, isTransient = false) => new ServerError({ url, problem, isTransient })
  switch (error._tag) {
    case "RequestError":
      return error.reason === "Transport"
        ? fail(`does not answer: ${TransportProblem.of(error).detail}`, true)
        : fail(`can not be asked: ${error.message}`)
    case "UnauthorizedError":
      return fail("does not know the key that was given (TELEMACHY_SERVER_KEY, --server-key-file)")
    case "BusyError":
      return fail(`has too much to do: ${error.message}`, true)
    case "HttpApiDecodeError":
      return fail(yield* stranger("it has not understood what it was asked"))
    case "ParseError":
      return fail(yield* stranger("its answer is not what was expected"))
    case "ResponseError": {
      const { headers, status } = error.response
      const { location } = headers
      if (status >= 300 && status < 400 && location !== undefined) {
        return fail(`sends on to ${location} (status ${status}), where no key is sent: name that address, if it is meant`)
      }
      if (error.reason === "Decode" && status < 300) return fail("has broken its answer off", true)
      const message = status >= 400 ? yield* messageOf(error.response) : Option.none()
      if (Option.isSome(message)) return fail(`has refused that: ${message.value}`, status >= 500)
      return status >= 500 ? fail(`answers with status ${status}`, true) : fail(yield* stranger(`it answers with status ${status}`))
    }
  }
})
