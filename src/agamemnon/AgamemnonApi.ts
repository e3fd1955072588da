/**
 * The REST API of Agamemnon, described once: what the client sends, the embedded
 * server and the OpenAPI text all come from this description. Of answers the
 * client reads less: see `Replies`.
 */
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiMiddleware from "@effect/platform/HttpApiMiddleware"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as HttpApiSecurity from "@effect/platform/HttpApiSecurity"
import * as OpenApi from "@effect/platform/OpenApi"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as AgamemnonId from "./AgamemnonId.ts"
import {
  Agent,
  AgentId,
  CreateAgent,
  CreateTask,
  CreateTeam,
  PatchAgent,
  Task,
  TaskId,
  Team,
  TeamId,
  UpdateTask,
  UpdateTeam
} from "./AgamemnonModel.ts"

const optional = <A, I, R>(schema: Schema.Schema<A, I, R>) => Schema.optionalWith(schema, { exact: true })

/** The body of every refusal. */
const refusal = Schema.Struct({ error: Schema.String })

/** The request was refused because of what it says. */
export const InvalidRequest = refusal.annotations({
  identifier: "InvalidRequest",
  ...HttpApiSchema.annotations({ status: 400 })
})

/** The key is missing or wrong. */
export const Unauthorized = refusal.annotations({
  identifier: "Unauthorized",
  ...HttpApiSchema.annotations({ status: 401 })
})

/** The entity does not exist. An unknown route answers 404 as well, with an empty body. */
export const NotFound = refusal.annotations({
  identifier: "NotFound",
  ...HttpApiSchema.annotations({ status: 404 })
})

/** Too many requests. `Retry-After` says how many seconds to wait. */
export const RateLimited = Schema.Struct({ error: Schema.String, retry_after_seconds: Schema.Int })
  .annotations({ identifier: "RateLimited", ...HttpApiSchema.annotations({ status: 429 }) })

/**
 * Asks for the key, as a bearer token or in the header `X-API-Key`.
 *
 * @effect-expect-leaking HttpServerRequest | ParsedSearchParams | RouteContext
 */
export class Authorization extends HttpApiMiddleware.Tag<Authorization>()("telemachy/agamemnon/Authorization", {
  failure: Unauthorized,
  security: {
    bearer: HttpApiSecurity.bearer,
    apiKey: HttpApiSecurity.apiKey({ key: "X-API-Key", in: "header" })
  }
}) {}

/** Every list has at most this many items on a page, whatever was asked for. */
export const maxPageSize = 1000

/** How many items a page of a list has when nothing is asked for. */
export const defaultPageSize = 100

const maxUnsigned = 2n ** 64n - 1n

const notWhole = "limit and offset must be non-negative integers"

const digits = Schema.String.annotations({ jsonSchema: { type: "integer", minimum: 0 }, message: () => notWhole })

// Read as Agamemnon reads it: the digits at the start count, and a minus sign wraps around.
const pageNumber = Schema.transformOrFail(digits, Schema.Number, {
  strict: true,
  decode: (text, _, ast) => {
    const [, sign, value] = /^\s*([+-]?)(\d+)/.exec(text) ?? []
    const number = value === undefined ? undefined : BigInt(value)
    return number === undefined || number > maxUnsigned
      ? ParseResult.fail(new ParseResult.Type(ast, text, notWhole))
      : ParseResult.succeed(Number(BigInt.asUintN(64, sign === "-" ? -number : number)))
  },
  encode: (number) => ParseResult.succeed(String(number))
})

/** Schema of the query of a list. */
export const Page = Schema.Struct({ limit: optional(pageNumber), offset: optional(pageNumber) })

const position = { limit: Schema.Number, offset: Schema.Number, total: Schema.Number }

const created = { status: 201 } as const
const agentPath = Schema.Struct({ agent: AgamemnonId.inPath(AgentId) })
const teamPath = Schema.Struct({ team: AgamemnonId.inPath(TeamId) })
const taskPath = Schema.Struct({ team: AgamemnonId.inPath(TeamId), task: AgamemnonId.inPath(TaskId) })
const AgentState = Schema.Struct({ id: AgentId, status: Schema.String })
const AgentReply = Schema.Struct({ agent: Agent })
const TeamReply = Schema.Struct({ team: Team })
const TaskReply = Schema.Struct({ task: Task })
const Deleted = Schema.Struct({ deleted: Schema.String })
const TaskPage = Schema.Struct({
  limit: Schema.Number,
  offset: Schema.Number,
  tasks: Schema.Array(Task),
  total: Schema.Number
})

const health = HttpApiGroup.make("health")
  .add(
    HttpApiEndpoint.get("service", "/health").addSuccess(
      Schema.Struct({ service: Schema.String, status: Schema.String })
    )
  )
  .add(
    HttpApiEndpoint.get("status", "/v1/health").addSuccess(
      Schema.Struct({ dlq_depth: Schema.Number, nats_circuit: Schema.String, status: Schema.String })
    )
  )

const version = HttpApiGroup.make("version")
  .add(
    HttpApiEndpoint.get("version", "/v1/version").addSuccess(
      Schema.Struct({ name: Schema.String, version: Schema.String })
    )
  )
  .middleware(Authorization)

