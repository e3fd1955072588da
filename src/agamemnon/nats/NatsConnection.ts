/** One connection to a NATS server, for as long as it holds. */
import * as FileSystem from "@effect/platform/FileSystem"
import type { ConnectionOptions, NatsConnection as Client, TlsOptions } from "@nats-io/transport-node"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import * as Race from "../../liveness/Race.ts"
import * as HomeDirectory from "../../settings/HomeDirectory.ts"
import type { NatsAddress } from "../../settings/NatsAddress.ts"
import { InvalidOptionError } from "../AgamemnonError.ts"
import * as OpenedSockets from "./OpenedSockets.ts"

/** Files of a connection, by the names of their settings. */
export interface Files {
  readonly NATS_CREDS_FILE?: string | undefined
  readonly NATS_TLS_CA_FILE?: string | undefined
  readonly NATS_TLS_CERT_FILE?: string | undefined
  readonly NATS_TLS_KEY_FILE?: string | undefined
}

/** What it takes to connect. */
export interface Options {
  readonly address: NatsAddress
  readonly token: Redacted.Redacted | undefined
  readonly files: Files
  /** How long NATS may take to answer. */
  readonly timeout: Duration.Duration
}

/** Why there is no connection, in words that hold no secret. */
export class NatsError extends Data.TaggedError("NatsError")<{ readonly reason: string }> {
  override get message(): string {
    return this.reason
  }
}

/** Whether a connection is refused unless it is encrypted. */
export const asksForTls = ({ address, files }: Pick<Options, "address" | "files">): boolean =>
  address.isTls || [files.NATS_TLS_CA_FILE, files.NATS_TLS_CERT_FILE, files.NATS_TLS_KEY_FILE].some((file) => file !== undefined)

const read = Effect.fn("NatsConnection.read")(function*(name: keyof Files, path: string) {
  const files = yield* FileSystem.FileSystem
  return yield* Effect.mapError(
    Effect.flatMap(HomeDirectory.expand(path), (expanded) => files.readFileString(expanded)),
    () => new InvalidOptionError({ option: name, problem: `expected a file that can be read, found ${JSON.stringify(path)}` })
  )
})

/** Reads the files, each time anew: credentials may be renewed. */
export const readFiles = (files: Files) => {
  const each = (name: keyof Files) => {
    const path = files[name]
    return path === undefined ? Effect.succeed(undefined) : read(name, path)
  }
  return Effect.all({
    creds: each("NATS_CREDS_FILE"),
    ca: each("NATS_TLS_CA_FILE"),
    cert: each("NATS_TLS_CERT_FILE"),
    key: each("NATS_TLS_KEY_FILE")
  })
}

const defined = <A>(key: string, value: A | undefined) => (value === undefined ? {} : { [key]: value })

const tlsOf = (
  { address, files }: Options,
  { ca, cert, key }: Effect.Effect.Success<ReturnType<typeof readFiles>>
): { readonly tls?: TlsOptions } => {
  if (!asksForTls({ address, files })) return {}
  // The client names no host when it is an address, and Node would then look for localhost in the certificate.
  return { tls: { ...defined("host", address.hostname), ...defined("ca", ca), ...defined("cert", cert), ...defined("key", key) } }
}

const reasonOf = ({ address }: Pick<Options, "address">, error: unknown): NatsError => {
  const words = error instanceof Error ? error.message || error.name : "the connection was closed"
  return new NatsError({ reason: `${address.url}: ${words.toLowerCase() === "timeout" ? "no answer" : words}` })
}

/** Connects. The connection does not mend itself: when it breaks, it is over. */
const connect = Effect.fnUntraced(function*(options: Options) {
  const { address, timeout } = options
  // Only here: what needs no events does not pay for their client.
  const nats = yield* Effect.promise(() => import("./NatsClient.ts"))
  const files = yield* Effect.mapError(readFiles(options.files), (error) => new NatsError({ reason: error.message }))
  const token = options.token ?? address.token
  const settings: ConnectionOptions = {
    servers: address.server,
    name: "telemachy",
    timeout: Duration.toMillis(timeout),
    reconnect: false,
    ignoreClusterUpdates: true,
    ...tlsOf(options, files),
    ...(token === undefined ? {} : { token: Redacted.value(token) }),
    ...(address.user === undefined ? {} : { user: address.user }),
    ...(address.password === undefined ? {} : { pass: Redacted.value(address.password) }),
    ...(files.creds === undefined ? {} : { authenticator: nats.credsAuthenticator(new TextEncoder().encode(files.creds)) })
  }
  return yield* Effect.tryPromise({
    // A connection that comes when nobody waits for it any longer is closed again.
    try: (signal) =>
      OpenedSockets.releasing(signal, () => nats.connect(settings)).then((client) => {
        if (signal.aborted) void close(client)
        return client
      }),
    catch: (error) => reasonOf(options, error)
  })
})

