/**
 * An Agamemnon in this process: a real HTTP server on a free loopback port with
 * a random key, whose agents are local workers.
 *
 * It answers as Agamemnon 0.1.0 does, and unlike it, it works: a task that is
 * assigned to an agent that is online is run as a process of this machine. All
 * that it knows and all that it has started ends with its scope.
 */
import process from "node:process"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import type * as HttpApp from "@effect/platform/HttpApp"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { identity } from "effect/Function"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { InvalidOptionError, TlsRequiredError } from "../agamemnon/AgamemnonError.ts"
import type { AgentEnvironments } from "../agamemnon/AgentEnvironments.ts"
import type * as NatsTaskFeed from "../agamemnon/nats/NatsTaskFeed.ts"
import type { TaskActivity } from "../agamemnon/TaskActivity.ts"
import * as TaskContexts from "../agamemnon/TaskContexts.ts"
import type * as TaskFeed from "../agamemnon/TaskFeed.ts"
import * as ServerProduct from "../agamemnon/ServerProduct.ts"
import * as TaskLog from "../agamemnon/TaskLog.ts"
import type { Workspaces } from "../agamemnon/Workspaces.ts"
import * as AgamemnonAddress from "../settings/AgamemnonAddress.ts"
import * as Settings from "../settings/Settings.ts"
import * as AgamemnonServer from "./AgamemnonServer.ts"
import * as AgamemnonState from "./AgamemnonState.ts"
import * as Authentication from "./Authentication.ts"
import * as Faults from "./Faults.ts"
import * as Listener from "./Listener.ts"
import * as LocalSlots from "./LocalSlots.ts"
import * as LocalTaskFeed from "./LocalTaskFeed.ts"
import * as LogFiles from "./log/LogFiles.ts"
import * as NatsPublisher from "./NatsPublisher.ts"
import * as ProcessGroups from "./ProcessGroups.ts"
import type * as Program from "./Program.ts"
import * as ProgramEnvironments from "./ProgramEnvironments.ts"
import * as RateLimit from "./RateLimit.ts"
import * as RequestLog from "./RequestLog.ts"
import * as WorkDirectories from "./WorkDirectories.ts"
import * as Worker from "./Worker.ts"
import * as LocalWorkspaces from "./workspace/LocalWorkspaces.ts"

/**
 * What can be chosen of the logs of programs.
 *
 * @since 0.1.0
 * @category models
 */
export interface LogOptions {
  /** Directory of all logs, with one for each run in it. */
  readonly directory: string
  /** Bytes of a task's log that are kept; the middle of a longer one is cut. Defaults to 50 million. */
  readonly limit?: number | undefined
  /** How long the logs of a run are kept. Defaults to 30 days. */
  readonly retention?: Duration.DurationInput | undefined
}

/**
 * What can be chosen.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options extends Program.Options {
  /** Address to listen on. Defaults to 127.0.0.1. */
  readonly host?: string | undefined
  /** Port to listen on. Defaults to 0, which takes a free one. */
  readonly port?: number | undefined
  /** Allows an address that other machines can reach: whoever has the key can then start programs here. */
  readonly allowRemote?: boolean | undefined
  /** The key that it asks for. Defaults to a random one. */
  readonly apiKey?: Redacted.Redacted | undefined
  /** How many requests it answers in a second. Defaults to no limit. */
  readonly rateLimit?: RateLimit.Options | undefined
  /** How long processes have to end when they are asked to. Defaults to 5 seconds. */
  readonly grace?: Duration.DurationInput | undefined
  /**
   * How many programs are at work at once, over all processes that have the same scope; on other systems than Linux, of this
   * one. Tasks wait for that. Defaults to as many as there are.
   */
  readonly slots?: { readonly limit: number; readonly scope: string } | undefined
  /** Whether agents work on their tasks. Defaults to true. */
  readonly workers?: boolean | undefined
  /** Where all that programs write is kept, and how much of it. Defaults to nowhere: only the end is kept, as the result. */
  readonly logs?: LogOptions | undefined
  /** Directory in which workspaces are made, with one for each run in it. Defaults to `~/.telemachy/workspaces`. */
  readonly workspaces?: string | undefined
  /** NATS server that it publishes its events on, and hears workers of. Defaults to none. */
  readonly nats?: NatsTaskFeed.Options | undefined
}

