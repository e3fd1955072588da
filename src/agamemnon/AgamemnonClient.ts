/**
 * Agamemnon as the rest of Telemachy uses it: lists read to their last page,
 * creates that are safe to repeat, one kind of error, and the ping.
 *
 * An ordinary request is repeated while {@link RequestRetry} says so. A ping is
 * sent once, past every limit that this client sets itself.
 */
import * as HttpApiClient from "@effect/platform/HttpApiClient"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Arr from "effect/Array"
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as RateLimiter from "effect/RateLimiter"
import * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import type * as Scope from "effect/Scope"
import * as ConcurrencyLimit from "../liveness/ConcurrencyLimit.ts"
import * as AgamemnonAddress from "../settings/AgamemnonAddress.ts"
import * as Credential from "../settings/Credential.ts"
import * as Settings from "../settings/Settings.ts"
import { AgamemnonApi, maxPageSize } from "./AgamemnonApi.ts"
import * as AgamemnonError from "./AgamemnonError.ts"
import type {
  Agent,
  AgentId,
  CreateAgent,
  CreateTask,
  PatchAgent,
  Task,
  TaskId,
  Team,
  TeamId
} from "./AgamemnonModel.ts"
import type { AgentEnvironments } from "./AgentEnvironments.ts"
import * as Pages from "./Pages.ts"
import * as Replies from "./Replies.ts"
import { permitted, retrying } from "./RequestRetry.ts"
import type { TaskActivity } from "./TaskActivity.ts"
import type { TaskContexts } from "./TaskContexts.ts"
import type { TaskFeed } from "./TaskFeed.ts"
import * as Transport from "./Transport.ts"
import type { Workspaces } from "./Workspaces.ts"

/**
 * The ids that Agamemnon gives to agents, teams and tasks: schemas, that make one of a text as well.
 *
 * **Example** (A client of one's own, for a test)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { AgamemnonClient } from "telemachy"
 *
 * const agent: AgamemnonClient.Agent = {
 *   id: AgamemnonClient.AgentId.make("agent-1"),
 *   name: "reader",
 *   host: "local",
 *   createdAt: "2026-01-01T00:00:00Z",
 *   updatedAt: "2026-01-01T00:00:00Z",
 *   status: "online"
 * }
 *
 * export const withOneAgent = (client: typeof AgamemnonClient.AgamemnonClient.Service) =>
 *   AgamemnonClient.AgamemnonClient.of({ ...client, listAgents: Effect.succeed([agent]) })
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export { AgentId, TaskId, TeamId } from "./AgamemnonModel.ts"
/**
 * Agents, teams and tasks as Agamemnon reports them, and what creates an agent and a task.
 *
 * @since 0.1.0
 * @category models
 */
export type { Agent, CreateAgent, CreateTask, Task, Team } from "./AgamemnonModel.ts"

type Failure = AgamemnonError.AgamemnonError

/**
 * Why there can be no client with some options.
 *
 * @since 0.1.0
 * @category errors
 */
export type OptionsError = AgamemnonError.InvalidOptionError | AgamemnonError.TlsRequiredError

