/** HTTP without sockets: every request is answered at once, as a script says, and remembered with its time. */
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as AgamemnonClient from "../../src/agamemnon/AgamemnonClient.ts"

/** What comes back: a status with a body, or the code of a socket's error and, after a blank, the call that met it. */
export type Reply = string | {
  readonly status: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** A request that was sent. */
export interface Sent {
  readonly method: string
  readonly path: string
  readonly body: unknown
  /** When it was sent, in milliseconds. */
  readonly at: number
}

/** Answers each request as the next of these replies says, and all that follow as the last. */
export const inTurn = (...replies: ReadonlyArray<Reply>) => (_: Sent, index: number): Reply =>
  replies[Math.min(index, replies.length - 1)] ?? "ECONNREFUSED"

const parsed = (text: string): unknown => JSON.parse(text)

/** Makes a client of an Agamemnon that answers as the script says, and the list of what it was asked. */
export const client = Effect.fnUntraced(function*(
  script: (sent: Sent, index: number) => Reply,
  options: Partial<AgamemnonClient.Options> = {}
) {
  const sent: Array<Sent> = []
  const http = HttpClient.make((request, url) =>
    Effect.flatMap(Clock.currentTimeMillis, (at) => {
      const { body } = request
      const text = body._tag === "Uint8Array" ? new TextDecoder().decode(body.body) : ""
      const path = `${url.pathname}${url.search}`
      const one = { method: request.method, path, body: text === "" ? "" : parsed(text), at }
      const reply = script(one, sent.push(one) - 1)
      if (typeof reply !== "string") {
        const { body: content, headers = {}, status } = reply
        const answer = content === undefined ? null : typeof content === "string" ? content : JSON.stringify(content)
        return Effect.succeed(HttpClientResponse.fromWeb(request, new Response(answer, { headers, status })))
      }
      const [code, syscall] = reply.split(" ")
      const cause = Object.assign(new Error(reply), { code, ...(syscall === undefined ? {} : { syscall }) })
      return new HttpClientError.RequestError({ request, reason: "Transport", cause })
    }))
  const agamemnon = yield* AgamemnonClient.make({ url: "http://127.0.0.1:1", ...options }).pipe(
    Effect.provideService(HttpClient.HttpClient, http)
  )
  return { agamemnon, sent }
})