/**
 * The embedded Agamemnon would be reachable from other machines.
 *
 * **Example** (Listening where other machines can reach it, on purpose)
 *
 * ```ts
 * import { EmbeddedAgamemnon } from "telemachy"
 *
 * export const server = EmbeddedAgamemnon.make({ host: "0.0.0.0", allowRemote: true })
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class RemoteAddressError extends Schema.TaggedError<RemoteAddressError>()("RemoteAddressError", {
  host: Schema.String
}) {
  override get message(): string {
    return `${this.host} can be reached from other machines, where whoever has the key could start programs on this ` +
      "one: listen on 127.0.0.1, or allow it explicitly (--allow-remote)"
  }
}

/**
 * Why an embedded Agamemnon can not start: its address, or an option of NATS. A NATS that is not there is no reason.
 *
 * @since 0.1.0
 * @category errors
 */
export type StartError = Listener.AddressUnavailable | RemoteAddressError | InvalidOptionError | TlsRequiredError

/**
 * The embedded Agamemnon, and what can be done to it.
 *
 * **Example** (A client of it)
 *
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { AgamemnonClient, EmbeddedAgamemnon } from "telemachy"
 *
 * export const Client = Layer.unwrapEffect(Effect.map(EmbeddedAgamemnon.EmbeddedAgamemnon, AgamemnonClient.layer))
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class EmbeddedAgamemnon
  extends Context.Tag("telemachy/embedded/EmbeddedAgamemnon")<EmbeddedAgamemnon, {
    /** Address that it can be reached at. */
    readonly url: string
    /** The key that it asks for. */
    readonly apiKey: Redacted.Redacted
    /** That it ends with this process, for a client that is given this as its options. */
    readonly embedded: true
    /** Its changes of tasks, told in this process, for a client that is given this as its options. */
    readonly feed: Context.Tag.Service<TaskFeed.TaskFeed>
    /** Takes what its programs can read of the run of their tasks, for a client that is given this as its options. */
    readonly contexts: TaskContexts.TaskContexts
    /** Takes the environments of agents whose programs it runs, in this process, for a client that is given this as its options. */
    readonly environments: AgentEnvironments | undefined
    /** Makes and removes workspaces for its programs, for a client that is given this as its options. */
    readonly workspaces: Workspaces | undefined
    /** Looks for changes where its programs work, for a client that is given this as its options. */
    readonly activity: TaskActivity | undefined
    /** Replaces the faults in force; none at all heals. */
    readonly setFaults: (faults: ReadonlyArray<Faults.Fault>) => Effect.Effect<void>
    /** Forgets everything, as a restart does. */
    readonly forget: Effect.Effect<void>
    /** How many requests it has received. */
    readonly requests: Effect.Effect<number>
    /** The latest requests, at most a thousand. */
    readonly requestLog: Effect.Effect<ReadonlyArray<RequestLog.Entry>>
    /** The processes that it has started and that have not ended, each the leader of a group. */
    readonly processes: Effect.Effect<ReadonlyArray<number>>
  }>()
{}

const addressOf = (host: string) => `http://${host.includes(":") ? `[${host}]` : host}`

const isLoopback = (host: string): boolean =>
  Either.getOrUndefined(AgamemnonAddress.parse(addressOf(host)))?.isLoopback === true