const agents = HttpApiGroup.make("agents")
  .add(
    HttpApiEndpoint.get("list", "/v1/agents")
      .setUrlParams(Page)
      .addSuccess(Schema.Struct({ agents: Schema.Array(Agent), ...position }))
  )
  .add(
    HttpApiEndpoint.post("create", "/v1/agents")
      .setPayload(CreateAgent)
      .addSuccess(Schema.Struct({ agent: Agent, id: AgentId }), created)
  )
  .add(
    HttpApiEndpoint.get("byName", "/v1/agents/by-name/:name")
      .setPath(Schema.Struct({ name: Schema.String }))
      .addSuccess(AgentReply)
  )
  .add(HttpApiEndpoint.get("get", "/v1/agents/:agent").setPath(agentPath).addSuccess(AgentReply))
  .add(
    HttpApiEndpoint.patch("patch", "/v1/agents/:agent").setPath(agentPath).setPayload(PatchAgent).addSuccess(AgentReply)
  )
  .add(HttpApiEndpoint.del("delete", "/v1/agents/:agent").setPath(agentPath).addSuccess(Deleted))
  .add(HttpApiEndpoint.post("start", "/v1/agents/:agent/start").setPath(agentPath).addSuccess(AgentState))
  .add(HttpApiEndpoint.post("stop", "/v1/agents/:agent/stop").setPath(agentPath).addSuccess(AgentState))
  .addError(NotFound)
  .addError(InvalidRequest)
  .addError(RateLimited)
  .middleware(Authorization)

const teams = HttpApiGroup.make("teams")
  .add(
    HttpApiEndpoint.get("list", "/v1/teams")
      .setUrlParams(Page)
      .addSuccess(
        Schema.Struct({ limit: Schema.Number, offset: Schema.Number, teams: Schema.Array(Team), total: Schema.Number })
      )
  )
  .add(
    HttpApiEndpoint.post("create", "/v1/teams").setPayload(CreateTeam).addSuccess(TeamReply, created)
  )
  .add(HttpApiEndpoint.get("get", "/v1/teams/:team").setPath(teamPath).addSuccess(TeamReply))
  .add(HttpApiEndpoint.put("update", "/v1/teams/:team").setPath(teamPath).setPayload(UpdateTeam).addSuccess(TeamReply))
  .add(HttpApiEndpoint.del("delete", "/v1/teams/:team").setPath(teamPath).addSuccess(Deleted))
  .addError(NotFound)
  .addError(InvalidRequest)
  .addError(RateLimited)
  .middleware(Authorization)

const tasks = HttpApiGroup.make("tasks")
  .add(HttpApiEndpoint.get("listAll", "/v1/tasks").setUrlParams(Page).addSuccess(TaskPage))
  .add(
    HttpApiEndpoint.get("list", "/v1/teams/:team/tasks").setPath(teamPath).setUrlParams(Page).addSuccess(TaskPage)
  )
  .add(
    HttpApiEndpoint.post("create", "/v1/teams/:team/tasks")
      .setPath(teamPath)
      .setPayload(CreateTask)
      .addSuccess(TaskReply, created)
  )
  .add(HttpApiEndpoint.get("get", "/v1/teams/:team/tasks/:task").setPath(taskPath).addSuccess(TaskReply))
  .add(
    HttpApiEndpoint.put("update", "/v1/teams/:team/tasks/:task")
      .setPath(taskPath)
      .setPayload(UpdateTask)
      .addSuccess(TaskReply)
  )
  .add(
    HttpApiEndpoint.patch("patch", "/v1/teams/:team/tasks/:task")
      .setPath(taskPath)
      .setPayload(UpdateTask)
      .addSuccess(TaskReply)
  )
  .add(
    HttpApiEndpoint.post("complete", "/v1/tasks/:task/complete")
      .setPath(Schema.Struct({ task: AgamemnonId.inPath(TaskId) }))
      .addSuccess(Schema.Struct({ completed: Schema.Boolean, task_id: Schema.String }))
  )
  .addError(NotFound)
  .addError(InvalidRequest)
  .addError(RateLimited)
  .middleware(Authorization)

/** Schema of an injected fault, as Agamemnon reports it. */
export const Fault = Schema.Struct({
  active: Schema.Boolean,
  createdAt: Schema.String,
  id: Schema.String,
  type: Schema.String,
  updatedAt: Schema.String
})
export type Fault = typeof Fault.Type

const chaos = HttpApiGroup.make("chaos")
  .add(
    HttpApiEndpoint.get("list", "/v1/chaos")
      .setUrlParams(Page)
      .addSuccess(Schema.Struct({ faults: Schema.Array(Fault), ...position }))
  )
  .add(
    HttpApiEndpoint.post("create", "/v1/chaos/:type")
      .setPath(Schema.Struct({ type: Schema.String }))
      .addSuccess(Schema.Struct({ fault: Fault }), created)
  )
  .add(
    HttpApiEndpoint.del("delete", "/v1/chaos/:fault")
      .setPath(Schema.Struct({ fault: Schema.String }))
      .addSuccess(Deleted)
  )
  .addError(NotFound)
  .addError(InvalidRequest)
  .addError(RateLimited)
  .middleware(Authorization)

/** The REST API of Agamemnon. */
export class AgamemnonApi extends HttpApi.make("agamemnon")
  .add(health)
  .add(version)
  .add(agents)
  .add(teams)
  .add(tasks)
  .add(chaos)
  .annotate(OpenApi.Title, "Agamemnon")
  .annotate(OpenApi.Version, "0.1.0")
{}
