/**
 * JSON-RPC 2.0 over lines of text, as the transport `stdio` of MCP has it, for a server of RPCs. Ids of requests may be numbers or
 * texts, each wrong message is answered with the error of its kind, and everything that is held has a limit.
 */
import * as McpSchema from "@effect/ai/McpSchema"
import type * as RpcMessage from "@effect/rpc/RpcMessage"
import * as RpcServer from "@effect/rpc/RpcServer"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Mailbox from "effect/Mailbox"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"

/** The longest line, in characters: a workflow file of the largest size fits, as JSON. */
const longestLine = 8 * 1024 * 1024

/** How many requests are under way at once. */
const mostRequests = 100

/** How long the end of the input waits for the answers to what was asked. */
const answerTimeout = "2 seconds"

/** The codes of errors (jsonrpc.org/specification, section 5.1), and one of the server's own. */
const codes = { parse: -32700, request: -32600, method: -32601, params: -32602, internal: -32603, busy: -32000 } as const

/** Where lines come from, and go to. */
export interface Options<E> {
  readonly input: Stream.Stream<Uint8Array, E>
  readonly write: (line: string) => Effect.Effect<void>
}

type Id = string | number

/** A connection to a client. */
export interface JsonRpc {
  readonly protocol: RpcServer.Protocol["Type"]
  /** Tells the client something that it does not answer. */
  readonly notify: (method: string, params: unknown) => Effect.Effect<void>
  /** Waits until the client says nothing more, and what it has asked is answered, or has had its time. */
  readonly ended: Effect.Effect<void>
}

interface State {
  readonly write: (message: unknown) => Effect.Effect<void>
  readonly receive: (message: RpcMessage.FromClientEncoded) => Effect.Effect<void>
  /** The ids of the client, by those that requests have here. */
  readonly ids: Map<string, Id>
  last: number
}

/** Connects to a client. Reads until the scope closes. */
export const make = Effect.fnUntraced(function*<E>({ input, write }: Options<E>) {
  const done = yield* Deferred.make<void>()
  const send = (message: unknown) => write(`${JSON.stringify(message)}\n`)
  const ids = new Map<string, Id>()
  const disconnects = yield* Mailbox.make<number>()
  const protocol = yield* RpcServer.Protocol.make(Effect.fnUntraced(function*(writeRequest) {
    const state: State = { write: send, receive: (message) => writeRequest(0, message), ids, last: 0 }
    yield* linesOf(input).pipe(
      Stream.runForEach((line) => receive(state, line)),
      Effect.ignore,
      Effect.zipRight(Effect.timeoutOption(Effect.repeat(Effect.sleep("20 millis"), { until: () => ids.size === 0 }), answerTimeout)),
      Effect.ensuring(Deferred.succeed(done, undefined)),
      Effect.interruptible,
      Effect.forkScoped
    )
    return {
      disconnects,
      send: (_, response) => answer(state, response),
      end: () => Effect.void,
      clientIds: Effect.succeed(new Set([0])),
      initialMessage: Effect.succeedNone,
      supportsAck: false,
      supportsTransferables: false,
      supportsSpanPropagation: false
    }
  }))
  const notify = (method: string, params: unknown) => send({ jsonrpc: "2.0", method, params })
  return { protocol, notify, ended: Deferred.await(done) } satisfies JsonRpc
})

/** Too long a line. */
const tooLong = Symbol("too long")

/** The lines of a text that comes in pieces. One that is too long is told as that, and not kept. */
const linesOf = <E>(input: Stream.Stream<Uint8Array, E>): Stream.Stream<string | typeof tooLong, E> =>
  Stream.suspend(() => {
    const decoder = new TextDecoder()
    let rest = ""
    let isSkipping = false
    return Stream.mapConcat(input, (bytes) => {
      const parts = (rest + decoder.decode(bytes, { stream: true })).split("\n")
      rest = parts.pop() ?? ""
      const lines = parts.map((line, index) => (isSkipping && index === 0) || line.length > longestLine ? tooLong : line)
      if (parts.length > 0) isSkipping = false
      if (rest.length > longestLine) {
        isSkipping = true
        rest = ""
      }
      return lines
    })
  })

const failure = (id: Id | null, code: number, message: string) => ({ jsonrpc: "2.0", id, error: { code, message } })