/**
 * What a client needs to know.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Address of Agamemnon, `http://` or `https://`. It can have a path, but holds no password, query or fragment. */
  readonly url: string
  /** The key that it asks for. */
  readonly apiKey?: Redacted.Redacted | undefined
  /** Refuses plain `http://` to a host that is not loopback. Defaults to true. */
  readonly requireTls?: boolean | undefined
  /** How long one ordinary request may take. Defaults to 30 seconds. */
  readonly requestTimeout?: Duration.DurationInput | undefined
  /** How long a ping waits for its answer. Defaults to 5 seconds. */
  readonly pingTimeout?: Duration.DurationInput | undefined
  /** How many ordinary requests are under way at once, at least 1. Defaults to 6. */
  readonly maxConnections?: number | undefined
  /** How many ordinary requests are sent in a second (0 sets no limit), and in one burst. Defaults to no limit. */
  readonly rateLimit?: { readonly rps: number; readonly burst: number } | undefined
  /**
   * Whether it ends with this process, and all that is on it. Defaults to false; the options of an `EmbeddedAgamemnon`,
   * which is handed in as it is, say so themselves.
   */
  readonly embedded?: boolean | undefined
  /** Tells of its tasks beside what is read of them, if it does so itself. Defaults to none. */
  readonly feed?: Context.Tag.Service<TaskFeed> | undefined
  /** Takes what programs can read of the run of their tasks, where they run in this process. Defaults to none. */
  readonly contexts?: TaskContexts | undefined
  /** Takes the environments of agents, in this process. Defaults to none: they cannot be given any. */
  readonly environments?: AgentEnvironments | undefined
  /** Makes and removes workspaces for its programs, in this process. Defaults to none: there can not be any. */
  readonly workspaces?: Workspaces | undefined
  /** Looks for traces of the work on its tasks, in this process. Defaults to none: what it tells is all that is known. */
  readonly activity?: TaskActivity | undefined
}

/**
 * The orchestrator.
 *
 * **Example** (Counting the agents)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { AgamemnonClient } from "telemachy"
 *
 * export const countAgents = Effect.gen(function*() {
 *   const { listAgents } = yield* AgamemnonClient.AgamemnonClient
 *   return (yield* listAgents).length
 * })
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class AgamemnonClient extends Context.Tag("telemachy/agamemnon/AgamemnonClient")<AgamemnonClient, {
  /** Address of Agamemnon, without a slash at its end. */
  readonly url: string
  /** Whether it ends with this process, and all that is on it. One that does not say so does not. */
  readonly embedded?: boolean | undefined
  /** Tells of its tasks beside what is read of them, if it does so itself. */
  readonly feed?: Context.Tag.Service<TaskFeed> | undefined
  /** Takes what programs can read of the run of their tasks, where they run in this process. */
  readonly contexts?: TaskContexts | undefined
  /** Takes the environments of agents, in this process, if it can. */
  readonly environments?: AgentEnvironments | undefined
  /** Makes and removes workspaces for its programs, in this process, if it can. */
  readonly workspaces?: Workspaces | undefined
  /** Looks for traces of the work on its tasks, in this process, if it can. */
  readonly activity?: TaskActivity | undefined
  /** Takes no more than its share of the limit of rate, which so many processes have in common. Nothing, where there is no limit. */
  readonly shareRate?: ((among: number) => Effect.Effect<void>) | undefined
  /** Succeeds when Agamemnon answers: sent once, never repeated, never queued. Interrupting it closes its socket. */
  readonly ping: Effect.Effect<void, AgamemnonError.PingError>
  /** Pings, and explains every answer but 2xx. */
  readonly preflight: Effect.Effect<void, AgamemnonError.PingError | Failure>
  /** Lists every agent, to the last page. */
  readonly listAgents: Effect.Effect<ReadonlyArray<Agent>, Failure>
  /**
   * Creates an agent. When an answer is lost, the agent is looked up by its
   * name before the request is sent again; agents in `except` are not it.
   */
  readonly createAgent: (
    agent: CreateAgent & { readonly name: string },
    except: ReadonlySet<AgentId>
  ) => Effect.Effect<Agent, Failure>
  /** Changes fields of an agent. */
  readonly patchAgent: (id: AgentId, fields: typeof PatchAgent.Type) => Effect.Effect<void, Failure>
  /** Starts an agent. Starting one that runs succeeds. */
  readonly startAgent: (id: AgentId) => Effect.Effect<void, Failure>
  /** Deletes an agent. Deleting one that is already gone succeeds. */
  readonly deleteAgent: (id: AgentId) => Effect.Effect<void, Failure>
  /** Lists every team, to the last page. */
  readonly listTeams: Effect.Effect<ReadonlyArray<Team>, Failure>
  /** Tells whether Agamemnon knows a team. */
  readonly hasTeam: (id: TeamId) => Effect.Effect<boolean, Failure>
  /** Creates a team, as safely as an agent. */
  readonly createTeam: (
    name: string,
    members: ReadonlyArray<AgentId>,
    except: ReadonlySet<TeamId>
  ) => Effect.Effect<Team, Failure>
  /** Replaces the members of a team. */
  readonly setMembers: (id: TeamId, members: ReadonlyArray<AgentId>) => Effect.Effect<void, Failure>
  /** Deletes a team. Deleting one that is already gone succeeds. */
  readonly deleteTeam: (id: TeamId) => Effect.Effect<void, Failure>
  /** Lists every task of a team, to the last page. A team that is not known has none. */
  readonly listTasks: (team: TeamId) => Effect.Effect<ReadonlyArray<Task>, Failure>
  /**
   * Lists the tasks of all teams, also of those that are gone, in one attempt. Nothing when there are more than so many,
   * of which no more than the first page is read.
   */
  readonly listAllTasks: (most: number) => Effect.Effect<Option.Option<ReadonlyArray<Task>>, Failure>
  /** Tells how many tasks a team has, without reading them. A team that is not known has none. */
  readonly countTasks: (team: TeamId) => Effect.Effect<number, Failure>
  /** Reads a task, if Agamemnon knows it. */
  readonly getTask: (team: TeamId, id: TaskId) => Effect.Effect<Option.Option<Task>, Failure>
  /** Creates a task, as safely as an agent: it is looked up by its subject within its team. */
  readonly createTask: (
    team: TeamId,
    task: CreateTask & { readonly subject: string },
    except: ReadonlySet<TaskId>
  ) => Effect.Effect<Task, Failure>
  /** Gives a task the status `failed`, and why as its result, if that is known. A task that has ended is changed as well. */
  readonly failTask: (team: TeamId, id: TaskId, reason?: string) => Effect.Effect<void, Failure>
}>() {}

