/**
 * A proxy in front of an Agamemnon that can be told what is to go wrong between
 * it and its clients. It listens on a free port of this machine, passes requests
 * on as they are, and keeps what has changed something.
 *
 * A request meets the first fault in force that it matches. A fault without an
 * aim is met by every request.
 */
import { type IncomingHttpHeaders, type IncomingMessage, request as plainRequest, type ServerResponse } from "node:http"
import { Agent, type AgentOptions, request as tlsRequest } from "node:https"
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberSet from "effect/FiberSet"
import * as Queue from "effect/Queue"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Listener from "../embedded/Listener.ts"
import type { Exchange } from "./Exchange.ts"

/** Which requests meet a fault. */
export interface Aim {
  readonly method?: string | undefined
  /** Path and query. */
  readonly path?: RegExp | undefined
  /** Only the first so many of them. */
  readonly times?: number | undefined
}

/** Something that goes wrong. */
export type Fault = Data.TaggedEnum<{
  /** The port is closed: connections are refused, and those that there are break. */
  Refuse: {}
  /** The request is taken, passed on to nobody and not answered. */
  Hang: Aim
  /** The connection is reset before anything is passed on. */
  Reset: Aim
  /** The request is passed on after a pause. */
  Slow: Aim & { readonly delay: Duration.DurationInput }
  /** The request is answered with 429, and passed on to nobody. `retryAfter` is in seconds. */
  Busy: Aim & { readonly retryAfter: number }
  /** The request is carried out, and the connection reset instead of answering. */
  DropAnswer: Aim
  /** The request is carried out, and its answer kept back. */
  Withhold: Aim
  /**
   * The request is passed on after a delay, whether or not anybody still waits for it. With `cut`, the connection is
   * broken after that time; otherwise it is answered in the end.
   */
  Late: Aim & { readonly delay: Duration.DurationInput; readonly cut?: Duration.DurationInput | undefined }
  /** The request is carried out, and the connection broken in the middle of the answer. */
  Cut: Aim
}>

/** Makes faults: `FaultProxy.Hang({ method: "POST" })`. */
export const { Busy, Cut, DropAnswer, Hang, Late, Refuse, Reset, Slow, Withhold } = Data.taggedEnum<Fault>()

/** A proxy, and what can be done to it. */
export interface FaultProxy {
  /** Address that it can be reached at. */
  readonly url: string
  /** Replaces the faults in force; none at all heals. What hangs is broken. */
  readonly set: (faults: ReadonlyArray<Fault>) => Effect.Effect<void>
  /**
   * Waits until a fault in force has met a request, and the request was carried out where the fault lets it be. Answers
   * when that was, on the monotonic clock, in nanoseconds. A closed port counts from when it was closed.
   */
  readonly struck: Effect.Effect<bigint>
  /** Waits until all that is late has been passed on. */
  readonly settled: Effect.Effect<void>
  /** What has changed something so far. */
  readonly exchanges: Effect.Effect<ReadonlyArray<Exchange>>
  /** What changes something, as it does. Each exchange is told once. */
  readonly changes: Stream.Stream<Exchange>
}

/** No answer came from behind the proxy. */
class NoAnswerError extends Schema.TaggedError<NoAnswerError>()("NoAnswerError", { detail: Schema.String }) {}

/** Aims of a client's requests. */
export const aims = {
  createAgent: { method: "POST", path: /^\/v1\/agents$/ },
  startAgent: { method: "POST", path: /^\/v1\/agents\/[^/]+\/start$/ },
  createTeam: { method: "POST", path: /^\/v1\/teams$/ },
  createTask: { method: "POST", path: /^\/v1\/teams\/[^/]+\/tasks$/ },
  readTasks: { method: "GET", path: /^\/v1\/teams\/[^/]+\/tasks/ },
  remove: { method: "DELETE" }
} as const satisfies Record<string, Aim>

/** The longest body that is passed on, in bytes: more than Agamemnon takes, and than a page of its lists has. */
const longestBody = 64 * 1024 * 1024

/** How many exchanges are kept: far more than a case of the drill has. */
const mostExchanges = 10_000

/** How long an answer from behind the proxy is waited for: as long as the slowest that was seen of an Agamemnon. */
const answerTimeout = Duration.seconds(75)