const close = (client: Client): Promise<void> => client.close().catch(() => undefined)

/** What a server takes unless it says otherwise, in bytes. */
const defaultMaxPayload = 1024 * 1024

/** A connection, with as much of the client as is used. */
export interface NatsConnection {
  /** Subscribes. Refusals end the connection. */
  readonly subscribe: (subject: string, hear: (message: { readonly subject: string; readonly payload: string }) => void) => () => void
  /** Publishes, unless the connection is over. The subject must be one, and the payload not too large. */
  readonly publish: (subject: string, payload: string) => void
  /** How many bytes a payload can have. */
  readonly maxPayload: number
  /** Waits for the next problem that does not end the connection, as a message that was refused. */
  readonly problem: Effect.Effect<string>
  /** Succeeds when NATS has dealt with all that it was sent before. */
  readonly settle: Effect.Effect<void, NatsError>
  /** Fails when the connection breaks. */
  readonly broken: Effect.Effect<never, NatsError>
}

/** How many problems wait until somebody asks for them. */
const maxProblems = 10

const collectProblems = async (client: Client, note: (error: Error) => void) => {
  for await (const status of client.status()) if (status.type === "error") note(status.error)
}

/** Makes a connection, which is closed with the scope. */
export const make = Effect.fnUntraced(function*(options: Options) {
  const client = yield* Effect.uninterruptibleMask((restore) =>
    Effect.tap(restore(connect(options)), (client) => Effect.addFinalizer(() => Effect.promise(() => close(client))))
  )
  const refused = yield* Deferred.make<never, NatsError>()
  const problems = yield* Queue.sliding<string>(maxProblems)
  // To the end of the connection, of which whoever uses it hears otherwise.
  void collectProblems(client, (error) => problems.unsafeOffer(reasonOf(options, error).reason)).catch(() => undefined)
  const noAnswer = new NatsError({ reason: `${options.address.url}: no answer within ${Duration.format(options.timeout)}` })
  return {
    subscribe: (subject, hear) => {
      if (client.isClosed()) return () => undefined
      const subscription = client.subscribe(subject, {
        callback: (error, message) => {
          if (error === null) hear({ subject: message.subject, payload: message.string() })
          else Deferred.unsafeDone(refused, reasonOf(options, error))
        }
      })
      return () => {
        if (!client.isClosed()) subscription.unsubscribe()
      }
    },
    publish: (subject, payload) => {
      if (!client.isClosed()) client.publish(subject, payload)
    },
    maxPayload: client.info?.max_payload ?? defaultMaxPayload,
    problem: Queue.take(problems),
    settle: Effect.tryPromise({ try: () => client.flush(), catch: (error) => reasonOf(options, error) }).pipe(
      Effect.timeoutFail({ duration: options.timeout, onTimeout: () => noAnswer }),
      Effect.zipRight(Effect.flatMap(Deferred.poll(refused), Option.getOrElse(() => Effect.void)))
    ),
    broken: Race.first([
      Deferred.await(refused),
      Effect.flatMap(Effect.promise(() => client.closed()), (error) => reasonOf(options, error))
    ])
  } satisfies NatsConnection
})

/** Uses one connection, to its end. */
export const session = <R>(
  options: Options,
  use: (connection: NatsConnection) => Effect.Effect<never, NatsError, R>
) =>
  Effect.flatMap(make(options), (connected) => Race.unless(connected.broken)(use(connected))).pipe(
    Effect.scoped,
    // The client throws at what it can not read, as at credentials that are none.
    Effect.catchAllDefect((defect) => new NatsError({ reason: `${options.address.url}: ${String(defect)}` }))
  )

/** How long to wait before the second connection. */
export const firstPause = Duration.millis(250)

const longestPause = Duration.seconds(5)

/** How long to wait before the next connection: longer and longer while none is made. */
export const nextPause = (pause: Duration.Duration, wasUp: boolean): Duration.Duration =>
  wasUp ? firstPause : Duration.min(Duration.times(pause, 2), longestPause)

/** Drops what is not set. */
export const given = (files: Readonly<Record<keyof Files, Option.Option<string>>>): Files => ({
  NATS_CREDS_FILE: Option.getOrUndefined(files.NATS_CREDS_FILE),
  NATS_TLS_CA_FILE: Option.getOrUndefined(files.NATS_TLS_CA_FILE),
  NATS_TLS_CERT_FILE: Option.getOrUndefined(files.NATS_TLS_CERT_FILE),
  NATS_TLS_KEY_FILE: Option.getOrUndefined(files.NATS_TLS_KEY_FILE)
})