const found = <A>(request: Effect.Effect<A, Failure>): Effect.Effect<Option.Option<A>, Failure> =>
  Effect.asSome(request).pipe(Effect.catchIf((error) => error.isNotFound, () => Effect.succeedNone))

// Another server of the family, or a proxy, may say with 410 what Agamemnon says in words.
const gone = (request: Effect.Effect<void, Failure>): Effect.Effect<void, Failure> =>
  Effect.catchIf(request, ({ isNotFound, status }) => isNotFound || status === 410, () => Effect.void)

/** Gives what was made the name that it was sent, if the answer does not say it. */
const named = (sent: { readonly name: string }) => <A extends { readonly name: string }>(made: A): A =>
  made.name === "" ? { ...made, name: sent.name } : made

/** Makes what says how many items of a list could not be read: once aloud, as such items stay. */
const reportUnreadable = () => {
  const told = new Set<string>()
  return (kind: string, count: number) =>
    Effect.suspend(() => {
      if (count === 0) return Effect.void
      const log = told.has(kind) ? Effect.logDebug : Effect.logWarning
      told.add(kind)
      return log(`${count} of the ${kind} on Agamemnon can not be read, and are left alone`)
    })
}

const invalid = (option: string) => (problem: string) =>
  new AgamemnonError.InvalidOptionError({ option, problem })

const isCount = (number: number): boolean => Number.isSafeInteger(number) && number > 0

/** Reads the address. One of another machine needs TLS, before the first byte is sent. */
const addressOf = ({ requireTls = Settings.requireTls.default, url }: Options) =>
  Effect.filterOrFail(
    Effect.mapError(AgamemnonAddress.parse(url), invalid("url")),
    ({ isLoopback, isPlain }) => !requireTls || !isPlain || isLoopback,
    (address) => new AgamemnonError.TlsRequiredError({ url: address.url })
  )

