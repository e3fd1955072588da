/**
 * The answers that are not 2xx. Handlers fail with a {@link Refusal}; what the
 * description of the API itself refuses becomes the same kind of answer.
 */
import * as HttpApiError from "@effect/platform/HttpApiError"
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerError from "@effect/platform/HttpServerError"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** A request that is answered with a status and the sentence that says why. An empty sentence is an empty body. */
export class Refusal extends Schema.TaggedError<Refusal>()("Refusal", {
  status: Schema.Int,
  error: Schema.String
}) {
  override get message(): string {
    return `${this.status} ${this.error}`
  }
}

/** Refuses what a request says. */
export const invalid = (error: string): Refusal => new Refusal({ status: 400, error })

/** Answers that there is no such thing. */
export const notFound = (kind: "agent" | "team" | "task" | "fault"): Refusal =>
  new Refusal({ status: 404, error: `${kind} not found` })

/** Answers as if there were no such route. */
export const noRoute = new Refusal({ status: 404, error: "" })

/** An answer without a body, which says so. */
export const empty = (status: number): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.empty({ status, headers: { "content-length": "0" } })

const respond = ({ error, status }: Refusal): HttpServerResponse.HttpServerResponse =>
  error === "" ? empty(status) : HttpServerResponse.unsafeJson({ error }, { status })

const refusalOf = (failure: unknown): Refusal => {
  if (failure instanceof Refusal) return failure
  if (failure instanceof HttpApiError.HttpApiDecodeError) {
    return invalid(failure.issues[0]?.message ?? "invalid request")
  }
  return failure instanceof HttpServerError.RouteNotFound
    ? noRoute
    : new Refusal({ status: 500, error: "internal server error" })
}

/** Answers every failure of a server as Agamemnon does. */
export const answered = <E, R>(app: HttpApp.Default<E, R>): HttpApp.Default<never, R> =>
  Effect.catchAllCause(app, (cause) =>
    Cause.isInterruptedOnly(cause) ? Effect.interrupt : Effect.succeed(respond(refusalOf(Cause.squash(cause)))))
