/**
 * An answer whose body is there already, all of it or as much as may be read. The
 * class of the web, by which `@effect/platform` makes one, loads all of `fetch`.
 */
import * as Cookies from "@effect/platform/Cookies"
import * as Headers from "@effect/platform/Headers"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as HttpIncomingMessage from "@effect/platform/HttpIncomingMessage"
import * as UrlParams from "@effect/platform/UrlParams"
import * as Effect from "effect/Effect"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"

/** What an answer is made of. */
export interface Options {
  readonly request: HttpClientRequest.HttpClientRequest
  readonly status: number
  /** Defaults to none. */
  readonly headers?: Headers.Input | undefined
  /** Defaults to an empty one. */
  readonly body?: Uint8Array | undefined
}

const nothing = new Uint8Array()

/** An answer whose body is there already. */
export class WholeAnswer extends Inspectable.Class implements HttpClientResponse.HttpClientResponse {
  readonly [HttpIncomingMessage.TypeId]: HttpIncomingMessage.TypeId = HttpIncomingMessage.TypeId
  readonly [HttpClientResponse.TypeId]: HttpClientResponse.TypeId = HttpClientResponse.TypeId
  readonly remoteAddress = Option.none()
  readonly request: HttpClientRequest.HttpClientRequest
  readonly status: number
  readonly headers: Headers.Headers
  readonly body: Uint8Array

  constructor({ body = nothing, headers, request, status }: Options) {
    super()
    this.request = request
    this.status = status
    this.headers = Headers.fromInput(headers)
    this.body = body
  }

  get cookies(): Cookies.Cookies {
    const header = this.headers["set-cookie"]
    return header === undefined ? Cookies.empty : Cookies.fromSetCookie(header)
  }

  get text() {
    return Effect.sync(() => new TextDecoder().decode(this.body))
  }

  get json(): Effect.Effect<unknown, HttpClientError.ResponseError> {
    return Effect.flatMap(this.text, (text) =>
      Effect.try({
        try: (): unknown => (text === "" ? null : JSON.parse(text)),
        catch: (cause) => this.#undecoded(cause)
      }))
  }

  get urlParamsBody() {
    return Effect.map(this.text, (text) => UrlParams.fromInput(new URLSearchParams(text)))
  }

  get formData(): Effect.Effect<FormData, HttpClientError.ResponseError> {
    return Effect.fail(this.#undecoded("no form is read"))
  }

  get arrayBuffer() {
    return Effect.sync(() => Uint8Array.from(this.body).buffer)
  }

  get stream() {
    return Stream.make(this.body)
  }

  toJSON(): unknown {
    return HttpIncomingMessage.inspect(this, { _id: "telemachy/agamemnon/WholeAnswer", status: this.status })
  }

  #undecoded(cause: unknown): HttpClientError.ResponseError {
    return new HttpClientError.ResponseError({ request: this.request, response: this, reason: "Decode", cause })
  }
}
