/**
 * The handlers of the embedded Agamemnon: each endpoint of the API, answered
 * from the memory.
 */
import * as Etag from "@effect/platform/Etag"
import * as FileSystem from "@effect/platform/FileSystem"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpPlatform from "@effect/platform/HttpPlatform"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Path from "@effect/platform/Path"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { AgamemnonApi, Authorization } from "../agamemnon/AgamemnonApi.ts"
import { type AgentId, CreateTask, CreateTeam, type TaskId, type TeamId, UpdateTeam } from "../agamemnon/AgamemnonModel.ts"
import { AgamemnonState } from "./AgamemnonState.ts"
import { pathOf } from "./Authentication.ts"
import * as Refusal from "./Refusal.ts"
import * as RequestBody from "./RequestBody.ts"
import * as RequestFields from "./RequestFields.ts"

interface TaskRequest {
  readonly path: { readonly team: TeamId; readonly task: TaskId }
  readonly request: HttpServerRequest.HttpServerRequest
}

interface AgentRequest {
  readonly path: { readonly agent: AgentId }
  readonly request: HttpServerRequest.HttpServerRequest
}

type Kind = Parameters<typeof Refusal.notFound>[0]

const found = <A>(kind: Kind, lookup: Effect.Effect<Option.Option<A>>): Effect.Effect<A, Refusal.Refusal> =>
  Effect.flatMap(lookup, Effect.mapError(() => Refusal.notFound(kind)))

const deleted = (kind: Kind, id: string, deletion: Effect.Effect<boolean>) =>
  Effect.if(deletion, {
    onTrue: () => Effect.succeed({ deleted: id }),
    onFalse: () => Refusal.notFound(kind)
  })

const health = HttpApiBuilder.group(AgamemnonApi, "health", (handlers) =>
  handlers
    .handle("service", () => Effect.succeed({ service: "Agamemnon", status: "ok" }))
    .handle("status", () => Effect.succeed({ dlq_depth: 0, nats_circuit: "closed", status: "ok" })))

const version = HttpApiBuilder.group(AgamemnonApi, "version", (handlers) =>
  handlers.handle("version", () => Effect.succeed({ name: "Agamemnon", version: "0.1.0" })))

const agents = HttpApiBuilder.group(AgamemnonApi, "agents", (handlers) =>
  Effect.map(AgamemnonState, (state) => {
    const become = (status: "online" | "offline") => ({ path: { agent: id }, request }: AgentRequest) =>
      RequestBody.ignore(request).pipe(
        Effect.zipRight(found("agent", state.setAgentStatus(id, status))),
        Effect.as({ id, status })
      )
    return handlers
      .handle("list", ({ urlParams }) =>
        Effect.map(state.listAgents(urlParams), ({ items, position }) => ({ agents: items, ...position })))
      .handleRaw("create", ({ request }) =>
        RequestBody.read(request, RequestFields.CreateAgent, RequestBody.mustBeObject).pipe(
          Effect.flatMap(state.createAgent),
          Effect.map((agent) => ({ agent, id: agent.id }))
        ))
      // Agamemnon decodes a path before it looks for its route: a name with a slash leads nowhere.
      .handle("byName", ({ path: { name } }) =>
        name.includes("/")
          ? Refusal.noRoute
          : Effect.map(found("agent", state.findAgent(name)), (agent) => ({ agent })))
      .handle("get", ({ path }) => Effect.map(found("agent", state.getAgent(path.agent)), (agent) => ({ agent })))
      .handleRaw("patch", ({ path, request }) =>
        RequestBody.read(request, RequestFields.PatchAgent, Refusal.notFound("agent")).pipe(
          Effect.flatMap((fields) => found("agent", state.patchAgent(path.agent, fields))),
          Effect.map((agent) => ({ agent }))
        ))
      .handle("delete", ({ path }) => deleted("agent", path.agent, state.deleteAgent(path.agent)))
      .handleRaw("start", become("online"))
      .handleRaw("stop", become("offline"))
  }))

const teams = HttpApiBuilder.group(AgamemnonApi, "teams", (handlers) =>
  Effect.map(AgamemnonState, (state) =>
    handlers
      .handle("list", ({ urlParams }) =>
        Effect.map(state.listTeams(urlParams), ({ items, position }) => ({ teams: items, ...position })))
      .handleRaw("create", ({ request }) =>
        RequestBody.read(request, CreateTeam, RequestBody.mustBeObject).pipe(
          Effect.flatMap(state.createTeam),
          Effect.map((team) => ({ team }))
        ))
      .handle("get", ({ path }) => Effect.map(found("team", state.getTeam(path.team)), (team) => ({ team })))
      .handleRaw("update", ({ path, request }) =>
        RequestBody.read(request, UpdateTeam).pipe(
          Effect.flatMap((fields) => found("team", state.updateTeam(path.team, fields))),
          Effect.map((team) => ({ team }))
        ))
      .handle("delete", ({ path }) => deleted("team", path.team, state.deleteTeam(path.team)))))

