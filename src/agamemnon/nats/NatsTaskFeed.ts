/**
 * Events from NATS: what Agamemnon publishes about tasks, and what workers do.
 *
 * NATS is an accelerator, never a dependency: it is connected to, and connected
 * to again, beside whatever else happens, and no failure of it is anyone's.
 */
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as NatsAddress from "../../settings/NatsAddress.ts"
import * as Settings from "../../settings/Settings.ts"
import { InvalidOptionError, TlsRequiredError } from "../AgamemnonError.ts"
import type { TeamId } from "../AgamemnonModel.ts"
import * as TaskFeed from "../TaskFeed.ts"
import * as NatsConnection from "./NatsConnection.ts"

/**
 * Where NATS is, and how it is spoken to.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Address of NATS, `nats://` or `tls://`. It can hold `user:password@` or `token@`. */
  readonly url: Redacted.Redacted
  /** The token that it asks for. */
  readonly token?: Redacted.Redacted | undefined
  /** Paths of credentials and of what TLS takes. A certificate needs its key. */
  readonly files?: NatsConnection.Files | undefined
  /** Refuses an address of another host where TLS is not asked for. Defaults to true. */
  readonly requireTls?: boolean | undefined
  /** How long NATS may take to answer, whatever it is asked. Defaults to 2 seconds. */
  readonly timeout?: Duration.DurationInput | undefined
  /** How often it is asked whether it is still there. Defaults to 5 seconds. */
  readonly probeInterval?: Duration.DurationInput | undefined
}

/** How long a team waits for the first connection before it goes on without. */
const startTimeout = Duration.seconds(1)

const invalid = (option: string, problem: string) => new InvalidOptionError({ option, problem })

/**
 * Checks options, and adds the defaults.
 *
 * @internal
 */
export const check = Effect.fnUntraced(function*({ files = {}, requireTls = Settings.requireTls.default, token, ...options }: Options) {
  const address = yield* Either.mapLeft(NatsAddress.parse(Redacted.value(options.url)), (problem) => invalid("NATS_URL", problem))
  if ((files.NATS_TLS_CERT_FILE === undefined) !== (files.NATS_TLS_KEY_FILE === undefined)) {
    return yield* invalid("NATS_TLS_CERT_FILE", "a certificate needs its key, NATS_TLS_KEY_FILE, and the key its certificate")
  }
  if (requireTls && !address.isLoopback && !NatsConnection.asksForTls({ address, files })) {
    return yield* new TlsRequiredError({ url: address.url })
  }
  yield* NatsConnection.readFiles(files)
  return {
    address,
    files,
    token,
    timeout: Duration.decode(options.timeout ?? "2 seconds"),
    probeInterval: Duration.decode(options.probeInterval ?? "5 seconds")
  }
})

/** A team that wants the events of its tasks. */
interface Subscriber {
  readonly team: TeamId
  readonly queue: Queue.Queue<TaskFeed.TaskEvent>
  unsubscribe: () => void
}

/** The feed of one NATS, between two things that happen to its connection. */
interface State {
  readonly options: NatsConnection.Options
  readonly probeInterval: Duration.Duration
  readonly status: SubscriptionRef.SubscriptionRef<TaskFeed.FeedStatus>
  readonly subscribers: Set<Subscriber>
  /** Nothing while there is none. */
  connection: NatsConnection.NatsConnection | undefined
}