/** Makes what an ordinary request waits for: a free connection, and its turn. */
const turns = Effect.fnUntraced(function*({ maxConnections = Settings.maxConnections.default, rateLimit = { rps: 0, burst: 1 } }: Options) {
  const { burst, rps } = rateLimit
  if (!isCount(maxConnections)) {
    return yield* invalid("maxConnections")(`expected a whole number greater than 0, found ${maxConnections}`)
  }
  if (!isCount(burst)) {
    return yield* invalid("rateLimit.burst")(`expected a whole number greater than 0, found ${burst}`)
  }
  if (!Number.isFinite(rps) || rps < 0) {
    return yield* invalid("rateLimit.rps")(`expected a number from 0, found ${rps}`)
  }
  const { run } = ConcurrencyLimit.make(maxConnections)
  if (rps === 0) return { inTurn: run, shareRate: undefined }
  const limited = yield* RateLimiter.make({
    limit: burst,
    interval: Duration.seconds(burst / rps),
    algorithm: "token-bucket"
  })
  // One of three has a third of the tokens, and each costs it three. No request costs more than there can be.
  const cost = yield* Ref.make(1)
  const inTurn: typeof run = (request) =>
    run(Effect.flatMap(Ref.get(cost), (tokens) => RateLimiter.withCost(tokens)(limited(request))))
  const shareRate = (among: number) => Ref.set(cost, Math.min(Math.max(1, among), burst))
  return { inTurn, shareRate }
})

