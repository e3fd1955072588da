/**
 * The body of a request, read as Agamemnon reads it: JSON whatever its content
 * type says, nothing at all is `{}`, and no more than a mebibyte.
 */
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { maxBodyBytes } from "../agamemnon/AgamemnonModel.ts"
import * as Refusal from "./Refusal.ts"

const silent = (status: number) => new Refusal.Refusal({ status, error: "" })

/** How large a form may be; every other body can have {@link maxBodyBytes}. */
const maxFormBytes = 8192

/** What the headers of a body make of it: how large it may be, or why it is refused. */
const limitOf = ({ headers }: HttpServerRequest.HttpServerRequest): Either.Either<number, Refusal.Refusal> => {
  const type = headers["content-type"] ?? ""
  if (/\b(gzip|deflate|br)\b/.test(headers["content-encoding"] ?? "")) return Either.left(silent(415))
  if (type.startsWith("multipart/form-data")) return Either.left(silent(400))
  return Either.right(type.startsWith("application/x-www-form-urlencoded") ? maxFormBytes : maxBodyBytes)
}

// A body that is too large is still read to its end: only then can the connection be used again.
const bytesOf = (request: HttpServerRequest.HttpServerRequest, limit: number) =>
  Effect.async<Uint8Array, Refusal.Refusal>((resume) => {
    const chunks: Array<Uint8Array> = []
    let size = 0
    NodeHttpServerRequest.toIncomingMessage(request)
      .on("data", (chunk: Uint8Array) => {
        size += chunk.length
        if (size <= limit) chunks.push(chunk)
      })
      .on("error", () => resume(Refusal.invalid("the body could not be read")))
      .on("end", () => resume(size <= limit ? Effect.succeed(Buffer.concat(chunks)) : silent(413)))
  })

const parseError = (text: string, reason: string): Refusal.Refusal => {
  const lines = text.split("\n")
  const column = (lines.at(-1)?.length ?? 0) + 1
  const place = `parse error at line ${lines.length}, column ${column}`
  const problem = reason.includes("end of JSON input") || reason.startsWith("Unterminated")
    ? "unexpected end of input; expected '[', '{', or a literal"
    : reason
  return Refusal.invalid(
    `invalid JSON: [json.exception.parse_error.101] ${place}: syntax error while parsing value - ${problem}`
  )
}

const decodeText = (bytes: Uint8Array) =>
  Effect.try({
    try: () => new TextDecoder("utf-8", { fatal: true }).decode(bytes),
    catch: () => parseError("", "invalid string: ill-formed UTF-8 byte")
  })

const halfCharacter = /\p{Surrogate}/u

/** What Agamemnon keeps for itself: it never takes it from a body, and shows it in no answer. */
const internalField = "_github_issue"

const whole = (key: string, value: unknown): unknown => {
  if (key === internalField) return undefined
  if (halfCharacter.test(key) || (typeof value === "string" && halfCharacter.test(value))) {
    throw new SyntaxError("invalid string: surrogate without its other half")
  }
  return value
}

const parse = Schema.decodeUnknown(Schema.parseJson({ reviver: whole }))

const firstIssue = (error: ParseResult.ParseError): string =>
  ParseResult.ArrayFormatter.formatErrorSync(error)[0]?.message ?? error.message

/** Reads a body that nothing is taken from: only one that is refused for its size or type makes a difference. */
export const ignore = (request: HttpServerRequest.HttpServerRequest) =>
  Effect.flatMap(limitOf(request), (limit) => Effect.asVoid(bytesOf(request, limit)))

const readJson = Effect.fnUntraced(function*(request: HttpServerRequest.HttpServerRequest) {
  const limit = yield* limitOf(request)
  const text = yield* Effect.flatMap(bytesOf(request, limit), decodeText)
  if (text === "") return {}
  return yield* Effect.mapError(parse(text), (error) => parseError(text, firstIssue(error)))
})

/** Reads a body that has to be JSON, and that nothing is taken from. */
export const ignoreJson = (request: HttpServerRequest.HttpServerRequest) => Effect.asVoid(readJson(request))

/**
 * Reads the body of a request and checks it against a schema. A body that is
 * JSON but not an object is refused with `notAnObject`, if that is given, and
 * taken for `{}` otherwise.
 */
export const read = Effect.fn("RequestBody.read")(function*<A, I>(
  request: HttpServerRequest.HttpServerRequest,
  schema: Schema.Schema<A, I>,
  notAnObject?: Refusal.Refusal
) {
  const value = yield* readJson(request)
  const isObject = Predicate.isRecord(value) && !Array.isArray(value)
  if (!isObject && notAnObject !== undefined) return yield* notAnObject
  return yield* Effect.mapError(Schema.decodeUnknown(schema)(isObject ? value : {}), (error) =>
    Refusal.invalid(firstIssue(error)))
})

/** What a create answers to a body that is JSON but not an object. */
export const mustBeObject: Refusal.Refusal = Refusal.invalid("the body must be a JSON object")
