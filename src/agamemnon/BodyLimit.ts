/**
 * How much of an answer is read. What is beyond that is not waited for: its
 * connection is closed.
 */
import type * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { WholeAnswer } from "./WholeAnswer.ts"

const kibibyte = 1024
const mebibyte = 1024 * kibibyte

// A page has up to a thousand tasks, each with a result. One that is larger than this is asked for in smaller pages.
const list = 64 * mebibyte

// Agamemnon takes a body of a mebibyte, and a few of these can be patched into one agent or task.
const entity = 8 * mebibyte

/** The most bytes that are read of an answer that is not 2xx, and of that to a ping. What is cut off is not missed. */
export const shown = 64 * kibibyte

/** Whether an answer says that the request was carried out. */
export const isOk = (status: number): boolean => status >= 200 && status < 300

/** The most bytes that are read of an answer: of one that is 2xx, which is a failure when it has more, and of any other. */
export interface Limit {
  readonly ok: number
  readonly other: number
}

const ofEntity: Limit = { ok: entity, other: shown }

const ofList: Limit = { ok: list, other: shown }

/** How much is read of the answer to a ping. */
export const ofPing: Limit = { ok: shown, other: shown }

/** How much is read of the answer to a request, whose path may have others before it. */
export const of = (method: string, path: string): Limit =>
  method === "GET" && /\/v1\/(agents|teams|tasks|teams\/[^/]+\/tasks)\?/.test(path) ? ofList : ofEntity

/** How much of an answer connections read that hand it on as a whole, where that is not for the request to say. */
export class BodyLimit extends Context.Reference<BodyLimit>()("telemachy/agamemnon/BodyLimit", {
  defaultValue: (): Limit | undefined => undefined
}) {}

/** Has connections read no more of an answer than this. */
export const within = (limit: Limit) => <A, E, R>(request: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.provideService(request, BodyLimit, limit)

/** The beginning of a body, or all of it. */
export interface Beginning {
  readonly body: Uint8Array
  readonly isWhole: boolean
}

/** The text of a body. */
export const textOf = ({ body }: Pick<Beginning, "body">): string => new TextDecoder().decode(body)

/** Reads a body to its end, or until it has more bytes than that. */
export const read = (
  response: HttpClientResponse.HttpClientResponse,
  bytes: number
): Effect.Effect<Beginning, HttpClientError.ResponseError> =>
  Effect.suspend(() => {
    if (response instanceof WholeAnswer) return Effect.succeed(beginningOf(response.body, bytes))
    const chunks: Array<Uint8Array> = []
    let length = 0
    return response.stream.pipe(
      Stream.runForEachWhile((chunk) =>
        Effect.sync(() => {
          chunks.push(chunk)
          length += chunk.length
          return length <= bytes
        })
      ),
      // So does fetch call an answer without one.
      Effect.catchIf(({ reason }) => reason === "EmptyBody", () => Effect.void),
      Effect.map(() => beginningOf(Buffer.concat(chunks), bytes))
    )
  })

const beginningOf = (body: Uint8Array, bytes: number): Beginning => ({
  body: body.subarray(0, bytes),
  isWhole: body.length <= bytes
})

/** A number of bytes in words. */
export const inWords = (bytes: number): string =>
  bytes < mebibyte ? `${bytes / kibibyte} KiB` : `${bytes / mebibyte} MiB`
