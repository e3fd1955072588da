/** A tool of an MCP server: what it takes, what it does, and what its annotations say of that. */
import { CallToolResult, InvalidParams, Tool, ToolAnnotations } from "@effect/ai/McpSchema"
import * as McpServer from "@effect/ai/McpServer"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as JSONSchema from "effect/JSONSchema"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as ConcurrencyLimit from "../../liveness/ConcurrencyLimit.ts"
import { printable } from "../../report/Format.ts"
import * as Failure from "../Failure.ts"

/** What a tool does to what there is: it only reads, it adds, or it ends and removes. */
export type Effects = "reads" | "adds" | "removes"

/** How far a call has got. */
export interface Progress {
  readonly progress: number
  readonly total: number
  readonly message: string
}

/** Tells the client how far a call has got, where it has asked for that. */
export type Tell = (progress: Progress) => Effect.Effect<void>

/** A tool. */
export interface McpTool<R> {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly effects: Effects
  /** Whether doing it again changes nothing more. */
  readonly isIdempotent: boolean
  readonly inputSchema: unknown
  /** Does it with what is given, if that is what it takes. */
  readonly call: (given: unknown, tell: Tell) => Effect.Effect<CallToolResult, InvalidParams, R>
}

/** The longest text that a tool answers with, in characters. */
const longest = 400_000

/** How many calls do something at once; the others wait. */
const concurrency = 16

/** Makes a tool. Whatever it fails with is told in the sentence that a command would say. */
export const make = <A, I, E, R>(
  { effects, isIdempotent = effects === "reads", parameters, run, ...tool }: Pick<McpTool<R>, "name" | "title" | "description" | "effects"> & {
    readonly isIdempotent?: boolean
    readonly parameters: Schema.Schema<A, I>
    readonly run: (given: A, tell: Tell) => Effect.Effect<object, E, R>
  }
): McpTool<R> => {
  const decode = ParseResult.decodeUnknown(parameters, { errors: "all", onExcessProperty: "error" })
  return {
    ...tool,
    effects,
    isIdempotent,
    inputSchema: schemaOf(parameters),
    call: (given, tell) =>
      Effect.mapError(decode(given), (issue) =>
        new InvalidParams({ message: `${tool.name}: ${ParseResult.ArrayFormatter.formatIssueSync(issue).map(({ message, path }) => path.length === 0 ? message : `${path.join(".")}: ${message}`).join("; ")}` })).pipe(
          Effect.flatMap((decoded) => Effect.matchCauseEffect(run(decoded, tell), {
            onFailure: (cause) => Cause.isInterruptedOnly(cause) ? Effect.interrupt : Effect.succeed(failed(tool.name, cause)),
            onSuccess: (value) => Effect.succeed(succeeded(value))
          }))
        )
  }
}

/** What a schema says of itself, and means nothing to a client. */
const unsaid: ReadonlySet<string> = new Set(["$schema", "$id", "title"])

const schemaOf = <A, I>(schema: Schema.Schema<A, I>): object => {
  const inputSchema: object = JSON.parse(JSON.stringify(JSONSchema.make(schema), (key, value: unknown) => (unsaid.has(key) && typeof value === "string" ? undefined : value)))
  // A map without keys is any object in JSON Schema; to clients, it is one with no properties.
  return "properties" in inputSchema ? inputSchema : { type: "object", properties: {}, additionalProperties: false }
}

const succeeded = (value: object) => {
  const text = JSON.stringify(value)
  return text.length > longest
    ? refused(`the answer has ${text.length} characters, and can have ${longest}: ask for less`)
    // What is written is what is meant: some values are written by methods of their own.
    : new CallToolResult({ isError: false, content: [{ type: "text", text }], structuredContent: JSON.parse(text) })
}

const refused = (text: string) => new CallToolResult({ isError: true, content: [{ type: "text", text }] })

const failed = (command: string, cause: Cause.Cause<unknown>) =>
  refused(printable(Failure.fromCause(cause, { command, verbose: false }).message))

const annotationsOf = ({ effects, isIdempotent, title }: McpTool<never>) =>
  new ToolAnnotations({ title, readOnlyHint: effects === "reads", destructiveHint: effects === "removes", idempotentHint: isIdempotent, openWorldHint: effects !== "reads" })

/** Makes a server of MCP that has these tools, and answers a resource that there is none of with an error. */
export const serve = Effect.fnUntraced(function*<R>(
  tools: ReadonlyArray<McpTool<R>>,
  notify: (method: string, params: unknown) => Effect.Effect<void>
) {
  const server = yield* McpServer.McpServer.make
  const context = yield* Effect.context<R>()
  const permits = ConcurrencyLimit.make(concurrency)
  const byName = new Map(tools.map((tool) => [tool.name, tool]))
  const unused = { handle: () => Effect.dieMessage("a call goes past it") }
  yield* Effect.forEach(tools, ({ description, inputSchema, name, title, ...rest }) =>
    server.addTool({
      ...unused,
      tool: new Tool({ name, title, description, inputSchema, annotations: annotationsOf({ ...rest, description, inputSchema, name, title, call: () => Effect.never }) })
    }), { discard: true })
  return McpServer.McpServer.of({
    ...server,
    callTool: ({ _meta, arguments: given, name }) => {
      const tool = byName.get(name)
      if (tool === undefined) return Effect.fail(new InvalidParams({ message: `there is no tool ${name}` }))
      const token = _meta?.progressToken
      const tell: Tell = (progress) => token === undefined ? Effect.void : notify("notifications/progress", { progressToken: token, ...progress })
      return permits.run(Effect.provide(tool.call(given, tell), context))
    },
    getPromptResult: (request) =>
      Effect.suspend(() => {
        const { arguments: given = {}, name } = request
        const missing = (server.prompts.find((prompt) => prompt.name === name)?.arguments ?? []).filter((each) => each.required === true && given[each.name] === undefined)
        return missing.length === 0
          ? server.getPromptResult(request)
          : new InvalidParams({ message: `${name}: ${missing.map((each) => each.name).join(", ")} is missing` })
      }),
    findResource: (uri) =>
      Effect.filterOrFail(server.findResource(uri), ({ contents }) => contents.length > 0, () => new InvalidParams({ message: `there is no resource ${uri}` }))
  })
})


/** An optional parameter. */
export const optional = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { exact: true })

/** A text of at most so many characters. */
export const text = (most: number, description: string) => Schema.String.pipe(Schema.minLength(1), Schema.maxLength(most)).annotations({ description })

/** The parameter that names a recorded run. */
export const run = text(256, "Id of a run or its beginning, the name of a workflow for its newest run, or latest")

/** What may be there. */
export const option = <A>(value: A | undefined): Option.Option<A> => Option.fromNullable(value)
