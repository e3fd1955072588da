/** An answer with nothing in it, for a client that is not to read the one that came. The class of the web loads all of `fetch`. */
import * as Cookies from "@effect/platform/Cookies"
import * as Headers from "@effect/platform/Headers"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as HttpIncomingMessage from "@effect/platform/HttpIncomingMessage"
import * as UrlParams from "@effect/platform/UrlParams"
import * as Effect from "effect/Effect"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"

/** The answer 204 to a request. */
export class EmptyAnswer extends Inspectable.Class implements HttpClientResponse.HttpClientResponse {
  readonly [HttpIncomingMessage.TypeId]: HttpIncomingMessage.TypeId = HttpIncomingMessage.TypeId
  readonly [HttpClientResponse.TypeId]: HttpClientResponse.TypeId = HttpClientResponse.TypeId
  readonly status = 204
  readonly headers = Headers.empty
  readonly cookies = Cookies.empty
  readonly remoteAddress = Option.none()
  readonly text = Effect.succeed("")
  readonly json = Effect.succeed(null)
  readonly urlParamsBody = Effect.succeed(UrlParams.empty)
  readonly formData: Effect.Effect<FormData> = Effect.sync(() => new FormData())
  readonly arrayBuffer = Effect.sync(() => new ArrayBuffer(0))
  readonly stream = Stream.empty

  readonly request: HttpClientRequest.HttpClientRequest

  constructor(request: HttpClientRequest.HttpClientRequest) {
    super()
    this.request = request
  }

  toJSON(): unknown {
    return HttpIncomingMessage.inspect(this, { _id: "telemachy/agamemnon/EmptyAnswer", status: this.status })
  }
}