const isAt = ({ method, path }: Aim, request: IncomingMessage): boolean =>
  (method === undefined || method === request.method) && (path === undefined || path.test(request.url ?? ""))

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** Reads a body to its end. */
const readBody = (message: IncomingMessage): Effect.Effect<Buffer, NoAnswerError> =>
  Effect.async((resume) => {
    const chunks: Array<Buffer> = []
    let length = 0
    const fail = (detail: string) => resume(new NoAnswerError({ detail }))
    message.on("data", (chunk: Buffer) => {
      length += chunk.length
      if (length <= longestBody) chunks.push(chunk)
      else message.destroy()
    })
    message.on("end", () => resume(Effect.succeed(Buffer.concat(chunks))))
    message.on("close", () => fail("the connection was closed"))
    message.on("error", ({ message: detail }) => fail(detail))
  })

const hopByHop = new Set(["connection", "keep-alive", "transfer-encoding", "content-length", "host"])

const passedOn = (headers: IncomingHttpHeaders): IncomingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !hopByHop.has(name)))

const destroy = (response: ServerResponse) => Effect.sync(() => response.destroy())

const reset = (incoming: IncomingMessage) => Effect.sync(() => incoming.socket.resetAndDestroy())

const write = (response: ServerResponse, { body, headers, status }: Answer) =>
  Effect.sync(() => response.writeHead(status, { ...passedOn(headers), "content-length": body.length }).end(body))

/** Writes the head of an answer and half of its body, and breaks the connection. */
const writeHalf = (response: ServerResponse, { body, headers, status }: Answer) =>
  Effect.async<void>((resume) => {
    response.on("close", () => resume(Effect.void))
    response.writeHead(status, { ...passedOn(headers), "content-length": body.length + 1 })
    response.write(body.subarray(0, Math.ceil(body.length / 2)), () => response.destroy())
  })

const busy = (retryAfter: number): Answer => ({
  status: 429,
  headers: { "content-type": "application/json", "retry-after": String(retryAfter) },
  body: Buffer.from(JSON.stringify({ error: "rate limit exceeded", retry_after_seconds: retryAfter }))
})

/** Makes what sends a request to the Agamemnon behind. */
const makeSender = (options: AgentOptions) => Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => new Agent({ keepAlive: true, timeout: 1000, ...options })),
    (agent) => Effect.sync(() => agent.destroy())
  ),
  (agent) => (to: string, { headers, method, url }: IncomingMessage, body: Buffer): Effect.Effect<Answer, NoAnswerError> =>
    Effect.async<IncomingMessage, NoAnswerError>((resume) => {
      const options = { method, headers: { ...passedOn(headers), "content-length": body.length } }
      const request = to.startsWith("https:")
        ? tlsRequest(`${to}${url}`, { ...options, agent })
        : plainRequest(`${to}${url}`, { ...options, agent: false })
      request.on("response", (answer) => resume(Effect.succeed(answer)))
      request.on("error", ({ message }) => resume(new NoAnswerError({ detail: message })))
      request.end(body)
      return Effect.sync(() => request.destroy())
    }).pipe(
      Effect.flatMap((answer) =>
        Effect.map(readBody(answer), (read) => ({ status: answer.statusCode ?? 0, headers: answer.headers, body: read }))),
      Effect.timeoutFail({ duration: answerTimeout, onTimeout: () => new NoAnswerError({ detail: "no answer in time" }) })
    )
)

/** The faults in force, until they are replaced. */
interface InForce {
  readonly rules: ReadonlyArray<{ readonly fault: Exclude<Fault, { readonly _tag: "Refuse" }>; left: number }>
  readonly struck: Deferred.Deferred<bigint>
  readonly replaced: Deferred.Deferred<void>
}

const inForce = Effect.fnUntraced(function*(faults: ReadonlyArray<Fault>) {
  return {
    rules: faults.flatMap((fault) =>
      fault._tag === "Refuse" ? [] : [{ fault, left: fault.times ?? Number.POSITIVE_INFINITY }]),
    struck: yield* Deferred.make<bigint>(),
    replaced: yield* Deferred.make<void>()
  } satisfies InForce
})

/**
 * Puts a proxy in front of the Agamemnon at an address, until the scope closes. The options are those of its TLS
 * connections.
 */