/**
 * Makes a client. Fails when an option can not be used, or the address would need TLS.
 *
 * **Example** (A client in a scope)
 *
 * ```ts
 * import { Effect, Redacted } from "effect"
 * import { AgamemnonClient } from "telemachy"
 *
 * export const isThere = Effect.gen(function*() {
 *   const { ping } = yield* AgamemnonClient.make({ url: "https://agamemnon.example", apiKey: Redacted.make("key") })
 *   return yield* Effect.isSuccess(ping)
 * }).pipe(Effect.scoped)
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: (
  options: Options
) => Effect.Effect<
  Context.Tag.Service<AgamemnonClient>,
  OptionsError,
  HttpClient.HttpClient | Scope.Scope
> = Effect.fnUntraced(function*(options: Options) {
  const address = yield* addressOf(options)
  if (options.apiKey !== undefined) {
    yield* Effect.mapError(Credential.parse(Redacted.value(options.apiKey)), invalid("apiKey"))
  }
  const { inTurn, shareRate } = yield* turns(options)
  const transport = yield* Transport.make({ ...options, address })
  const { agents, tasks, teams } = yield* HttpApiClient.makeWith(AgamemnonApi, {
    httpClient: transport.client,
    // What is read of an answer is for the call to say.
    transformResponse: () => Effect.void
  })

  const withResponse = true

  const attempt = <A, E>(request: Transport.Request<E>, reply: Replies.Reply<A>) =>
    inTurn(permitted(transport.call(request, reply)))
  const repeated = <A, E>(request: Transport.Request<E>, reply: Replies.Reply<A>) => retrying(attempt(request, reply))

  /** Sends a create; once an answer was lost, looks for what it may have made before sending again. */
  const createSafely = <A>(create: Effect.Effect<A, Failure>, find: Effect.Effect<Option.Option<A>, Failure>) =>
    Effect.gen(function*() {
      const uncertain = yield* Ref.make(false)
      const attempted = Effect.tapError(create, (error) =>
        error.mayHaveTakenEffect ? Ref.set(uncertain, true) : Effect.void)
      return yield* retrying(
        Effect.if(Ref.get(uncertain), {
          onTrue: () => Effect.flatMap(find, Option.match({ onNone: () => attempted, onSome: Effect.succeed })),
          onFalse: () => attempted
        })
      )
    })

  // What looks for a lost create is not repeated by itself: the create is, and looks again.
  const onUnreadable = reportUnreadable()
  const list = <A extends { readonly id: string }>(
    path: string,
    read: (query: Pages.Query) => Effect.Effect<Pages.Page<A>, Failure>
  ) =>
    Pages.all(read, ({ maxBytes }) => maxBytes !== undefined).pipe(
      Effect.catchTag("InconsistentListError", ({ problem }) =>
        AgamemnonError.fromUndecoded({ method: "GET", path, status: 200 }, problem)),
      Effect.tap(({ unreadable }) => onUnreadable(path.replace(/^.*\//, ""), unreadable)),
      Effect.map(({ items }) => items)
    )
  const allAgents = (send: typeof attempt) =>
    list("/v1/agents", (urlParams) => send(agents.list({ urlParams, withResponse }), Replies.agents))
  const allTeams = (send: typeof attempt) =>
    list("/v1/teams", (urlParams) => send(teams.list({ urlParams, withResponse }), Replies.teams))
  const tasksOfAll = (most: number) =>
    Effect.gen(function*() {
      const page = (urlParams: Pages.Query) => attempt(tasks.listAll({ urlParams, withResponse }), Replies.tasks)
      const first = yield* page({ limit: maxPageSize, offset: 0 })
      if (first.total > most) return Option.none()
      if (first.length === first.total) return Option.some(first.items)
      // The first page was read already.
      const pages = [first]
      const next = (query: Pages.Query) => Effect.suspend(() => Option.match(Option.fromNullable(pages.pop()), { onNone: () => page(query), onSome: Effect.succeed }))
      return Option.some(yield* list("/v1/tasks", next))
    })
  const allTasks = (send: typeof attempt, team: TeamId) =>
    list(`/v1/teams/${team}/tasks`, (urlParams) => send(tasks.list({ path: { team }, urlParams, withResponse }), Replies.tasks)).pipe(
      Effect.catchIf(({ isNotFound }) => isNotFound, () => Effect.succeed(Arr.empty<Task>()))
    )

  return AgamemnonClient.of({
    url: address.url,
    embedded: options.embedded,
    feed: options.feed,
    contexts: options.contexts,
    environments: options.environments,
    workspaces: options.workspaces,
    activity: options.activity,
    shareRate,
    ping: transport.ping,
    preflight: transport.preflight,
    listAgents: allAgents(repeated),
    createAgent: (agent, except) =>
      createSafely(
        Effect.map(attempt(agents.create({ payload: agent, withResponse }), Replies.agent), named(agent)),
        Effect.map(allAgents(attempt), Arr.findFirst(({ id, name }) => name === agent.name && !except.has(id)))
      ),
    patchAgent: (id, payload) => repeated(agents.patch({ path: { agent: id }, payload, withResponse }), Replies.nothing),
    startAgent: (id) => repeated(agents.start({ path: { agent: id }, withResponse }), Replies.nothing),
    deleteAgent: (id) => gone(repeated(agents.delete({ path: { agent: id }, withResponse }), Replies.nothing)),
    listTeams: allTeams(repeated),
    hasTeam: (team) => Effect.map(found(repeated(teams.get({ path: { team }, withResponse }), Replies.team)), Option.isSome),
    createTeam: (name, members, except) =>
      createSafely(
        Effect.map(attempt(teams.create({ payload: { name, agentIds: members }, withResponse }), Replies.team), named({ name })),
        Effect.map(allTeams(attempt), Arr.findFirst((team) => team.name === name && !except.has(team.id)))
      ),
    setMembers: (team, agentIds) => repeated(teams.update({ path: { team }, payload: { agentIds }, withResponse }), Replies.nothing),
    deleteTeam: (team) => gone(repeated(teams.delete({ path: { team }, withResponse }), Replies.nothing)),
    listTasks: (team) => allTasks(repeated, team),
    listAllTasks: tasksOfAll,
    countTasks: (team) =>
      repeated(tasks.list({ path: { team }, urlParams: { limit: 1, offset: 0 }, withResponse }), Replies.tasks).pipe(
        Effect.map(({ total }) => total),
        Effect.catchIf(({ isNotFound }) => isNotFound, () => Effect.succeed(0))
      ),
    getTask: (team, task) => found(repeated(tasks.get({ path: { team, task }, withResponse }), Replies.task)),
    createTask: (team, task, except) =>
      createSafely(
        Effect.map(attempt(tasks.create({ path: { team }, payload: task, withResponse }), Replies.newTask), (made) =>
          made.subject === "" ? { ...made, subject: task.subject } : made),
        Effect.map(
          allTasks(attempt, team),
          Arr.findFirst(({ id, subject }) => subject === task.subject && !except.has(id))
        )
      ),
    failTask: (team, task, reason) => {
      const result = reason === undefined ? {} : { result: reason }
      return repeated(tasks.patch({ path: { team, task }, payload: { status: "failed", ...result }, withResponse }), Replies.nothing)
    }
  })
})

/**
 * Layer of a client with these options.
 *
 * **Example** (Naming an Agamemnon in code)
 *
 * ```ts
 * import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
 * import { Layer } from "effect"
 * import { AgamemnonClient } from "telemachy"
 *
 * export const Agamemnon = AgamemnonClient.layer({ url: "http://127.0.0.1:8080", requestTimeout: "10 seconds" }).pipe(
 *   Layer.provide(NodeHttpClient.layer)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<AgamemnonClient, OptionsError, HttpClient.HttpClient> =>
  Layer.scoped(AgamemnonClient, make(options))

/**
 * Reads from the environment how a client behaves, whichever Agamemnon it talks to.
 *
 * **Example** (The settings of the environment, and an address of one's own)
 *
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { AgamemnonClient } from "telemachy"
 *
 * export const Agamemnon = Layer.unwrapEffect(
 *   Effect.map(AgamemnonClient.config, (options) => AgamemnonClient.layer({ ...options, url: "http://127.0.0.1:8080" }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category config
 */
export const config: Config.Config<Omit<Options, "url" | "apiKey">> = Config.all({
  requireTls: Settings.requireTls.config,
  requestTimeout: Settings.requestTimeout.config,
  pingTimeout: Settings.healthcheckTimeout.config,
  maxConnections: Settings.maxConnections.config,
  rateLimit: Config.all({ rps: Settings.rateLimitRps.config, burst: Settings.rateLimitBurst.config })
})

/** What the environment says of an Agamemnon, which must be named there. */
const environment: Config.Config<Options> = Config.map(
  Config.all({
    url: Config.mapOrFail(Settings.agamemnonUrl.config, Either.fromOption(() =>
      ConfigError.MissingData([Settings.agamemnonUrl.name], "no address is set"))),
    apiKey: Config.map(Settings.agamemnonApiKey.config, Option.getOrUndefined),
    behaviour: config
  }),
  ({ behaviour, ...address }) => ({ ...behaviour, ...address })
)

/**
 * Layer of a client whose options are read from a config; without one, from the variables of the command.
 *
 * **Example** (The Agamemnon that AGAMEMNON_URL names)
 *
 * ```ts
 * import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
 * import { Layer } from "effect"
 * import { AgamemnonClient } from "telemachy"
 *
 * export const Agamemnon = AgamemnonClient.layerConfig().pipe(Layer.provide(NodeHttpClient.layer))
 * ```
 *
 * **Example** (Variables of one's own)
 *
 * ```ts
 * import { Config } from "effect"
 * import { AgamemnonClient } from "telemachy"
 *
 * export const Agamemnon = AgamemnonClient.layerConfig({
 *   url: Config.string("APP_AGAMEMNON"),
 *   apiKey: Config.redacted("APP_AGAMEMNON_KEY")
 * })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options: Config.Config.Wrap<Options> = environment
): Layer.Layer<AgamemnonClient, OptionsError | ConfigError.ConfigError, HttpClient.HttpClient> =>
  Layer.scoped(AgamemnonClient, Effect.flatMap(Config.unwrap(options), make))