const tasks = HttpApiBuilder.group(AgamemnonApi, "tasks", (handlers) =>
  Effect.map(AgamemnonState, (state) => {
    const refuseUntellable = ({ task: id, team }: TaskRequest["path"], fields: typeof RequestFields.UpdateTask.Type) =>
      Effect.flatMap(found("task", state.getTask(team, id)), (task) => {
        const field = RequestFields.untellable(task, fields)
        return field === undefined ? Effect.void : Refusal.invalid(`'${field}' must be a string`)
      })
    const update = ({ path, request }: TaskRequest) =>
      RequestBody.read(request, RequestFields.UpdateTask, Refusal.notFound("task")).pipe(
        Effect.tap((fields) => refuseUntellable(path, fields)),
        Effect.flatMap((fields) => found("task", state.updateTask(path.team, path.task, fields))),
        Effect.map((task) => ({ task }))
      )
    return handlers
      .handle("listAll", ({ urlParams }) =>
        Effect.map(state.listAllTasks(urlParams), ({ items, position }) => ({ tasks: items, ...position })))
      .handle("list", ({ path, urlParams }) =>
        Effect.map(state.listTasks(path.team, urlParams), ({ items, position }) => ({ tasks: items, ...position })))
      .handleRaw("create", ({ path, request }) =>
        RequestBody.read(request, CreateTask, RequestBody.mustBeObject).pipe(
          Effect.flatMap((fields) => state.createTask(path.team, fields)),
          Effect.map((task) => ({ task }))
        ))
      .handle("get", ({ path }) => Effect.map(found("task", state.getTask(path.team, path.task)), (task) => ({ task })))
      .handleRaw("update", update)
      .handleRaw("patch", update)
      .handleRaw("complete", ({ path, request }) =>
        RequestBody.ignoreJson(request).pipe(
          Effect.zipRight(state.completeTask(path.task)),
          Effect.as({ completed: true, task_id: path.task })
        ))
  }))

const chaos = HttpApiBuilder.group(AgamemnonApi, "chaos", (handlers) =>
  Effect.map(AgamemnonState, (state) =>
    handlers
      .handle("list", ({ urlParams }) =>
        Effect.map(state.listFaults(urlParams), ({ items, position }) => ({ faults: items, ...position })))
      .handleRaw("create", ({ path, request }) =>
        Effect.zipRight(RequestBody.ignore(request), Effect.map(state.createFault(path.type), (fault) => ({ fault }))))
      .handle("delete", ({ path }) => deleted("fault", path.fault, state.deleteFault(path.fault)))))

// The key is checked in front of the routes, because unknown paths ask for it too.
const checkedBefore = Layer.succeed(Authorization, { apiKey: () => Effect.void, bearer: () => Effect.void })

const services = HttpApiBuilder.api(AgamemnonApi).pipe(
  Layer.provide([health, version, agents, teams, tasks, chaos]),
  Layer.provide(checkedBefore),
  Layer.provide(HttpApiBuilder.middleware(Refusal.answered)),
  Layer.merge(Layer.merge(HttpApiBuilder.Router.Live, HttpApiBuilder.Middleware.layer))
)

const versioned = (response: HttpServerResponse.HttpServerResponse) =>
  response.body._tag === "Empty" ? response : HttpServerResponse.setHeader(response, "x-api-version", "0.1.0")

// No part of a path is empty: the router would take the empty one for an id.
const isRoute = (request: HttpServerRequest.HttpServerRequest) => !/\/(\/|$)/.test(pathOf(request))

/** A request as Agamemnon reads it: of a query parameter that is repeated the first counts. */
const withoutRepeats = (request: HttpServerRequest.HttpServerRequest): HttpServerRequest.HttpServerRequest => {
  const [path = "", query] = request.url.split(/\?(.*)/s, 2)
  if (query === undefined) return request
  const seen = new Set<string>()
  const parts = query.split("&").filter((part) => {
    const [name = ""] = new URLSearchParams(part).keys()
    const isFirst = !seen.has(name)
    seen.add(name)
    return isFirst
  })
  return request.modify({ url: `${path}?${parts.join("&")}` })
}

/** No more than these: who makes a server may itself be answering a request. */
const ofNode = Context.pick(HttpPlatform.HttpPlatform, Etag.Generator, FileSystem.FileSystem, Path.Path)

/** Makes the server: it answers whoever gets through to it, and every answer but an empty one says its version. */
export const make: Effect.Effect<HttpApp.Default, never, AgamemnonState | HttpRouter.HttpRouter.DefaultServices | Scope.Scope> = Effect.gen(function*() {
  const context = Context.merge(ofNode(yield* Effect.context<HttpRouter.HttpRouter.DefaultServices>()), yield* Layer.build(services))
  const app = yield* HttpApiBuilder.httpApp.pipe(
    HttpRouter.withRouterConfig({
      caseSensitive: true,
      ignoreDuplicateSlashes: false,
      ignoreTrailingSlash: false,
      maxParamLength: 8192
    }),
    Effect.provide(context)
  )
  const routed = (request: HttpServerRequest.HttpServerRequest) =>
    Effect.map(Effect.provide(app, Context.add(context, HttpServerRequest.HttpServerRequest, request)), versioned)
  return Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
    isRoute(request) ? routed(withoutRepeats(request)) : Effect.succeed(Refusal.empty(404)))
})