/**
 * Connects to NATS beside everything else, for as long as the scope is open. Fails only when an option can not be used.
 *
 * **Example** (A feed in a scope)
 *
 * ```ts
 * import { Effect, Redacted } from "effect"
 * import { NatsTaskFeed, TaskFeed } from "telemachy"
 *
 * export const withFeed = <A, E, R>(work: Effect.Effect<A, E, R>) =>
 *   Effect.flatMap(NatsTaskFeed.make({ url: Redacted.make("nats://127.0.0.1:4222") }), (feed) =>
 *     Effect.provideService(work, TaskFeed.TaskFeed, feed)).pipe(Effect.scoped)
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function*(given: Options) {
  const { probeInterval, ...options } = yield* check(given)
  const state: State = {
    options,
    probeInterval,
    status: yield* SubscriptionRef.make<TaskFeed.FeedStatus>(TaskFeed.Connecting()),
    subscribers: new Set(),
    connection: undefined
  }
  yield* connectRepeatedly(state).pipe(
    Effect.annotateLogs({ module: "NatsTaskFeed" }),
    Effect.interruptible,
    Effect.forkScoped
  )
  yield* limitStart(state).pipe(Effect.interruptible, Effect.forkScoped)
  return TaskFeed.TaskFeed.of({
    statuses: state.status.changes,
    subscribe: (team) => subscribe(state, team)
  })
})

const isUp = TaskFeed.isStatus("Up")

const isConnecting = TaskFeed.isStatus("Connecting")

/** Changes the status, and tells every team. */
const setStatus = Effect.fnUntraced(function*({ status, subscribers }: State, next: TaskFeed.FeedStatus) {
  const before = yield* SubscriptionRef.get(status)
  if (before._tag === next._tag) return
  yield* SubscriptionRef.set(status, next)
  if (!isUp(next) && !isUp(before)) return
  for (const { queue } of subscribers) queue.unsafeOffer(isUp(next) ? TaskFeed.Restored() : TaskFeed.Lost())
})

/** Subscribes a team on the connection, if there is one. */
const listen = ({ connection }: State, subscriber: Subscriber) => {
  const { queue, team } = subscriber
  subscriber.unsubscribe = Option.match(Option.all([Option.fromNullable(connection), TaskFeed.subject(team)]), {
    onNone: () => () => undefined,
    onSome: ([connected, subject]) =>
      connected.subscribe(subject, (message) => {
        Option.map(TaskFeed.parse(team, message), (event) => queue.unsafeOffer(event))
      })
  })
}

/** One connection, to its end. */
const session = (state: State) =>
  NatsConnection.session(state.options, Effect.fnUntraced(function*(connected) {
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        state.connection = connected
        for (const subscriber of state.subscribers) listen(state, subscriber)
      }),
      () => Effect.sync(() => {
        state.connection = undefined
      })
    )
    return yield* connected.settle.pipe(
      Effect.zipRight(setStatus(state, TaskFeed.Up())),
      Effect.zipRight(Effect.sleep(state.probeInterval)),
      Effect.forever
    )
  }))

/** One connection after the other, with pauses that grow while none is made. */
const connectRepeatedly = Effect.fnUntraced(function*(state: State) {
  let pause = NatsConnection.firstPause
  while (true) {
    const { reason } = yield* Effect.flip(session(state))
    const wasUp = isUp(yield* SubscriptionRef.get(state.status))
    yield* Effect.logInfo(`no events: ${reason}`)
    yield* setStatus(state, TaskFeed.Down({ reason }))
    pause = NatsConnection.nextPause(pause, wasUp)
    yield* Effect.sleep(pause)
  }
})

/** Says that no events come when the first connection takes too long. */
const limitStart = Effect.fnUntraced(function*(state: State) {
  yield* Effect.sleep(startTimeout)
  if (!isConnecting(yield* SubscriptionRef.get(state.status))) return
  const reason = `${state.options.address.url}: no answer within ${Duration.format(startTimeout)}`
  yield* setStatus(state, TaskFeed.Down({ reason }))
})

