/** Asks an HTTP server over a connection of its own, exactly what it is told to ask. */
import { type Agent, type IncomingMessage, request } from "node:http"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import { value } from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { Task } from "../../src/agamemnon/AgamemnonModel.ts"

export interface Question {
  readonly method?: string | undefined
  readonly path: string
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: string | undefined
  /** Keeps the connection for the next question. */
  readonly agent?: Agent | undefined
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage["headers"]
  readonly text: string
}

export class NoAnswer extends Schema.TaggedError<NoAnswer>()("NoAnswer", { code: Schema.String }) {}

/** Sends one request. Interrupting it closes its socket. */
export const ask = (url: string, { agent, body, headers = {}, method = "GET", path }: Question) =>
  Effect.async<Answer, NoAnswer>((resume) => {
    const { hostname, port } = new URL(url)
    const to = { agent: agent ?? false, headers, hostname: hostname.replace(/[[\]]/g, ""), method, path, port }
    const sent = request(to, (response) => {
      const chunks: Array<Buffer> = []
      response.on("data", (chunk: Buffer) => chunks.push(chunk))
      response.on("error", fail)
      response.on("end", () =>
        resume(Effect.succeed({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString()
        })))
    })
    const fail = (error: NodeJS.ErrnoException) => resume(new NoAnswer({ code: error.code ?? error.message }))
    sent.on("error", fail)
    sent.end(body)
    return Effect.sync(() => sent.destroy())
  })

export const bearer = (key: Redacted.Redacted) => ({ authorization: `Bearer ${value(key)}` })

const Json = Schema.parseJson()

/** Asks an embedded Agamemnon with its key, and reads the JSON of its answer. */
export const askJson = (
  { apiKey, url }: { readonly apiKey: Redacted.Redacted; readonly url: string },
  method: string,
  path: string,
  body?: unknown
) =>
  ask(url, {
    method,
    path,
    headers: bearer(apiKey),
    body: body === undefined ? undefined : Schema.encodeSync(Json)(body)
  }).pipe(
    Effect.map(({ status, text }) => ({ status, body: text === "" ? "" : Schema.decodeUnknownSync(Json)(text) }))
  )

type Server = Parameters<typeof askJson>[0]

const decode = <A, I>(schema: Schema.Schema<A, I>) => ({ body }: { readonly body: unknown }) =>
  Schema.decodeUnknownSync(schema)(body)

/** Creates an agent, and starts it unless told not to; answers its id. */
export const createAgent = (server: Server, fields: Readonly<Record<string, unknown>>, { started = true } = {}) =>
  askJson(server, "POST", "/v1/agents", fields).pipe(
    Effect.map(decode(Schema.Struct({ id: Schema.String }))),
    Effect.map(({ id }) => id),
    Effect.tap((id) => started ? askJson(server, "POST", `/v1/agents/${id}/start`) : Effect.void)
  )

/** Creates a task in the team `t`; answers its path. */
export const createTask = (server: Server, fields: Readonly<Record<string, unknown>>) =>
  askJson(server, "POST", "/v1/teams/t/tasks", fields).pipe(
    Effect.map(decode(Schema.Struct({ task: Task }))),
    Effect.map(({ task }) => `/v1/teams/t/tasks/${task.id}`)
  )

/** Reads a task. */
export const readTask = (server: Server, path: string) =>
  askJson(server, "GET", path).pipe(
    Effect.map(decode(Schema.Struct({ task: Task }))),
    Effect.map(({ task }) => task)
  )

/** Reads a task until it has ended. */
export const finished = (server: Server, path: string) =>
  Effect.map(
    eventually(readTask(server, path), ({ status }) => status === "completed" || status === "failed"),
    ({ result, status }) => ({ status, result })
  )

/** Looks again and again until what it sees is right. */
export const eventually = <A, E, R>(look: Effect.Effect<A, E, R>, isRight: (seen: A) => boolean) =>
  look.pipe(
    Effect.filterOrFail(isRight, (seen) => new NotYet({ seen })),
    Effect.retry({ while: (error) => error instanceof NotYet, schedule: Schedule.spaced("10 millis") }),
    Effect.timeout("2 minutes")
  )

class NotYet extends Schema.TaggedError<NotYet>()("NotYet", { seen: Schema.Unknown }) {}