const receive = (state: State, line: string | typeof tooLong): Effect.Effect<void> => {
  if (line === tooLong) return state.write(failure(null, codes.request, `a message has at most ${longestLine} characters`))
  if (line.trim() === "") return Effect.void
  const parsed = Either.try((): unknown => JSON.parse(line))
  if (Either.isLeft(parsed)) return state.write(failure(null, codes.parse, "the line is no JSON"))
  const message = parsed.right
  if (!Predicate.isRecord(message)) {
    return state.write(failure(null, codes.request, Array.isArray(message) ? "batches are not taken" : "a message is an object"))
  }
  const { id, method, params } = message
  const known = typeof id === "string" || typeof id === "number" ? id : undefined
  if (message["jsonrpc"] !== "2.0") return state.write(failure(known ?? null, codes.request, "jsonrpc is \"2.0\""))
  if (typeof method !== "string") {
    // Nothing is asked of the client, so that what it answers is an answer to nothing.
    return "result" in message || "error" in message ? Effect.void : state.write(failure(known ?? null, codes.request, "method is a text"))
  }
  if (params !== undefined && !Predicate.isRecord(params)) return state.write(failure(known ?? null, codes.request, "params is an object"))
  if (id === undefined) return hear(state, method, params)
  if (known === undefined) return state.write(failure(null, codes.request, "id is a number or a text"))
  return ask(state, known, method, params)
}

/** Hands a request on. */
const ask = (state: State, id: Id, method: string, params: Readonly<Record<string, unknown>> | undefined) => {
  if (!McpSchema.ClientRpcs.requests.has(method)) return state.write(failure(id, codes.method, `there is no method ${method}`))
  if ([...state.ids.values()].includes(id)) return state.write(failure(id, codes.request, "the id is that of a request that is under way"))
  if (state.ids.size >= mostRequests) return state.write(failure(id, codes.busy, `${mostRequests} requests are under way`))
  state.last += 1
  const own = String(state.last)
  state.ids.set(own, id)
  // What a tool takes can be left out where it takes nothing.
  const payload = method === "tools/call" ? { arguments: {}, ...params } : params
  return state.receive({ _tag: "Request", id: own, tag: method, payload, headers: [] })
}

/** Hands on what the client tells. What nobody here listens to is left alone. */
const hear = (state: State, method: string, params: Readonly<Record<string, unknown>> | undefined) => {
  if (method === "notifications/cancelled") {
    const own = [...state.ids].find(([, id]) => id === params?.["requestId"])?.[0]
    if (own === undefined) return Effect.void
    // Nobody waits for its answer any more.
    state.ids.delete(own)
    return state.receive({ _tag: "Interrupt", requestId: own })
  }
  return McpSchema.ClientNotificationRpcs.requests.has(method)
    ? state.receive({ _tag: "Request", id: "", tag: method, payload: params ?? {}, headers: [] })
    : Effect.void
}

/** Answers a request, unless the client waits for it no longer. */
const answer = (state: State, response: RpcMessage.FromServerEncoded): Effect.Effect<void> => {
  if (response._tag === "Defect") return state.write(failure(null, codes.internal, "the message could not be handled"))
  if (response._tag !== "Exit") return Effect.void
  const { exit, requestId } = response
  const id = state.ids.get(requestId)
  state.ids.delete(requestId)
  if (id === undefined) return Effect.void
  if (exit._tag === "Success") return state.write({ jsonrpc: "2.0", id, result: exit.value })
  const { code, message } = problemOf(exit.cause)
  return state.write(failure(id, code, message))
}

/** What a request has failed with. A defect is what is told of parameters that are none. */
const problemOf = (cause: unknown): { readonly code: number; readonly message: string } => {
  if (!Predicate.isRecord(cause)) return { code: codes.internal, message: "an error" }
  const { defect, error } = cause
  if (Predicate.isRecord(error) && typeof error["code"] === "number") return { code: error["code"], message: String(error["message"]) }
  return cause["_tag"] === "Die"
    ? { code: codes.params, message: `the parameters are wrong: ${Option.getOrElse(Option.liftPredicate(Predicate.isString)(defect), () => "they could not be read")}` }
    : { code: codes.internal, message: "the request was interrupted" }
}