/** Subscribes a team until the scope closes. */
const subscribe = Effect.fnUntraced(function*(state: State, team: TeamId) {
  const { status, subscribers } = state
  const queue = yield* Queue.unbounded<TaskFeed.TaskEvent>()
  const subscriber: Subscriber = { team, queue, unsubscribe: () => undefined }
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      subscribers.add(subscriber)
      listen(state, subscriber)
    }),
    () =>
      Effect.zipRight(
        Effect.sync(() => {
          subscribers.delete(subscriber)
          subscriber.unsubscribe()
        }),
        Queue.shutdown(queue)
      )
  )
  yield* status.changes.pipe(Stream.takeUntil((now) => !isConnecting(now)), Stream.runDrain)
  // Whether it succeeds is for the session to say; that it was tried is enough to go on.
  if (isUp(yield* SubscriptionRef.get(status))) {
    yield* Effect.ignore(Effect.suspend(() => state.connection?.settle ?? Effect.void))
  }
  return queue
})

/**
 * Layer of the events of a NATS server.
 *
 * **Example** (An executor that reacts to events)
 *
 * ```ts
 * import { Layer, Redacted } from "effect"
 * import { NatsTaskFeed, WorkflowExecutor } from "telemachy"
 *
 * export const Executor = WorkflowExecutor.layer().pipe(
 *   Layer.provide(NatsTaskFeed.layer({ url: Redacted.make("tls://nats.example"), probeInterval: "10 seconds" }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options
): Layer.Layer<TaskFeed.TaskFeed, InvalidOptionError | TlsRequiredError, FileSystem.FileSystem> =>
  Layer.scoped(TaskFeed.TaskFeed, make(options))

/**
 * Reads from the environment which NATS there is, if any.
 *
 * **Example** (Checking the settings at the start)
 *
 * ```ts
 * import { Effect, Option } from "effect"
 * import { NatsTaskFeed } from "telemachy"
 *
 * export const isConfigured = Effect.map(NatsTaskFeed.config, Option.isSome)
 * ```
 *
 * @since 0.1.0
 * @category config
 */
export const config: Config.Config<Option.Option<Options>> = Config.all({
  url: Settings.natsUrl.config,
  token: Settings.natsToken.config,
  requireTls: Settings.requireTls.config,
  files: Config.map(
    Config.all({
      NATS_CREDS_FILE: Settings.natsCredsFile.config,
      NATS_TLS_CA_FILE: Settings.natsTlsCaFile.config,
      NATS_TLS_CERT_FILE: Settings.natsTlsCertFile.config,
      NATS_TLS_KEY_FILE: Settings.natsTlsKeyFile.config
    }),
    NatsConnection.given
  )
}).pipe(Config.map(({ token, url, ...rest }) =>
  Option.map(url, (value) => ({ ...rest, url: value, token: Option.getOrUndefined(token) }))))

/**
 * Layer of a feed whose options are read from a config; without one, from the variables of the command, and there is no
 * feed when those name no NATS server.
 *
 * **Example** (The NATS server that NATS_URL names, if any)
 *
 * ```ts
 * import { Layer } from "effect"
 * import { NatsTaskFeed, WorkflowExecutor } from "telemachy"
 *
 * export const Executor = WorkflowExecutor.layerConfig().pipe(Layer.provide(NatsTaskFeed.layerConfig()))
 * ```
 *
 * **Example** (Variables of one's own)
 *
 * ```ts
 * import { Config } from "effect"
 * import { NatsTaskFeed } from "telemachy"
 *
 * export const Feed = NatsTaskFeed.layerConfig({ url: Config.redacted("APP_NATS"), token: Config.redacted("APP_NATS_TOKEN") })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options?: Config.Config.Wrap<Options>
): Layer.Layer<
  TaskFeed.TaskFeed,
  InvalidOptionError | TlsRequiredError | ConfigError.ConfigError,
  FileSystem.FileSystem
> =>
  Layer.scoped(
    TaskFeed.TaskFeed,
    options === undefined
      ? Effect.flatMap(config, Option.match({ onNone: () => Effect.succeed(TaskFeed.none), onSome: make }))
      : Effect.flatMap(Config.unwrap(options), make)
  )