export const make = Effect.fn("FaultProxy.make")(function*(
  to: string,
  options: AgentOptions = {}
): Effect.fn.Return<FaultProxy, Listener.AddressUnavailable, Scope.Scope> {
  const send = yield* makeSender(options)
  const current = yield* Ref.make<InForce>(yield* inForce([]))
  const exchanges = yield* Ref.make<ReadonlyArray<Exchange>>([])
  const changes = yield* Effect.acquireRelease(Queue.unbounded<Exchange>(), Queue.shutdown)
  const late = yield* Ref.make<ReadonlyArray<Deferred.Deferred<void>>>([])

  const strike = ({ struck }: InForce) => Effect.flatMap(Clock.currentTimeNanos, (now) => Deferred.succeed(struck, now))

  const keep = (incoming: IncomingMessage, body: Buffer, answer: Answer) =>
    Effect.flatMap(Clock.currentTimeNanos, (at) => {
      const { method = "", url: path = "" } = incoming
      if (method === "GET" || method === "HEAD") return Effect.void
      const exchange = { at, method, path, body: body.toString(), status: answer.status, answer: answer.body.toString() }
      return Effect.zipRight(
        Ref.update(exchanges, (before) => [...before.slice(1 - mostExchanges), exchange]),
        Queue.offer(changes, exchange)
      )
    })

  /** What is passed on is carried out, whether or not its client still waits. */
  const passOn = (incoming: IncomingMessage, body: Buffer) =>
    Effect.tap(send(to, incoming, body), (answer) => keep(incoming, body, answer))

  const hold = (outgoing: ServerResponse, { replaced }: InForce) =>
    Effect.zipRight(Deferred.await(replaced), destroy(outgoing))

  const handle = Effect.fnUntraced(function*(incoming: IncomingMessage, outgoing: ServerResponse) {
    const body = yield* readBody(incoming)
    const now = yield* Ref.get(current)
    const rule = now.rules.find(({ fault, left }) => left > 0 && isAt(fault, incoming))
    if (rule === undefined) return yield* write(outgoing, yield* passOn(incoming, body))
    rule.left -= 1
    const { fault } = rule
    switch (fault._tag) {
      case "Hang":
        return yield* Effect.zipRight(strike(now), hold(outgoing, now))
      case "Reset":
        return yield* Effect.zipRight(strike(now), reset(incoming))
      case "Slow":
        yield* strike(now)
        yield* Effect.sleep(fault.delay)
        return yield* write(outgoing, yield* passOn(incoming, body))
      case "Busy":
        return yield* Effect.zipRight(strike(now), write(outgoing, busy(fault.retryAfter)))
      case "DropAnswer":
        yield* passOn(incoming, body)
        return yield* Effect.zipRight(strike(now), reset(incoming))
      case "Withhold":
        yield* passOn(incoming, body)
        return yield* Effect.zipRight(strike(now), hold(outgoing, now))
      case "Late": {
        const done = yield* Deferred.make<void>()
        yield* Ref.update(late, (before) => [...before, done])
        yield* strike(now)
        const answered = Effect.delay(passOn(incoming, body), fault.delay)
        const whole: Effect.Effect<unknown, NoAnswerError> = fault.cut === undefined
          ? Effect.flatMap(answered, (answer) => write(outgoing, answer))
          : Effect.zip(answered, Effect.delay(destroy(outgoing), fault.cut), { concurrent: true })
        return yield* Effect.ensuring(whole, Deferred.succeed(done, undefined))
      }
      case "Cut": {
        const answer = yield* passOn(incoming, body)
        return yield* Effect.zipRight(strike(now), writeHalf(outgoing, answer))
      }
    }
  })

  const runFork = yield* FiberSet.makeRuntime<never>()
  const listener = yield* Listener.make({
    host: "127.0.0.1",
    port: 0,
    onRequest: (incoming, outgoing) => {
      // A client may break its connection at any time.
      outgoing.on("error", () => {})
      runFork(Effect.onExit(handle(incoming, outgoing), (exit) => Exit.isSuccess(exit) ? Effect.void : destroy(outgoing)).pipe(Effect.ignore))
    }
  })

  return {
    url: `http://127.0.0.1:${listener.port}`,
    set: (faults) =>
      Effect.gen(function*() {
        const isClosed = faults.some(({ _tag }) => _tag === "Refuse")
        const next = yield* inForce(faults)
        const { replaced } = yield* Ref.getAndSet(current, next)
        yield* Deferred.succeed(replaced, undefined)
        yield* isClosed ? Effect.zipRight(strike(next), listener.refuse) : listener.accept
      }),
    struck: Effect.flatMap(Ref.get(current), ({ struck }) => Deferred.await(struck)),
    settled: Effect.flatMap(Ref.get(late), Effect.forEach((done) => Deferred.await(done), { discard: true })),
    exchanges: Ref.get(exchanges),
    changes: Stream.fromQueue(changes)
  }
})
