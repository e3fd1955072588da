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

/** Where NATS is, and how it is spoken to. */
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

const shortestPause = Duration.millis(250)
const longestPause = Duration.seconds(5)

const invalid = (option: string, problem: string) => new InvalidOptionError({ option, problem })

const checked = Effect.fnUntraced(function*({ files = {}, requireTls = Settings.requireTls.default, token, ...options }: Options) {
  const address = yield* Either.mapLeft(NatsAddress.parse(Redacted.value(options.url)), (problem) => invalid("NATS_URL", problem))
  if ((files.NATS_TLS_CERT_FILE === undefined) !== (files.NATS_TLS_KEY_FILE === undefined)) {
    return yield* invalid("NATS_TLS_CERT_FILE", "a certificate needs its key, NATS_TLS_KEY_FILE, and the key its certificate")
  }
  if (requireTls && !address.isLoopback && !NatsConnection.asksForTls({ address, files })) {
    return yield* new TlsRequiredError({ url: address.url })
  }
  yield* NatsConnection.readFiles(files)
  return { address, files, token, timeout: Duration.decode(options.timeout ?? "2 seconds") }
})

interface Subscriber {
  readonly team: TeamId
  readonly queue: Queue.Queue<TaskFeed.TaskEvent>
  unsubscribe: () => void
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
 */
export const make = Effect.fnUntraced(function*(given: Options) {
  const options = yield* checked(given)
  const probeInterval = Duration.decode(given.probeInterval ?? "5 seconds")
  const status = yield* SubscriptionRef.make<TaskFeed.FeedStatus>(TaskFeed.Connecting())
  const subscribers = new Set<Subscriber>()
  let connection: NatsConnection.NatsConnection | undefined

  const tell = (event: TaskFeed.TaskEvent) => {
    for (const { queue } of subscribers) queue.unsafeOffer(event)
  }

  /** Changes the status, and tells every team. */
  const change = (next: TaskFeed.FeedStatus) =>
    Effect.gen(function*() {
      const before = yield* SubscriptionRef.get(status)
      if (before._tag === next._tag) return
      yield* SubscriptionRef.set(status, next)
      if (TaskFeed.isStatus("Up")(next)) tell(TaskFeed.Restored())
      else if (TaskFeed.isStatus("Up")(before)) tell(TaskFeed.Lost())
    })

  const listen = (subscriber: Subscriber) => {
    const { queue, team } = subscriber
    subscriber.unsubscribe = Option.match(Option.all([Option.fromNullable(connection), TaskFeed.subject(team)]), {
      onNone: () => () => undefined,
      onSome: ([{ subscribe }, subject]) =>
        subscribe(subject, (message) => {
          Option.map(TaskFeed.parse(team, message), (event) => queue.unsafeOffer(event))
        })
    })
  }

  /** One connection, to its end. */
  const session = Effect.gen(function*() {
    const connected = yield* NatsConnection.make(options)
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        connection = connected
        for (const subscriber of subscribers) listen(subscriber)
      }),
      () => Effect.sync(() => {
        connection = undefined
      })
    )
    const probing = connected.settle.pipe(Effect.zipRight(change(TaskFeed.Up())), Effect.zipRight(Effect.sleep(probeInterval)), Effect.forever)
    return yield* Effect.raceFirst(probing, connected.broken)
  }).pipe(
    Effect.scoped,
    // The client throws at what it can not read, as at credentials that are none.
    Effect.catchAllDefect((defect) => new NatsConnection.NatsError({ reason: `${options.address.url}: ${String(defect)}` }))
  )

  const sessions = Effect.gen(function*() {
    let pause = shortestPause
    while (true) {
      const { reason } = yield* Effect.flip(session)
      const wasUp = TaskFeed.isStatus("Up")(yield* SubscriptionRef.get(status))
      yield* Effect.logInfo(`no events: ${reason}`)
      yield* change(TaskFeed.Down({ reason }))
      pause = wasUp ? shortestPause : Duration.min(Duration.times(pause, 2), longestPause)
      yield* Effect.sleep(pause)
    }
  })

  const startLimit = Effect.gen(function*() {
    yield* Effect.sleep(startTimeout)
    const reason = `${options.address.url}: no answer within ${Duration.format(startTimeout)}`
    if (TaskFeed.isStatus("Connecting")(yield* SubscriptionRef.get(status))) yield* change(TaskFeed.Down({ reason }))
  })

  yield* sessions.pipe(Effect.annotateLogs({ module: "NatsTaskFeed" }), Effect.interruptible, Effect.forkScoped)
  yield* startLimit.pipe(Effect.interruptible, Effect.forkScoped)

  const settled = status.changes.pipe(Stream.takeUntil((now) => !TaskFeed.isStatus("Connecting")(now)), Stream.runDrain)

  return TaskFeed.TaskFeed.of({
    statuses: status.changes,
    subscribe: Effect.fnUntraced(function*(team) {
      const queue = yield* Queue.unbounded<TaskFeed.TaskEvent>()
      const subscriber: Subscriber = { team, queue, unsubscribe: () => undefined }
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          subscribers.add(subscriber)
          listen(subscriber)
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
      yield* settled
      // Whether it succeeds is for the session to say; that it was tried is enough to go on.
      if (TaskFeed.isStatus("Up")(yield* SubscriptionRef.get(status))) {
        yield* Effect.ignore(Effect.suspend(() => connection?.settle ?? Effect.void))
      }
      return queue
    })
  })
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
 * Layer of the events of the NATS server that the environment names, or of none.
 *
 * **Example** (The NATS server that NATS_URL names, if any)
 *
 * ```ts
 * import { Layer } from "effect"
 * import { NatsTaskFeed, WorkflowExecutor } from "telemachy"
 *
 * export const Executor = WorkflowExecutor.layerConfig.pipe(Layer.provide(NatsTaskFeed.layerConfig))
 * ```
 */
export const layerConfig: Layer.Layer<
  TaskFeed.TaskFeed,
  InvalidOptionError | TlsRequiredError | ConfigError.ConfigError,
  FileSystem.FileSystem
> = Layer.unwrapEffect(Effect.map(
  config,
  Option.match({ onNone: () => Layer.succeed(TaskFeed.TaskFeed, TaskFeed.none), onSome: layer })
))