/**
 * Starts an embedded Agamemnon.
 *
 * **Example** (Breaking it in a test)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { EmbeddedAgamemnon, Faults } from "telemachy"
 *
 * export const outage = Effect.gen(function*() {
 *   const { setFaults, url } = yield* EmbeddedAgamemnon.make({ workers: false })
 *   yield* setFaults([Faults.Refuse()])
 *   return url
 * }).pipe(Effect.scoped)
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fn("EmbeddedAgamemnon.make")(
  function*(options: Options = {}): Effect.fn.Return<
    Context.Tag.Service<EmbeddedAgamemnon>,
    StartError,
    Scope.Scope
  > {
    const { host = "127.0.0.1", port = 0 } = options
    if (options.allowRemote !== true && !isLoopback(host)) return yield* new RemoteAddressError({ host })

    const context = yield* Layer.build(NodeHttpServer.layerContext)
    const logs = options.logs === undefined ? undefined : {
      directory: options.logs.directory,
      limit: options.logs.limit ?? Settings.taskLogLimit.default,
      retention: Duration.decode(options.logs.retention ?? Settings.logRetention.default)
    }
    const state = yield* AgamemnonState.make(
      logs === undefined ? undefined : (task, agent) => ({ [TaskLog.field]: LogFiles.pathOf(logs.directory, task, agent) })
    )
    if (logs !== undefined) {
      yield* Effect.forkScoped(Effect.provide(LogFiles.removeOlder(logs.directory, logs.retention), context))
    }
    if (options.nats !== undefined) {
      yield* NatsPublisher.make(options.nats).pipe(
        Effect.provideService(AgamemnonState.AgamemnonState, state),
        Effect.provide(context)
      )
    }
    const contexts = TaskContexts.make()
    const { feed, interrupt } = yield* LocalTaskFeed.make(state)
    const groups = yield* ProcessGroups.make(Duration.decode(options.grace ?? "5 seconds"))
    const environments = ProgramEnvironments.make()
    const workspaces = yield* Effect.provide(LocalWorkspaces.make(options.workspaces), context)
    const slots = options.slots === undefined ? LocalSlots.unlimited : LocalSlots.make(options.slots, process.platform)
    const directories = WorkDirectories.make()
    if (options.workers !== false) {
      const { adapters, prices, programs } = options
      yield* Worker.make({ programs, adapters, prices, logs, contexts, environments, slots, workspaces, directories }).pipe(
        Effect.provideService(AgamemnonState.AgamemnonState, state),
        Effect.provideService(ProcessGroups.ProcessGroups, groups),
        Effect.provide(context)
      )
    }

    const apiKey = options.apiKey ?? (yield* Authentication.random)
    const requestLog = yield* RequestLog.make
    const faults = yield* Faults.make
    const limited = options.rateLimit === undefined
      ? identity<HttpApp.Default>
      : yield* RateLimit.limited(options.rateLimit)
    const server = yield* AgamemnonServer.make.pipe(
      Effect.provideService(AgamemnonState.AgamemnonState, state),
      Effect.provide(context)
    )
    const app = server.pipe(limited, Authentication.required(apiKey), faults.middleware, requestLog.middleware)
    const onRequest = yield* NodeHttpServer.makeHandler(app).pipe(
      Effect.withTracerEnabled(false),
      Effect.interruptible
    )
    const listener = yield* Listener.make({ host, port, onRequest, product: ServerProduct.embedded })

    return EmbeddedAgamemnon.of({
      url: `${addressOf(host)}:${listener.port}`,
      apiKey,
      embedded: true,
      feed,
      contexts,
      environments: options.workers === false ? undefined : environments,
      workspaces: options.workers === false ? undefined : workspaces,
      activity: options.workers === false ? undefined : directories,
      setFaults: (next) =>
        Effect.zipRight(
          faults.set(next),
          next.some(({ _tag }) => _tag === "Refuse") ? listener.refuse : listener.accept
        ),
      forget: Effect.zipRight(state.forget, interrupt),
      requests: requestLog.count,
      requestLog: requestLog.entries,
      processes: groups.alive
    })
  }
)

/**
 * Layer of an embedded Agamemnon.
 *
 * **Example** (Programs by other names)
 *
 * ```ts
 * import { EmbeddedAgamemnon } from "telemachy"
 *
 * export const Server = EmbeddedAgamemnon.layer({ programs: { pytest: "python -m pytest -x" }, grace: "10 seconds" })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options = {}
): Layer.Layer<EmbeddedAgamemnon, StartError> =>
  Layer.scoped(EmbeddedAgamemnon, make(options))
